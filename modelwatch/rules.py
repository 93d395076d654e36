"""What a recording rule, an alert and the proof of an alert are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from modelwatch.catalogue.metric import Metric


class Urgency(StrEnum):
    """How fast somebody should look, given that the alert is right. Severity is policy's choice."""

    NOW = "now"  # users are hurt now, seen directly: high confidence
    SOON = "soon"  # real but slow: high confidence, a ticket at the most
    WATCH = "watch"  # a statistical proxy: low confidence, pages only when corroborated


class SignalClass(StrEnum):
    """What an alert is about; inhibition and routing know these."""

    INFRA = "infra"
    LATENCY = "latency"
    QUALITY = "quality"
    COST = "cost"
    TRAFFIC = "traffic"
    BUSINESS = "business"
    META = "meta"


class Scope(StrEnum):
    """What an alert is about one of; decides the policy it joins and the identity labels."""

    MODEL = "model"
    POOL = "pool"
    BUDGET = "budget"
    STACK = "stack"  # the stack itself: severity and team are the alert's own


IDENTITY = {
    Scope.MODEL: ("model", "environment"),
    Scope.POOL: ("environment", "pool"),
    Scope.BUDGET: ("budget", "environment"),
    Scope.STACK: (),
}

HOLD = "$hold"
"""In `Alert.hold` and a selector's `hold` label: one rule per distinct hold of the inventory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One recording rule. `window_days` keeps a rule for inventories with such an SLO window."""

    metric: Metric
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    window_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGroup:
    """Recording rules that are evaluated together, at most 20. `interval` is nominal."""

    name: str
    interval: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an alert's proof may use of the fleet: one row of an inventory series and lookups.

    `limit` is the value of the row; `labels` its labels; `constant` finds the value of any other
    inventory or policy series for the same subject: rows that agree on those of the identity labels
    (model, environment, pool, budget) that both carry, and on the labels asked for; the smallest
    value where several do, and `KeyError` where none does.
    """

    limit: float
    labels: Mapping[str, str]
    constant: Callable[..., float]


Level = float | Callable[[Facts], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One input series of a proof: its value while firing, just below the limit, at low traffic.

    A level left out is the firing one. `labels` are added to the subject's identity labels; a value
    `$name` is taken from the row, `$name|text` is `text` where the row has no such label. `ramp`
    feeds a counter that grows by the level each minute.
    Several rows of one metric are several of these. With `absent_firing` there is no such series
    while the alert fires (`fires` is then unused), with `absent_below` none in the case below; in
    the other cases it is there at its level. `identity` says whether it has the identity labels.
    """

    metric: Metric
    fires: Level
    below: Level | None = None
    quiet: Level | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    identity: bool = True
    absent_below: bool = False
    absent_firing: bool = False
    ramp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How an alert is proved on recorded series.

    `row` is the series whose rows are the subjects (a threshold, a policy, an objective), `where`
    selects them; without one (`Scope.STACK`) there is a single subject without identity, made of
    the given series alone. `value` is the `$value` while firing; left out, it is the first given
    level. `labels` are labels of the alert that come from the given series rather than from the
    row. `minutes` is how long the condition must last, beyond the hold, and how long it must be
    over before the alert ends, beyond `keep_firing`. `reachable` is false for a row whose limit
    lies beyond what can happen: there the alert can never fire, and is not proved. `limit` selects
    the limits of the subject where the row itself is none: it is proved with each that does not
    contradict the row, and its facts are those of both.
    """

    row: Metric | None
    given: tuple[Given, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    limit: Mapping[str, str] = field(default_factory=dict)
    value: Callable[[Facts], float] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    minutes: int = 2
    has_quiet: bool = True
    reachable: Callable[[Facts], bool] = lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. The policy join, the identity of the subject and all links are added when written.

    `condition` is PromQL over canonical series that yields one sample per subject and keeps the
    identity labels of `scope` and the `labels` named. `summary` and `description` may use
    `{{ $labels.x }}` and `{{ $value | humanize… }}`. `lies` says when the alert can be wrong.
    `needs` names the signals that a source must expose for the alert to be able to fire.
    """

    name: str
    signal: str
    signal_class: SignalClass
    urgency: Urgency
    condition: str
    hold: str
    summary: str
    description: str
    action: tuple[str, ...]
    lies: str
    board: str
    proof: Proof
    scope: Scope = Scope.MODEL
    labels: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    keep_firing: str | None = None
    severity: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def confidence(self) -> str:
        """`high` for direct signals, `low` for statistical proxies."""
        return "low" if self.urgency is Urgency.WATCH else "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One constant series of the inventory."""

    metric: Metric
    labels: Mapping[str, str]
    value: Decimal
