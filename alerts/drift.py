"""Drift: has what a model sees moved further from its baseline than chance would take it?

The limits of the statistics and their sources: modelwatch/defaults.py and docs/drift-statistics.md.
"""

from alerts.limits import PLENTY, limit
from modelwatch.catalogue.drift import (
    BASELINE_AGE,
    DRIFT_FLOOR,
    DRIFT_FOUND,
    DRIFT_OBSERVATIONS,
    DRIFT_SAMPLES,
    DRIFTED_FEATURES,
    DRIFTED_SHARE,
)
from modelwatch.catalogue.inventory import DRIFT_FEATURE, DRIFT_METHOD
from modelwatch.catalogue.metric import MODEL
from modelwatch.catalogue.recorded import LIMIT, REQUESTS_1H
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency
from modelwatch.templates import asked

_OF_NAME = on("model", "environment", "feature_name")
_BOARD = "modelwatch-drift"
_DAY_S = 86_400
_AT_LEAST = 2
"""One feature of three is a third of them, and still one feature."""

_COUNTED = ("model", "environment", "feature_name", "predicted", "baseline", "window")
_EVIDENCE = (
    asked(f"{BASELINE_AGE}", *BASELINE_AGE.labels, text=" ({{ humanizeDuration }} old)")
    + ': {{ $labels.method }} is {{ printf "%.3f" $value }}, over its limit of {{ $labels.limit }}'
    + asked(
        f"{DRIFT_FLOOR}",
        *_COUNTED,
        "method",
        text='; chance alone reaches {{ printf "%.3f" }}',
    )
    + asked(f"{DRIFT_SAMPLES}", *_COUNTED, text=" with {{ humanize }} values")
    + asked(f"{DRIFT_OBSERVATIONS}", *_COUNTED, text=" of {{ humanize }} observations")
    + "."
)

# Many features at once have one cause, and are told once.
_WIDESPREAD = f"""(
    {DRIFTED_SHARE} > {on()} group_right () {select(LIMIT, signal="drift_share")}
      and {on()}
    {DRIFTED_FEATURES} >= {_AT_LEAST}
)"""

_OWN_LIMIT = select(LIMIT, signal="drift", hold=HOLD, feature_name="!")
_ANY_LIMIT = select(LIMIT, signal="drift", hold=HOLD, feature_name="")
_HAS_OWN = select(LIMIT, signal="drift", feature_name="!")
_BY_NAME = on(*MODEL, "feature_name", "method")


def _found(*, critical: bool) -> str:
    """Drift of a watched feature over its own limit, or that of all features where it has none."""
    return f"""
        (
          {DRIFT_FOUND} > {_BY_NAME} group_left (limit) {_OWN_LIMIT}
          or
          ({DRIFT_FOUND} unless {_BY_NAME} {_HAS_OWN})
            > {on(*MODEL, "method")} group_left (limit)
          {_ANY_LIMIT}
        )
          and {_OF_NAME}
        {select(DRIFT_FEATURE, critical=str(critical).lower())}
    """


_BASELINE = {"baseline": "3f2a51c09e77"}
_FOUND = {"window": "6h"} | _BASELINE
_FED = {"feature_name": "$feature_name"} | _FOUND


def _decides(facts: Facts) -> bool:
    """Whether the statistic decides, and this limit of it is the feature's.

    Raises:
        KeyError: it does not decide.
    """
    labels = {name: facts.labels[name] for name in ("feature_name", "method")}
    facts.constant(DRIFT_METHOD, method=labels["method"])
    try:
        return facts.constant(LIMIT, signal="drift", **labels) == facts.limit
    except KeyError:
        return True


