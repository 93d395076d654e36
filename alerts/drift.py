"""Drift: has what a model sees moved further from its baseline than chance would take it?"""

from alerts.limits import limit
from modelwatch.catalogue.drift import DRIFT, DRIFT_FLOOR
from modelwatch.catalogue.recorded import LIMIT
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_FEATURE = ("model", "environment", "feature_name", "method")
_STATISTIC = {"feature_name": "$feature_name|prompt_length", "method": "$method|psi"}

ALERTS = [
    Alert(
        name="ModelDriftHigh",
        signal="drift",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        # A model's own limits name features; the fleet's default is for any feature.
        condition=f"""
            (
              {DRIFT} > {on(*_FEATURE)} group_left (limit) {limit("drift")}
              or
              {DRIFT}
                > {on("model", "environment", "method")} group_left (limit)
              {select(LIMIT, signal="drift", hold=HOLD, feature_name="")}
            )
              > {on(*_FEATURE)} group_left ()
            {DRIFT_FLOOR}
        """,
        labels=("feature_name", "method", "limit"),
        hold=HOLD,
        keep_firing="30m",
        summary="{{ $labels.feature_name }} of {{ $labels.model }} has drifted: "
        '{{ $labels.method }} is {{ printf "%.2f" $value }}, over its limit of '
        "{{ $labels.limit }}.",
        description="The distance of a feature from its baseline is above its limit and above what "
        "chance alone would show with this many samples.",
        action=(
            "On the quality board see since when, and whether other features moved with it.",
            "Is the source of the feature broken: missing values, a new category, another unit?",
            "Did quality or business figures follow? Then this is no longer a proxy.",
        ),
        lies="Drift is harmless where the model has learned both sides of it, and a baseline that "
        "is too old drifts by itself.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": "drift"},
            labels=_STATISTIC,
            given=(
                Given(
                    metric=DRIFT,
                    labels=_STATISTIC,
                    fires=lambda facts: 2 * facts.limit,
                    below=lambda facts: 0.99 * facts.limit,
                ),
                # With few samples chance alone reaches further.
                Given(
                    metric=DRIFT_FLOOR,
                    labels=_STATISTIC,
                    fires=lambda facts: 0.5 * facts.limit,
                    quiet=lambda facts: 3 * facts.limit,
                ),
            ),
        ),
    ),
]
