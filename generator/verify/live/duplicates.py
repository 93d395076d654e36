"""Duplicates: would a join fail, because two series say the same of one subject?"""

from collections.abc import Iterator, Mapping

from generator.asking import Series
from generator.verify.finding import Finding, Verification
from generator.verify.live.asked import each, now, one_of, or_a_note, owned
from generator.verify.live.context import LiveContext
from modelwatch.catalogue import inventory, recorded
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.engine import Engine
from modelwatch.promql import quoted, select

_NAME = "duplicates"
_SLO = (*MODEL, "slo")
_WRITTEN_BY = ("job", "instance")

KEYS: Mapping[Metric, tuple[str, ...]] = {
    inventory.MODEL_INFO: MODEL,
    inventory.GPU_SOURCE: ("job", "instance", "engine"),
    inventory.POOL_INFO: ("environment", "pool"),
    inventory.BUDGET_INFO: ("budget", "environment"),
    inventory.SEVERITY: ("policy", "urgency"),
    inventory.SLO_OBJECTIVE: _SLO,
    inventory.SLO_BUCKET: (*_SLO, "engine"),
    inventory.PRICE_TOKEN: (*MODEL, "kind"),
    inventory.MODEL_HARDWARE_COST: MODEL,
    inventory.BUDGET: ("budget", "environment"),
    inventory.GPU_PRICE: ("environment", "pool"),
    recorded.ALERT_POLICY: (*MODEL, "urgency"),
    recorded.POOL_POLICY: ("environment", "pool", "urgency"),
    recorded.BUDGET_POLICY: ("budget", "environment", "urgency"),
    recorded.LIMIT: (
        *MODEL,
        *("signal", "quantile", "score", "kpi", "flag", "feature_name", "method", "hold"),
    ),
    recorded.FLOOR_EVENTS: (*MODEL, "signal", "score"),
    recorded.SLO_ALLOWED: _SLO,
    recorded.SLO_DAYS: _SLO,
}
"""By which labels each constant is joined: of one key there may be one series."""


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Count the constants by the labels they are joined on."""
    engines = {own.engine.name: own.engine for own in owned(context)}
    asked = [
        *((metric, {}, by) for metric, by in KEYS.items()),
        *((inventory.SOURCE, {"engine": one.name}, _joined_by(one)) for one in engines.values()),
    ]
    found = each(lambda one: tuple(_doubled(context, *one)), asked)
    return Verification(
        findings=tuple(one for some in found for one in some), checked={_NAME: len(asked)}
    )


def _joined_by(engine: Engine) -> tuple[str, ...]:
    """What tells the sources of an engine apart, as `generator/engine_joins.py` joins them."""
    model = ("engine_model",) if engine.model_label else ()
    environment = ("environment",) if engine.environment_label else ()
    return ("engine", "job", "instance", *model, *environment)


def _doubled(
    context: LiveContext, metric: Metric, where: Mapping[str, str], by: tuple[str, ...]
) -> Iterator[Finding]:
    for double in now(context, f"count by ({', '.join(by)}) ({select(metric, where)}) > 1"):
        key = {name: double.labels.get(name, "") for name in by}
        rows = now(context, select(metric, {name: _exactly(text) for name, text in key.items()}))
        said = ", ".join(f"{name}={text}" for name, text in key.items() if text)
        yield Finding(
            level="error",
            check=_NAME,
            subject=f"series {metric}",
            message=f"there are {len(rows)} for {said or 'the fleet'}, which differ in "
            f"{_differences(rows)}: joins with them fail or pick one by chance",
            advice="remove the rule file, exporter or second inventory that is not meant",
            reason="joined-twice",
            selector=select(metric, {name: _exactly(text) for name, text in key.items() if text}),
        )


def _exactly(text: str) -> str:
    """As a matcher of `select`, in which a text may not begin with its signs."""
    return one_of((text,)) if text[:1] in ("!", "~") else text


def _differences(rows: tuple[Series, ...]) -> str:
    """The labels that tell the series apart, with their values."""
    names = sorted({name for row in rows for name in row.labels})
    values = {name: sorted({row.labels.get(name, "") for row in rows}) for name in names}
    apart = {name: texts for name, texts in values.items() if len(texts) > 1}
    told = {name: texts for name, texts in apart.items() if name not in _WRITTEN_BY} or apart
    return ", ".join(
        f"{name} ({' or '.join(quoted(text) for text in texts)})" for name, texts in told.items()
    )


CHECK = check
