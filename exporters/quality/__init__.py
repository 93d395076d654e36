"""Evaluation results in, canonical series out."""

from exporters.base.exporter import Context, Exporter, Parts
from exporters.quality.declared import Anything, Declared, FromInventory
from exporters.quality.doors import doors
from exporters.quality.following import OPTIONS, following
from exporters.quality.ledger import Ledger
from exporters.quality.page import METRICS, NAME, Counted
from exporters.quality.results_doors import results_doors
from modelwatch.inventory import Inventory


def _start(context: Context) -> Parts:
    ledger = Ledger(context.state_dir, _declared(context.inventory))
    return Parts(
        collectors=(Counted(ledger),),
        doors=(*doors(ledger), *results_doors(ledger)),
        work=(ledger, *following(context.options, ledger)),
        reconfigure=lambda inventory: ledger.declare(FromInventory(inventory)),
    )


def _declared(inventory: Inventory | None) -> Declared:
    return Anything() if inventory is None else FromInventory(inventory)


EXPORTER = Exporter(
    name=NAME,
    title="Quality exporter",
    question="Are the answers good? Takes scores, flags, feedback and retrieval results.",
    port=9467,
    metrics=METRICS,
    start=_start,
    options=OPTIONS,
    needs_inventory=False,
)
