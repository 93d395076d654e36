"""What the policy recordings will hold, computed from the inventory's rows: defaults filled in.

The same series are recorded by `alerts/recorded/policy.py`; tests, runbooks and `explain` need
their values before any Prometheus runs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from modelwatch.catalogue.inventory import (
    BUDGET_INFO,
    FLOOR,
    FLOOR_DEFAULT,
    MODEL_INFO,
    POOL_INFO,
    SEVERITY,
    SLO_OBJECTIVE,
    SLO_WINDOW,
    THRESHOLD,
    THRESHOLD_DEFAULT,
)
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import (
    ALERT_POLICY,
    BUDGET_POLICY,
    FLOOR_EVENTS,
    LIMIT,
    POOL_POLICY,
    SLO_ALLOWED,
    SLO_DAYS,
    SLO_FLOOR,
)
from modelwatch.defaults import part
from modelwatch.rules import Constant

IDENTITIES = ("model", "environment", "pool", "budget")
"""Labels of which any may identify the subject of an alert."""

NO_LIMIT = "off"
"""`limit` of a row by which a model refuses the fleet's default."""

_SLO = (*MODEL, "slo")
_DAY_S = 86_400
_POLICIES = (
    (MODEL_INFO, ALERT_POLICY),
    (POOL_INFO, POOL_POLICY),
    (BUDGET_INFO, BUDGET_POLICY),
)


def resolved(rows: Sequence[Constant]) -> tuple[Constant, ...]:
    """Policy, limits, floors and promises of every subject, in the order of the inventory."""
    by_metric: dict[Metric, list[Constant]] = defaultdict(list)
    for row in rows:
        by_metric[row.metric].append(row)
    models = by_metric.get(MODEL_INFO, ())
    limits = by_metric.get(THRESHOLD, ()), by_metric.get(THRESHOLD_DEFAULT, ())
    floors = _floors(by_metric.get(FLOOR, ())), by_metric.get(FLOOR_DEFAULT, ())
    return (
        *_policies(by_metric),
        *_filled_in(LIMIT, *limits, models),
        *_filled_in(FLOOR_EVENTS, *floors, models),
        *_promises(by_metric),
    )


def _policies(rows: Mapping[Metric, Sequence[Constant]]) -> Iterator[Constant]:
    for info, policy in _POLICIES:
        for subject in rows.get(info, ()):
            for severity in rows.get(SEVERITY, ()):
                if severity.labels["policy"] == subject.labels["policy"]:
                    yield _row(policy, Decimal(1), {**subject.labels, **severity.labels})


def _filled_in(
    metric: Metric,
    own: Sequence[Constant],
    defaults: Sequence[Constant],
    models: Sequence[Constant],
) -> Iterator[Constant]:
    """Each model's own rows, and the fleet's where it has none of the same kind."""
    by_model = _by(own, MODEL)
    for model in models:
        mine = by_model[_key(model, MODEL)]
        kinds = {_kind(row) for row in mine}
        theirs = [row for row in defaults if _kind(row) not in kinds]
        for row in (*mine, *theirs):
            if row.labels.get("limit") != NO_LIMIT:
                identity = {name: model.labels[name] for name in MODEL}
                yield _row(metric, row.value, {**row.labels, **identity})


def _kind(row: Constant) -> tuple[str, str]:
    """An own limit of any quantile or score takes the place of every default of its signal."""
    return (row.labels["signal"], part(row.labels))


def _by(rows: Iterable[Constant], names: Sequence[str]) -> dict[tuple[str, ...], list[Constant]]:
    grouped: dict[tuple[str, ...], list[Constant]] = defaultdict(list)
    for row in rows:
        grouped[_key(row, names)].append(row)
    return grouped


def _key(row: Constant, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.labels.get(name, "") for name in names)


def _floors(rows: Sequence[Constant]) -> tuple[Constant, ...]:
    """The floors that are not of one objective only."""
    return tuple(row for row in rows if "slo" not in row.labels)


