"""What a serving engine is to us: a table from its metrics to canonical signals.

An engine file reads as a table: one row per signal, vendor names on the left. How a row becomes
PromQL stands in `generator/engine_promql.py`, what it can supply in `modelwatch/supply.py`.

A metric is written as its name or as a selector, `name{label="value"}`. Of several `names` the
first that a target exposes wins, so `new or old` is the order to write them in: a target that
exposes both is counted once. Names of labels follow the same idiom: `requested_model or model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import accumulate, repeat
from typing import Literal

Kind = Literal["model", "gpu", "host"]
Combine = Literal["sum", "max", "avg"]


class Unit(Enum):
    """Vendor unit of a value: its name, and its factor to the base unit as PromQL writes it."""

    ONE = ("one", "1")
    SECONDS = ("seconds", "1")
    MILLISECONDS = ("milliseconds", "1e-3")
    MICROSECONDS = ("microseconds", "1e-6")
    NANOSECONDS = ("nanoseconds", "1e-9")
    PERCENT = ("percent", "0.01")
    MEBIBYTES = ("mebibytes", "1048576")
    MILLIJOULES = ("millijoules", "0.001")

    @property
    def factor(self) -> str:
        """What a value is multiplied with, as text: `1e-3`."""
        return self.value[1]


def boundaries(text: str) -> tuple[Decimal, ...]:
    """Bucket boundaries written as on the page, between spaces."""
    return tuple(Decimal(number) for number in text.split())


def geometric(first: float, factor: float, count: int) -> tuple[Decimal, ...]:
    """Boundaries that an engine multiplies up in floating point, rounding errors included."""
    steps = accumulate(repeat(factor, count - 1), lambda last, step: last * step, initial=first)
    return tuple(Decimal(repr(boundary)) for boundary in steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A canonical rate from a counter.

    With `label`, `values` maps each canonical value (an outcome, a token kind) to a regular
    expression over the vendor label; the first that matches wins, `rest` takes what none matches,
    and without `rest` such rows are not counted (totals beside their parts). Without `label` the
    whole counter is of the one `value`. Each entry of `minus` is subtracted where it exists (total
    input minus cached input) and is itself a choice of names. `period_s` marks a gauge that holds
    the count of one period instead of a counter. `model_label` overrides the engine's, `""` is a
    counter of the whole server: it is used where the server serves one declared model.
    """

    signal: str
    names: tuple[str, ...]
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    value: str = ""
    minus: tuple[tuple[str, ...], ...] = ()
    unit: Unit = Unit.ONE
    period_s: int = 0
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    opt_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A distribution with buckets; names are written without `_bucket`.

    `buckets` are the finite boundaries in the vendor's unit, of the first name. Empty means that
    they are configurable and unknown: an objective on it cannot be checked before it is live, and
    `longest` is how many there are at the most. `opt_in` says in words what must be switched on at
    the engine.
    """

    signal: str
    names: tuple[str, ...]
    buckets: tuple[Decimal, ...] = ()
    longest: int = 25
    unit: Unit = Unit.SECONDS
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    opt_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A distribution of which only sum and count exist, as counters."""

    signal: str
    sums: tuple[str, ...]
    counts: tuple[str, ...]
    unit: Unit = Unit.SECONDS
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    opt_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Quantiles that the engine computes itself: `metrics` maps a quantile to a metric.

    With `label`, the metric carries the quantile in that label. Of several replicas the slowest
    counts: quantiles cannot be averaged.
    """

    signal: str
    metrics: Mapping[str, str]
    label: str = ""
    unit: Unit = Unit.SECONDS
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    opt_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A value of now. Replicas are combined by `across`, rows of one replica by `within`.

    `parts` names labels that tell independent parts of a replica apart (data-parallel ranks): rows
    that differ in them are combined by `across`, all other rows of a replica by `within`, which is
    `across` unless said otherwise. `divided_by` makes it a share of another gauge.
    """

    signal: str
    names: tuple[str, ...]
    unit: Unit = Unit.ONE
    across: Combine = "sum"
    within: Combine | None = None
    parts: tuple[str, ...] = ()
    divided_by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    opt_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """PromQL of its own where no row fits; it must keep `job`, `instance` and the model's label.

    It yields base units, per second where the signal is a rate. `labels` are the canonical labels
    that it keeps (`outcome`, `kind`, `quantile`); without the one that the signal has, all of it is
    of `value`. `metrics` names what it reads.
    """

    signal: str
    expr: str
    metrics: tuple[str, ...]
    labels: tuple[str, ...] = ()
    value: str = ""
    across: Combine = "sum"
    model_label: str | None = None
    opt_in: str = ""


Row = Counter | Histogram | Mean | Quantiles | Gauge | Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A captured exposition page that proves the table: `exporters/pages/<file>`."""

    file: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A serving engine, gateway, instrumentation or device exporter.

    `model_label` is empty for engines without one: the model is then the source's. Pages that carry
    the environment or version themselves name these labels; they win over the source's. One that
    may stand `in_front` of another counts requests that the other counts too.
    One that `knows_inventory` exposes declared models only: none of its traffic is undeclared.
    `host_labels` and `gpu_label` say which card a device exporter means; a host without a label is
    the target's. `unavailable` says in words why a signal is not there: a signal in neither `rows`
    nor `unavailable` is an error of the definition. `first_checks` maps a signal to what to look at
    first, for runbooks. `pages` are newest first.

    The rest is about metrics that no row reads, for queries that people write themselves: `opt_in`
    says what must be switched on for a metric, `renamed` under which name an old one is found,
    `sentinels` which values are no measurement, and `overlaps` by which label the rows of a metric
    contain each other. There a name is a family: without `_bucket`.
    """

    name: str
    title: str
    versions: tuple[str, ...]
    port: int
    path: str = "/metrics"
    kind: Kind = "model"
    model_label: str = ""
    environment_label: str = ""
    version_label: str = ""
    in_front: bool = False
    knows_inventory: bool = False
    host_labels: tuple[str, ...] = ()
    gpu_label: str = ""
    rows: tuple[Row, ...]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    first_checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    opt_in: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    sentinels: Mapping[str, str] = field(default_factory=dict)
    overlaps: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()
