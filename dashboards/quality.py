"""Quality and drift: are the answers good, are we sure, and did the inputs change?"""

from dashboards.shared import (
    BREACH_ABOVE_ZERO,
    LEGEND,
    MODEL_EVENTS,
    NEAR_ABOVE_ZERO,
    TO_MODEL,
    limit,
    of,
    top,
)
from modelwatch.board import SELECTED, Board, Line, Panel, Row, Variable
from modelwatch.catalogue.drift import DRIFT, DRIFT_FLOOR, DRIFT_SAMPLES_BEHIND
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import (
    BAD_JUDGEMENTS_LOWER_BOUND,
    FEEDBACK_DOWN,
    FEEDBACK_VOTES,
    FLAGS,
    FLOOR_EVENTS,
    JUDGEMENTS,
    KPI,
    KPI_VOLUME,
    KPI_WEEK_BEFORE,
    LIMIT,
    SCORE,
    SCORE_AGE,
    SCORE_SAMPLES,
    SLO_ALLOWED,
    SLO_ERROR,
)
from modelwatch.promql import largest, on, ratio, seconds, select, total

_SCORE_KEY = (*MODEL, "score")
_FEATURE_KEY = (*MODEL, "feature_name")
_SCORE_LEGEND = "{{score}} of {{model}} / {{environment}}"
_FEATURE_LEGEND = "{{feature_name}} of {{model}} / {{environment}}"


def _scored(metric: Metric, **labels: str) -> str:
    return select(metric, SELECTED, score="~$score", **labels)


def _drifted(metric: Metric) -> str:
    return select(metric, SELECTED, feature_name="~$feature_name")


def _limits(signal: str, key: tuple[str, ...]) -> str:
    return largest(of(LIMIT, signal=signal), by=key)


_PAST_LIMIT = (
    f"({_scored(SCORE)} < bool {on(*_SCORE_KEY)} {_limits('quality_below', _SCORE_KEY)})"
    f" or ({_scored(SCORE)} > bool {on(*_SCORE_KEY)} {_limits('quality_above', _SCORE_KEY)})"
)
_STATISTIC_KEY = (*_FEATURE_KEY, "method")
_DISTANCE = largest(_drifted(DRIFT), by=_STATISTIC_KEY)
_OWN_LIMIT = largest(of(LIMIT, signal="drift", feature_name="~.+"), by=_STATISTIC_KEY)
_ONE_LIMIT = largest(of(LIMIT, signal="drift", feature_name=""), by=(*MODEL, "method"))
# A feature has drifted when it is past its limit and past what chance alone would show.
_DRIFTED = f"""
    ({_DISTANCE} > bool {on(*_STATISTIC_KEY)} {_OWN_LIMIT}
      or {_DISTANCE} > bool {on(*MODEL, "method")} group_left () {_ONE_LIMIT})
      * {on(*_STATISTIC_KEY)}
    ({_DISTANCE} > bool {on(*_STATISTIC_KEY)} {largest(_drifted(DRIFT_FLOOR), by=_STATISTIC_KEY)})
"""
_BAD_SHARE = ratio(
    total(_scored(JUDGEMENTS, verdict="bad"), by=_SCORE_KEY),
    total(_scored(JUDGEMENTS), by=_SCORE_KEY),
)

