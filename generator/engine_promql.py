"""From a row of an engine's table to the PromQL that yields it per scraped target.

What comes out carries `job`, `instance`, the engine's own name of the model as `engine_model` (or
the card as `host` and `gpu`) and the labels that the signal needs, in base units; other labels may
be left over. Joining it to the inventory is `generator/engine_joins.py`.

Series are summed before they are relabelled, so that the cost does not grow with labels that nobody
reads, and a label that is rewritten is kept under its old name too, so that two series never become
one by it: that would fail the whole rule.
"""

from collections.abc import Iterable, Mapping, Sequence

from modelwatch import buckets
from modelwatch.engine import Counter, Engine, Expression, Gauge, Histogram, Mean, Quantiles, Unit
from modelwatch.promql import quoted, select

TARGET = ("job", "instance")
ENGINE_MODEL = "engine_model"
SOURCE_VERSION = "source_version"
WINDOW = "5m"
ANYTHING = "(?s)(.+)"
"""A dot is no line break before Prometheus 3, but a name of a model may have one."""

_HOST = "(.+?)(?::[0-9]+)?"


def identity(engine: Engine, model_label: str | None = None) -> tuple[str, ...]:
    """Our labels that tell the targets, and what they serve, apart."""
    if engine.kind == "gpu":
        return (*TARGET, "host", "gpu")
    if engine.kind == "host":
        return (*TARGET, "host")
    if not _model_label(engine, model_label):
        return TARGET
    environment = ("environment",) if engine.environment_label else ()
    version = (SOURCE_VERSION,) if engine.version_label else ()
    return (*TARGET, ENGINE_MODEL, *environment, *version)


def relabelled(
    vector: str, target: str, source: str, *, pattern: str = ANYTHING, value: str = "$1"
) -> str:
    """`label_replace`; where the pattern does not match, the label stays as it was."""
    texts = ", ".join(quoted(text) for text in (target, value, source, pattern))
    return f"label_replace({vector}, {texts})"


def labelled(vector: str, label: str, value: str) -> str:
    """The vector with one more label."""
    return relabelled(vector, label, "", pattern="", value=value)


def choice(vectors: Sequence[str], by: Iterable[str]) -> str:
    """The first vector that a target has, so that one which exposes new and old counts once."""
    return f"\nor on ({', '.join(by)})\n".join(vectors)


def selector(metric: str, where: Mapping[str, str], *, part: str = "", window: str = "") -> str:
    """A selector of a metric or of one `part` of it, such as `_bucket`.

    A leading colon is no valid start of a name everywhere, so such names are matched as a label.
    """
    name, brace, own = metric.partition("{")
    by_label = name.startswith(":")
    matchers = [f"__name__={quoted(name + part)}"] if by_label else []
    matchers += [own.removesuffix("}")] if brace else []
    matchers += [select("", where)[1:-1]] if where else []
    bare = "" if by_label else f"{name}{part}"
    over = f"[{window}]" if window else ""
    return f"{bare}{{{','.join(matchers)}}}{over}" if matchers else f"{bare}{over}"


def _model_label(engine: Engine, model_label: str | None) -> str:
    """The label that names the model, of a row or else of the engine."""
    return engine.model_label if model_label is None else model_label


def _either(labels: str) -> list[str]:
    """The labels of `new or old`."""
    return [label for label in labels.split(" or ") if label]


def _of_target(
    vector: str,
    engine: Engine,
    model_label: str | None,
    *labels: str,
    how: str = "sum",
) -> str:
    """One sample per target, what it serves and `labels`, under our names of the identity."""
    own = (
        *_either(_model_label(engine, model_label)),
        *_either(engine.gpu_label),
        *engine.host_labels,
        engine.environment_label,
        engine.version_label,
    )
    by = dict.fromkeys(label for label in (*TARGET, *own, *labels) if label)
    return _identified(f"{how} by ({', '.join(by)}) ({vector})", engine, model_label)


def _identified(vector: str, engine: Engine, model_label: str | None) -> str:
    """The vector with its identity under our names; the first label named is applied last."""
    for label in reversed(_either(_model_label(engine, model_label))):
        vector = relabelled(vector, ENGINE_MODEL, label)
    if engine.environment_label not in ("", "environment"):
        vector = relabelled(vector, "environment", engine.environment_label)
    if engine.version_label:
        vector = relabelled(vector, SOURCE_VERSION, engine.version_label)
    if engine.kind != "model" and "host" not in engine.host_labels:
        vector = relabelled(vector, "host", "instance", pattern=_HOST)
    for label in reversed(engine.host_labels):
        vector = vector if label == "host" else relabelled(vector, "host", label)
    for label in reversed(_either(engine.gpu_label)):
        vector = vector if label == "gpu" else relabelled(vector, "gpu", label)
    return vector


def _scaled(vector: str, unit: Unit) -> str:
    if unit.factor == "1":
        return vector
    return f"({vector}) * {unit.factor}" if "\n" in vector else f"{vector} * {unit.factor}"


