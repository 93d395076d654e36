"""The inventory as a page: its own series for large fleets, spend by the calendar of budgets."""

from pathlib import Path
from typing import Any

import click

from exporters.base.exporter import Context, Exporter, Parts
from exporters.inventory.asking import Asking, Questions
from exporters.inventory.pages import Budgets, Constants, Reached, Series
from exporters.inventory.present import jobs_of
from exporters.inventory.prometheus import Prometheus
from modelwatch.catalogue import inventory as series
from modelwatch.catalogue import spend
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError


def start(context: Context) -> Parts:
    """Serve the inventory that the context has; ask Prometheus for the rest."""
    if context.inventory is None:
        raise ModelwatchError("the inventory exporter has no inventory; give it one: --inventory")
    constants = Constants()
    asking = Asking(prometheus=_prometheus(context, context.inventory), questions=Questions())
    budgets = Budgets(asking=asking)

    def reconfigure(inventory: Inventory) -> None:
        """Everything is worked out before anything changes: what fails leaves all as it was."""
        rows = context.constants(inventory)
        questions = Questions(
            budgets=inventory.budgets,
            jobs=jobs_of(inventory),
            constants=len(rows),
            time_compression=inventory.settings.time_compression,
        )
        prometheus = _prometheus(context, inventory)
        constants.put(rows if inventory.settings.constants == "exporter" else ())
        budgets.budgets = inventory.budgets
        asking.prometheus = prometheus
        asking.ask(questions)

    reconfigure(context.inventory)
    return Parts(
        collectors=(constants, budgets, Series(asking=asking), Reached(asking=asking)),
        work=(asking,),
        reconfigure=reconfigure,
    )


def _prometheus(context: Context, inventory: Inventory) -> Prometheus:
    options = context.options
    return Prometheus(
        url=str(options.get("prometheus_url") or inventory.settings.prometheus_url),
        token_file=_path(options.get("prometheus_token_file")),
        ca_file=_path(options.get("prometheus_ca_file")),
    )


def _path(value: Any) -> Path | None:
    return Path(str(value)) if value else None


def _metrics(module: object) -> tuple[Metric, ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Metric))


_FILE = click.Path(exists=True, dir_okay=False)

EXPORTER = Exporter(
    name="inventory",
    title="Inventory",
    question="What does the inventory say, and what have its budgets spent by their own calendar?",
    port=9468,
    metrics=(*_metrics(spend), *_metrics(series)),
    start=start,
    options=(
        click.Option(
            ["--prometheus-url"],
            metavar="URL",
            help="Prometheus that records the spend; left out, the inventory's prometheus_url.",
        ),
        click.Option(
            ["--prometheus-token-file"],
            type=_FILE,
            help="File with the bearer token for it.",
        ),
        click.Option(
            ["--prometheus-ca-file"],
            type=_FILE,
            help="File with the certificates that its own is checked with.",
        ),
    ),
)
