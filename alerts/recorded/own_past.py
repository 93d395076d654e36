"""Own past: is what a model sees and says spread as it was a week ago, and on the last days?

The last hour of every watched histogram is recorded every four minutes; the past is read back from
these samples, one for each day. Buckets are cumulative already, so the largest difference between
two of them is the Kolmogorov-Smirnov distance. Engines have buckets of their own, so each is
compared with itself and the largest distance counts; its floor is that of the engine with the
fewest values.

Only boundaries that both hours have are compared: one that is new, or gone, says nothing.
"""

from alerts.recorded.windows import FAST, SLOW, events
from modelwatch.catalogue.drift import DRIFT, DRIFT_FLOOR, DRIFT_SAMPLES
from modelwatch.catalogue.inventory import OWN_PAST
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.own_past import (
    DAYS,
    ENGINE_FEATURE,
    FEWEST_DAYS,
    METHOD,
    OWN_PAST_CDF,
    OWN_PAST_SAMPLES,
    OWN_PAST_USUAL,
    OWN_PAST_USUAL_SAMPLES,
    RECENT_DAYS,
    REFERENCES,
    RETRIEVAL_SCORES,
    SCORE_PREFIX,
    SCORES,
    SIGNALS,
    WEEK_BEFORE,
    WINDOW,
)
from modelwatch.catalogue.quality import (
    QUALITY_DISTRIBUTION,
    RERANKER_SCORE,
    RETRIEVAL_TOP_SCORE,
)
from modelwatch.catalogue.recorded import ENGINE_BUCKETS, FLOOR_EVENTS
from modelwatch.promql import largest, on, select, total
from modelwatch.rules import Record, RecordGroup

_ALL = {"le": "+Inf"}
_BOUNDARIES = {"le": "!+Inf"}
_FEATURE = ("model", "environment", "feature_name")
_ENGINE = ("model", "environment", "engine")
_SCORE = ("model", "environment", "score")


def _watched(signal: str) -> str:
    return f"and {on()} {select(OWN_PAST, signal=signal)}"


def _of_engine(signal: str, where: dict[str, str], *labels: str) -> str:
    counts = events(select(ENGINE_BUCKETS[signal], where), over="1h", every=FAST)
    return f"sum by ({', '.join((*_ENGINE, *labels))}) ({counts})"


def _of_scores(where: dict[str, str], *labels: str) -> str:
    counts = f"increase({select(QUALITY_DISTRIBUTION.bucket, where)}[1h])"
    by = ", ".join((*_SCORE, *labels))
    return f"""
        sum by ({", ".join((*_FEATURE, *labels))}) (
        label_replace(sum by ({by}) ({counts}), "feature_name", "{SCORE_PREFIX}$1", "score", "(.+)")
        )
    """


def _enough(samples: str) -> str:
    return f"({samples} >= {on()} group_left () {select(FLOOR_EVENTS, signal='drift')})"


def _samples(signal: str) -> Record:
    return Record(
        metric=OWN_PAST_SAMPLES,
        labels={"feature_name": signal},
        expr=f"{_of_engine(signal, _ALL)} {_watched(signal)}",
    )


def _cdf(signal: str) -> Record:
    """Shares up to each boundary that was there all the hour.

    One that came or went with a restart has counted a part of the hour: that is no shift.
    """
    bucket, by = ENGINE_BUCKETS[signal], ", ".join(_ENGINE)
    return Record(
        metric=OWN_PAST_CDF,
        labels={"feature_name": signal},
        expr=f"""
            {_of_engine(signal, _BOUNDARIES, "le")}
              / {on(*_ENGINE)} group_left ()
            {_enough(select(OWN_PAST_SAMPLES, feature_name=signal))}
              and {on(*_ENGINE, "le")}
            (sum by ({by}, le) (count_over_time({select(bucket, _BOUNDARIES)}[1h]))
              >= {on(*_ENGINE)} group_left ()
            sum by ({by}) (count_over_time({select(bucket, _ALL)}[1h])))
        """,
    )


def _retrieval(feature_name: str, histogram: Metric) -> tuple[Record, Record]:
    """Scores of retrieval are scores as well, one distribution each."""

    def counts(where: dict[str, str], *labels: str) -> str:
        return total(f"increase({select(histogram.bucket, where)}[1h])", by=(*MODEL, *labels))

    return (
        Record(
            metric=OWN_PAST_SAMPLES,
            labels={"feature_name": feature_name},
            expr=f"{counts(_ALL)} {_watched(SCORES)}",
        ),
        Record(
            metric=OWN_PAST_CDF,
            labels={"feature_name": feature_name},
            expr=f"""
                {counts(_BOUNDARIES, "le")}
                  / {on()} group_left ()
                {_enough(select(OWN_PAST_SAMPLES, feature_name=feature_name))}
            """,
        ),
    )


