"""Quality: are the answers still good?

A judge that scores a sample is a proxy: alone it opens a ticket, and pages only when something else
corroborates it (see `correlated.py`).
"""

from dataclasses import replace

from alerts.burn import WINDOWS, burn_alerts
from alerts.limits import PLENTY, enough, limit
from alerts.told import told
from modelwatch.catalogue.inventory import SLO_OBJECTIVE
from modelwatch.catalogue.recorded import (
    BAD_JUDGEMENTS_LOWER_BOUND,
    FLOOR_EVENTS,
    JUDGEMENTS_1D,
    LIMIT,
    REQUESTS,
    REQUESTS_1H,
    SCORE,
    SCORE_AGE,
    SCORE_SAMPLES,
    SLO_ALLOWED,
)
from modelwatch.promql import on, select, total
from modelwatch.rules import HOLD, Alert, Facts, Given, Level, Proof, SignalClass, Urgency

_SCORES = ("model", "environment", "score")
_OF_SCORE = on(*_SCORES)

_READ_ANSWERS = "Read twenty of the badly judged answers: what do they have in common?"
_WHAT_CHANGED = "Look for a new model version, prompt, index or judge at the time it began."

# A model that was busy within the day and lately got nothing: its judge has nothing to judge, and
# for an hour after requests come again it may not have begun.
_STOPPED = f"""(
    min_over_time({REQUESTS}[1h]) == 0
      and {on()}
    {enough(f"max_over_time({REQUESTS_1H}[1d])")}
)"""


# Promised quality.

_PROMISED = select(SLO_OBJECTIVE, slo="quality")
_PROMISED_SCORE = f"group by (model, environment, score) ({_PROMISED})"
_CERTAIN = f"""
    (({BAD_JUDGEMENTS_LOWER_BOUND} and {_OF_SCORE} {_PROMISED})
      > {on()} group_left ()
    {select(SLO_ALLOWED, slo="quality")})
      and {on()}
    (({total(JUDGEMENTS_1D, by=_SCORES)} and {_OF_SCORE} {_PROMISED})
      >= {on()} group_left ()
    {select(FLOOR_EVENTS, signal="judgements")})
"""


_SHORT = {window.long: window.short for window in WINDOWS}
_SCORE_LIMITS = ("ModelScoreLow", "ModelScoreHigh")
_WORSE_VERSION = "ModelVersionScoresWorse"


def _unless_score_told(burn: str, over: str) -> str:
    """The score of the promise has alerts of its own; whichever came first is told."""
    scores = told(*_SCORE_LIMITS, _WORSE_VERSION, over=over, own=burn)
    return f"unless {on()} ({scores} and {_OF_SCORE} {_PROMISED})"


def _unless_worse_told(score: str) -> str:
    """Neither when the version is told that is to blame, nor when the promise is."""
    burns = told("ModelQualityBurn1d", "ModelQualityBurn3d", over="1h", own=score)
    return f"""
        unless {_OF_SCORE} {told(_WORSE_VERSION, over="1h", own=score)}
        unless {_OF_SCORE} ({burns} * {on()} group_left (score) {_PROMISED_SCORE})
    """


def _certain(burn: Alert) -> Alert:
    """A burn alert that also asks whether so many bad judgements can be chance.

    The lower Wilson bound is the smallest share of bad answers that fits the sample at 95 %.
    """
    return replace(
        burn,
        condition=f"""
            ({burn.condition}) and {on()} {_CERTAIN}
            {_unless_score_told(burn.name, over=_SHORT[burn.extra["window"]])}
        """,
        proof=replace(
            burn.proof,
            row=SLO_OBJECTIVE,
            reachable=lambda facts: burn.proof.reachable(_allowed(facts)),
            given=(
                *(_of_allowed(given) for given in burn.proof.given),
                Given(
                    metric=BAD_JUDGEMENTS_LOWER_BOUND,
                    labels={"score": "$score"},
                    fires=lambda facts: min(1.0, 1.5 * _allowed(facts).limit),
                ),
                Given(
                    metric=JUDGEMENTS_1D,
                    labels={"score": "$score", "verdict": "bad"},
                    fires=lambda facts: 2 * facts.constant(FLOOR_EVENTS, signal="judgements"),
                    quiet=lambda facts: 0.9 * facts.constant(FLOOR_EVENTS, signal="judgements"),
                ),
            ),
        ),
    )


def _allowed(facts: Facts) -> Facts:
    """The facts of an objective as a burn alert knows them: the share of bad events allowed."""
    return replace(facts, limit=1 - facts.limit)


def _of_allowed(given: Given) -> Given:
    def level(known: Level | None) -> Level | None:
        return (lambda facts: known(_allowed(facts))) if callable(known) else known

    fires = level(given.fires)
    return replace(
        given,
        fires=given.fires if fires is None else fires,
        below=level(given.below),
        quiet=level(given.quiet),
    )


