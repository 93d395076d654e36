"""OpenAI-compatible completions of a text: POST {url}/completions.

Source: OpenAI's API reference, "Create completion" (legacy there, current in vLLM and SGLang).
"""

from typing import Any

from exporters.probe.protocol import Api, Part, below, dig, openai_tokens, text
from modelwatch.inventory import Probe, Prompt


def _body(probe: Probe, prompt: Prompt) -> dict[str, Any]:
    body = {
        "model": probe.asks_for,
        "prompt": prompt.text,
        "max_tokens": prompt.max_tokens,
        "temperature": 0,
    }
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    return body | streamed if probe.stream else body


def _whole(_probe: Probe, document: Any) -> Part:
    return Part(
        text=text(document["choices"][0]["text"]),
        tokens=openai_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=True,
    )


def _event(document: Any) -> Part:
    return Part(
        text=text(dig(document, "choices", 0, "text")),
        tokens=openai_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=bool(dig(document, "choices", 0, "finish_reason")),
    )


API = Api(
    url=lambda probe: below(probe.url, "completions"),
    body=_body,
    whole=_whole,
    event=_event,
    optional={"temperature": "", "stream_options": ""},
)
