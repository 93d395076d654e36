"""OpenAI-compatible embeddings: POST {url}/embeddings. The answer is the vector as JSON.

Source: OpenAI's API reference, "Create embeddings".
"""

import json
from typing import Any

from exporters.probe.protocol import Api, Part, below, dig, openai_tokens, text
from modelwatch.inventory import Probe, Prompt


def _body(probe: Probe, prompt: Prompt) -> dict[str, Any]:
    return {"model": probe.asks_for, "input": prompt.text, "encoding_format": "float"}


def _whole(_probe: Probe, document: Any) -> Part:
    vector = document["data"][0]["embedding"]
    if not isinstance(vector, list) or not vector:
        raise ValueError("no vector")
    return Part(
        text=json.dumps(vector),
        tokens=openai_tokens(dig(document, "usage")),
        served=text(dig(document, "model")),
        finished=True,
    )


API = Api(
    url=lambda probe: below(probe.url, "embeddings"),
    body=_body,
    whole=_whole,
    optional={"encoding_format": ""},
)
