"""KServe's V2 protocol, also of Triton, MLServer and Seldon: POST {url}/v2/models/{model}/infer.

The prompt's `body` is the request. The answer is its outputs as JSON, each name with its data,
such as `{"predict": [1]}`; with `answer:` it is what stands at that path of the whole document.
Source: Open Inference Protocol, "Inference".
"""

import json
from typing import Any
from urllib.parse import quote

from exporters.probe.protocol import Api, Part, at_path, below, dig, text
from modelwatch.inventory import Probe, Prompt


def _url(probe: Probe) -> str:
    base, mark, query = probe.url.partition("?")
    base = base.rstrip("/").removesuffix("/v2")
    return below(f"{base}{mark}{query}", f"v2/models/{quote(probe.asks_for, safe='')}/infer")


def _body(_probe: Probe, prompt: Prompt) -> str:
    return prompt.body


def _whole(probe: Probe, document: Any) -> Part:
    outputs = {output["name"]: output["data"] for output in document["outputs"]}
    return Part(
        text=at_path(document, probe.answer) if probe.answer else json.dumps(outputs),
        served=text(dig(document, "model_name")),
        finished=True,
    )


API = Api(url=_url, body=_body, whole=_whole)