_FINE = Row(
    title="Are the answers good",
    panels=(
        Panel(
            title="Scores past their limit",
            question="How many scores say that answers are bad? Find them in the table below.",
            type="stat",
            unit="none",
            width=4,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({_PAST_LIMIT})"),),
            no_data="nothing is scored",
        ),
        Panel(
            title="Oldest evaluation",
            question="Are the scores still fresh? An old one says nothing: look at the evaluator.",
            type="stat",
            unit="s",
            width=4,
            lines=(Line(query=f"max({_scored(SCORE_AGE)})"),),
            no_data="nothing is scored",
        ),
        Panel(
            title="Most thumbs down",
            question="How large is the share of bad votes where users are least happy?",
            type="stat",
            unit="percentunit",
            width=4,
            lines=(Line(query=f"max({of(FEEDBACK_DOWN)})"),),
            no_data="no votes",
        ),
        Panel(
            title="Votes, last hour",
            question="Are there enough votes to believe them?",
            type="stat",
            unit="none",
            width=4,
            decimals=0,
            lines=(Line(query=f"sum({of(FEEDBACK_VOTES)}) * {seconds('1h')}"),),
            no_data="no votes",
        ),
        Panel(
            title="Drifted features",
            question="How many features are past their limit and past what chance would show?",
            type="stat",
            unit="none",
            width=4,
            steps=NEAR_ABOVE_ZERO,
            lines=(Line(query=f"sum({_DRIFTED})"),),
            no_data="no drift watched",
        ),
        Panel(
            title="Most flagged",
            question="What is the largest share of refused, harmful or made-up answers?",
            type="stat",
            unit="percentunit",
            width=4,
            lines=(Line(query=f"max({of(FLAGS)})"),),
            no_data="no answers are flagged",
        ),
    ),
)

_SCORES = Row(
    title="Scores",
    panels=(
        Panel(
            title="Scores over time",
            question="Since when is a score past its limit (grey)? Compare with version changes.",
            unit="none",
            width=12,
            lines=(
                Line(query=_scored(SCORE), legend=_SCORE_LEGEND),
                limit("~quality_below|quality_above", by=("score",), score="~$score"),
            ),
            links=(TO_MODEL,),
            no_data="nothing is scored",
        ),
        Panel(
            title="Bad answers against the promise",
            question="Are more answers bad than was promised (grey)? The lower bound is certain at "
            "95 %, so a gap below it is no bad luck.",
            unit="percentunit",
            width=12,
            lines=(
                Line(
                    query=_scored(BAD_JUDGEMENTS_LOWER_BOUND),
                    legend=f"lower bound, {_SCORE_LEGEND}",
                ),
                Line(
                    query=of(SLO_ERROR["1d"], slo="quality"),
                    legend=f"last day ({LEGEND})",
                    color="blue",
                ),
                Line(
                    query=of(SLO_ALLOWED, slo="quality"),
                    legend=f"allowed: {{{{objective}}}} ({LEGEND})",
                    objective=True,
                ),
            ),
            links=(TO_MODEL,),
            no_data="no judged answers",
        ),
        Panel(
            title="Scores now",
            question="Which score of which model is bad, and on how many fresh answers does it "
            "stand? Below the floor it is not believed.",
            type="table",
            width=24,
            columns=("model", "environment", "score"),
            sort_by="model",
            sort_descending=False,
            links=(TO_MODEL,),
            lines=(
                Line(query=largest(_scored(SCORE), by=_SCORE_KEY), column="Score", unit="none"),
                Line(
                    query=largest(
                        _scored(LIMIT, signal="~quality_below|quality_above"), by=_SCORE_KEY
                    ),
                    column="Limit",
                    unit="none",
                ),
                Line(
                    query=largest(_scored(SCORE_SAMPLES), by=_SCORE_KEY),
                    column="Samples",
                    unit="none",
                ),
                Line(
                    query=largest(_scored(FLOOR_EVENTS, signal="quality"), by=_SCORE_KEY),
                    column="Floor",
                    unit="none",
                ),
                Line(query=largest(_scored(SCORE_AGE), by=_SCORE_KEY), column="Age", unit="s"),
                Line(query=_BAD_SHARE, column="Judged bad, 5m", unit="percentunit"),
            ),
            no_data="nothing is scored",
        ),
    ),
)

