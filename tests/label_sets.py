"""Which labels a query answers with, worked out from the catalogue; a wrong label is an error."""

from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as promql

from modelwatch.catalogue import Metric, metrics

Labels = frozenset[str]
_KEEPING = {"topk", "bottomk"}
_SETS = {"and", "unless", "or"}


def _known() -> Iterator[tuple[str, Labels, Metric]]:
    for metric in metrics():
        labels = frozenset(metric.labels)
        yield metric.name, labels, metric
        if metric.kind == "histogram":
            yield metric.bucket, labels | {"le"}, metric
            yield metric.sum, labels, metric
            yield metric.count, labels, metric


KNOWN = {name: labels for name, labels, _ in _known()}
METRICS = {name: metric for name, _, metric in _known()}


class WrongLabelError(AssertionError):
    """A query groups, joins or selects by a label that its series do not have."""


def answered(expr: Any) -> Labels | None:
    """The labels of the answer; `None` for a number.

    Raises:
        WrongLabelError: see there; also for series that the catalogue does not know.
    """
    for kind, rule in _RULES.items():
        if isinstance(expr, kind):
            return rule(expr)
    raise WrongLabelError(f"no rule for {type(expr).__name__} in {expr.prettify()}")


def _selected(selector: Any) -> Labels:
    if selector.name not in KNOWN:
        raise WrongLabelError(f"{selector.name} is not in the catalogue")
    labels = KNOWN[selector.name]
    _demand({matcher.name for matcher in selector.matchers.matchers}, labels, selector)
    return labels


def _aggregated(expr: Any) -> Labels:
    inner = _vector(answered(expr.expr), expr)
    if str(expr.op) in _KEEPING:
        return inner
    if expr.modifier is None:
        return frozenset()
    assert expr.modifier.type == promql.AggModifierType.By, "we only ever aggregate `by`"
    _demand(expr.modifier.labels, inner, expr)
    return frozenset(expr.modifier.labels)


def _combined(expr: Any) -> Labels | None:
    left, right = answered(expr.lhs), answered(expr.rhs)
    if left is None or right is None:
        return right if left is None else left
    on = _on(expr.modifier)
    if on is None:
        if str(expr.op) not in _SETS and left != right:
            raise WrongLabelError(
                f"{sorted(left)} never meets {sorted(right)} in {expr.prettify()}"
            )
        return left & right if str(expr.op) == "or" else left
    _demand(on, left, expr)
    _demand(on, right, expr)
    if str(expr.op) in _SETS:
        return left & right if str(expr.op) == "or" else left
    cardinality = str(expr.modifier.card)
    if cardinality.endswith("OneToOne"):
        return frozenset(on)
    many, one = (left, right) if cardinality.endswith("ManyToOne") else (right, left)
    _demand(expr.modifier.group_labels or (), one, expr)
    return many | frozenset(expr.modifier.group_labels or ())


def _on(modifier: Any) -> frozenset[str] | None:
    if modifier is None or modifier.matching is None:
        return None
    assert modifier.matching.type == promql.LabelModifierType.Include, "we only ever join `on`"
    return frozenset(modifier.matching.labels)


def _called(expr: Any) -> Labels | None:
    if expr.func.name == "label_replace":
        series, target, _, source, _ = expr.args
        labels = _vector(answered(series), expr)
        _demand({source.val}, labels, expr)
        return labels | {target.val}
    inner = [labels for labels in map(answered, expr.args) if labels is not None]
    if not inner:
        return None
    if expr.func.name == "histogram_quantile":
        _demand({"le"}, inner[0], expr)
        return inner[0] - {"le"}
    return inner[0]


def _vector(labels: Labels | None, expr: Any) -> Labels:
    if labels is None:
        raise WrongLabelError(f"a number is aggregated in {expr.prettify()}")
    return labels


def _demand(wanted: Any, labels: Labels, expr: Any) -> None:
    if missing := set(wanted) - labels:
        raise WrongLabelError(f"{sorted(missing)} not among {sorted(labels)} in {expr.prettify()}")


_RULES: dict[type, Callable[[Any], Labels | None]] = {
    promql.NumberLiteral: lambda _: None,
    promql.ParenExpr: lambda expr: answered(expr.expr),
    promql.UnaryExpr: lambda expr: answered(expr.expr),
    promql.VectorSelector: _selected,
    promql.MatrixSelector: lambda expr: _selected(expr.vector_selector),
    promql.AggregateExpr: _aggregated,
    promql.BinaryExpr: _combined,
    promql.Call: _called,
}
