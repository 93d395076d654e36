"""Rules that Grafana evaluates itself, in the form of its provisioning files.

An alert of Prometheus fires for each sample that its expression yields, whatever the value. So
each rule asks whether there is a number, and fires where there is; no sample is health.
Source: Grafana's own import of Prometheus rules does the same.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from generator.board_layout import layout
from generator.built_files import ABOUT_STACK, Group
from generator.provisioning import PROMETHEUS, literal
from modelwatch import promql
from modelwatch.board import Board
from modelwatch.rules import Alert
from modelwatch.templates import unasked

FOLDER = "modelwatch alerts"
"""Not that of the boards, which has a uid of its own; two folders of one title are refused."""

EVERY_S = 10
"""Grafana evaluates a group at multiples of this."""

BACK_S = 600
"""An instant query is told a range all the same."""

_UID = 40
_QUERY, _THERE, _FIRING = "query", "there", "firing"
_EXPRESSIONS = "__expr__"


def managed(path: str, groups: Iterable[Group], panels: Mapping[str, tuple[str, int]]) -> Any:
    """The provisioning document of one rule file."""
    about_stack = path == ABOUT_STACK
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group["name"],
                "folder": FOLDER,
                "interval": group["interval"],
                "rules": [
                    _alert(rule, panels, about_stack=about_stack)
                    if "alert" in rule
                    else _record(rule)
                    for rule in group["rules"]
                ],
            }
            for group in groups
        ],
    }


def uneven(groups: Iterable[Group]) -> list[str]:
    """Intervals that Grafana cannot keep."""
    found = {group["interval"] for group in groups}
    return sorted(one for one in found if promql.duration_seconds(one) % EVERY_S)


def panels_of(alerts: Iterable[Alert], boards: Sequence[Board]) -> dict[str, tuple[str, int]]:
    """For each alert the board, and of it the panel that shows most of what the alert reads."""
    by_uid = {board.uid: board for board in boards}
    return {
        alert.name: (alert.board, _panel(alert, by_uid[alert.board]))
        for alert in alerts
        if alert.board in by_uid
    }


def _panel(alert: Alert, board: Board) -> int:
    read = _names(alert.condition)
    shown = [
        (len(read & {name for line in panel.lines for name in _names(line.query)}), place.id)
        for row in layout(board)
        for panel, place in row.panels
    ]
    return max(shown, key=lambda found: found[0])[1]


def _names(expr: str) -> set[str]:
    """Names of recorded series in an expression, which have colons."""
    return set(re.findall(r"\b\w+:[\w:]+", expr))


def _alert(
    rule: Mapping[str, Any], panels: Mapping[str, tuple[str, int]], *, about_stack: bool
) -> dict[str, Any]:
    """When the data source does not answer, what watches the stack says so; the rest waits."""
    times = {"for": rule.get("for", "0s"), "keepFiringFor": rule.get("keep_firing_for")}
    board, panel = panels.get(rule["alert"], ("", 0))
    shown = {"dashboardUid": board, "panelId": panel} if board else {}
    return {
        "uid": uid(rule),
        "title": rule["alert"],
        "condition": _FIRING,
        "data": [_query(rule["expr"]), *_conditions()],
        **shown,
        "noDataState": "OK",
        "execErrState": "Error" if about_stack else "KeepLast",
        **{key: text for key, text in times.items() if text},
        "missing_series_evals_to_resolve": 1,
        "annotations": {
            **({"__dashboardUid__": board, "__panelId__": str(panel)} if board else {}),
            **{key: templated(text) for key, text in rule.get("annotations", {}).items()},
        },
        "labels": {key: literal(text) for key, text in rule.get("labels", {}).items()},
    }


def _record(rule: Mapping[str, Any]) -> dict[str, Any]:
    labels = rule.get("labels", {})
    return {
        "uid": uid(rule),
        "title": rule["record"],
        "condition": _QUERY,
        "data": [_query(rule["expr"])],
        "record": {"metric": rule["record"], "from": _QUERY, "targetDatasourceUid": PROMETHEUS},
        **({"labels": {key: literal(text) for key, text in labels.items()}} if labels else {}),
    }


def uid(rule: Mapping[str, Any]) -> str:
    """The id of a rule: an alert has one for each hold, a recording rule for each set of labels."""
    labels = rule.get("labels", {})
    if "alert" in rule:
        return readable_id(rule["alert"], labels.get("hold", ""))
    return readable_id(rule["record"], *(f"{key}={text}" for key, text in sorted(labels.items())))


def readable_id(name: str, *rest: str) -> str:
    """An id that can be read, and depends on nothing but what it is the id of."""
    digest = hashlib.sha256("\n".join((name, *rest)).encode()).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)
    return f"{readable[: _UID - 1 - len(digest)]}-{digest}"


def _query(expr: str) -> dict[str, Any]:
    return {
        "refId": _QUERY,
        "relativeTimeRange": {"from": BACK_S, "to": 0},
        "datasourceUid": PROMETHEUS,
        "model": {"refId": _QUERY, "expr": expr, "instant": True, "range": False},
    }


def _conditions() -> tuple[dict[str, Any], ...]:
    number = " || ".join(f"{test}(${_QUERY})" for test in ("is_number", "is_nan", "is_inf"))
    return (
        _expression({"refId": _THERE, "type": "math", "expression": number}),
        _expression(
            {
                "refId": _FIRING,
                "type": "threshold",
                "expression": _THERE,
                "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
            }
        ),
    )


def _expression(model: dict[str, Any]) -> dict[str, Any]:
    datasource = {"type": _EXPRESSIONS, "uid": _EXPRESSIONS}
    return {
        "refId": model["refId"],
        "datasourceUid": _EXPRESSIONS,
        "model": {**model, "datasource": datasource},
    }


def templated(text: str) -> str:
    """A text of ours as Grafana fills it in.

    With several expressions, `$value` is a text about all of them; we mean the query's. A template
    there cannot ask for another series.
    """
    return re.sub(r"\$value\b", f"$values.{_QUERY}.Value", unasked(text))