_USERS = Row(
    title="What users say and do",
    panels=(
        Panel(
            title="Thumbs down",
            question="Do users like the answers less than before?",
            unit="percentunit",
            lines=(Line(query=top(of(FEEDBACK_DOWN)), legend=LEGEND), limit("feedback_down")),
            links=(TO_MODEL,),
            no_data="no votes",
        ),
        Panel(
            title="Flagged answers",
            question="Does a model refuse, hallucinate or offend more often than its limit allows?",
            unit="percentunit",
            lines=(
                Line(query=top(of(FLAGS)), legend=f"{{{{flag}}}} by {LEGEND}"),
                limit("answer_flag", by=("flag",)),
            ),
            links=(TO_MODEL,),
            no_data="no answers are flagged",
        ),
        Panel(
            title="Business figures",
            question="Do fewer users click or buy than a week ago (violet)? Then quality matters "
            "even if every score is fine.",
            unit="none",
            lines=(
                Line(query=of(KPI), legend=f"{{{{kpi}}}} of {LEGEND}"),
                Line(
                    query=of(KPI_WEEK_BEFORE),
                    legend=f"{{{{kpi}}}} a week before ({LEGEND})",
                    color="purple",
                ),
            ),
            links=(TO_MODEL,),
            no_data="no business figures declared",
        ),
    ),
)

_DRIFT = Row(
    title="Did the inputs change",
    panels=(
        Panel(
            title="Drift",
            question="Which feature moved past its limit (grey), and when? Find what changed "
            "upstream at that time.",
            unit="none",
            width=12,
            lines=(
                Line(query=top(_drifted(DRIFT)), legend=f"{_FEATURE_LEGEND} {{{{method}}}}"),
                limit("drift", by=("feature_name", "method")),
            ),
            links=(TO_MODEL,),
            no_data="no drift watched",
        ),
        Panel(
            title="Features now",
            question="Is the drift real? Below its noise floor it is what chance shows with so few "
            "samples: wait for more.",
            type="table",
            width=12,
            columns=("model", "environment", "feature_name", "method"),
            sort_by="Drift",
            links=(TO_MODEL,),
            lines=(
                Line(
                    query=largest(_drifted(DRIFT), by=(*_FEATURE_KEY, "method")),
                    column="Drift",
                    unit="none",
                ),
                Line(
                    query=largest(_drifted(DRIFT_FLOOR), by=(*_FEATURE_KEY, "method")),
                    column="Noise floor",
                    unit="none",
                ),
                Line(
                    query=largest(_drifted(DRIFT_SAMPLES_BEHIND), by=_FEATURE_KEY),
                    column="Samples",
                    unit="none",
                ),
            ),
            no_data="no drift watched",
        ),
    ),
)

_EVIDENCE = Row(
    title="How much evidence there is",
    collapsed=True,
    panels=(
        Panel(
            title="Judged answers",
            question="Does the judge still work, and at its usual speed?",
            unit="ops",
            lines=(
                Line(
                    query=total(_scored(JUDGEMENTS), by=("score", "verdict")),
                    legend="{{score}}: {{verdict}}",
                ),
            ),
            stacked=True,
            no_data="no judged answers",
        ),
        Panel(
            title="Age of evaluations",
            question="Which evaluator is late (grey is the limit)? Restart it before trusting a "
            "score.",
            unit="s",
            lines=(
                Line(query=_scored(SCORE_AGE), legend=_SCORE_LEGEND),
                limit("evaluation_age", by=("score",), score="~$score"),
            ),
            links=(TO_MODEL,),
            no_data="nothing is scored",
        ),
        Panel(
            title="Events behind business figures",
            question="Are there enough events per day to believe a business figure?",
            unit="eps",
            lines=(Line(query=of(KPI_VOLUME), legend=f"{{{{kpi}}}} of {LEGEND}"),),
            links=(TO_MODEL,),
            no_data="no business figures declared",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-quality",
    title="Quality and drift",
    question="Are the answers good, are we sure of it, and did what the models see change?",
    role="quality",
    variables=(
        Variable(
            name="score", title="Score", query=f"label_values({of(SCORE)}, score)", all_value=".+"
        ),
        Variable(
            name="feature_name",
            title="Watched feature",
            query=f"label_values({of(DRIFT)}, feature_name)",
            all_value=".+",
        ),
    ),
    rows=(_FINE, _SCORES, _USERS, _DRIFT, _EVIDENCE),
    annotations=MODEL_EVENTS,
    since="now-7d",
    refresh="5m",
)
