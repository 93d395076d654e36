"""Hands counts to the exporter, until it answers. Each counts once, by its `id`."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

_LOG = logging.getLogger(__name__)

PATH = "/v1/counts"
ANSWER_S = 30.0
TRIES = 8
FIRST_PAUSE_S = 0.5
"""Doubled with each try: about a minute in all."""


class NotTaken(RuntimeError):  # noqa: N818  # reads as what happened
    """The exporter did not answer: the job begins again at its last checkpoint."""


def hand(
    session: requests.Session,
    url: str,
    body: str,
    *,
    token_file: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Give it to the exporter at `url`; returns how many documents it refused.

    Raises:
        NotTaken: it does not answer.
    """
    headers = {"content-type": "application/json"}
    if token_file:
        headers["authorization"] = f"Bearer {Path(token_file).read_text().strip()}"
    why = ""
    for number in range(TRIES):
        if number:
            sleep(FIRST_PAUSE_S * 2 ** (number - 1))
        try:
            reply = session.post(
                f"{url.rstrip('/')}{PATH}", body.encode(), headers=headers, timeout=ANSWER_S
            )
        except requests.RequestException as problem:
            why = type(problem).__name__
            continue
        if reply.status_code in (200, 422):
            return _refused(reply.json())
        why = f"HTTP {reply.status_code}"
        if 400 <= reply.status_code < 500 and reply.status_code != 429:
            break
    raise NotTaken(f"{url} did not take the counts: {why}")


def _refused(answer: dict[str, Any]) -> int:
    for reason in answer["reasons"]:
        _LOG.error("the exporter refused counts: %s", json.dumps(reason))
    return int(answer["rejected"])
