"""A probe to ask servers with, its question, and what a sound server answers to it."""

from decimal import Decimal
from typing import Any

from modelwatch.inventory import Expectation, Probe, Prompt, Quantity
from tests.exporters.misbehaving import END, EVENTS, Step, event, said

KEY = "sk-never-to-be-seen"
PARIS = Prompt(
    name="capital", text="Capital of France?", expect=Expectation(kind="contains", value="paris")
)
ANSWER = {
    "model": "m",
    "choices": [{"message": {"role": "assistant", "content": "Paris."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
STREAM: list[Step] = [
    EVENTS,
    event({"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}),
    said("Par"),
    said("is"),
    said("", finish_reason="stop"),
    event({"model": "m", "choices": [], "usage": ANSWER["usage"]}),
    event("[DONE]"),
    END,
]


def probe(url: str, *, seconds: str = "5", **rest: Any) -> Probe:
    minute = Quantity(value=Decimal(60), text="1m")
    timeout = Quantity(value=Decimal(seconds), text=f"{seconds}s")
    given = {"api": "openai_chat", "asks_for": "m", **rest}
    return Probe(name="p", url=url, every=minute, timeout=timeout, **given)
