"""Buckets: is there a boundary at each objective, so that its good events can be counted?"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from generator.engine_promql import selector
from generator.inventory_series import LATENCY_SIGNALS
from generator.verify.finding import Finding, Level, Verification
from generator.verify.live.asked import Owned, each, now, or_a_note, owned, subject
from generator.verify.live.context import LiveContext
from modelwatch import limits
from modelwatch.catalogue.recorded import DISTRIBUTIONS
from modelwatch.engine import Histogram
from modelwatch.quantities import printed_duration

_NAME = "bucket-boundaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A number of seconds in the inventory that is measured with the buckets of a source."""

    owned: Owned
    row: Histogram
    words: str
    seconds: Decimal
    promised: bool


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Compare objectives and limits with the boundaries that the pages really have."""
    wanted = [
        one
        for own in owned(context)
        for row in own.engine.rows
        if isinstance(row, Histogram)
        for one in _wanted(own, row)
    ]
    found = each(lambda one: tuple(_compared(one, _boundaries(context, one))), wanted)
    return Verification(
        findings=tuple(one for some in found for one in some), checked={_NAME: len(wanted)}
    )


def _wanted(own: Owned, row: Histogram) -> Iterator[_Wanted]:
    for slo in own.model.slos:
        if LATENCY_SIGNALS.get(slo.kind) == row.signal and slo.limit:
            words = f"the objective '{slo.kind}: {slo.words}'"
            yield _Wanted(owned=own, row=row, words=words, seconds=slo.limit.value, promised=True)
    for limit in limits.thresholds(own.model):
        if (
            limit.signal == row.signal
            and limit.signal in DISTRIBUTIONS
            and "quantile" in limit.labels
        ):
            words = f"the limit '{limit.signal}: {limit.limit.text}'"
            yield _Wanted(
                owned=own, row=row, words=words, seconds=limit.limit.value, promised=False
            )


def _boundaries(context: LiveContext, wanted: _Wanted) -> tuple[Decimal, ...]:
    """The finite boundaries in seconds that every target of the source has, sorted.

    Of old and new names of a histogram those count that are there.
    """
    row = wanted.row
    where = {**row.where, **wanted.owned.where}
    for name in row.names:
        buckets = selector(name, where, part="_bucket")
        by_target: dict[str, set[Decimal]] = {}
        for one in now(context, f"group by (instance, le) ({buckets})"):
            if (boundary := _number(one.labels.get("le", ""))) is not None:
                known = by_target.setdefault(one.labels.get("instance", ""), set())
                known.add(boundary * Decimal(row.unit.factor))
        if by_target:
            return tuple(sorted(set.intersection(*by_target.values())))
    return ()


def _number(text: str) -> Decimal | None:
    """A finite boundary, whichever way it is written."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _compared(wanted: _Wanted, there: tuple[Decimal, ...]) -> Iterator[Finding]:
    """Nothing where there are no buckets: that is silence, and told as such."""
    if not there or wanted.seconds in there:
        return
    title = wanted.owned.engine.title
    below = max((one for one in there if one < wanted.seconds), default=None)
    above = min((one for one in there if one > wanted.seconds), default=None)
    around = [printed_duration(one) for one in (below, above) if one is not None]
    if above is None:
        level: Level = "error" if wanted.promised else "warning"
        reason = "above-last-boundary"
        message = f"is above the last boundary of {title}, {around[0]}: it is never told whether"
        message += " it was kept"
        advice = f"write {around[0]} or less, or give the engine longer buckets"
    elif wanted.promised:
        level, reason = "error", "no-boundary"
        message = f"lies at no boundary of {title}: its good events cannot be counted"
        advice = f"write {' or '.join(around)} instead, or add a boundary at the engine"
    else:
        return
    yield Finding(
        level=level,
        check=_NAME,
        subject=subject(wanted.owned.model),
        message=f"{wanted.words} {message}",
        advice=advice,
        reason=reason,
        selector=f"{wanted.row.names[0]}_bucket",
    )


CHECK = check
