"""Reference pages that are generated from the definitions: `python -m generator.docs [--check]`."""

import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

import click

from generator import (
    board_reference,
    exporter_reference,
    incident_reference,
    inventory_reference,
)
from generator.definitions import Definitions, definitions
from generator.rule_files import expression
from generator.tables import filled, table
from modelwatch.catalogue import Layer, Metric, metrics
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine
from modelwatch.promql import compressed
from modelwatch.rules import HOLD, Alert, RecordGroup
from modelwatch.supply import SIGNALS_OF, supply

GENERATED = "<!-- Written by `make docs`. Do not edit. -->\n\n"

LAYERS = {
    Layer.EXPOSED: "Exposed by applications, exporters and the demo under canonical names.",
    Layer.INVENTORY: "Constant series, written from the inventory as rules.",
    Layer.ENGINE: "Recorded by the engine tables, one per source of a model.",
    Layer.MODEL: "Recorded per model; boards and alerts read these.",
    Layer.SLO: "Recorded per objective: bad and total events, burn rates, error budget.",
    Layer.BUDGET: "Recorded per money budget.",
    Layer.GPU: "Recorded per card, pool and host.",
    Layer.STACK: "Of Prometheus and Alertmanager themselves.",
}

SUPPLY = {"histogram": "histogram", "mean": "average only", "quantile": "quantiles", "value": "yes"}


def documents() -> dict[str, str]:
    """Path to text of every page that is generated, whole or in its tables."""
    known = definitions()
    schema = resources.files("modelwatch").joinpath("inventory.schema.json").read_text("utf-8")
    return {
        "docs/inventory.md": GENERATED + inventory_reference.reference(json.loads(schema)),
        "docs/metrics.md": GENERATED + _metrics(known),
        "docs/alerts.md": GENERATED + _alerts(known),
        "docs/boards.md": GENERATED + board_reference.reference(known.boards),
        "docs/engines.md": GENERATED + _engines(known.engines.values()),
        "docs/incidents.md": _incidents(Path("docs/incidents.md").read_text("utf-8")),
        "docs/exporters.md": _exporters(Path("docs/exporters.md").read_text("utf-8")),
        "README.md": _readme(Path("README.md").read_text("utf-8"), known.engines.values()),
    }


def _readme(text: str, engines: Iterable[Engine]) -> str:
    """The README with its table of engines."""
    rows = [
        (engine.title, f"`{engine.name}`", _proved(engine), _lacks(engine))
        for engine in sorted(engines, key=lambda engine: (engine.kind != "model", engine.title))
    ]
    head = ("engine", "`engine:`", "proved with", "cannot supply")
    return filled(text, "engines", table(head, rows))


def _exporters(page: str) -> str:
    """The page about our exporters with its tables."""
    for name, text in exporter_reference.blocks(constants_named("exporters", "EXPORTER")).items():
        page = filled(page, name, text)
    return page


def _incidents(page: str) -> str:
    """The page about the demo's incidents with its tables."""
    for name, text in incident_reference.blocks().items():
        page = filled(page, name, text)
    return page


def _proved(engine: Engine) -> str:
    return ", ".join(page.version for page in reversed(engine.pages))


def _lacks(engine: Engine) -> str:
    main = ("request_duration", "time_to_first_token", "tokens")
    words = {"request_duration": "latency", "time_to_first_token": "first token"}
    lacking = [words.get(signal, signal) for signal in main if signal in engine.unavailable]
    averages = [
        f"{words.get(signal, signal)} quantiles"
        for signal in main
        if (found := supply(engine, signal)) and found.how == "mean"
    ]
    return ", ".join((*lacking, *averages)) or "-"


def _metrics(known: Definitions) -> str:
    writers = dict(_writers(known.records))
    pages = ["# Metrics", "Every series that modelwatch reads or writes, by layer."]
    for layer, meaning in LAYERS.items():
        rows = [
            _metric_row(metric, writers.get(metric.name, ""))
            for metric in metrics()
            if metric.layer is layer
        ]
        pages += [
            f"## {layer.value.capitalize()} layer",
            meaning,
            table(("series", "unit", "labels", "meaning", "group"), rows),
        ]
    return "\n\n".join(pages) + "\n"


def _writers(groups: Iterable[RecordGroup]) -> Iterator[tuple[str, str]]:
    for group in groups:
        for record in group.records:
            yield record.metric.name, group.name


def _metric_row(metric: Metric, writer: str) -> tuple[str, ...]:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return (f"`{metric.name}`", metric.unit, labels, metric.help, f"`{writer}`" if writer else "")


def _alerts(known: Definitions) -> str:
    pages = [
        "# Alerts",
        "What each alert means, when it can lie and what to do first. Severity is not here: it "
        "follows from the model's tier and the alert's urgency (see the inventory's `severities`).",
    ]
    for topic, alerts in known.alerts.items():
        pages.append(f"## {topic.replace('_', ' ').capitalize()}")
        pages += [_alert(alert) for alert in alerts]
    return "\n\n".join(pages) + "\n"


def _alert(alert: Alert) -> str:
    hold = "of the limit" if alert.hold == HOLD else alert.hold
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(alert.action, 1))
    return "\n\n".join(
        (
            f"### {alert.name}",
            f"*{alert.signal} · {alert.signal_class} · urgency {alert.urgency} · "
            f"confidence {alert.confidence} · holds {hold}*",
            f"> {alert.summary}",
            alert.description,
            f"```promql\n{compressed(expression(alert, '<hold>'), 1)}\n```",
            f"**When it lies.** {alert.lies}",
            f"**What to do first.**\n\n{steps}",
        )
    )


def _engines(engines: Iterable[Engine]) -> str:
    pages = [
        "# Engines",
        "What each engine supplies, with which versions it was proved on captured pages, and what "
        "it cannot supply. An objective on something that is not supplied is refused by `check`.",
    ]
    pages += [_engine(engine) for engine in engines]
    return "\n\n".join(pages) + "\n"


def _engine(engine: Engine) -> str:
    rows = [
        (signal, SUPPLY[found.how] if found else "no", engine.unavailable.get(signal, ""))
        for signal in SIGNALS_OF[engine.kind]
        for found in [supply(engine, signal)]
    ]
    where = f"port {engine.port}, path `{engine.path}`"
    name = f"label `{engine.model_label}`" if engine.model_label else "no label: one per target"
    return "\n\n".join(
        (
            f"## {engine.title}",
            f"`engine: {engine.name}` · {where} · model: {name} · proved with pages of "
            f"{_proved(engine)} · names read in {', '.join(engine.versions)}",
            table(("signal", "supplied", "why not"), rows),
            "\n".join(f"- {note}" for note in engine.notes),
        )
    )


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a page is out of date.")
def main(check: bool) -> None:
    """Write the reference pages into docs/."""
    stale = []
    for name, text in documents().items():
        path = Path(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path))
            if not check:
                path.write_text(text, encoding="utf-8")
    if check and stale:
        raise click.ClickException(f"out of date: {', '.join(stale)}; run: make docs")
    click.echo(f"docs: {len(stale)} pages {'out of date' if check else 'written'}")


if __name__ == "__main__":
    main()
