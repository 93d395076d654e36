"""Synthetic requests to models: does each answer, how fast, rightly, and as itself?"""

import logging
from dataclasses import dataclass, field

import click

from exporters.base.exporter import Context, Exporter, Parts
from exporters.probe.doors import door
from exporters.probe.measuring import measure
from exporters.probe.page import ProbePage
from exporters.probe.runs import Measure, Runs
from exporters.probe.schedule import Schedule
from exporters.probe.spending import Spending
from exporters.probe.targets import Target, targets
from modelwatch.catalogue import probe as catalogue
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.inventory import Inventory

_LOG = logging.getLogger(__name__)

CONCURRENCY = 8
"""Requests at a time, to all models together."""


@dataclass(slots=True, kw_only=True)
class Prober:
    """The probes of one inventory at work, until `stop`."""

    runs: Runs
    schedule: Schedule
    targets: dict[str, Target] = field(default_factory=dict)

    def configure(self, inventory: Inventory) -> None:
        """Probe what this inventory says; probes that are unchanged go on as they are."""
        self.targets = dict(targets(inventory))
        if not self.targets:
            _LOG.warning("no model of the inventory has `probes:`; there is nothing to do yet")
        self.runs.set_targets(self.targets.values())
        self.schedule.set_targets(self.targets)

    def start(self) -> None:
        """Begin; returns at once."""
        self.schedule.start()

    def stop(self) -> None:
        """Send nothing more, and let another process have the state."""
        self.schedule.stop()
        self.runs.spending.close()


def start(context: Context, measure: Measure = measure) -> Parts:
    """The exporter's parts; `measure` sends a request.

    Raises:
        ModelwatchError: another process has the state directory, or it cannot be read.
    """
    runs = Runs(spending=Spending(context.state_dir), measure=measure)
    concurrency = int(context.options.get("concurrency") or CONCURRENCY)
    prober = Prober(runs=runs, schedule=Schedule(runs, concurrency=concurrency))
    if context.inventory:
        prober.configure(context.inventory)
    return Parts(
        collectors=(ProbePage(runs=runs, targets=lambda: prober.targets),),
        doors=(door(lambda: prober.targets, runs, prober.schedule),),
        work=(prober,),
        reconfigure=prober.configure,
    )


def _metrics() -> tuple[Metric, ...]:
    found = (value for value in vars(catalogue).values() if isinstance(value, Metric))
    return tuple(metric for metric in found if metric.layer is Layer.EXPOSED)


EXPORTER = Exporter(
    name="probe",
    title="Probe exporter",
    question="Does each model answer, how fast, rightly, and as itself?",
    port=9466,
    metrics=_metrics(),
    start=start,
    options=(
        click.Option(
            ["--concurrency"],
            type=click.IntRange(1, 64),
            default=CONCURRENCY,
            show_default=True,
            help="Requests at a time, to all models together.",
        ),
    ),
)
