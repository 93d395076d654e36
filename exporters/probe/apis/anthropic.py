"""Anthropic's messages: POST {url}/v1/messages, where url is what Anthropic clients are given.

Sources: Anthropic's API reference, "Messages", "Streaming messages", "Prompt caching" (of whose
counts `input_tokens` holds neither what was read from the cache nor what was written to it).
"""

from collections.abc import Mapping
from typing import Any

from exporters.probe.protocol import Api, Part, below, counted, dig, failure, text
from modelwatch.inventory import Probe, Prompt


def _url(probe: Probe) -> str:
    base, mark, query = probe.url.partition("?")
    base = base.rstrip("/").removesuffix("/v1")
    return below(f"{base}{mark}{query}", "v1/messages")


def _body(probe: Probe, prompt: Prompt) -> dict[str, Any]:
    body = {
        "model": probe.asks_for,
        "max_tokens": prompt.max_tokens,
        "messages": [{"role": "user", "content": prompt.text}],
        "temperature": 0,
    }
    return body | {"stream": True} if probe.stream else body


def _authorization(key: str) -> Mapping[str, str]:
    return {"x-api-key": key}


def _whole(_probe: Probe, document: Any) -> Part:
    return Part(
        text="".join(text(block["text"]) for block in document["content"] if "text" in block),
        tokens=_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=True,
    )


def _event(document: Any) -> Part:
    """One event; counts come with the first and, cumulative, near the end."""
    kind = document["type"]
    message = dig(document, "message")
    return Part(
        text=text(dig(document, "delta", "text")) if kind == "content_block_delta" else "",
        thought=bool(dig(document, "delta", "thinking")),
        tokens=_tokens(dig(message, "usage") or dig(document, "usage")),
        served=text(dig(message, "model")),
        finished=kind == "message_stop",
        last=kind == "message_stop",
        failed=failure(dig(document, "error")) if kind == "error" else "",
    )


def _tokens(usage: Any) -> dict[str, int]:
    kinds = counted(
        input=dig(usage, "input_tokens"),
        cached_input=dig(usage, "cache_read_input_tokens"),
        output=dig(usage, "output_tokens"),
    )
    written = counted(all=dig(usage, "cache_creation_input_tokens")).get("all", 0)
    return kinds | {"input": kinds["input"] + written} if "input" in kinds else kinds


API = Api(
    url=_url,
    body=_body,
    whole=_whole,
    event=_event,
    authorization=_authorization,
    headers={"anthropic-version": "2023-06-01"},
    optional={"temperature": ""},  # "deprecated for this model" since Claude Opus 4.7
)
