"""`python -m benchmarks`: measure generating, rules, queries, exporters, drift, incidents."""

import os
import platform
from collections.abc import Callable

import click

from benchmarks import (
    drift,
    drift_rules,
    exposition,
    generating,
    gpu,
    incidents,
    quality,
    queries,
    rules,
    verifying,
)
from compose import programs
from modelwatch import __version__

PARTS: dict[str, Callable[[int, int], None]] = {
    "generate": lambda _models, _hours: generating.run(),
    "rules": rules.run,
    "drift-rules": lambda _models, _hours: drift_rules.run(),
    "queries": lambda models, _hours: queries.run(models),
    "verify": lambda _models, _hours: verifying.run(),
    "exposition": lambda _models, _hours: exposition.run(),
    "gpu": lambda _models, _hours: gpu.run(),
    "quality": lambda _models, _hours: quality.run(),
    "drift": lambda _models, _hours: drift.run(),
    "incidents": lambda _models, _hours: incidents.run(),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", type=click.Choice(list(PARTS)), help="Measure this part alone.")
@click.option(
    "--models", default=1_000, show_default=True, help="Models of the rules and the query."
)
@click.option("--hours", default=6, show_default=True, help="Past that the rules find.")
def main(only: str | None, models: int, hours: int) -> None:
    """Measure what modelwatch costs. Incidents take half an hour, all others twelve minutes.

    Example: python -m benchmarks --only rules --models 100
    """
    found = programs.require("prometheus", "promtool")
    print(
        f"modelwatch {__version__}, Python {platform.python_version()}, "
        f"Prometheus {found['prometheus'].version}, {os.cpu_count()} cores"
    )
    for name, measure in PARTS.items():
        if only in (None, name):
            print(f"\n== {name} ==\n", flush=True)
            measure(models, hours)


if __name__ == "__main__":
    main()
