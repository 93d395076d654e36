"""Which answers of golden prompts are right, and which names of models mean the one asked for."""

import json
import time
from decimal import Decimal

import pytest

from exporters.probe.answers import PATIENCE_S, correct, served_as_asked
from modelwatch.inventory import Expectation, Probe, Quantity

SCHEMA = json.dumps(
    {"type": "object", "required": ["city"], "properties": {"city": {"pattern": "^P"}}}
)
ELSEWHERE = '{"$ref": "http://127.0.0.1:1/schema"}'
JUDGED = {
    "the same text": ("exact", "Paris", " Paris\n", True),
    "the same text in other letters": ("exact", "Paris", "paris", False),
    "the text and more": ("exact", "Paris", "Paris.", False),
    "the text inside": ("contains", "Paris", "It is PARIS, of course.", True),
    "the text in sharp letters": ("contains", "STRASSE", "Stra\u00dfe", True),
    "other text": ("contains", "Paris", "Lyon", False),
    "no text": ("contains", "Paris", "", False),
    "what a pattern finds": ("regex", r"\bParis\b", "It is Paris.", True),
    "what a pattern finds not": ("regex", r"^Paris$", "It is Paris.", False),
    "what a broken pattern finds": ("regex", r"(", "(", False),
    "fitting JSON": ("json_schema", SCHEMA, '{"city": "Paris"}', True),
    "fitting JSON in a fence": ("json_schema", SCHEMA, '```json\n{"city": "P"}\n```', True),
    "fitting JSON in prose": ("json_schema", SCHEMA, 'Sure: {"city": "P"}', False),
    "JSON without a key": ("json_schema", SCHEMA, "{}", False),
    "JSON against a pattern": ("json_schema", SCHEMA, '{"city": "Lyon"}', False),
    "JSON of another kind": ("json_schema", SCHEMA, "[1]", False),
    "no JSON": ("json_schema", SCHEMA, "Paris", False),
    "JSON without end": ("json_schema", SCHEMA, "[" * 100_000, False),
    "JSON against an unknown type": ("json_schema", '{"type": "town"}', "{}", False),
    "JSON against a schema elsewhere": ("json_schema", ELSEWHERE, "{}", False),
    "the number": ("number", "4", "4", True),
    "the number in prose": ("number", "4", "It is 4.", True),
    "the number after the sum": ("number", "4", "2 + 2 = 4.", True),
    "the number before an explanation": ("number", "4", "4, as 2 and 2 make 4", True),
    "the number in bold": ("number", "4", "**4**", True),
    "the number with a sign": ("number", "-4", "It is \u22124.", True),
    "the number with thousands": ("number", "1234567.5", "About 1,234,567.5 people", True),
    "the number as power of ten": ("number", "1200", "1.2e3", True),
    "the number in JSON": ("number", "4", '{"name": "sum", "value": 4.0}', True),
    "the number in data": ("number", "1", '{"predict": [1]}', True),
    "the number as JSON text": ("number", "1", '{"label": "1"}', True),
    "a truth in JSON": ("number", "1", "[true]", False),
    "within the tolerance": ("number", "4", "4.01", True),
    "at the other end of the tolerance": ("number", "4", "3.99", True),
    "beyond the tolerance": ("number", "4", "4.011", False),
    "another number": ("number", "4", "It is 5", False),
    "a number in words": ("number", "4", "four", False),
    "a number too large": ("number", "4", "1e999999999999", False),
    "a number without end": ("number", "4", "9" * 100_000, False),
    "not a number": ("number", "4", "NaN", False),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "answer", "right"), JUDGED.values(), ids=JUDGED)
def test_the_verdict_on(kind: str, value: str, answer: str, right: bool) -> None:
    expected = Expectation(kind=kind, value=value, tolerance=Decimal("0.01"))
    assert correct(expected, answer) is right


