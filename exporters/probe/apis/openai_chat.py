"""OpenAI-compatible chat: POST {url}/chat/completions, where url is what OpenAI clients are given.

Sources: OpenAI's API reference, "Create chat completion" and its streaming events; vLLM, SGLang,
LiteLLM and most gateways speak the same.
"""

from typing import Any

from exporters.probe.protocol import Api, Part, below, dig, openai_tokens, text
from modelwatch.inventory import Probe, Prompt


def _body(probe: Probe, prompt: Prompt) -> dict[str, Any]:
    body = {
        "model": probe.asks_for,
        "messages": [{"role": "user", "content": prompt.text}],
        "max_tokens": prompt.max_tokens,
        "temperature": 0,
    }
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    return body | streamed if probe.stream else body


def _whole(_probe: Probe, document: Any) -> Part:
    message = document["choices"][0]["message"]
    return Part(
        text=text(dig(message, "content")) or text(dig(message, "refusal")),
        tokens=openai_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=True,
    )


def _event(document: Any) -> Part:
    """One chunk. The first has a role and no text, the one with usage has no choices."""
    delta = dig(document, "choices", 0, "delta")
    return Part(
        text=text(dig(delta, "content")) or text(dig(delta, "refusal")),
        # vLLM and DeepSeek say `reasoning_content`, OpenRouter and newer vLLM `reasoning`.
        thought=bool(dig(delta, "reasoning_content") or dig(delta, "reasoning")),
        tokens=openai_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=bool(dig(document, "choices", 0, "finish_reason")),
    )


API = Api(
    url=lambda probe: below(probe.url, "chat/completions"),
    body=_body,
    whole=_whole,
    event=_event,
    # Reasoning models know only the newer name, most other servers only the older one.
    optional={"max_tokens": "max_completion_tokens", "temperature": "", "stream_options": ""},
)
