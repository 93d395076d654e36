"""Unavailable: which signals can a model not have, and why?"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.inventory import ENGINE_UNAVAILABLE, SOURCE
from modelwatch.catalogue.recorded import UNAVAILABLE
from modelwatch.promql import largest, on, select
from modelwatch.rules import Record, RecordGroup
from modelwatch.supply import SIGNALS_OF

_SOURCES = largest(SOURCE, by=("model", "environment", "engine"))


def _unavailable(signal: str) -> Record:
    """A signal that every source of the model lacks; one source that has it is enough."""
    lacking = select(ENGINE_UNAVAILABLE, signal=signal)
    return Record(
        metric=UNAVAILABLE,
        labels={"signal": signal},
        expr=f"""
            max by (model, environment, reason) (
            {_SOURCES}
            * on (engine) group_left (reason)
            topk by (engine) (1, max by (engine, reason) ({lacking}))
            )
            unless {on()}
            ({_SOURCES} unless on (engine) {lacking})
        """,
    )


GROUPS = (
    RecordGroup(
        name="modelwatch-unavailable-mid",
        interval=MID,
        records=tuple(_unavailable(signal) for signal in SIGNALS_OF["model"]),
    ),
)
