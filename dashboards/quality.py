"""Quality and drift: are the answers good, are we sure, and did the inputs change?"""

from dashboards.shared import (
    BREACH_ABOVE_ZERO,
    LEGEND,
    MODEL_EVENTS,
    NEAR_ABOVE_ZERO,
    TO_DRIFT,
    TO_MODEL,
    limit,
    of,
    top,
)
from modelwatch.board import SELECTED, Board, Line, Panel, Row, Variable
from modelwatch.catalogue.drift import DRIFTED
from modelwatch.catalogue.inventory import DRIFT_FEATURE, DRIFT_METHOD
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
_SCORE_LEGEND = "{{score}} of {{model}} / {{environment}}"


def _scored(metric: Metric, **labels: str) -> str:
    return select(metric, SELECTED, score="~$score", **labels)


def _limits(signal: str, key: tuple[str, ...]) -> str:
    return largest(of(LIMIT, signal=signal), by=key)


_PAST_LIMIT = (
    f"({_scored(SCORE)} < bool {on(*_SCORE_KEY)} {_limits('quality_below', _SCORE_KEY)})"
    f" or ({_scored(SCORE)} > bool {on(*_SCORE_KEY)} {_limits('quality_above', _SCORE_KEY)})"
)
_DRIFTED = largest(
    f"""
    {of(DRIFTED)}
      and {on(*MODEL, "method")} {of(DRIFT_METHOD)}
      and {on(*MODEL, "feature_name")} {of(DRIFT_FEATURE)}
    """,
    by=(*MODEL, "feature_name"),
)
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
            title="Drifted features of each model",
            question="Did drift begin before the answers got worse? The drift board says which "
            "feature moved, and how far.",
            unit="none",
            width=24,
            lines=(Line(query=f"sum by ({', '.join(MODEL)}) ({_DRIFTED})", legend=LEGEND),),
            links=(TO_DRIFT,),
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
    ),
    rows=(_FINE, _SCORES, _USERS, _DRIFT, _EVIDENCE),
    annotations=MODEL_EVENTS,
    since="now-7d",
    refresh="5m",
)
