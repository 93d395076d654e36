"""What is promised and what is limited: objectives, thresholds, floors, scores, KPIs, drift."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from modelwatch import defaults, quantities
from modelwatch.catalogue import QUANTILES
from modelwatch.context import Context
from modelwatch.defaults import LimitKind
from modelwatch.inventory import Drift, Kpi, Quantity, Score, Slo, Threshold
from modelwatch.problems import Place
from modelwatch.quantities import OFF, Promise
from modelwatch.tree import Block, Value, as_text

Levels = tuple[Block, ...]

_DAY = 86400


def slos(context: Context, levels: Levels) -> tuple[Slo, ...]:
    """The model's objectives, and those of the defaults that it does not take back."""
    kinds = dict.fromkeys(kind for level in levels for kind in level.block("slo"))
    days = next((level.text("slo_window") for level in levels if "slo_window" in level), "")
    window = quantities.duration(days or defaults.SLO_WINDOW)
    found = (_slo(context, kind, levels, window) for kind in kinds)
    return tuple(slo for slo in found if slo)


def _slo(context: Context, kind: str, levels: Levels, window: Quantity) -> Slo | None:
    block = next(level.block("slo") for level in levels if kind in level.block("slo"))
    value, place = block[kind], block.at(kind)
    if value == OFF:
        return None
    promise = _promise(context, value, place)
    if promise is None or not _is_possible(context, promise, place):
        return None
    own = value if isinstance(value, Block) else Block(place)
    return Slo(
        kind=kind,
        objective=promise.objective,
        window_days=int((promise.window or window).value / _DAY),
        limit=promise.limit,
        score=own.text("score") or (_only_score(levels[0]) if kind == "quality" else ""),
        floor_events=own.whole("floor") if "floor" in own else None,
    )


def _promise(context: Context, value: Value, place: Place) -> Promise | None:
    """The promise of a text or of a block."""
    if not isinstance(value, Block):
        return context.quantity(place, quantities.promise, as_text(value))
    objective = context.quantity(value.at("objective"), quantities.share, value.text("objective"))
    limit = value.text("under") or value.text("within")
    window = value.text("window")
    if objective is None:
        return None
    return Promise(
        objective=objective,
        limit=quantities.duration(limit) if limit else None,
        window=quantities.duration(window) if window else None,
    )


def _is_possible(context: Context, promise: Promise, place: Place) -> bool:
    if promise.objective.value == 1:
        context.report.add(
            place, "a promise of 100% is broken by a single failure", "write 99.9%, or less"
        )
        return False
    if promise.objective.value == 0 or (promise.limit and promise.limit.value == 0):
        context.report.add(place, "this promises nothing", "write something like 95% under 5s")
        return False
    return True


def _only_score(model: Block) -> str:
    names = list(model.block("quality"))
    return names[0] if len(names) == 1 else ""


def thresholds(context: Context, levels: Levels) -> tuple[Threshold, ...]:
    """Limits of the model and of its team; the model's own come first."""
    blocks = [level.block("limits") for level in levels]
    found: dict[str, tuple[Threshold, ...]] = {}
    for block in blocks:
        for key in block:
            if key not in found:
                found[key] = tuple(limits(context, block, key, defaults.LIMITS[key]))
    return tuple(threshold for several in found.values() for threshold in several)


def fleet_thresholds(context: Context) -> tuple[Threshold, ...]:
    """The limits of every model that sets none itself; what is off is left out."""
    found = defaults.fleet(defaults.LIMITS)
    block = context.defaults.block("limits")
    for key in block:
        found[key] = tuple(limits(context, block, key, defaults.LIMITS[key]))
    return tuple(
        threshold for several in found.values() for threshold in several if not is_off(threshold)
    )


def pool_thresholds(context: Context, block: Block) -> tuple[Threshold, ...]:
    """The limits of a GPU pool, every kind unless it is off."""
    found = defaults.fleet(defaults.POOL_LIMITS)
    for key in block:
        found[key] = tuple(limits(context, block, key, defaults.POOL_LIMITS[key]))
    return tuple(
        threshold for several in found.values() for threshold in several if not is_off(threshold)
    )


def is_off(threshold: Threshold) -> bool:
    """Whether the limit is switched off."""
    return threshold.limit.text == OFF


def limits(context: Context, block: Block, key: str, kind: LimitKind) -> Iterator[Threshold]:
    """The limits under one key: one text, or one per quantile."""
    seen: set[str] = set()
    for value, place in block.items_of(key).placed():
        limit = context.quantity(
            place, partial(quantities.limit, measure=kind.measure), as_text(value)
        )
        if limit is None or not _is_recorded(context, limit.quantile, place):
            continue
        threshold = defaults.threshold(kind, limit)
        quantile = threshold.labels.get("quantile", "")
        if quantile in seen:
            context.report.add(
                place, f"there are two limits of p{_percent(quantile)}", "keep one of the two"
            )
            continue
        seen.add(quantile)
        yield threshold


