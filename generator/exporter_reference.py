"""The generated parts of docs/exporters.md: options and metrics of each exporter."""

from collections.abc import Iterable, Mapping

from exporters.base.exporter import Exporter
from generator.tables import table
from modelwatch.catalogue import exporters as own
from modelwatch.catalogue.metric import Metric


def blocks(exporters: Mapping[str, Exporter]) -> dict[str, str]:
    """Name of the block to its text: one per exporter, and `every` for what all of them expose."""
    common = [value for value in vars(own).values() if isinstance(value, Metric)]
    return {
        **{exporter.name: _block(exporter) for exporter in exporters.values()},
        "every": _metrics(common),
    }


def _block(exporter: Exporter) -> str:
    options = [
        (f"`{'`, `'.join(option.opts)}`", _words(option.help or "")) for option in exporter.options
    ]
    own_options = f"{table(('option', 'meaning'), options)}\n\n" if options else ""
    return f"{own_options}{_metrics(exporter.metrics)}"


def _words(text: str) -> str:
    return " ".join(text.split())


def _metrics(metrics: Iterable[Metric]) -> str:
    rows = [
        (
            f"`{metric.name}`",
            metric.kind,
            metric.unit,
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.help,
        )
        for metric in metrics
    ]
    return table(("metric", "type", "unit", "labels", "meaning"), rows)
