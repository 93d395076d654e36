"""What became of what was sent: how much was counted, and why the rest was not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exporters.base.exporter import Reply
from modelwatch.problems import ModelwatchError

MOST_TOLD = 20
"""Refused events that an answer describes."""

RETRY_AFTER_S = 5

JSON = "application/json"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
"""Media types of one JSON value per line."""


class NotWritable(ModelwatchError):  # noqa: N818  # reads as what happened
    """Nothing can be kept on disk at the moment; nothing of the batch was counted."""


class Refused(ValueError):  # noqa: N818  # reads as what happened
    """An event cannot be counted: the reason as counted, one sentence for the sender.

    The model is named as far as it is known.
    """

    def __init__(
        self, reason: str, message: str, *, model: str = "", environment: str = ""
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.model = model
        self.environment = environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An event that was refused: its line (from 1), and why."""

    line: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a batch. `told` are the first of the rejected events."""

    accepted: int
    duplicates: int
    rejected: int
    told: tuple[Rejection, ...]


def reply_to(receipt: Receipt) -> Reply:
    """The answer to a batch; one of which nothing can be counted is refused."""
    useless = receipt.rejected and not receipt.accepted and not receipt.duplicates
    words = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": receipt.rejected,
        "reasons": [
            {"line": one.line, "reason": one.reason, "message": one.message} for one in receipt.told
        ],
    }
    return Reply(
        status=422 if useless else 200, body=_json(words), reason="invalid" if useless else ""
    )


def refusal(status: int, reason: str, message: str) -> Reply:
    """An answer to a request that is not taken, and why."""
    return Reply(status=status, body=_json({"error": message}), reason=reason)


def later(problem: NotWritable) -> Reply:
    """An answer that asks to send the same again after a while."""
    return replace(refusal(503, "busy", str(problem)), headers={"retry-after": str(RETRY_AFTER_S)})


def _json(words: Mapping[str, Any]) -> bytes:
    return json.dumps(words).encode() + b"\n"