def _scores() -> tuple[Record, Record]:
    mine = select(OWN_PAST_SAMPLES, feature_name=f"~{SCORE_PREFIX}.+")
    return (
        Record(
            metric=OWN_PAST_SAMPLES,
            expr=f"{_of_scores(_ALL)} {_watched(SCORES)}",
        ),
        Record(
            metric=OWN_PAST_CDF,
            expr=f"""
                {_of_scores(_BOUNDARIES, "le")}
                  / {on(*_FEATURE)} group_left ()
                {_enough(mine)}
            """,
        ),
    )


def _days(metric: Metric) -> str:
    """This hour of each of the last days, under a label of its own."""
    days = range(1, DAYS + 1)
    return "\nor\n".join(
        f'label_replace({metric} offset {day}d, "day", "{day}", "", "")' for day in days
    )


_BY_FEATURE = ", ".join(_FEATURE)
_BY_ENGINE_FEATURE = ", ".join(ENGINE_FEATURE)
_DAYS_WITH_ENOUGH = _enough(f"({_days(OWN_PAST_SAMPLES)})")
_BEFORE = {WEEK_BEFORE: f"{OWN_PAST_CDF} offset 1w", RECENT_DAYS: f"{OWN_PAST_USUAL}"}
_SAMPLES_BEFORE = {
    WEEK_BEFORE: _enough(f"{OWN_PAST_SAMPLES} offset 1w"),
    RECENT_DAYS: f"{OWN_PAST_USUAL_SAMPLES}",
}


def _compared(metric: Metric, reference: str, expr: str) -> Record:
    labels = {"baseline": reference, "window": WINDOW}
    if "method" in metric.labels:
        labels["method"] = METHOD
    return Record(metric=metric, labels=labels, expr=expr)


def _distance(reference: str) -> tuple[Record, Record, Record]:
    """Distance, floor and samples. 1.63: the Kolmogorov-Smirnov quantile of one in a hundred."""
    apart = f"abs({OWN_PAST_CDF} - {_BEFORE[reference]})"
    now, before = _enough(str(OWN_PAST_SAMPLES)), _SAMPLES_BEFORE[reference]
    return (
        _compared(DRIFT, reference, largest(apart, by=_FEATURE)),
        _compared(
            DRIFT_FLOOR, reference, largest(f"1.63 * sqrt(1 / {now} + 1 / {before})", by=_FEATURE)
        ),
        _compared(
            DRIFT_SAMPLES,
            reference,
            f"min by ({_BY_FEATURE}) ({now}) or {largest(OWN_PAST_SAMPLES, by=_FEATURE)}",
        ),
    )


GROUPS = (
    RecordGroup(
        name="modelwatch-own-past-slow",
        interval=SLOW,
        records=(
            *(_samples(signal) for signal in SIGNALS),
            *(_cdf(signal) for signal in SIGNALS),
            *_scores(),
            *_retrieval(RETRIEVAL_SCORES[0], RETRIEVAL_TOP_SCORE),
            *_retrieval(RETRIEVAL_SCORES[1], RERANKER_SCORE),
        ),
    ),
    RecordGroup(
        name="modelwatch-own-past-distance-slow",
        interval=SLOW,
        records=(
            # The median needs three days: of two it is their mean, and one odd day would move it.
            Record(
                metric=OWN_PAST_USUAL_SAMPLES,
                expr=f"""
                    min by ({_BY_ENGINE_FEATURE}) ({_DAYS_WITH_ENOUGH})
                    and {on(*ENGINE_FEATURE)}
                    count by ({_BY_ENGINE_FEATURE}) ({_DAYS_WITH_ENOUGH}) >= {FEWEST_DAYS}
                """,
            ),
            Record(
                metric=OWN_PAST_USUAL,
                expr=f"""
                    quantile by ({_BY_ENGINE_FEATURE}, le) (0.5,
                    {_days(OWN_PAST_CDF)}
                    )
                    and {on(*ENGINE_FEATURE)} {OWN_PAST_USUAL_SAMPLES}
                """,
            ),
            *(record for reference in REFERENCES for record in _distance(reference)),
        ),
    ),
)
