"""What `modelwatch list` shows: rows of strings and numbers, one dictionary per line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from generator.definitions import Definitions
from generator.rule_files import holds
from generator.series import predict
from modelwatch.board import Board
from modelwatch.inventory import Inventory
from modelwatch.rules import Alert

Rows = list[dict[str, Any]]


def models(inventory: Inventory, definitions: Definitions) -> Rows:
    """Models with their owners, sources and promises."""
    engines = definitions.engines_of(inventory)
    return [
        {
            "model": model.name,
            "environment": model.environment,
            "team": model.team,
            "tier": model.tier,
            "engines": ", ".join(
                dict.fromkeys(engines[source.engine].title for source in model.sources)
            ),
            "objectives": ", ".join(f"{slo.kind} {slo.words}" for slo in model.slos),
        }
        for model in inventory.models
    ]


def alerts(inventory: Inventory, definitions: Definitions) -> Rows:
    """Alerts by topic; those without a limit in this inventory say so."""
    return [
        {
            "alert": alert.name,
            "topic": topic,
            "signal": alert.signal,
            "urgency": str(alert.urgency),
            "confidence": alert.confidence,
            "hold": _hold(alert, inventory),
            "summary": alert.summary,
        }
        for topic, topic_alerts in definitions.alerts.items()
        for alert in topic_alerts
    ]


def _hold(alert: Alert, inventory: Inventory) -> str:
    return ", ".join(holds(alert, inventory)) or "not in use: no limit is set"


def series(inventory: Inventory, definitions: Definitions) -> Rows:
    """Series that modelwatch will add at the most, per model, for the rest, and in all."""
    prediction = predict(inventory, definitions)
    return [
        *(
            {"model": model, "environment": environment, "series": count}
            for (model, environment), count in prediction.models.items()
        ),
        {"model": "(fleet)", "environment": "", "series": prediction.fleet},
        {"model": "(total)", "environment": "", "series": prediction.total},
    ]


def boards(_inventory: Inventory, definitions: Definitions) -> Rows:
    """Boards and the question that each answers."""
    return [
        {
            "uid": board.uid,
            "title": board.title,
            "panels": _panels(board),
            "question": board.question,
        }
        for board in definitions.boards
    ]


def _panels(board: Board) -> int:
    return sum(len(row.panels) for row in board.rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Columns aligned to their widest cell; numbers to the right."""
    if not rows:
        return ""
    names = list(rows[0])
    cells = [[str(row[name]) for name in names] for row in rows]
    widths = [
        max(len(name), *(len(line[column]) for line in cells)) for column, name in enumerate(names)
    ]
    numeric = [isinstance(rows[0][name], int) for name in names]
    lines = [names, *cells]
    return "\n".join(_line(line, widths, numeric) for line in lines)


def _line(cells: Iterable[str], widths: Iterable[int], numeric: Iterable[bool]) -> str:
    return "  ".join(
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ).rstrip()
