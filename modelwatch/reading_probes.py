"""Probes: what is asked of a model, how often, and what a right answer is.

Also the other things that exporters beside the model must know: its processes and its last day.
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from modelwatch import defaults, quantities
from modelwatch.context import Context
from modelwatch.inventory import Expectation, Model, Probe, Processes, Prompt, Quantity
from modelwatch.quantities import OFF
from modelwatch.tree import Block, Items, Number, Value, as_text

STREAMING = ("openai_chat", "openai_completions", "openai_responses", "anthropic", "tgi")
"""APIs whose answers can be read token by token."""
TALKING = (*STREAMING, "openai_embeddings")
"""APIs that take a prompt and count tokens; the others take a body and count nothing."""
WAYS = ("exact", "contains", "regex", "json_schema", "number")


def retirement(context: Context, block: Block) -> str:
    """The model's last day, reported when no calendar has it."""
    text = block.text("retires")
    if not text:
        return ""
    try:
        date.fromisoformat(text)
    except ValueError:
        context.report.add(
            block.at("retires"), f"there is no day '{text}'", "write it like 2027-03-31"
        )
        return ""
    return text


def processes(block: Block) -> Processes:
    """How the model's processes are told from others."""
    return Processes(
        command=block.texts("command"), container=block.texts("container"), pod=block.texts("pod")
    )


def probes(
    context: Context, block: Block, model: Model, environments: tuple[str, ...]
) -> tuple[Probe, ...]:
    """The probes that ask the model in its environment."""
    return tuple(
        _probe(context, name, inner, model)
        for name, inner in block.block("probes").blocks()
        if _is_here(context, name, inner, model, environments)
    )


def _is_here(
    context: Context, name: str, block: Block, model: Model, environments: tuple[str, ...]
) -> bool:
    """Whether the probe is for this environment; reported when one cannot know."""
    environment = block.text("environment")
    if environment and environment not in environments:
        what = "environment of this model"
        return context.refer(block.at("environment"), what, environment, "", environments)
    if not environment and len(environments) > 1:
        if "environment" not in block.keys_at:
            context.report.add(
                block.place,
                f"probe '{name}' does not say which environment of '{model.name}' it asks",
                f"add `environment: {environments[0]}`",
            )
        return False
    return environment in ("", model.environment)


def _probe(context: Context, name: str, block: Block, model: Model) -> Probe:
    api = block.text("api")
    every = _duration(context, block, "every", defaults.PROBED_EVERY)
    timeout = _duration(context, block, "timeout", defaults.PROBE_TIMEOUT)
    if "timeout" not in block and every.value < timeout.value:
        timeout = every
    named = next((source.engine_model for source in model.sources if source.engine_model), "")
    headers = block.block("headers")
    return Probe(
        name=name,
        api=api,
        url=block.text("url").rstrip("/") if api != "http" else block.text("url"),
        asks_for=block.text("model") or named or model.name,
        serves=block.text("serves"),
        stream=block.flag("stream", default=api in STREAMING),
        every=every,
        timeout=timeout,
        key_file=block.text("key_file"),
        ca_file=block.text("ca_file"),
        headers={key: headers.text(key) for key in headers},
        answer=block.text("answer"),
        prompts=tuple(_prompts(block.block("prompts"))),
        tokens_per_day=_tokens_per_day(block, api),
        usd_per_day=_usd_per_day(context, block, api, model),
        line=block.place[0],
    )


def _duration(context: Context, block: Block, key: str, default: str) -> Quantity:
    own = block.text(key)
    read = context.quantity(block.at(key), quantities.duration, own) if own else None
    return read or quantities.duration(default)


def _tokens_per_day(block: Block, api: str) -> int | None:
    if "tokens_per_day" in block:
        value = block["tokens_per_day"]
        return int(value) if isinstance(value, Number) else None
    return defaults.PROBE_TOKENS_PER_DAY if api in TALKING else None


def _usd_per_day(context: Context, block: Block, api: str, model: Model) -> Quantity | None:
    if "usd_per_day" in block:
        text = block.text("usd_per_day")
        place = block.at("usd_per_day")
        return None if text == OFF else context.quantity(place, quantities.money, text)
    return quantities.money(defaults.PROBE_USD_PER_DAY) if is_priced(model, api) else None


def is_priced(model: Model, api: str) -> bool:
    """Whether one can say what a probe costs."""
    return bool(model.prices.request or (model.prices.tokens and api in TALKING))


def _prompts(block: Block) -> Iterator[Prompt]:
    for name, inner in block.blocks():
        yield Prompt(
            name=name,
            text=inner.text("prompt"),
            body=inner.text("body"),
            max_tokens=inner.whole("max_tokens", defaults.PROMPT_TOKENS),
            expect=_expectation(inner.block("expect")) if "expect" in inner else None,
        )


def _expectation(block: Block) -> Expectation | None:
    kind = next((kind for kind in WAYS if kind in block), "")
    if not kind:
        return None
    value = json.dumps(plain(block[kind])) if kind == "json_schema" else block.text(kind)
    return Expectation(kind=kind, value=value, tolerance=Decimal(block.text("tolerance", "0")))


def plain(value: Value) -> Any:
    """The value as JSON has it."""
    match value:
        case Block():
            return {key: plain(inner) for key, inner in value.items()}
        case Items():
            return [plain(inner) for inner in value]
        case Number():
            return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, bool) or value is None else as_text(value)
