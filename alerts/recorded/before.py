"""What was it before? The past that alerts compare with, so that boards can draw the same line."""

from collections.abc import Mapping

from alerts.recorded.windows import MID, SLOW
from modelwatch.catalogue.inventory import GPU_MODEL, POOL_INFO
from modelwatch.catalogue.recorded import (
    CACHE_HIT,
    COST_PER_1K_TOKENS,
    FLOOR_EVENTS,
    KPI,
    KPI_WEEK_BEFORE,
    POOL_BUSY_MODELS,
    POOL_UTILIZATION,
    POOL_UTILIZATION_1D,
    REQUESTS,
    RERANKER_SCORE_MEAN,
    RETRIEVAL_EMPTY,
    RETRIEVAL_TOP_SCORE_MEAN,
    WEEK_BEFORE,
)
from modelwatch.catalogue.stack import RECORDED_SERIES
from modelwatch.promql import on, or_zero, seconds, select
from modelwatch.rules import Record, RecordGroup

# A whole day, so that one quiet hour of last week does not decide what is normal today.
_A_WEEK_AGO: Mapping[str, str] = {
    "cost_per_1k_tokens": f"avg_over_time({COST_PER_1K_TOKENS}[1d] offset 1w)",
    "cache_hit": f"avg_over_time({CACHE_HIT}[1d] offset 1w)",
    "retrieval_hit": f"1 - avg_over_time({RETRIEVAL_EMPTY}[1d] offset 1w)",
    "retrieval_top_score": f"avg_over_time({RETRIEVAL_TOP_SCORE_MEAN}[1d] offset 1w)",
    "reranker_score": f"avg_over_time({RERANKER_SCORE_MEAN}[1d] offset 1w)",
}

_WITH_TRAFFIC = (
    f"({REQUESTS} * {seconds('5m')} >= {on()} {select(FLOOR_EVENTS, signal='requests')})"
)
_BUSY_MODELS = f"count by (environment, pool) ({GPU_MODEL} * {on()} group_left () {_WITH_TRAFFIC})"

GROUPS = (
    RecordGroup(
        name="modelwatch-before-slow",
        interval=SLOW,
        records=(
            *(
                Record(metric=WEEK_BEFORE, expr=expr, labels={"signal": signal})
                for signal, expr in _A_WEEK_AGO.items()
            ),
            # The KPI itself is already over a day.
            Record(metric=KPI_WEEK_BEFORE, expr=f"{KPI} offset 1w"),
            Record(metric=POOL_UTILIZATION_1D, expr=f"avg_over_time({POOL_UTILIZATION}[1d])"),
            # Every pattern starts with a level of ours: what others record is not counted.
            Record(
                metric=RECORDED_SERIES,
                expr=f"count({select('', __name__='~(engine|model|slo|budget|gpu):.+')})",
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-pool-traffic-mid",
        interval=MID,
        records=(
            Record(
                metric=POOL_BUSY_MODELS,
                expr=or_zero(_BUSY_MODELS, f"max by (environment, pool) ({POOL_INFO})"),
            ),
        ),
    ),
)