def counter_rate(row: Counter, engine: Engine, *, canonical: str = "") -> str:
    """Rate of a counter, by the canonical label where the row maps one."""
    by = identity(engine, row.model_label)
    if row.label and canonical:
        vectors = [
            _mapped(_of_target(_per_second(row, name), engine, row.model_label, row.label), row)
            for name in row.names
        ]
        return _scaled(choice(vectors, by), row.unit)
    rate = _total(row, engine, row.names)
    for names in row.minus:
        rate = _less(rate, _total(row, engine, names))
    rate = _scaled(rate, row.unit)
    return labelled(rate, canonical, row.value) if canonical else rate


def presence(row: Counter | Expression, engine: Engine) -> str:
    """What a row counts, all values together: the models for which the engine counts at all."""
    if isinstance(row, Expression):
        return _of_target(row.expr.strip(), engine, row.model_label)
    return _total(row, engine, row.names)


def _total(row: Counter, engine: Engine, names: Sequence[str]) -> str:
    rates = [_of_target(_per_second(row, name), engine, row.model_label) for name in names]
    return choice(rates, identity(engine, row.model_label))


def _less(whole: str, part: str) -> str:
    """The whole without a part of it that may not be exposed; never below zero."""
    return f"clamp_min(({whole})\n- ({part}\nor 0 * ({whole})), 0)"


def _per_second(row: Counter, name: str) -> str:
    where = dict(row.where)
    if row.label and not row.rest:
        where[row.label] = "~" + "|".join(row.values.values())
    if row.period_s:  # no NaN of an idle period: it would spoil every sum
        return f"({selector(name, where)} >= 0) / {row.period_s}"
    return f"rate({selector(name, where, window=WINDOW)})"


def _mapped(vector: str, row: Counter) -> str:
    """The vendor's values as ours; the first pattern is applied last and wins."""
    canonical = "kind" if row.signal == "tokens" else "outcome"
    source = row.label
    if source == canonical:
        source = f"vendor_{canonical}"
        vector = relabelled(vector, source, canonical)
    if row.rest:
        vector = labelled(vector, canonical, row.rest)
    for value, pattern in reversed(tuple(row.values.items())):
        vector = relabelled(vector, canonical, source, pattern=pattern, value=value)
    return vector


def bucket_rates(row: Histogram, engine: Engine) -> str:
    """Rates of the buckets, `le` in seconds and under its canonical text."""
    vectors = []
    for name in row.names:
        rate = f"rate({selector(name, row.where, part='_bucket', window=WINDOW)})"
        vector = _of_target(rate, engine, row.model_label, "le")
        vector = relabelled(vector, "vendor_le", "le")
        for pattern, value in buckets.rewrites(row.buckets, row.unit):
            vector = relabelled(vector, "le", "le", pattern=pattern, value=value)
        vectors.append(vector)
    return choice(vectors, identity(engine, row.model_label))


def distribution_rate(row: Histogram | Mean, engine: Engine, part: str) -> str:
    """Rate of the sum in seconds (`_sum`), or of the observations (`_count`)."""
    if isinstance(row, Mean):
        metrics, suffix = (row.sums if part == "_sum" else row.counts), ""
    else:
        metrics, suffix = row.names, part
    rates = [f"rate({selector(name, row.where, part=suffix, window=WINDOW)})" for name in metrics]
    vectors = [_of_target(rate, engine, row.model_label) for rate in rates]
    rate = choice(vectors, identity(engine, row.model_label))
    return _scaled(rate, row.unit if part == "_sum" else Unit.ONE)


def quantiles(row: Quantiles, engine: Engine) -> str:
    """Quantiles that the engine computed, NaN of idle models left out."""
    vectors = []
    for quantile, metric in row.metrics.items():
        where = {**row.where, row.label: quantile} if row.label else row.where
        vector = _of_target(f"{selector(metric, where)} >= 0", engine, row.model_label, how="max")
        vectors.append(_scaled(labelled(vector, "quantile", quantile), row.unit))
    return "\nor\n".join(vectors)


def gauge(row: Gauge, engine: Engine) -> str:
    """A value of now per target, or per independent part of one."""
    by = (*identity(engine, row.model_label), *row.parts)

    def now(metrics: Sequence[str]) -> str:
        vectors = [
            _of_target(
                selector(metric, row.where),
                engine,
                row.model_label,
                *row.parts,
                how=row.within or row.across,
            )
            for metric in metrics
        ]
        return choice(vectors, by)

    value = now(row.names)
    if row.divided_by:
        value = f"({value})\n/ (({now(row.divided_by)}) > 0)"
    return _scaled(value, row.unit)


def expression(row: Expression, engine: Engine, *, canonical: str = "") -> str:
    """PromQL of its own under our identity, without labels that nobody reads."""
    vector = _of_target(row.expr.strip(), engine, row.model_label, *row.labels, how=row.across)
    if canonical and canonical not in row.labels:
        return labelled(vector, canonical, row.value)
    return vector


def increase(row: Counter, engine: Engine, *, over: str) -> str:
    """How much a counter of rare events grew; a gauge that accumulates is one too."""
    grown = [f"increase({selector(name, row.where, window=over)})" for name in row.names]
    vectors = [_of_target(vector, engine, row.model_label) for vector in grown]
    return choice(vectors, identity(engine, row.model_label))
