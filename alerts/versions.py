"""Versions: is the new version of a model worse than the one before it?

For errors and latency both must serve enough requests now, so neither the hour of the day nor the
callers explain the difference. The version seen longest within a day is the one before; while
several were seen equally long, each is compared with the best of them.
"""

from alerts.limits import limit
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    FLOOR_EVENTS,
    LIMIT,
    VERSION_BEFORE,
    VERSION_ERROR_RATIO,
    VERSION_LATENCY,
    VERSION_REQUESTS,
)
from modelwatch.catalogue.version_scores import (
    VERSION_BAD_BEFORE,
    VERSION_BAD_LOWER_BOUND,
    VERSION_JUDGEMENTS_1D,
)
from modelwatch.promql import on, seconds, select, total
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_OF_VERSION = on("model", "environment", "version")
_SCORE = ("model", "environment", "score")
_SCORE_OF_VERSION = (*_SCORE, "version")
_REQUESTS_30M = f"{select(VERSION_REQUESTS, version='!')} * {seconds('30m')}"


def _before(signal: str) -> str:
    return select(VERSION_BEFORE, signal=signal)


def _worse(metric: Metric, signal: str) -> str:
    """The value of every version that is so many times that of the version before it."""
    return f"""
        {metric}
          > {on()} group_left (limit)
        ({_before(signal)} * {on()} group_left (limit) {limit("version_regression")})
          and {_OF_VERSION}
        {_REQUESTS_30M} >= {on()} group_left () {select(FLOOR_EVENTS, signal="version")}
    """


def _few(facts: Facts) -> float:
    """Requests per second of a version just below the floor."""
    return 0.9 * facts.constant(FLOOR_EVENTS, signal="version") / 1800


def _proof(metric: Metric, signal: str, before: float) -> Proof:
    labels = {"version": "2"}
    return Proof(
        row=LIMIT,
        where={"signal": "version_regression"},
        labels=labels,
        given=(
            Given(
                metric=metric,
                labels=labels,
                fires=lambda facts: 2 * facts.limit * before,
                below=lambda facts: 0.99 * facts.limit * before,
            ),
            Given(metric=VERSION_BEFORE, labels={"signal": signal}, fires=before),
            Given(metric=VERSION_REQUESTS, labels=labels, fires=5, quiet=_few),
        ),
    )


ALERTS = [
    Alert(
        name="ModelVersionFailsMore",
        signal="version_regression",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("requests",),
        # Two failures against one are twice as many and mean nothing: as many more must have
        # failed as a burn alert asks for bad events.
        condition=f"""
            {_worse(VERSION_ERROR_RATIO, "error_ratio")}
              and {_OF_VERSION}
            ({VERSION_ERROR_RATIO} - {on()} group_left () {_before("error_ratio")})
              * {_OF_VERSION}
            {_REQUESTS_30M} >= {on()} group_left () {select(FLOOR_EVENTS, signal="slo")}
        """,
        labels=("version", "limit"),
        hold=HOLD,
        summary="Version {{ $labels.version }} of {{ $labels.model }} fails "
        "{{ $value | humanizePercentage }} of its requests, over {{ $labels.limit }} as many as "
        "the version beside it.",
        description="Over the last 30 minutes this version failed a larger share of its requests "
        "than the version seen before it, at the same time, and both had enough requests.",
        action=(
            "Stop the rollout: move traffic back to the version before.",
            "On the model board compare outcomes by version: errors, timeouts or rate limits?",
            "Look at what the version changed: weights, engine, prompt, quota or hardware.",
        ),
        lies="Versions that serve different callers differ for that reason alone. After a day side "
        "by side, the worse one is named whichever is newer.",
        board="modelwatch-model",
        proof=_proof(VERSION_ERROR_RATIO, "error_ratio", before=0.01),
    ),
    Alert(
        name="ModelVersionSlower",
        signal="version_regression",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.SOON,
        needs=("requests", "request_duration"),
        condition=_worse(VERSION_LATENCY, "request_duration"),
        labels=("version", "limit"),
        hold=HOLD,
        summary="Version {{ $labels.version }} of {{ $labels.model }} answers in "
        "{{ $value | humanizeDuration }} (quantile 0.95), over {{ $labels.limit }} the version "
        "beside it.",
        description="Over the last 30 minutes this version was slower than the version seen "
        "before it, at the same time, and both had enough requests.",
        action=(
            "Stop the rollout: move traffic back to the version before.",
            "Compare tokens per request: does the new version just answer at more length?",
            "Look at batch size, KV cache use and hardware of its replicas.",
        ),
        lies="Longer answers take longer on a healthy engine. A version that just started warms up "
        "its caches. Versions that serve different callers differ for that reason alone.",
        board="modelwatch-model",
        proof=_proof(VERSION_LATENCY, "request_duration", before=1.0),
    ),
    Alert(
        name="ModelVersionScoresWorse",
        signal="version_score",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        # The least that is certain of this version against the most that fits the one before.
        condition=f"""
            {VERSION_BAD_LOWER_BOUND}
              > {on(*_SCORE)} group_left (limit)
            ({VERSION_BAD_BEFORE} * {on()} group_left (limit) {limit("version_regression")})
              and {on(*_SCORE_OF_VERSION)}
            ({total(VERSION_JUDGEMENTS_1D, by=_SCORE_OF_VERSION)}
              >= {on()} group_left ()
            {select(FLOOR_EVENTS, signal="judgements")})
        """,
        labels=("score", "version", "limit"),
        hold=HOLD,
        summary="Version {{ $labels.version }} of {{ $labels.model }} is bad in "
        "{{ $labels.score }} for at least {{ $value | humanizePercentage }} of the judged answers, "
        "over {{ $labels.limit }} as many as the version before it.",
        description="Over a day the judges found this version bad more often than the version that "
        "they judged before it. The difference is certain at 95 %: the least share that fits its "
        "judgements is over so many times the largest that fits those of the version before.",
        action=(
            "Stop the rollout: move traffic back to the version before.",
            "Read bad answers of this version beside answers of the other to the same questions.",
            "Look at what the version changed: weights, prompt, retrieval, sampling or judge.",
        ),
        lies="A judge that changed together with the version looks the same. A day after the old "
        "version was last judged there is nothing to compare with, and the alert ends.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": "version_regression"},
            labels={"version": "2", "score": "groundedness"},
            given=(
                Given(
                    metric=VERSION_BAD_LOWER_BOUND,
                    labels={"score": "groundedness", "version": "2"},
                    fires=lambda facts: 2 * facts.limit * 0.05,
                    below=lambda facts: 0.99 * facts.limit * 0.05,
                ),
                Given(
                    metric=VERSION_BAD_BEFORE,
                    labels={"score": "groundedness"},
                    fires=0.05,
                ),
                Given(
                    metric=VERSION_JUDGEMENTS_1D,
                    labels={"score": "groundedness", "version": "2", "verdict": "bad"},
                    fires=lambda facts: 2 * facts.constant(FLOOR_EVENTS, signal="judgements"),
                    quiet=lambda facts: 0.9 * facts.constant(FLOOR_EVENTS, signal="judgements"),
                ),
            ),
        ),
    ),
]
