"""Counts of drift: how many values fell into each bin of the baseline within a window?

The last hour is read from the counters, summed over replicas; six hours are six such hours, a day
is four times six hours. An hour that nobody recorded counts as one without observations. Counts of
one baseline never meet those of another: `baseline` stays a label throughout.
"""

from alerts.recorded.windows import SLOW
from modelwatch.catalogue.drift import (
    DRIFT_BASELINE_PREVIOUS,
    DRIFT_BINS,
    DRIFT_BUCKETS,
    DRIFT_CATEGORIES_TOTAL,
    DRIFT_MISSING_TOTAL,
    DRIFT_OBSERVATIONS,
    DRIFT_OBSERVATIONS_TOTAL,
    DRIFT_OUT_OF_RANGE_TOTAL,
    DRIFT_RATES,
    DRIFT_SAMPLES,
    DRIFT_SAMPLES_BEHIND,
    DRIFT_UNSEEN_TOTAL,
    DRIFT_VALUES,
    FEATURE,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.promql import largest, on, select, total
from modelwatch.rules import Record, RecordGroup

HOUR = {"window": "1h"}


def at_edge(metric: Metric) -> str:
    """A series of the baseline under the boundary of the bucket that it is about.

    On the page the boundary is called `edge`: only buckets of histograms may have a `le`.
    """
    return f'label_replace({metric}, "le", "$1", "edge", "(.+)")'


_ONE_HOUR = select(DRIFT_BUCKETS, HOUR)
_PREVIOUS = at_edge(DRIFT_BASELINE_PREVIOUS)
_BEFORE = largest(
    f'label_replace({_PREVIOUS}, "previous_le", "$1", "previous_edge", "(.+)")',
    by=(*FEATURE, "le", "previous_le"),
)


def _last_hour(counter: Metric | str, *by: str) -> str:
    return total(f"increase({counter}[1h])", by=(*FEATURE, *by))


def _added_up(metric: Metric, *, part: str, parts: int, hours: int) -> str:
    """The sum of windows that end now, `hours` ago, twice as long ago, and so on."""
    recorded = select(metric, window=part)
    shifted = "\nor\n".join(
        f'label_replace({recorded}{_ago(hours * number)}, "window", "{number}", "", "")'
        for number in range(parts)
    )
    kept = (label for label in metric.labels if label != "window")
    return total(f"\n{shifted}\n", by=kept)


def _ago(hours: int) -> str:
    return f" offset {hours}h" if hours else ""


def _longer(metric: Metric) -> tuple[Record, Record]:
    """Six hours and a day of counts that are recorded for one hour."""
    return (
        Record(
            metric=metric,
            expr=_added_up(metric, part="1h", parts=6, hours=1),
            labels={"window": "6h"},
        ),
        Record(
            metric=metric,
            expr=_added_up(metric, part="6h", parts=4, hours=6),
            labels={"window": "1d"},
        ),
    )


# Counters are scraped one after another and extrapolated one by one: a bin is never below zero.
# Which boundary has none before it is known only while the exporter says which have one.
_RANGES = f"""
    clamp_min(
      {_ONE_HOUR} * {on(*FEATURE, "le")} group_left (previous_le) {_BEFORE}
        - {on(*FEATURE, "previous_le")} group_left ()
      label_replace({_ONE_HOUR}, "previous_le", "$1", "le", "(.+)"),
      0)
    or
    ({_ONE_HOUR} unless {on(*FEATURE, "le")} {_BEFORE} and {on(*FEATURE)} {_BEFORE})
"""

GROUPS = (
    RecordGroup(
        name="modelwatch-drift-counts-slow",
        interval=SLOW,
        records=(
            Record(metric=DRIFT_BUCKETS, expr=_last_hour(DRIFT_VALUES.bucket, "le"), labels=HOUR),
            *_longer(DRIFT_BUCKETS),
            Record(
                metric=DRIFT_BINS,
                expr=f"""
                    {
                    total(
                        f'label_replace({_RANGES}, "bin", "$1", "le", "(.+)")', by=(*FEATURE, "bin")
                    )
                }
                    or
                    {_last_hour(DRIFT_CATEGORIES_TOTAL, "bin")}
                """,
                labels=HOUR,
            ),
            *_longer(DRIFT_BINS),
            Record(
                metric=DRIFT_OBSERVATIONS, expr=_last_hour(DRIFT_OBSERVATIONS_TOTAL), labels=HOUR
            ),
            *_longer(DRIFT_OBSERVATIONS),
            *(
                Record(metric=DRIFT_RATES, expr=_last_hour(counter), labels={"method": rate} | HOUR)
                for rate, counter in (
                    ("missing", DRIFT_MISSING_TOTAL),
                    ("unseen", DRIFT_UNSEEN_TOTAL),
                    ("out_of_range", DRIFT_OUT_OF_RANGE_TOTAL),
                )
            ),
            *_longer(DRIFT_RATES),
            Record(
                metric=DRIFT_SAMPLES,
                expr=f"""
                    {total(DRIFT_BINS, by=DRIFT_SAMPLES.labels)}
                    or
                    {largest(DRIFT_SAMPLES_BEHIND, by=DRIFT_SAMPLES.labels)}
                """,
            ),
        ),
    ),
)