def _proof(*, critical: bool) -> Proof:
    method = {"method": "$method"}
    return Proof(
        row=DRIFT_FEATURE,
        where={"critical": str(critical).lower()},
        limit={"signal": "drift"},
        labels=_FOUND,
        has_quiet=False,
        reachable=_decides,
        given=(
            Given(
                metric=DRIFT_FOUND,
                labels=_FED | method,
                fires=lambda facts: 2 * facts.limit,
                below=lambda facts: 0.99 * facts.limit,
            ),
            Given(metric=DRIFT_FLOOR, labels=_FED | method, fires=lambda facts: facts.limit / 2),
            Given(metric=DRIFT_SAMPLES, labels=_FED, fires=1200),
            Given(metric=DRIFT_OBSERVATIONS, labels=_FED, fires=1250),
            Given(metric=BASELINE_AGE, labels=_BASELINE, fires=30 * _DAY_S),
        ),
    )


_LIES = (
    "Drift is harmless where the model has learned both sides of it. What every week brings, such "
    "as a weekend, is drift against a baseline that has none. A baseline that is too old drifts by "
    "itself."
)


def _of_feature(
    name: str, *, signal: str, urgency: Urgency, condition: str, who: str, proof: Proof
) -> Alert:
    """One feature has drifted; `who` it is opens the message."""
    return Alert(
        name=name,
        signal=signal,
        signal_class=SignalClass.QUALITY,
        urgency=urgency,
        condition=condition,
        labels=("feature_name", "predicted", "baseline", "method", "window", "limit"),
        hold=HOLD,
        keep_firing="30m",
        summary=who + " has drifted from baseline {{ $labels.baseline }}" + _EVIDENCE,
        description="The distance of the feature from its baseline is above its limit and above "
        "what chance alone would show once in a hundred times with so many values; there are as "
        "many values as the floor `drift` asks for; and all of that in two neighbouring windows, "
        "of an hour and six, or of six hours and a day.",
        action=(
            "On the drift board lay the distribution of now beside that of the baseline: a new "
            "group, another unit, or everything a little further?",
            "Is the source of the feature broken: missing values, a new category, a changed "
            "pipeline?",
            "Did quality or business figures follow? Then this is no longer a proxy.",
            "Where the world has changed for good, retrain, and build a baseline of the new model.",
        ),
        lies=_LIES,
        board=_BOARD,
        proof=proof,
    )


