"""What a serving engine is to us: a table from its metrics to canonical signals.

An engine file reads as a table: one row per signal, vendor names on the left. How a row becomes
PromQL is `exporters/engines` business no more: `generator/engine_rules.py` writes the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Literal

Kind = Literal["model", "gpu", "host"]


class Unit(Enum):
    """Vendor unit of a value: its factor to the base unit, and what shifts a bucket boundary."""

    SECONDS = Decimal(1)
    MILLISECONDS = Decimal("0.001")
    MICROSECONDS = Decimal("0.000001")
    NANOSECONDS = Decimal("0.000000001")
    ONE = Decimal("1.0")
    PERCENT = Decimal("0.01")
    MEBIBYTES = Decimal(1048576)
    MILLIJOULES = Decimal("0.0010")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A canonical rate from one or more counters.

    `names` lists the metric under its newest name first, then older ones: the first that exists
    wins. `where` selects rows. With `label`, `values` maps each canonical label value (an outcome
    or token kind, named by `signal`) to a regular expression over the vendor label; without it the
    whole counter is of the value `value`. `model_label` overrides the engine's. `minus` is
    subtracted (total input minus cached input) where it exists. `period_s` marks a gauge that holds
    the count of one period instead of a counter.
    """

    signal: str
    names: tuple[str, ...]
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    minus: tuple["Counter", ...] = ()
    unit: Decimal = Decimal(1)
    period_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A distribution with buckets. `buckets` are the finite boundaries in the vendor's unit.

    An empty `buckets` means that they are configurable and unknown: an objective on it cannot be
    checked before it is live.
    """

    signal: str
    names: tuple[str, ...]
    buckets: tuple[Decimal, ...] = ()
    unit: Unit = Unit.SECONDS
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A distribution of which only sum and count exist, as counters."""

    signal: str
    sums: tuple[str, ...]
    counts: tuple[str, ...]
    unit: Unit = Unit.SECONDS
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Quantiles that the engine computes itself: `metrics` maps a quantile to a metric name.

    With `label`, the metric carries the quantile in that label.
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
    """A value of now. Replicas are combined by `across`; rows of one replica by `within`."""

    signal: str
    names: tuple[str, ...]
    unit: Unit = Unit.ONE
    across: Literal["sum", "max", "avg"] = "sum"
    within: Literal["sum", "max", "avg"] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    model_label: str | None = None
    divided_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """PromQL of its own where no row fits, with the placeholders `$job` never needed.

    It must keep `job`, `instance` and the engine's model label, in base units. `labels` are the
    extra canonical labels it keeps.
    """

    signal: str
    expr: str
    metrics: tuple[str, ...]
    labels: tuple[str, ...] = ()
    across: Literal["sum", "max", "avg"] = "sum"
    model_label: str | None = None


Row = Counter | Histogram | Mean | Quantiles | Gauge | Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A captured exposition page that proves the table: `tests/pages/<file>`."""

    file: str
    version: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A serving engine, gateway, instrumentation or device exporter.

    `model_label` is empty for engines without one. `unavailable` says in words why a signal is not
    there; a signal in neither `rows` nor `unavailable` is an error of the definition.
    `first_checks` maps a signal to what to look at first, for runbooks.
    """

    name: str
    title: str
    versions: tuple[str, ...]
    port: int
    path: str = "/metrics"
    kind: Kind = "model"
    model_label: str = ""
    rows: tuple[Row, ...]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    first_checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
