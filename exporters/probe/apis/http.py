"""Any HTTP endpoint that answers in JSON: the prompt's `body` is posted, without one it is a GET.

The answer is what stands at the probe's path, such as `predictions.0.label`, or the whole document.
"""

from typing import Any

from exporters.probe.protocol import Api, Part, at_path
from modelwatch.inventory import Probe, Prompt


def _body(_probe: Probe, prompt: Prompt) -> str:
    return prompt.body


def _whole(probe: Probe, document: Any) -> Part:
    return Part(text=at_path(document, probe.answer), finished=True)


API = Api(url=lambda probe: probe.url, body=_body, whole=_whole)