ALERTS = [
    _of_feature(
        "ModelDriftHigh",
        signal="drift",
        urgency=Urgency.WATCH,
        condition=f"""
            {_found(critical=False)}
              unless {on()}
            {_WIDESPREAD}
        """,
        who="{{ $labels.feature_name }} of {{ $labels.model }}",
        proof=_proof(critical=False),
    ),
    _of_feature(
        "ModelCriticalFeatureDrifted",
        signal="drift_critical",
        urgency=Urgency.SOON,
        condition=_found(critical=True),
        who="{{ $labels.feature_name }}, a critical feature of {{ $labels.model }},",
        proof=_proof(critical=True),
    ),
    Alert(
        name="ModelDriftWidespread",
        signal="drift_share",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        condition=f"""
            {DRIFTED_SHARE}
              > {on()} group_left (limit)
            {limit("drift_share")}
              and {on()}
            {DRIFTED_FEATURES} >= {_AT_LEAST}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="30m",
        summary="{{ $value | humanizePercentage }} of the watched features of {{ $labels.model }} "
        "have drifted, over the limit of {{ $labels.limit }}.",
        description="So large a share of the watched features has drifted at the same time, two of "
        "them at least. Single features are not told meanwhile, except critical ones.",
        action=(
            "On the drift board see since when: many features at one moment are a pipeline, a "
            "join or a unit; one after the other are a change of the world.",
            "Was the baseline built from the traffic that this version of the model gets?",
            "Did quality or business figures follow? Then this is no longer a proxy.",
        ),
        lies=f"{_LIES} Features that follow each other count as many.",
        board=_BOARD,
        proof=Proof(
            row=LIMIT,
            where={"signal": "drift_share"},
            reachable=lambda facts: facts.limit < facts.constant(DRIFT_FEATURE),
            value=lambda _: 1.0,
            given=(
                Given(
                    metric=DRIFTED_SHARE,
                    fires=1,
                    below=lambda facts: 0.99 * facts.limit,
                ),
                Given(metric=DRIFTED_FEATURES, fires=_AT_LEAST, quiet=1),
            ),
        ),
    ),
    Alert(
        name="ModelBaselineOld",
        signal="baseline_age",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        condition=f"""
            {BASELINE_AGE} / {_DAY_S}
              > {on()} group_left (limit)
            {limit("baseline_age")}
        """,
        labels=("baseline", "limit"),
        hold=HOLD,
        summary="Baseline {{ $labels.baseline }} of {{ $labels.model }} is "
        '{{ printf "%.0f" $value }} days old, over its limit of {{ $labels.limit }}.',
        description="The newest row behind the baseline is that old. What has changed since is "
        "drift for the statistics, whether the model has learned it or not.",
        action=(
            "Build a baseline of the data that the model was last trained on, or of a good week: "
            "`modelwatch baseline build`.",
            "Compare both with `modelwatch baseline compare` before the new one is used.",
        ),
        lies="A world that does not change needs no new baseline: raise the limit.",
        board=_BOARD,
        proof=Proof(
            row=LIMIT,
            where={"signal": "baseline_age"},
            labels=_BASELINE,
            has_quiet=False,
            value=lambda facts: 2 * facts.limit,
            given=(
                Given(
                    metric=BASELINE_AGE,
                    labels=_BASELINE,
                    fires=lambda facts: 2 * facts.limit * _DAY_S,
                    below=lambda facts: 0.99 * facts.limit * _DAY_S,
                ),
            ),
        ),
    ),
    Alert(
        name="ModelDriftUnobserved",
        signal="unobserved",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        # A statistic that somebody else computes has samples of its own.
        condition=f"""
            (count by (model, environment) (
              {DRIFT_FEATURE}
                unless {_OF_NAME} ({select(DRIFT_OBSERVATIONS, window="1h")} > 0)
                unless {_OF_NAME} ({select(DRIFT_SAMPLES, window="~|1h")} > 0))
              unless {on()} ({REQUESTS_1H} == 0))
              * {on()} group_left (hold)
            group by (model, environment, hold) ({limit("drift_silent")})
        """,
        labels=("hold",),
        hold=HOLD,
        summary="{{ $value | humanize }} of the features of {{ $labels.model }} that are watched "
        "for drift have not been observed for {{ $labels.hold }}: of them no drift can be found.",
        description="No observation of these features has been counted, for an hour before the "
        "time told as well. Where it is all of them, the sender has stopped, the exporter is not "
        "there, or it has no baseline of the model.",
        action=(
            "Does the drift exporter run with this inventory, and does Prometheus scrape it with "
            "honor_labels?",
            "Does it know a baseline of the model? Its page says which, and what it rejected.",
            "Which features have no observations, on the drift board: does the application, or the "
            "baseline, call them by another name?",
        ),
        lies="A model that got no requests within the hour has nothing to observe, and the alert "
        "stays silent; of one whose requests nobody counts it cannot know that.",
        board=_BOARD,
        proof=Proof(
            row=LIMIT,
            where={"signal": "drift_silent"},
            value=lambda _: 1.0,
            reachable=lambda facts: facts.constant(DRIFT_FEATURE) > 0,
            given=(
                Given(
                    metric=DRIFT_OBSERVATIONS,
                    labels={"feature_name": "amount", "window": "1h"} | _BASELINE,
                    fires=0,
                    below=1,
                ),
                Given(
                    metric=DRIFT_FEATURE,
                    labels={"feature_name": "amount", "critical": "false"},
                    fires=1,
                ),
                Given(metric=REQUESTS_1H, fires=PLENTY, quiet=0),
            ),
        ),
    ),
]
