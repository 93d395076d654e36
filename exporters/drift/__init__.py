"""Observations of predictions in, counts in the bins of their baseline out."""

import time

from exporters.base.exporter import Context, Exporter, Parts
from exporters.drift.declared import watched
from exporters.drift.doors import doors
from exporters.drift.embeddings.part import part as of_embeddings
from exporters.drift.following import OPTIONS, following
from exporters.drift.kafka import OPTIONS as KAFKA_OPTIONS
from exporters.drift.kafka import reading
from exporters.drift.labels.door import door
from exporters.drift.labels.page import METRICS as OF_LABELS
from exporters.drift.labels.part import Labels
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
    compression = context.inventory.settings.time_compression
    labels = Labels(folder)
    models = watched(context.inventory, learned)
    labels.declare(models)
    ledger = Ledger(
        folder,
        models,
        parts=(of_embeddings(lambda: time.time() * compression), labels),
        kept_s=KEPT_S / compression,
    )

    def reconfigure(inventory: Inventory) -> None:
        models = watched(inventory, learned)
        labels.declare(models)
        ledger.declare(models)

    topics = reading(context.options, ledger)
    return Parts(
        collectors=(Counted(ledger), *topics),
        doors=(*doors(ledger), door(labels.store)),
        work=(ledger, labels, *following(context.options, ledger), *topics),
        reconfigure=reconfigure,
    )


EXPORTER = Exporter(
    name=NAME,
    title="Drift exporter",
    question="Do models see and say what they did when they were well?",
    port=9469,
    metrics=(*METRICS, *OF_LABELS),
    start=start,
    options=(*OPTIONS, *KAFKA_OPTIONS),
)
