"""Text Generation Inference: POST {url}/generate_stream, or {url}/generate without streaming.

Its answers name no model. How many tokens the prompt had is said at the end of streams only.
Source: TGI's OpenAPI description (`GenerateRequest`, `GenerateResponse`, `StreamResponse`).
"""

from typing import Any

from exporters.probe.protocol import Api, Part, below, counted, dig, text
from modelwatch.inventory import Probe, Prompt


def _body(_probe: Probe, prompt: Prompt) -> dict[str, Any]:
    parameters = {"max_new_tokens": prompt.max_tokens, "do_sample": False, "details": True}
    return {"inputs": prompt.text, "parameters": parameters}


def _whole(_probe: Probe, document: Any) -> Part:
    # Behind Hugging Face's own gateways the document is in a list of one.
    answer = document[0] if isinstance(document, list) else document
    return Part(
        text=text(answer["generated_text"]),
        tokens=counted(output=dig(answer, "details", "generated_tokens")),
        finished=True,
    )


def _event(document: Any) -> Part:
    token = document["token"]
    ended = dig(document, "generated_text") is not None
    return Part(
        text="" if dig(token, "special") else text(dig(token, "text")),
        tokens=counted(
            input=dig(document, "details", "input_length"),
            output=dig(document, "details", "generated_tokens"),
        ),
        finished=ended,
        last=ended,
    )


API = Api(
    url=lambda probe: below(probe.url, "generate_stream" if probe.stream else "generate"),
    body=_body,
    whole=_whole,
    event=_event,
)
