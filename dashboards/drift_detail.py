"""Drift in detail: broken sources, the past without a baseline, embeddings, and the evidence."""

from dashboards.shared import LEGEND, TO_MODEL, limit, of, top
from modelwatch.board import SELECTED, Line, Panel, Row
from modelwatch.catalogue.drift import (
    DRIFT,
    DRIFT_BASELINE_RATE,
    DRIFT_FLOOR,
    DRIFT_REJECTED_TOTAL,
    DRIFT_SAMPLES,
    EMBEDDING_METHODS,
    FEATURE,
    RATES,
)
from modelwatch.catalogue.inventory import DRIFT_FEATURE, DRIFT_METHOD
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.own_past import RECENT_DAYS, REFERENCES, WEEK_BEFORE
from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT
from modelwatch.promql import largest, on, rate, select, total

STATISTIC = (*FEATURE, "method")
FEATURE_LEGEND = "{{feature_name}} {{predicted}} of {{model}} / {{environment}}"
METHOD_LEGEND = f"{{{{method}}}} of {FEATURE_LEGEND}"
_OWN_PAST = "|".join(REFERENCES)
NOTHING = "no drift watched"
_NO_EMBEDDING = "no embedding watched"


def of_feature(metric: Metric, **labels: str) -> str:
    """Of the features chosen above."""
    return select(metric, SELECTED, feature_name="~$feature_name", **labels)


def now(metric: Metric, **labels: str) -> str:
    """In the window chosen above."""
    return of_feature(metric, window="$window", **labels)


def decides(expr: str) -> str:
    """Of the watched features, by the statistics that the inventory chose."""
    return f"""
        {expr}
          and {on(*MODEL, "method")} {of(DRIFT_METHOD)}
          and {on(*MODEL, "feature_name")} {of(DRIFT_FEATURE)}
    """


def distances(methods: tuple[str, ...]) -> str:
    """Distances from a baseline by these statistics."""
    return now(DRIFT, method=f"~{'|'.join(methods)}", baseline=f"!~{_OWN_PAST}")


def _limit_of(method: str) -> Line:
    """The limit of a statistic, for the models whose drift is watched."""
    limits = largest(of(LIMIT, signal="drift", method=method), by=(*MODEL, "limit"))
    return Line(
        query=f"{limits} and {on()} {of(DRIFT_METHOD)}",
        legend=f"limit {{{{limit}}}} ({LEGEND})",
        objective=True,
    )


BROKEN = Row(
    title="Is the source of a feature broken",
    panels=tuple(
        Panel(
            title=title,
            question=question,
            unit="percentunit",
            lines=(
                Line(
                    query=top(now(DRIFT, method=method)),
                    legend=f"more than before: {FEATURE_LEGEND}",
                ),
                Line(
                    query=top(of_feature(DRIFT_BASELINE_RATE, method=method)),
                    legend=f"in the baseline: {FEATURE_LEGEND}",
                    color="purple",
                ),
                _limit_of(method),
            ),
            links=(TO_MODEL,),
            no_data=NOTHING,
        )
        for method, title, question in zip(
            RATES,
            ("Missing values", "Values never seen", "Values out of range"),
            (
                "Does a source deliver nothing? Then repair it before anything is retrained.",
                "Did somebody add a category, or rename one?",
                "Did a unit change, or a sensor break?",
            ),
            strict=True,
        )
    ),
)

OWN_PAST = Row(
    title="Against its own past",
    panels=(
        Panel(
            title="Distance from the week before",
            question="Did lengths, times or scores change their shape within a week (grey is the "
            "limit)? This needs no baseline.",
            unit="none",
            width=12,
            lines=(
                Line(query=top(of(DRIFT, baseline=WEEK_BEFORE)), legend=FEATURE_LEGEND),
                limit("drift_own_past"),
            ),
            links=(TO_MODEL,),
            no_data="no distribution with a past",
        ),
        Panel(
            title="Distance from recent days",
            question="Do the days before agree? A distance from one week alone may be that week's.",
            unit="none",
            width=12,
            lines=(
                Line(query=top(of(DRIFT, baseline=RECENT_DAYS)), legend=FEATURE_LEGEND),
                limit("drift_own_past"),
            ),
            links=(TO_MODEL,),
            no_data="no distribution with a past",
        ),
    ),
)

EMBEDDINGS = Row(
    title="Embeddings",
    collapsed=True,
    panels=(
        Panel(
            title="Distance of means",
            question="Did the centre of the texts move? New topics, another language, another "
            "embedding model.",
            unit="none",
            lines=(Line(query=top(distances(EMBEDDING_METHODS[:2])), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=_NO_EMBEDDING,
        ),
        Panel(
            title="Shifted components, and classifier",
            question="Can a simple classifier tell today's texts from the baseline's? 0.5 is no "
            "better than a coin.",
            unit="none",
            lines=(Line(query=top(distances(("shifted", "auc"))), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=_NO_EMBEDDING,
        ),
        Panel(
            title="Mean discrepancy",
            question="Did the cloud change its shape though its centre stays?",
            unit="none",
            lines=(Line(query=top(distances(("mmd",))), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=_NO_EMBEDDING,
        ),
    ),
)

EVIDENCE = Row(
    title="How much evidence there is",
    panels=(
        Panel(
            title="Values in the window",
            question="Are there as many values as the floor (grey) asks for? Below it nothing is "
            "told.",
            unit="none",
            lines=(
                Line(query=top(now(DRIFT_SAMPLES)), legend=FEATURE_LEGEND),
                Line(
                    query=of(FLOOR_EVENTS, signal="drift"),
                    legend=f"floor ({LEGEND})",
                    objective=True,
                ),
            ),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
        Panel(
            title="Noise floor",
            question="How far does chance alone reach? More values make it lower.",
            unit="none",
            lines=(Line(query=top(decides(now(DRIFT_FLOOR))), legend=METHOD_LEGEND),),
            links=(TO_MODEL,),
            no_data=NOTHING,
        ),
        Panel(
            title="Not counted",
            question="Does a sender write what the exporter cannot count? Look at the reason.",
            unit="eps",
            lines=(
                Line(
                    query=total(
                        rate(DRIFT_REJECTED_TOTAL, over="$__rate_interval", where=SELECTED),
                        by=(*MODEL, "reason"),
                    ),
                    legend=f"{{{{reason}}}}: {LEGEND}",
                ),
            ),
            links=(TO_MODEL,),
            no_data="nothing was refused",
        ),
    ),
)
