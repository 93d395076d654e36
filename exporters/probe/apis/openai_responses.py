"""OpenAI's responses: POST {url}/responses.

Source: OpenAI's API reference, "Create a model response" and "Streaming events". An answer cut at
`max_output_tokens` is `incomplete`, which is what a probe with few tokens expects to see.
"""

from typing import Any

from exporters.probe.protocol import (
    Api,
    Part,
    below,
    counted,
    dig,
    failure,
    openai_tokens,
    text,
)
from modelwatch.inventory import Probe, Prompt

LEAST_TOKENS = 16
"""Fewer are refused by OpenAI and Azure with `integer_below_min_value`."""

_THOUGHTS = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
_WORDS = ("response.output_text.delta", "response.refusal.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def _body(probe: Probe, prompt: Prompt) -> dict[str, Any]:
    body = {
        "model": probe.asks_for,
        "input": prompt.text,
        "max_output_tokens": max(LEAST_TOKENS, prompt.max_tokens),
        "temperature": 0,
        "store": False,
    }
    return body | {"stream": True} if probe.stream else body


def _whole(_probe: Probe, document: Any) -> Part:
    if dig(document, "status") in ("failed", "cancelled"):
        return Part(failed=failure(dig(document, "error")), served=text(dig(document, "model")))
    messages = [item for item in document["output"] if item["type"] == "message"]
    contents = [part for message in messages for part in message["content"]]
    return Part(
        text="".join(text(dig(part, "text")) or text(dig(part, "refusal")) for part in contents),
        tokens=_tokens(document),
        served=text(dig(document, "model")),
        finished=True,
    )


def _event(document: Any) -> Part:
    kind = document["type"]
    response = dig(document, "response")
    failed = ""
    if kind == "error":
        failed = failure(document)
    elif kind == "response.failed":
        failed = failure(dig(response, "error"))
    return Part(
        text=text(dig(document, "delta")) if kind in _WORDS else "",
        thought=kind in _THOUGHTS,
        tokens=_tokens(response),
        served=text(dig(response, "model")),
        finished=kind in _ENDS,
        last=kind in _ENDS,
        failed=failed,
    )


def _tokens(response: Any) -> dict[str, int]:
    """A response that has only begun may say that it used nothing; that is no count."""
    usage = dig(response, "usage")
    return (
        openai_tokens(usage, "input", "output") if counted(all=dig(usage, "total_tokens")) else {}
    )


API = Api(
    url=lambda probe: below(probe.url, "responses"),
    body=_body,
    whole=_whole,
    event=_event,
    optional={"temperature": ""},
    least_tokens=LEAST_TOKENS,
)
