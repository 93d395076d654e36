"""What labels that come late say of predictions, and what scores said of them before."""

from dashboards.shared import LEGEND, TO_MODEL, limit, of, top
from modelwatch.board import Line, Panel, Row
from modelwatch.catalogue.accuracy import (
    ACCURACY_CORRELATION,
    ACCURACY_REFERENCE,
    COHORT_ACCURACY,
    COHORT_AGE,
    COHORT_ESTIMATE,
    COHORT_LABELLED,
    ESTIMATED_ACCURACY,
    LABEL_DELAY_P90,
    REALISED_ACCURACY,
    REALISED_FALSE_NEGATIVES,
    STREAM_BOUND,
    STREAM_CHANGE,
)
from modelwatch.catalogue.labels import COHORT
from modelwatch.catalogue.metric import MODEL
from modelwatch.promql import largest

_NO_SCORES = "no scores are observed, or the baseline has no labels"
_NO_LABELS = "no labels have come"
_LAST_WEEK = {"cohorts": "7"}

LABELS = Row(
    title="Are the predictions right",
    collapsed=True,
    panels=(
        Panel(
            title="Estimated and realised accuracy",
            question="Do scores say that the model got worse (estimated), and do labels agree "
            "(realised, of the newest seven mature days)? Dashed is the baseline.",
            unit="percentunit",
            width=12,
            lines=(
                Line(
                    query=of(ESTIMATED_ACCURACY, window="$window"), legend=f"estimated ({LEGEND})"
                ),
                Line(
                    query=of(REALISED_ACCURACY, **_LAST_WEEK),
                    legend=f"realised ({LEGEND})",
                    color="purple",
                ),
                Line(
                    query=largest(of(ACCURACY_REFERENCE)),
                    legend=f"baseline ({LEGEND})",
                    objective=True,
                ),
            ),
            links=(TO_MODEL,),
            no_data=_NO_SCORES,
        ),
        Panel(
            title="By the day of the prediction",
            question="On which day did predictions get worse? Believe a day only when most of its "
            "labels are there.",
            type="table",
            width=12,
            columns=COHORT,
            sort_by="cohort",
            lines=(
                Line(
                    query=largest(of(COHORT_ACCURACY), by=COHORT),
                    column="Realised",
                    unit="percentunit",
                ),
                Line(
                    query=largest(of(COHORT_ESTIMATE), by=COHORT),
                    column="Estimated",
                    unit="percentunit",
                ),
                Line(
                    query=largest(of(COHORT_LABELLED), by=COHORT),
                    column="Labelled",
                    unit="percentunit",
                ),
                Line(query=largest(of(COHORT_AGE), by=COHORT), column="Age", unit="d"),
            ),
            links=(TO_MODEL,),
            no_data=_NO_LABELS,
        ),
        Panel(
            title="False negatives",
            question="Which class is taken for another one more and more?",
            unit="percentunit",
            width=6,
            lines=(
                Line(
                    query=top(of(REALISED_FALSE_NEGATIVES, **_LAST_WEEK)),
                    legend=f"{{{{label}}}} ({LEGEND})",
                ),
            ),
            links=(TO_MODEL,),
            no_data=_NO_LABELS,
        ),
        Panel(
            title="Concept drift",
            question="Are answers wrong more often than in the week before, by more than chance "
            "(grey)? Then the truth has changed, not the inputs.",
            unit="percentunit",
            width=6,
            lines=(
                Line(query=of(STREAM_CHANGE), legend=f"{{{{stream}}}} {{{{score}}}} ({LEGEND})"),
                Line(
                    query=of(STREAM_BOUND),
                    legend=f"chance: {{{{stream}}}} {{{{score}}}} ({LEGEND})",
                    objective=True,
                ),
                limit("concept_drift"),
            ),
            links=(TO_MODEL,),
            no_data="neither labels nor judgements",
        ),
        Panel(
            title="Delay of labels",
            question="How long after the prediction do nine labels of ten come? "
            "What is younger says nothing yet.",
            unit="s",
            width=6,
            lines=(Line(query=largest(of(LABEL_DELAY_P90), by=MODEL), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data=_NO_LABELS,
        ),
        Panel(
            title="May the estimate be trusted",
            question="Does the estimate rise and fall with what labels say later? Near 1 it may "
            "be trusted, near 0 it may not.",
            unit="none",
            width=6,
            minimum=-1,
            maximum=1,
            lines=(Line(query=of(ACCURACY_CORRELATION), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="fewer than eight mature days",
        ),
    ),
)
