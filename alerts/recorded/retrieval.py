"""Retrieval: does the model find what it needs to answer?"""

from alerts.recorded.windows import FAST, MID
from modelwatch.catalogue import QUANTILES
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.quality import (
    RERANKER_SCORE,
    RETRIEVAL_DURATION,
    RETRIEVAL_QUERIES_TOTAL,
    RETRIEVAL_RECIPROCAL_RANK,
    RETRIEVAL_TOP_SCORE,
)
from modelwatch.catalogue.recorded import (
    RERANKER_SCORE_MEAN,
    RETRIEVAL_EMPTY,
    RETRIEVAL_LATENCY,
    RETRIEVAL_RECIPROCAL_RANK_MEAN,
    RETRIEVAL_TOP_SCORE_MEAN,
    RETRIEVALS,
)
from modelwatch.catalogue.steps import (
    RETRIEVAL_BUCKETS,
)
from modelwatch.promql import or_zero, rate, ratio, total
from modelwatch.rules import Record, RecordGroup


def _mean(histogram: Metric) -> str:
    return ratio(total(rate(histogram.sum, over="1h")), total(rate(histogram.count, over="1h")))


_EMPTY = total(rate(RETRIEVAL_QUERIES_TOTAL, over="1h", where={"result": "empty"}))

GROUPS = (
    RecordGroup(
        name="modelwatch-retrieval",
        interval=FAST,
        records=(
            Record(
                metric=RETRIEVAL_BUCKETS,
                expr=total(rate(RETRIEVAL_DURATION.bucket), by=RETRIEVAL_BUCKETS.labels),
            ),
            *(
                Record(
                    metric=RETRIEVAL_LATENCY,
                    labels={"quantile": quantile},
                    expr=f"histogram_quantile({quantile}, {RETRIEVAL_BUCKETS}) >= 0",
                )
                for quantile in QUANTILES
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-retrieval-mid",
        interval=MID,
        records=(
            Record(metric=RETRIEVALS, expr=total(rate(RETRIEVAL_QUERIES_TOTAL, over="1h"))),
            Record(
                metric=RETRIEVAL_EMPTY,
                expr=ratio(or_zero(_EMPTY, f"{RETRIEVALS}"), f"{RETRIEVALS}"),
            ),
            Record(metric=RETRIEVAL_TOP_SCORE_MEAN, expr=_mean(RETRIEVAL_TOP_SCORE)),
            Record(metric=RERANKER_SCORE_MEAN, expr=_mean(RERANKER_SCORE)),
            Record(metric=RETRIEVAL_RECIPROCAL_RANK_MEAN, expr=_mean(RETRIEVAL_RECIPROCAL_RANK)),
        ),
    ),
)
