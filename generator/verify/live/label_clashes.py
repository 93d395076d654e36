"""Labels: does what a page says about itself give way to a label of its target?"""

from collections.abc import Iterator

from compose.doctor import CLASHING
from generator.verify.finding import Finding, Verification
from generator.verify.live.asked import each, named, now, or_a_note, owned
from generator.verify.live.context import LiveContext
from modelwatch.catalogue import metrics
from modelwatch.catalogue.metric import Layer
from modelwatch.engine import Engine
from modelwatch.promql import select
from modelwatch.supply import metrics_read

_NAME = "label-clashes"
_MOST_NAMES = 5


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Look for `exported_*` labels on the series that rules read."""
    engines = {one.engine.name: one.engine for one in owned(context)}
    read = {name for engine in engines.values() for name in metrics_read(engine)}
    read |= {
        name
        for metric in metrics()
        if metric.layer is Layer.EXPOSED
        for name in (
            (metric.bucket, metric.sum, metric.count)
            if metric.kind == "histogram"
            else (metric.name,)
        )
    }
    labels = sorted({*CLASHING, *(label for one in engines.values() for label in _labels(one))})
    found = each(lambda label: tuple(_clashes(context, label, sorted(read))), labels)
    return Verification(
        findings=tuple(one for some in found for one in some), checked={_NAME: len(labels)}
    )


def _labels(engine: Engine) -> Iterator[str]:
    """What rules read of the engine's series, beyond job and instance."""
    yield from (label for label in engine.model_label.split(" or ") if label)
    yield from (label for label in engine.gpu_label.split(" or ") if label)
    yield from engine.host_labels
    for row in engine.rows:
        if label := getattr(row, "label", ""):
            yield str(label)


def _clashes(context: LiveContext, label: str, read: list[str]) -> Iterator[Finding]:
    clashing = named(read, **{f"exported_{label}": "!"})
    by_job: dict[str, dict[str, int]] = {}
    for one in now(context, f"count by (job, __name__) ({clashing})"):
        names = by_job.setdefault(one.labels.get("job", ""), {})
        names[one.labels["__name__"]] = int(one.values[0])
    for job, names in sorted(by_job.items()):
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield Finding(
            level="error",
            check=_NAME,
            subject=f"job {job}",
            message=f"{sum(names.values())} series have exported_{label}: the target has a label "
            f"{label} of its own, and rules see that one for all of "
            f"{', '.join(sorted(names)[:_MOST_NAMES])}{more}",
            advice=f"take {label} off the target's labels, or scrape with honor_labels",
            reason="exported-label",
            selector=select("", {"job": job, f"exported_{label}": "!"}),
        )


CHECK = check
