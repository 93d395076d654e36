"""Drift: did what models see or say change, since when, and against which baseline?"""

from dashboards.drift_detail import (
    BROKEN,
    EMBEDDINGS,
    EVIDENCE,
    METHOD_LEGEND,
    NOTHING,
    OWN_PAST,
    STATISTIC,
    decides,
    distances,
    now,
    of_feature,
)
from dashboards.drift_labels import LABELS
from dashboards.shared import (
    MODEL_EVENTS,
    NEAR_ABOVE_ZERO,
    TO_MODEL,
    of,
    top,
)
from modelwatch.board import Board, Color, Line, Panel, Row, Variable
from modelwatch.catalogue.drift import (
    DRIFT,
    DRIFT_BASELINE_BIN,
    DRIFT_BASELINE_CREATED,
    DRIFT_BINS,
    DRIFT_FLOOR,
    DRIFT_SAMPLES,
    DRIFT_SAMPLING,
    DRIFTED,
    FEATURE,
    METHODS,
    WINDOWS,
)
from modelwatch.catalogue.inventory import DRIFT_METHOD
from modelwatch.catalogue.metric import MODEL
from modelwatch.catalogue.recorded import LIMIT
from modelwatch.promql import largest, on, total

_STATES: dict[str, tuple[str, Color]] = {"0": ("as before", "green"), "1": ("drifted", "amber")}
_DRIFTED_FEATURES = largest(decides(now(DRIFTED)), by=FEATURE)
_AGE = f"time() - {largest(of(DRIFT_BASELINE_CREATED), by=(*MODEL, 'baseline'))}"
_OF_BIN = (*MODEL, "feature_name", "bin")
_SHARES_THEN = f"avg by ({', '.join(_OF_BIN)}) ({of_feature(DRIFT_BASELINE_BIN)})"
_SHARES_NOW = f"""
    {total(now(DRIFT_BINS), by=_OF_BIN)}
      / {on(*_OF_BIN[:-1])} group_left ()
    ({total(now(DRIFT_BINS), by=_OF_BIN[:-1])} > 0)
"""
_CHOSEN_LIMIT = largest(
    f"""
    {of(LIMIT, signal="drift")}
      and {on(*MODEL, "method")} {of(DRIFT_METHOD)}
    """,
    by=(*MODEL, "method", "limit"),
)

_FINE = Row(
    title="Did anything drift",
    panels=(
        Panel(
            title="Drifted features",
            question="How many watched features are past their limit and past chance? Find them "
            "below.",
            type="stat",
            unit="none",
            width=5,
            steps=NEAR_ABOVE_ZERO,
            lines=(Line(query=f"sum({_DRIFTED_FEATURES})"),),
            no_data=NOTHING,
        ),
        Panel(
            title="Share of watched features",
            question="Is it one feature, or did everything move? Then look upstream of them all.",
            type="stat",
            unit="percentunit",
            width=5,
            lines=(Line(query=f"avg({_DRIFTED_FEATURES})"),),
            no_data=NOTHING,
        ),
        Panel(
            title="Fewest values",
            question="Is every feature seen often enough to be believed, in the chosen window?",
            type="stat",
            unit="none",
            width=5,
            decimals=0,
            lines=(Line(query=f"min({now(DRIFT_SAMPLES)})"),),
            no_data=NOTHING,
        ),
        Panel(
            title="Oldest baseline",
            question="Is a baseline so old that drifting from it says nothing?",
            type="stat",
            unit="s",
            width=5,
            lines=(Line(query=f"max({_AGE})"),),
            no_data="no baseline is loaded",
        ),
        Panel(
            title="Smallest sample",
            question="Which share of predictions is looked at, where it is smallest?",
            type="stat",
            unit="percentunit",
            width=4,
            lines=(Line(query=f"min({of(DRIFT_SAMPLING)})"),),
            no_data="no sampling is reported",
        ),
    ),
)

_WHICH = Row(
    title="Which feature, and since when",
    panels=(
        Panel(
            title="Drifted since",
            question="When did which feature leave its baseline? Look for a release, a new source "
            "or a new audience at that time.",
            type="state-timeline",
            unit="bool_yes_no",
            width=24,
            states=_STATES,
            lines=(Line(query=decides(now(DRIFTED)), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
        Panel(
            title="Features now",
            question="Is the drift real? Below its noise floor it is what chance shows with so few "
            "values: wait for more.",
            type="table",
            width=24,
            columns=("model", "environment", "feature_name", "predicted", "method", "baseline"),
            sort_by="Distance",
            lines=(
                Line(query=largest(now(DRIFT), by=STATISTIC), column="Distance", unit="none"),
                Line(
                    query=largest(now(DRIFT_FLOOR), by=STATISTIC),
                    column="Noise floor",
                    unit="none",
                ),
                Line(
                    query=largest(now(DRIFTED), by=STATISTIC),
                    column="Drifted",
                    unit="bool_yes_no",
                    states=_STATES,
                ),
                Line(
                    query=f"""
                        0 * {largest(now(DRIFT), by=STATISTIC)}
                          + {on(*FEATURE)} group_left ()
                        {largest(now(DRIFT_SAMPLES), by=FEATURE)}
                    """,
                    column="Values",
                    unit="none",
                ),
            ),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
    ),
)

_HOW_FAR = Row(
    title="How far",
    panels=(
        Panel(
            title="Distance from the baseline",
            question="Does the distance stay past its limit (grey), or was it a passing event?",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=top(decides(now(DRIFT))),
                    legend=METHOD_LEGEND,
                ),
                Line(query=_CHOSEN_LIMIT, legend="limit of {{method}}", objective=True),
            ),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
        Panel(
            title="Every statistic",
            question="Do the statistics agree? One alone that moves is about the tails (PSI) or "
            "about a shift of everything (Kolmogorov-Smirnov, Wasserstein).",
            unit="none",
            width=12,
            lines=(Line(query=top(distances(METHODS), 20), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
    ),
)

_THEN_AND_NOW = Row(
    title="Then and now",
    panels=(
        Panel(
            title="In the baseline",
            question="How were the values spread when the model was well? Choose one feature.",
            type="bargauge",
            unit="percentunit",
            width=12,
            height=12,
            lines=(
                Line(
                    query=_SHARES_THEN,
                    legend="{{feature_name}}: {{bin}}",
                    instant=True,
                ),
            ),
            no_data="no baseline is loaded",
        ),
        Panel(
            title="Now",
            question="Which values became more, which fewer, in the chosen window?",
            type="bargauge",
            unit="percentunit",
            width=12,
            height=12,
            lines=(Line(query=_SHARES_NOW, legend="{{feature_name}}: {{bin}}", instant=True),),
            no_data="no values in the window",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-drift",
    title="Drift",
    question="Did what models see or say change: which feature, since when, and against which "
    "baseline?",
    role="drift",
    variables=(
        Variable(
            name="feature_name",
            title="Watched feature",
            query=f"label_values({of(DRIFT)}, feature_name)",
            all_value=".+",
        ),
        Variable(
            name="window",
            title="Window",
            choices=WINDOWS,
            default="6h",
            multi=False,
            everything=False,
        ),
    ),
    rows=(_FINE, _WHICH, _HOW_FAR, _THEN_AND_NOW, BROKEN, OWN_PAST, EMBEDDINGS, LABELS, EVIDENCE),
    annotations=MODEL_EVENTS,
    since="now-7d",
    refresh="5m",
)
