"""Promises and limits as facts, with the direction in which each is stricter."""

from collections.abc import Iterable
from decimal import Decimal

from generator.difference.facts import Fact, Facts
from modelwatch.defaults import LIMITS, POOL_LIMITS, part
from modelwatch.inventory import Drift, Kpi, Score, Slo, Threshold
from modelwatch.quantities import OFF, duration, plain, printed_share

_KEYS = {(kind.signal, kind.part): kind for kind in (*LIMITS.values(), *POOL_LIMITS.values())}
_STRICTER_WHEN_HIGHER = frozenset({"retirement", "gpu_idle"})
"""Signals whose alert is about what is below the limit, or that is told so long before."""


def promises(slos: Iterable[Slo]) -> Facts:
    """What is promised, by kind; the window and the floor are facts of their own."""
    facts: Facts = {}
    for slo in slos:
        strict = (slo.objective.value, -slo.limit.value if slo.limit else Decimal(0))
        what = f"promise {slo.kind}"
        facts[what] = Fact(text=slo.words, meaning=strict, kind="promise", strict=strict)
        facts[f"{what}, window"] = Fact(text=f"{slo.window_days}d", meaning=slo.window_days)
        facts[f"{what}, score"] = Fact(text=slo.score, meaning=slo.score)
        floor = slo.floor_events
        facts[f"{what}, floor"] = Fact(text="" if floor is None else f"{floor}", meaning=floor)
    return facts


def limits(thresholds: Iterable[Threshold]) -> Facts:
    """Limits under the names that they have in the file, such as `limit latency p95`."""
    return {_name(threshold): _limit(threshold) for threshold in thresholds}


def _name(threshold: Threshold) -> str:
    labels = threshold.labels
    kind = _KEYS.get((threshold.signal, part(labels)))
    quantile = labels.get("quantile", "")
    percent = f" p{plain(Decimal(quantile) * 100)}" if quantile else ""
    return f"limit {kind.key if kind else threshold.signal}{percent}"


def _limit(threshold: Threshold) -> Fact:
    limit = threshold.limit
    if limit.text == OFF:
        return Fact(text=OFF, meaning=OFF, kind="limit")
    sign = 1 if threshold.signal in _STRICTER_WHEN_HIGHER else -1
    strict = (sign * limit.value, -duration(threshold.hold).value)
    hold = f"for {threshold.hold}"
    silence = _is_silence(threshold)
    return Fact(
        text=hold if silence else f"{limit.text} {hold}",
        meaning=strict,
        kind="limit",
        strict=strict,
    )


def _is_silence(threshold: Threshold) -> bool:
    kind = _KEYS.get((threshold.signal, part(threshold.labels)))
    return kind is not None and kind.measure == "silence"


def scores(found: Iterable[Score]) -> Facts:
    """Quality scores: what is good, and how the score is made."""
    facts: Facts = {}
    for score in found:
        side, sign = ("above", 1) if score.direction == "higher" else ("below", -1)
        good = (sign * score.good.value,)
        what = f"score {score.name}"
        facts[what] = Fact(text="is judged", meaning=score.name, kind="watch")
        facts[f"{what}, good {side}"] = Fact(
            text=score.good.text, meaning=good, kind="limit", strict=good
        )
        facts[f"{what}, evaluated every"] = Fact(
            text=score.evaluated_every.text, meaning=score.evaluated_every.value
        )
        facts[f"{what}, fewest samples"] = Fact(
            text=f"{score.minimum_samples}", meaning=score.minimum_samples
        )
        facts[f"{what}, range"] = Fact(
            text=f"{plain(score.low)} to {plain(score.high)}", meaning=(score.low, score.high)
        )
    return facts


def kpis(found: Iterable[Kpi]) -> Facts:
    """Business figures: how far they may drop, and what they are made of."""
    facts: Facts = {}
    for kpi in found:
        what = f"KPI {kpi.name}"
        strict = (-kpi.drop.value, -duration(kpi.hold).value)
        facts[what] = Fact(text="is watched", meaning=kpi.name, kind="watch")
        facts[f"{what}, drop"] = Fact(
            text=f"{kpi.drop.text} for {kpi.hold}", meaning=strict, kind="limit", strict=strict
        )
        made_of = kpi.gauge or " / ".join(filter(None, (kpi.events, kpi.opportunities)))
        facts[f"{what}, made of"] = Fact(text=made_of, meaning=made_of)
        facts[f"{what}, fewest per day"] = Fact(
            text=f"{kpi.minimum_per_day}", meaning=kpi.minimum_per_day
        )
    return facts


def drift(found: Drift | None) -> Facts:
    """What is watched for drift; each feature by itself."""
    if found is None:
        return {}
    facts: Facts = {
        f"drift of {feature}": Fact(text="is watched", meaning=feature, kind="watch")
        for feature in found.features
    }
    critical = ", ".join(sorted(found.critical))
    facts["drift critical"] = Fact(text=critical, meaning=critical)
    facts["drift method"] = Fact(text=found.method, meaning=found.method)
    facts["drift baseline"] = Fact(text=found.baseline, meaning=found.baseline)
    if found.limit:
        strict = (-found.limit.value,)
        facts["drift limit"] = Fact(
            text=found.limit.text, meaning=strict, kind="limit", strict=strict
        )
    return facts


def shares(found: Iterable[Decimal]) -> Fact:
    """Parts of a whole, such as the marks of a budget."""
    marks = tuple(sorted(found))
    return Fact(text=", ".join(map(printed_share, marks)), meaning=marks)