def _is_recorded(context: Context, quantile: str, place: Place) -> bool:
    if not quantile or quantile in QUANTILES:
        return True
    known = ", ".join(f"p{_percent(name)}" for name in QUANTILES)
    context.report.add(place, f"p{_percent(quantile)} is not recorded", f"choose one of {known}")
    return False


def _percent(quantile: str) -> str:
    return quantities.plain(Decimal(quantile) * 100)


def floors(levels: Levels) -> dict[str, int]:
    """Fewest events of the model and of its team; the model's own win."""
    blocks = [level.block("floors") for level in reversed(levels)]
    return {key: block.whole(key) for block in blocks for key in block}


def fleet_floors(context: Context) -> dict[str, int]:
    """Fewest events for every model that sets none itself."""
    return {**defaults.FLOORS, **floors((context.defaults,))}


def scores(context: Context, levels: Levels) -> tuple[Score, ...]:
    """The model's quality scores."""
    blocks = levels[0].block("quality").blocks()
    found = (_score(context, name, block, levels) for name, block in blocks)
    return tuple(score for score in found if score)


def _score(context: Context, name: str, block: Block, levels: Levels) -> Score | None:
    good = context.quantity(block.at("good"), quantities.bound, block.text("good"))
    if good is None:
        return None
    direction, bound = good
    low, high = Decimal(block.text("low", "0")), Decimal(block.text("high", "1"))
    if low >= high:
        context.report.add(
            block.at("low"),
            f"the score cannot range from {low} to {high}",
            "make `low` the smaller",
        )
    elif not low <= bound.value <= high:
        context.report.add(
            block.at("good"),
            f"{bound.text} is not between {low} and {high}, where the score is",
            "say where it ranges with `low` and `high`",
        )
    every = _first("evaluated_every", (block, *levels[1:]), defaults.EVALUATED_EVERY)
    samples = _first("minimum_samples", (block, *levels[1:]), str(defaults.MINIMUM_SAMPLES))
    return Score(
        name=name,
        direction=direction,
        low=low,
        high=high,
        good=bound,
        minimum_samples=int(samples),
        evaluated_every=quantities.duration(every),
    )


def _first(key: str, levels: Levels, default: str) -> str:
    return next((level.text(key) for level in levels if key in level), default)


def kpis(context: Context, block: Block) -> tuple[Kpi, ...]:
    """The model's business figures."""
    found = (_kpi(context, name, inner) for name, inner in block.blocks())
    return tuple(kpi for kpi in found if kpi)


def _kpi(context: Context, name: str, block: Block) -> Kpi | None:
    drop = context.quantity(
        block.at("drop"), partial(quantities.limit, measure="share"), block.text("drop")
    )
    if drop is None:
        return None
    pair = [key for key in ("events", "opportunities") if key in block]
    if len(pair) == 1:
        other = "opportunities" if pair == ["events"] else "events"
        context.report.add(
            block.key_at(pair[0]), f"'{pair[0]}' needs '{other}' beside it", f"add `{other}:`"
        )
    if pair and "gauge" in block:
        context.report.add(
            block.key_at("gauge"),
            "a KPI is either a pair of counters or a gauge",
            "remove 'gauge', or 'events' and 'opportunities'",
        )
    return Kpi(
        name=name,
        drop=drop.value,
        hold=drop.hold or defaults.KPI_HOLD,
        events=block.text("events"),
        opportunities=block.text("opportunities"),
        gauge=block.text("gauge"),
        minimum_per_day=block.whole("minimum_per_day", defaults.FLOORS["kpi"]),
    )


def drift(context: Context, block: Block) -> Drift:
    """What is watched for drift."""
    features = block.texts("features")
    for name, place in block.items_of("critical").placed():
        if as_text(name) not in features:
            context.refer(place, "watched feature", as_text(name), "", features)
    limit = block.text("limit")
    return Drift(
        features=features,
        critical=block.texts("critical"),
        method=block.text("method", "psi"),
        baseline=block.text("baseline"),
        limit=Quantity(value=Decimal(limit), text=limit) if limit else None,
    )


def own_past(levels: Levels) -> tuple[str, ...]:
    """Distributions that are compared with their own past; none where it is off."""
    found = next((level.texts("own_past") for level in levels if "own_past" in level), None)
    if found is None:
        return defaults.OWN_PAST
    return () if OFF in found else found