# Evaluations come by the hour or by the day: windows of minutes hold none of them.
_BURNS = [
    _certain(burn)
    for burn in burn_alerts(
        "ModelQuality",
        slo="quality",
        promise="quality",
        signal_class=SignalClass.QUALITY,
        needs=(),
        action=(
            _READ_ANSWERS,
            _WHAT_CHANGED,
            "Compare with thumbs down and the business figures: do users feel it?",
        ),
        lies="Who judges is a model as well: a changed judge looks like changed answers. Only a "
        "sample is judged; that it is no accident is certain at 95 %, not at 100 %.",
    )
    if burn.extra["window"] in ("1d", "3d")
]


# Scores below what is good.


def _score(name: str, *, signal: str, beyond: str, words: str, far: float, near: float) -> Alert:
    """The mean of a score is `beyond` its limit; a proof feeds `far` and `near` times it."""
    return Alert(
        name=name,
        signal=signal,
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        condition=f"""
            {SCORE}
              {beyond} {_OF_SCORE} group_left (limit)
            {limit(signal)}
              and {_OF_SCORE}
            ({SCORE_SAMPLES} >= {_OF_SCORE} {select(FLOOR_EVENTS, signal="quality")})
            {_unless_worse_told(name)}
        """,
        labels=("score", "limit"),
        hold=HOLD,
        keep_firing="30m",
        summary='The {{ $labels.score }} of {{ $labels.model }} is {{ $value | printf "%.3g" }}, '
        f"{words} its limit of {{{{ $labels.limit }}}}.",
        description="The mean of the named score over its last evaluation has been on the wrong "
        "side of what the inventory calls good for the whole hold time, with enough answers to "
        "believe it.",
        action=(
            _READ_ANSWERS,
            _WHAT_CHANGED,
            "Compare the other scores, drift and retrieval: which one moved first?",
        ),
        lies="A judge that changed looks like answers that changed. The mean hides a small group "
        "of very bad answers.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": signal},
            reachable=lambda facts: facts.limit > 0,
            given=(
                Given(
                    metric=SCORE,
                    labels={"score": "$score"},
                    fires=lambda facts: far * facts.limit,
                    below=lambda facts: near * facts.limit,
                ),
                Given(
                    metric=SCORE_SAMPLES,
                    labels={"score": "$score"},
                    fires=lambda facts: 2 * _fewest(facts),
                    quiet=lambda facts: 0.9 * _fewest(facts),
                ),
            ),
        ),
    )


def _fewest(facts: Facts) -> float:
    return facts.constant(FLOOR_EVENTS, signal="quality", score=facts.labels["score"])


ALERTS = [
    *_BURNS,
    _score("ModelScoreLow", signal="quality_below", beyond="<", words="under", far=0.5, near=1.01),
    _score("ModelScoreHigh", signal="quality_above", beyond=">", words="over", far=2, near=0.99),
    Alert(
        name="ModelEvaluatorSilent",
        signal="evaluation_age",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        condition=f"""
            {SCORE_AGE}
              > {_OF_SCORE} group_left (limit)
            {limit("evaluation_age")}
              unless {on()}
            {_STOPPED}
        """,
        labels=("score", "limit"),
        hold=HOLD,
        summary="The {{ $labels.score }} of {{ $labels.model }} was last evaluated "
        "{{ $value | humanizeDuration }} ago, over its limit of {{ $labels.limit }}.",
        description="Three evaluations in a row did not come: the score on the boards is old, and "
        "no alert about quality can fire.",
        action=(
            "Look at the newest run of the evaluation job: did it start, and how did it end?",
            "Check the judge's key, quota and budget.",
            "Check that the job still pushes to the quality exporter.",
        ),
        lies="A model that has had no traffic for a day, or never much, has nothing to evaluate. "
        "Where traffic has just stopped, the alert stays silent.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": "evaluation_age"},
            given=(
                Given(
                    metric=SCORE_AGE,
                    labels={"score": "$score"},
                    fires=lambda facts: 2 * facts.limit,
                    below=lambda facts: 0.99 * facts.limit,
                ),
                Given(metric=REQUESTS, fires=PLENTY, quiet=0),
                Given(metric=REQUESTS_1H, fires=PLENTY),
            ),
        ),
    ),
    Alert(
        name="ModelEvaluationMissing",
        signal="evaluation_missing",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        condition=f"""
            group by (model, environment, score) ({select(LIMIT, signal="evaluation_age")})
              unless {_OF_SCORE}
            {SCORE_AGE}
        """,
        labels=("score",),
        # Long enough for the first evaluation of a new model, short enough for one working day.
        hold="6h",
        summary="The {{ $labels.score }} of {{ $labels.model }} has no evaluation at all: no alert "
        "about it can fire; the limit is 6 hours.",
        description="The inventory promises this score, but no evaluation of it is reported: the "
        "job never ran, calls the score by another name, or its exporter is gone.",
        action=(
            "Compare the name of the score in the inventory with what the job pushes.",
            "Check that the quality exporter is scraped and up.",
            "Run the evaluation job once by hand.",
        ),
        lies="A new model whose first evaluation is due after more than six hours.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": "evaluation_age"},
            value=lambda _: 1,
            has_quiet=False,
            given=(
                Given(
                    metric=SCORE_AGE,
                    labels={"score": "$score"},
                    fires=0,
                    below=60,
                    absent_firing=True,
                ),
            ),
        ),
    ),
]
