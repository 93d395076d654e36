"""Cost: what does each model spend, by its declared prices or as its engine reports it?

Prices are per real hour and token, so that nothing here but windows follows a time compression.
"""

from alerts.recorded.windows import FAST, MID, SLOW, per_second
from modelwatch.catalogue.exposed import IMAGES_TOTAL
from modelwatch.catalogue.inventory import (
    MODEL_HARDWARE_COST,
    MODEL_INFO,
    PRICE_IMAGE,
    PRICE_REQUEST,
    PRICE_TOKEN,
)
from modelwatch.catalogue.recorded import (
    COST,
    COST_1D,
    COST_1H,
    COST_6H,
    COST_MONTH_TO_DATE,
    COST_PER_1K_TOKENS,
    ENGINE_COST,
    ENGINE_TOKENS,
    REQUESTS_BY_OUTCOME,
    TOKENS,
    TOKENS_1H,
    UNPRICED_TOKENS,
)
from modelwatch.catalogue.steps import (
    COST_MONTHLY_SAMPLES,
)
from modelwatch.promql import largest, on, or_zero, rate, ratio, seconds, select, total
from modelwatch.rules import Record, RecordGroup

THIS_MONTH = 'count_values("month", month())'
"""One row whose label says which month it is (UTC)."""

_OF_KIND = ("model", "environment", "kind")
_REPORTED = total(ENGINE_COST)


def _part(name: str, expr: str) -> str:
    """A part of the price, labelled so that `or` keeps all parts of a model."""
    return f'label_replace({expr}, "part", "{name}", "", "")'


_PARTS = (
    ("tokens", total(f"{TOKENS} * {on(*_OF_KIND)} {largest(PRICE_TOKEN, by=_OF_KIND)}")),
    # Providers bill answers, not refusals.
    (
        "requests",
        f"{total(select(REQUESTS_BY_OUTCOME, outcome='success'))} * {largest(PRICE_REQUEST)}",
    ),
    ("images", f"{total(rate(IMAGES_TOTAL))} * {largest(PRICE_IMAGE)}"),
    ("hardware", f"{total(largest(MODEL_HARDWARE_COST, by=MODEL_HARDWARE_COST.labels))} / 3600"),
)
_DECLARED = total("\nor\n".join(_part(name, expr) for name, expr in _PARTS))

_UNPRICED = f"""
    sum by (model, environment) (
    {total(ENGINE_TOKENS, by=(*_OF_KIND, "engine"))}
    unless {on(*_OF_KIND)} {PRICE_TOKEN}
    unless {on()} {PRICE_REQUEST}
    unless {on()} {MODEL_HARDWARE_COST}
    unless {on("model", "environment", "engine")} ({ENGINE_COST} unless {on()} {PRICE_TOKEN})
    )
"""

_MONTHLY = f"""
    {COST}
    * {on()} group_left (team)
    topk by (model, environment) (1, max by (model, environment, team) ({MODEL_INFO}))
    * on () group_left (month) {THIS_MONTH}
"""

_MONTH_TO_DATE = f"""
    sum by (model, environment, team) (
    sum_over_time({COST_MONTHLY_SAMPLES}[31d]) * on (month) group_left () {THIS_MONTH}
    ) * {seconds(SLOW)}
"""

GROUPS = (
    RecordGroup(
        name="modelwatch-cost",
        interval=FAST,
        records=(
            Record(metric=COST, expr=f"{_DECLARED}\nor\n{_REPORTED}"),
            Record(metric=UNPRICED_TOKENS, expr=or_zero(_UNPRICED, total(ENGINE_TOKENS))),
        ),
    ),
    RecordGroup(
        name="modelwatch-cost-mid",
        interval=MID,
        records=(
            Record(metric=COST_1H, expr=per_second(COST, over="1h")),
            Record(metric=COST_6H, expr=per_second(COST, over="6h")),
            Record(
                metric=COST_PER_1K_TOKENS,
                expr=ratio(f"1000 * {COST_1H}", total(TOKENS_1H)),
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-cost-slow",
        interval=SLOW,
        records=(
            Record(metric=COST_MONTHLY_SAMPLES, expr=_MONTHLY),
            Record(metric=COST_MONTH_TO_DATE, expr=_MONTH_TO_DATE),
            Record(
                metric=COST_1D,
                expr=total(per_second(COST_MONTHLY_SAMPLES, over="1d", every=SLOW)),
            ),
        ),
    ),
)
