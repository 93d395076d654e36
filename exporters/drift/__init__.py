"""Observations of predictions in, counts in the bins of their baseline out."""

from exporters.base.exporter import Context, Exporter, Parts
from exporters.drift.declared import watched
from exporters.drift.doors import doors
from exporters.drift.following import OPTIONS, following
from exporters.drift.ledger import Ledger
from exporters.drift.page import METRICS, NAME, Counted
from exporters.drift.watching import KEPT_S
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError


def start(context: Context) -> Parts:
    """Watch the models of the inventory that the context has."""
    if context.inventory is None:
        raise ModelwatchError("the drift exporter has no inventory; give it one: --inventory")
    folder = context.state_dir
    learned = folder / "baselines"
    ledger = Ledger(
        folder,
        watched(context.inventory, learned),
        kept_s=KEPT_S / context.inventory.settings.time_compression,
    )

    def reconfigure(inventory: Inventory) -> None:
        ledger.declare(watched(inventory, learned))

    return Parts(
        collectors=(Counted(ledger),),
        doors=doors(ledger),
        work=(ledger, *following(context.options, ledger)),
        reconfigure=reconfigure,
    )


EXPORTER = Exporter(
    name=NAME,
    title="Drift exporter",
    question="Do models see and say what they did when they were well?",
    port=9469,
    metrics=METRICS,
    start=start,
    options=OPTIONS,
)
