"""Own past: are values spread otherwise than a week ago, and than on the days before?"""

from collections.abc import Callable

from alerts.burn import fast_burns
from alerts.limits import limit
from alerts.told import told
from modelwatch.catalogue.drift import DRIFT, DRIFT_FLOOR, DRIFT_SAMPLES
from modelwatch.catalogue.inventory import OWN_PAST
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.own_past import METHOD, RECENT_DAYS, REFERENCES, WEEK_BEFORE, WINDOW
from modelwatch.catalogue.recorded import DISTRIBUTIONS, FLOOR_EVENTS, LIMIT
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_FEATURE = ("model", "environment", "feature_name")
_SLOW = (
    "ModelLatencyHigh",
    "ModelFirstTokenSlow",
    "ModelInterTokenSlow",
    "ModelQueueTimeHigh",
    "ModelLatencyUnusual",
    *fast_burns("ModelLatency"),
    *fast_burns("ModelFirstToken"),
    *fast_burns("ModelInterToken"),
)
_OF_PROMPTS = {"feature_name": "prompt_length"}


def _labels(metric: Metric, reference: str) -> dict[str, str]:
    labels = {"baseline": reference, "window": WINDOW}
    return labels | ({"method": METHOD} if "method" in metric.labels else {})


def _compared(metric: Metric, reference: str, **where: str) -> str:
    return select(metric, _labels(metric, reference), **where)


def _shifted(reference: str) -> str:
    """The distance from one reference where it is over its limit and over what chance would do."""
    return f"""
        {_compared(DRIFT, reference)}
          > {on()} group_left (limit)
        {limit("drift_own_past")}
          > {on(*_FEATURE)} group_left ()
        {_compared(DRIFT_FLOOR, reference)}
    """


def _fed(reference: str) -> tuple[Given, ...]:
    return (
        Given(
            metric=DRIFT,
            labels=_labels(DRIFT, reference) | _OF_PROMPTS,
            fires=lambda facts: 2 * facts.limit,
            # One reference alone is not enough.
            below=(lambda facts: 0.99 * facts.limit) if reference == RECENT_DAYS else None,
        ),
        Given(
            metric=DRIFT_FLOOR,
            labels=_labels(DRIFT_FLOOR, reference) | _OF_PROMPTS,
            fires=lambda facts: 0.5 * facts.limit,
        ),
    )


def _samples(times: float) -> Callable[[Facts], float]:
    return lambda facts: times * facts.constant(FLOOR_EVENTS, signal="drift")


ALERTS = [
    Alert(
        name="ModelDistributionShifted",
        signal="drift_own_past",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        # A model that became slow is told by the alerts on latency, which are surer and sooner. A
        # duration is left to them also while this hour still remembers what they have told; one
        # that fell, and one without a limit, is told here.
        condition=f"""
            max by (model, environment, feature_name, limit) ({_shifted(WEEK_BEFORE)})
              and {on(*_FEATURE)}
            ({_shifted(RECENT_DAYS)})
              and {on(*_FEATURE)}
            ({_compared(DRIFT_SAMPLES, WEEK_BEFORE)}
              >= {on()} group_left ()
            {select(FLOOR_EVENTS, signal="drift")})
              unless {on(*_FEATURE)}
            ({_compared(DRIFT, WEEK_BEFORE, feature_name=f"~{'|'.join(DISTRIBUTIONS)}")}
              and {on()}
            {told(*_SLOW, over="1h")})
        """,
        labels=("feature_name", "limit"),
        hold=HOLD,
        keep_firing="1h",
        summary="{{ $labels.feature_name }} of {{ $labels.model }} is spread otherwise than at "
        'this hour a week ago, and on the days before: the distance is {{ printf "%.2f" $value }}, '
        "over its limit of {{ $labels.limit }}.",
        description="The Kolmogorov-Smirnov distance of the last hour from the same hour a week "
        "before, and from that of a usual day of the last seven, are both above the limit: so "
        "large a share of all values lies elsewhere. Both are above what chance alone shows once "
        "in a hundred times with so many values, and there were at least as many as the floor "
        "`drift` asks for.",
        action=(
            "On the drift board compare the distribution now with that of a week before: longer, "
            "shorter, or a new group beside the old?",
            "Look for a new caller, a prompt change or a new version at the time it began.",
            "Did quality, cost or latency follow? Then this is their cause, and no longer a proxy.",
        ),
        lies="After three or four days the new distribution is usual, and the alert ends whether "
        "it was wanted or not. A change of the clock to summer or winter time, and a holiday that "
        "was on this weekday a week ago, shift hours that differ. Replicas with other boundaries "
        "than their neighbours look like a shift when traffic moves between them.",
        board="modelwatch-drift",
        proof=Proof(
            row=LIMIT,
            where={"signal": "drift_own_past"},
            labels=_OF_PROMPTS,
            # A model of which nothing is watched has no past to leave.
            reachable=lambda facts: facts.constant(OWN_PAST) > 0,
            given=(
                *(given for reference in REFERENCES for given in _fed(reference)),
                Given(
                    metric=DRIFT_SAMPLES,
                    labels=_labels(DRIFT_SAMPLES, WEEK_BEFORE) | _OF_PROMPTS,
                    fires=_samples(2),
                    quiet=_samples(0.9),
                ),
            ),
        ),
    ),
]
