"""Series: are there as many as predicted, and does each page stay below its limit?"""

from collections.abc import Iterator

from exporters.gpu.attribution import UNATTRIBUTED
from generator.asking import Series
from generator.inventory_series import constants
from generator.prometheus import SAMPLE_LIMIT
from generator.series import Prediction, predict
from generator.verify.finding import Finding, Table, Verification
from generator.verify.live.asked import jobs, named, now, one_of, or_a_note
from generator.verify.live.context import LiveContext
from generator.verify.live.generated import generated
from modelwatch.catalogue.stack import ALERTS, SCRAPE_SAMPLES
from modelwatch.promql import largest, select

_NAME = "series-counts"
_NEAR = 0.8


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Count the series that modelwatch adds, by model, and the samples of each page."""
    predicted = predict(context.inventory, context.definitions)
    found = _found(context)
    pages = now(
        context,
        largest(
            select(SCRAPE_SAMPLES, job=one_of(jobs(context.inventory))), by=("job", "instance")
        ),
    )
    rows = tuple(
        {
            "model": model.name,
            "environment": model.environment,
            "predicted": predicted.models[model.key],
            "found": found.get(model.key, 0),
        }
        for model in context.inventory.models
    )
    return Verification(
        findings=(*_excess(predicted, found), *_large(pages)),
        tables=(Table(name="series", title="Series of modelwatch by model", rows=rows),),
        checked={_NAME: len(rows) + len(pages)},
    )


def _found(context: LiveContext) -> dict[tuple[str, str], int]:
    """Series of ours by model and environment; both are empty for what is of no model."""
    own = {rule.name for group in generated(context.files) for rule in group.rules}
    engines = context.definitions.engines_of(context.inventory)
    own |= {row.metric.name for row in constants(context.inventory, engines)}
    fired = named((ALERTS.name, f"{ALERTS}_FOR_STATE"), modelwatch="true")
    counted = f"count by (model, environment) ({named(sorted(own))} or {fired})"
    return {
        (one.labels.get("model", ""), one.labels.get("environment", "")): int(one.values[0])
        for one in now(context, counted)
    }


def _excess(predicted: Prediction, found: dict[tuple[str, str], int]) -> Iterator[Finding]:
    advice = "look for a label whose values are ids, versions or free text, and drop it"
    for (name, environment), most in predicted.models.items():
        there = found.get((name, environment), 0)
        if there > most:
            yield Finding(
                level="warning",
                check=_NAME,
                subject=f"model {name} ({environment})",
                message=f"has {there} series of modelwatch, predicted were {most} at the most",
                advice=advice,
                reason="more-than-predicted",
            )
    strangers = {
        key: count
        for key, count in found.items()
        if key[0] not in ("", UNATTRIBUTED) and key not in predicted.models
    }
    for (name, environment), there in sorted(strangers.items()):
        yield Finding(
            level="note",
            check=_NAME,
            subject=f"model {name} ({environment})",
            message=f"has {there} series of modelwatch, but is not in the inventory",
            advice="nothing, if it was removed within the last five minutes, or another inventory "
            "declares it",
            reason="not-declared",
        )
    total = sum(count for key, count in found.items() if key not in strangers)
    if total > predicted.total:
        yield Finding(
            level="warning",
            check=_NAME,
            subject="the fleet",
            message=f"{total} series of modelwatch, predicted were {predicted.total} at the most",
            advice=advice,
            reason="more-than-predicted",
        )


def _large(pages: tuple[Series, ...]) -> Iterator[Finding]:
    for page in pages:
        samples = int(page.values[0])
        if samples > _NEAR * SAMPLE_LIMIT:
            yield Finding(
                level="warning",
                check=_NAME,
                subject=f"target {page.labels['instance']} of job {page.labels['job']}",
                message=f"its page has {samples} samples; a scrape by the generated job is refused "
                f"above {SAMPLE_LIMIT}",
                advice="find the label that makes it so large, and drop it at the engine",
                reason="near-sample-limit",
            )


CHECK = check