@pytest.mark.parametrize("kind", ["regex", "json_schema"])
def test_a_pattern_that_never_ends_does_not_hold_up_the_exporter(kind: str) -> None:
    pattern = "(a+)+$"
    value = pattern if kind == "regex" else json.dumps({"pattern": pattern})
    text = "a" * 60 + "b"
    answer = text if kind == "regex" else json.dumps(text)
    began = time.monotonic()
    assert correct(Expectation(kind=kind, value=value), answer) is False
    assert time.monotonic() - began < PATIENCE_S + 1


NAMES = {
    "the same": ("m", "", "m", True),
    "the same in other letters": ("meta-llama/Llama-3", "", "Meta-Llama/llama-3", True),
    "a snapshot by date": ("gpt-4o-mini", "", "gpt-4o-mini-2024-07-18", True),
    "a snapshot by day": ("claude-3-5-haiku", "", "claude-3-5-haiku-20241022", True),
    "a snapshot by month": ("gpt-4", "", "gpt-4-0613", True),
    "a snapshot by number": ("gemini-2.0-flash", "", "gemini-2.0-flash-001", True),
    "a snapshot at Google": ("claude-3-5-sonnet", "", "claude-3-5-sonnet@20240620", True),
    "a snapshot at Amazon": (
        "anthropic.claude-3-5-sonnet", "", "anthropic.claude-3-5-sonnet-20240620-v1:0", True,
    ),
    "the latest": ("claude-3-5-haiku-latest", "", "claude-3-5-haiku-20241022", True),
    "a provider in the question": ("openai/gpt-4o", "", "gpt-4o-2024-08-06", True),
    "a provider in the answer": ("gpt-4o", "", "openai/gpt-4o", True),
    "two providers in the question": ("openrouter/openai/gpt-4o", "", "openai/gpt-4o", True),
    "a folder": ("llama", "", "/models/llama", True),
    "another provider": ("meta-llama/Llama-3", "", "tuned/Llama-3", False),
    "a smaller one": ("gpt-4o", "", "gpt-4o-mini", False),
    "a smaller one's snapshot": ("gpt-4o", "", "gpt-4o-mini-2024-07-18", False),
    "a larger window": ("gpt-4", "", "gpt-4-32k", False),
    "another version": ("claude-opus-4", "", "claude-opus-4-1", False),
    "another version's snapshot": ("claude-opus-4", "", "claude-opus-4-1-20250805", False),
    "another snapshot": ("gpt-4o-2024-08-06", "", "gpt-4o-2024-11-20", False),
    "no snapshot although one was asked for": ("gpt-4o-2024-08-06", "", "gpt-4o", False),
    "another one": ("gpt-4o", "", "llama-3", False),
    "the pattern": ("fast", "meta-llama/*", "meta-llama/Llama-3.1-8B", True),
    "the pattern in other letters": ("fast", "Meta-Llama/*", "meta-llama/llama", True),
    "the pattern with two gaps": ("fast", "*llama*8b*", "Llama-3.1-8B-fp8", True),
    "against the pattern's middle": ("fast", "*llama*8b*", "8B-llama", False),
    "against the pattern's end": ("fast", "*-mini", "gpt-4o", False),
    "too short for both ends": ("fast", "ab*ba", "aba", False),
    "against the pattern, though the same": ("m", "llama-*", "m", False),
    "against a name without gaps": ("fast", "llama", "llama-3", False),
    "no name": ("m", "", "", None),
    "no name, with a pattern": ("m", "llama-*", "", None),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "serves", "served", "same"), NAMES.values(), ids=NAMES)
def test_the_model_is_the_one_asked_for_when_it_names(
    asked: str, serves: str, served: str, same: bool | None
) -> None:
    minute = Quantity(value=Decimal(60), text="1m")
    probe = Probe(
        name="p", api="openai_chat", url="", asks_for=asked, serves=serves, every=minute,
        timeout=minute,
    )  # fmt: skip
    assert served_as_asked(probe, served) is same
