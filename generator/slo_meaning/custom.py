"""Promises on metrics that no engine table knows: an engine that the inventory describes itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from generator.slo_meaning.scope import Scope, scope
from generator.slo_meaning.terms import Matcher, NotUnderstoodError, Selector, Terms
from modelwatch.promql import quoted

Signal = Mapping[str, object] | list[Mapping[str, object]]
"""An entry under `signals:` of an engine, or several."""

_MODEL = "served_model"
"""The label that a query gets that has none for the model; rules add `model` themselves."""
_UNITS = {
    "milliseconds": ("_milliseconds", "_ms", "_millis"),
    "microseconds": ("_microseconds", "_us"),
    "nanoseconds": ("_nanoseconds", "_ns"),
}
_FACTORS = {"milliseconds": "0.001", "microseconds": "0.000001", "nanoseconds": "0.000000001"}
_FIRST_TOKEN = ("first_token", "ttft")
_NEXT_TOKEN = ("inter_token", "per_output_token", "tpot", "itl")
_NO_SCOPE = ("job", "instance", "le")
_LONGEST_QUERY = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The signals of the engine, where their series are, and what was guessed."""

    scope: Scope
    signals: Mapping[str, Signal]
    confirm: tuple[str, ...]


def of_counters(bad: Terms, whole: Terms, service: str) -> Made:
    """Failed and all requests: one counter and its label where that says it all, else queries."""
    told = _told_apart(bad, whole)
    if told is None:
        return _of_queries(_sum(bad), _sum(whole), [one for _, one in (*bad, *whole)], service)
    matcher, selector = told
    label = _model_label(selector)
    where, guesses = scope([selector], engine="", model_labels=label, ignored=(), job=service)
    failed, rest = ("server_error", "success")
    if matcher.operator.startswith("!"):
        failed, rest = rest, failed
    pattern = matcher.value if matcher.operator.endswith("~") else _literal(matcher.value)
    entry = {
        "counter": selector.metric,
        "label": matcher.label,
        "values": {failed: pattern, rest: ".*"},
    }
    return Made(scope=where, signals={"requests": entry}, confirm=guesses)


def _told_apart(bad: Terms, whole: Terms) -> tuple[Matcher, Selector] | None:
    """The condition that bad requests fulfil besides those of all requests of one counter."""
    if len(bad) != 1 or len(whole) != 1 or bad[0][0] < 0 or whole[0][0] < 0:
        return None
    part, every = bad[0][1], whole[0][1]
    extra = [one for one in part.matchers if one not in every.matchers]
    same = part.metric == every.metric and set(every.matchers) <= set(part.matchers)
    if not same or len(extra) != 1 or extra[0].label in _NO_SCOPE or not _is_plain(every):
        return None
    return extra[0], every


def _is_plain(selector: Selector) -> bool:
    """Whether a source can say everything that the selector says."""
    labels = [one.label for one in selector.matchers if one.label not in _NO_SCOPE]
    return len(labels) <= 1 and all(one.operator == "=" for one in selector.matchers)


def _model_label(selector: Selector) -> tuple[str, ...]:
    return tuple(one.label for one in selector.matchers if one.label not in _NO_SCOPE)


def of_histogram(read: Terms, base: str, service: str) -> Made:
    """A histogram of one job, or of one value of one label in it.

    Raises:
        NotUnderstoodError: it is a part of the histogram that a source cannot name.
    """
    selectors = [selector.without("le") for _, selector in read]
    first = selectors[0]
    if any(set(one.matchers) != set(first.matchers) for one in selectors):
        raise NotUnderstoodError("its queries have different conditions")
    if not _is_plain(first):
        raise NotUnderstoodError(
            f"{first} has conditions that a source cannot say: "
            "it has job, instance and one more label"
        )
    where, guesses = scope(
        [first], engine="", model_labels=_model_label(first), ignored=(), job=service
    )
    unit = _unit(base)
    entry = {"histogram": base, **({"unit": unit} if unit else {})}
    if not unit and "seconds" not in base:
        guesses = (*guesses, f"the unit of {base} is taken to be seconds")
    return Made(scope=where, signals={_signal(base): entry}, confirm=guesses)


def _signal(base: str) -> str:
    if any(word in base for word in _FIRST_TOKEN):
        return "time_to_first_token"
    return (
        "inter_token_latency" if any(word in base for word in _NEXT_TOKEN) else "request_duration"
    )


def _unit(base: str) -> str:
    return next((unit for unit, ends in _UNITS.items() if base.endswith(ends)), "")


def factor(base: str) -> Decimal:
    """Seconds of one unit of the histogram."""
    return Decimal(_FACTORS.get(_unit(base), "1"))


def of_gauge(gauge: Terms, service: str) -> Made:
    """A gauge that is one while all is well: each second is an event."""
    if len(gauge) != 1:
        raise NotUnderstoodError("it is more than one gauge")
    selector = gauge[0][1]
    share = f"avg_over_time({selector}[5m])"
    made = _of_queries(
        f"sum by (job, instance) (1 - {share})",
        f"count by (job, instance) ({share})",
        [selector],
        service,
    )
    note = "each second of each target counts as one request"
    return Made(scope=made.scope, signals=made.signals, confirm=(*made.confirm, note))


def _of_queries(bad: str, whole: str, selectors: list[Selector], service: str) -> Made:
    """Two queries under a model label of their own, so that a job may serve several models."""
    labels = tuple({one.label for each in selectors for one in each.matchers} - {*_NO_SCOPE})
    where, guesses = scope(selectors, engine="", model_labels=(), ignored=labels, job=service)
    labelled = [
        f'label_replace({query}, "{_MODEL}", {quoted(service)}, "", "")'
        for query in (bad, f"{whole} - ({bad} or 0 * {whole})")
    ]
    if max(map(len, labelled)) > _LONGEST_QUERY:
        raise NotUnderstoodError("its queries are too long")
    failed, fine = labelled
    entries: list[Mapping[str, object]] = [
        {"promql": fine, "value": "success"},
        {"promql": failed, "value": "server_error"},
    ]
    found = Scope(
        engine="",
        jobs=where.jobs,
        instances=(),
        models=(service,),
        model_label=_MODEL,
    )
    return Made(scope=found, signals={"requests": entries}, confirm=guesses)


def _sum(counted: Terms) -> str:
    parts = [(sign, f"sum by (job, instance) (rate({selector}[5m]))") for sign, selector in counted]
    (first_sign, first), *others = sorted(parts, key=lambda part: -part[0])
    if first_sign < 0:
        raise NotUnderstoodError("its queries subtract from nothing")
    text = "".join(f" {'+' if sign > 0 else '-'} ({part} or 0 * {first})" for sign, part in others)
    return f"({first}{text})" if others else first


def _literal(text: str) -> str:
    """A pattern that means the text only."""
    return "".join(f"\\{one}" if one in r"\.+*?^$()[]{}|" else one for one in text)