def _promises(rows: Mapping[Metric, Sequence[Constant]]) -> Iterator[Constant]:
    days = {row.labels["window"]: row.value / _DAY_S for row in rows.get(SLO_WINDOW, ())}
    floors = [row for row in rows.get(FLOOR, ()) if row.labels["signal"] == "slo"]
    of_slo = _by((row for row in floors if "slo" in row.labels), _SLO)
    of_model = _by((row for row in floors if "slo" not in row.labels), MODEL)
    default = [row for row in rows.get(FLOOR_DEFAULT, ()) if row.labels["signal"] == "slo"]
    for promise in rows.get(SLO_OBJECTIVE, ()):
        yield _row(SLO_ALLOWED, 1 - promise.value, promise.labels)
        yield _row(SLO_DAYS, days[promise.labels["window"]], promise.labels)
        found = of_slo[_key(promise, _SLO)] or of_model[_key(promise, MODEL)] or default
        yield from (_row(SLO_FLOOR, row.value, promise.labels) for row in found[:1])


def _row(metric: Metric, value: Decimal, labels: Mapping[str, str]) -> Constant:
    """A row with the labels that its metric carries."""
    kept = {name: labels[name] for name in metric.labels if labels.get(name)}
    return Constant(metric=metric, value=value, labels=kept)


def agrees(labels: Mapping[str, str], subject: Mapping[str, str]) -> bool:
    """Whether no label contradicts the subject; a label that is not there does not."""
    return subject.items() <= labels.items() or all(
        labels.get(name, text) == text for name, text in subject.items()
    )


def matches(labels: Mapping[str, str], where: Mapping[str, str]) -> bool:
    """Whether labels fit a selector as `promql.select` writes it: `x`, `!x`, `~x|y`, `!~x|y`."""
    return where.items() <= labels.items() or all(
        _matched(labels.get(name, ""), wanted) for name, wanted in where.items()
    )


def _matched(value: str, wanted: str) -> bool:
    if wanted.startswith("!"):
        return not _matched(value, wanted[1:])
    if wanted.startswith("~"):
        return re.fullmatch(wanted[1:], value) is not None
    return value == wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Every constant of an inventory, its own and the resolved ones, to look things up in.

    `index` holds the rows by name of series and by model, `""` for rows that are of no model;
    `signals` holds them by name of series and signal, for those that have one.
    """

    metrics: tuple[Metric, ...]
    index: Mapping[str, Mapping[str, Sequence[Constant]]]
    signals: Mapping[tuple[str, str], Sequence[Constant]]

    def of(self, metric: Metric, where: Mapping[str, str] | None = None) -> tuple[Constant, ...]:
        """The rows of a series that fit a selector."""
        where = where or {}
        signal = where.get("signal", "")
        found: Iterable[Constant] = (
            self.signals.get((metric.name, signal), ())
            if signal.isidentifier()  # and not a pattern
            else chain.from_iterable(self.index.get(metric.name, {}).values())
        )
        return tuple(row for row in found if matches(row.labels, where))

    def about(
        self, subject: Mapping[str, str], metric: Metric, where: Mapping[str, str] | None = None
    ) -> tuple[Constant, ...]:
        """The rows of a series that speak of a subject, or of everything."""
        by_model = self.index.get(metric.name, {})
        models = (subject["model"], "") if "model" in subject else tuple(by_model)
        identity = {name: text for name, text in subject.items() if name in IDENTITIES}
        return tuple(
            row
            for model in models
            for row in by_model.get(model, ())
            if agrees(row.labels, identity) and matches(row.labels, where or {})
        )

    def value(self, subject: Mapping[str, str], metric: Metric, /, **where: str) -> float:
        """The smallest value of a series for a subject.

        Raises:
            KeyError: there is no such row.
        """
        found = [row.value for row in self.about(subject, metric, where)]
        if not found:
            raise KeyError(f"no {metric} with {where} for {dict(subject)}")
        return float(min(found))


def fleet(rows: Sequence[Constant]) -> Fleet:
    """The rows of an inventory with the resolved ones beside them."""
    every = (*rows, *resolved(rows))
    index: dict[str, dict[str, list[Constant]]] = defaultdict(lambda: defaultdict(list))
    signals: dict[tuple[str, str], list[Constant]] = defaultdict(list)
    for row in every:
        index[row.metric.name][row.labels.get("model", "")].append(row)
        if signal := row.labels.get("signal"):
            signals[row.metric.name, signal].append(row)
    return Fleet(
        metrics=tuple(dict.fromkeys(row.metric for row in every)),
        index={name: dict(by_model) for name, by_model in index.items()},
        signals=dict(signals),
    )
