"""Engines that the inventory describes itself: each signal comes from exactly one thing."""

from modelwatch.catalogue import OUTCOMES, QUANTILES, TOKEN_KINDS
from modelwatch.catalogue.recorded import DISTRIBUTIONS
from modelwatch.context import Context
from modelwatch.schema_words import choices, close
from modelwatch.tree import Block

_KINDS = ("counter", "gauge", "histogram", "promql")
_FORMS = {
    "requests": ("counter", "promql"),
    "tokens": ("counter", "promql"),
    "cost": ("counter", "promql"),
    "preemptions": ("counter", "promql"),
    "request_duration": ("histogram", "gauge", "promql"),
    "time_to_first_token": ("histogram", "gauge", "promql"),
    "inter_token_latency": ("histogram", "gauge", "promql"),
    "queue_duration": ("histogram", "gauge", "promql"),
    "prompt_length": ("histogram",),
    "output_length": ("histogram",),
    "requests_running": ("gauge", "promql"),
    "requests_waiting": ("gauge", "promql"),
    "kv_cache_usage": ("gauge", "promql"),
    "batch_size": ("gauge", "promql"),
}
_VALUES = {
    "requests": OUTCOMES,
    "tokens": TOKEN_KINDS,
    **dict.fromkeys(DISTRIBUTIONS, QUANTILES),
}


def check_engines(context: Context) -> None:
    """Report signals that nothing or too much is said of, and names that we know already."""
    for _, engine in context.root.block("engines").blocks():
        signals = engine.block("signals")
        for name in signals:
            for entry in signals.items_of(name):
                if isinstance(entry, Block):
                    _check_signal(context, name, entry)


def _check_signal(context: Context, name: str, block: Block) -> None:
    given = [kind for kind in _KINDS if kind in block.keys_at]
    if len(given) != 1:
        place = block.key_at(given[1]) if given else block.place
        context.report.add(
            place,
            f"'{name}' needs exactly one of {', '.join(_KINDS)}",
            f"add `{_FORMS[name][0]}:` with the metric" if not given else "remove the others",
        )
        return
    if given[0] not in _FORMS[name]:
        context.report.add(
            block.key_at(given[0]),
            f"'{name}' cannot be read from a {given[0]}",
            f"use {' or '.join(_FORMS[name])}",
        )
    if "values" in block and "label" not in block.keys_at:
        context.report.add(
            block.key_at("values"), "'values' are of a label that is not named", "add `label:`"
        )
    _check_values(context, name, block)


def _check_values(context: Context, name: str, block: Block) -> None:
    known = _VALUES.get(name, ())
    values = block.block("values")
    rows = [(key, values.key_at(key)) for key in values]
    if "value" in block:
        rows.append((block.text("value"), block.at("value")))
    for value, place in rows:
        if value in known:
            continue
        if not known:
            context.report.add(place, f"'{name}' has no kinds", "remove 'value' and 'values'")
            continue
        context.report.add(
            place,
            f"'{value}' is no kind of {name}",
            close(value, known) or f"known here: {choices(known)}",
        )
