"""What a result file says, as events: each format reads its own, the rest is the same for all.

Numbers keep the name that the library gave them, in lower case with underscores. Texts of a file
(prompts, answers, contexts, reasons) go no further than its format.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from exporters.quality.events import Event, Refused, Score
from modelwatch.discovery import constants_named

MOST_FILE_BYTES = 16 << 20
"""A longer file is refused: a thousand answers with their texts are about 6 MiB at the most."""

MOST_PARTS = 2_000_000
"""Commas and opening brackets in a file. Values cost memory by their number, not by their length:
with so many, reading a file takes less than 300 MiB."""

MOST_EVENTS = 100_000
"""More than that of one file is not counted: a batch is counted in a few seconds at the most."""

CHECKS = "data_quality"
"""The score under which passed and failed checks of data are counted, where no other is named."""

Items = Iterator[tuple[int, Event | Refused]]
"""Row (from 1) and what is in it. Of an event only what the file says is filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of result file. `proved` is the version whose real files the tests read.

    `read` raises `Refused` for what is no such file. An event that the library gave an identity
    has it as `id`; of others the content of the file and the position count. A score without a name
    is a check.
    """

    title: str
    proved: str
    read: Callable[[bytes], Items]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What whoever hands over a file says of it; empty where the file is to say it itself.

    `score` names the checks. `run` tells apart two evaluations that wrote the same bytes; `time_s`
    is when the file was written.
    """

    model: str = ""
    environment: str = ""
    version: str = ""
    score: str = ""
    run: str = ""
    time_s: float | None = None


@cache
def formats() -> dict[str, Format]:
    """All formats by name, which is that of their file."""
    return constants_named("exporters.quality.formats", "FORMAT")


def items(name: str, body: bytes, told: Told) -> Items:
    """Every event of a result file, complete; what cannot be read comes as a refusal."""
    try:
        _check_size(body)
        content = hashlib.blake2b(told.run.encode("utf-8", "replace") + b"\0", digest_size=16)
        content.update(body)
        position = -1
        found = islice(formats()[name].read(body), MOST_EVENTS + 1)
        for position, (row, event) in enumerate(found):
            if position == MOST_EVENTS:
                yield row, Refused("malformed", f"only {MOST_EVENTS} scores of a file are counted")
            elif isinstance(event, Refused):
                yield row, event
            else:
                own = event.id or f"{content.hexdigest()} {position}"
                yield row, _complete(event, told, f"{name} {own}")
        if position < 0:
            yield 1, Refused("missing_field", "there is nothing in the file that can be counted")
    except Refused as refused:
        yield 1, refused


def _check_size(body: bytes) -> None:
    if len(body) > MOST_FILE_BYTES:
        raise Refused("malformed", f"the file is longer than {MOST_FILE_BYTES >> 20} MiB")
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_PARTS:
        raise Refused("malformed", f"the file has more than {MOST_PARTS} values")


def _complete(event: Event, told: Told, identity: str) -> Event | Refused:
    model = told.model or event.model
    if not model:
        return Refused("missing_field", "the file does not say which model it is about: name it")
    known: dict[str, Any] = {
        "model": model,
        "environment": told.environment or event.environment,
        "time_s": told.time_s if event.time_s is None else event.time_s,
        "id": hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=16).hexdigest(),
    }
    if any(field.name == "version" for field in fields(event)):
        known["version"] = told.version or getattr(event, "version", "")
    if isinstance(event, Score):
        known["score"] = event.score or told.score or CHECKS
    return replace(event, **known)


# For the formats.


def snake(name: str) -> str:
    """A name in lower case with underscores: `Answer Relevancy` is `answer_relevancy`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:200])
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def scored(name: str, value: object, **known: Any) -> Score | Refused:
    """A score of the name that the library has for it, or why it is none."""
    if not snake(name):
        return Refused("bad_text", "a metric needs a name with letters from a to z")
    if value is None:
        return Refused("not_a_number", f"`{snake(name)}` is empty: its evaluator gave no score")
    if not isinstance(value, int | float):
        return Refused("wrong_type", f"`{snake(name)}` is a number")
    try:
        return Score(model=known.pop("model", ""), score=snake(name), value=float(value), **known)
    except OverflowError:
        return Refused("out_of_range", f"`{snake(name)}` is too large")


def loaded(body: bytes) -> Any:
    """The JSON value of a file.

    Raises:
        Refused: it is no JSON, no UTF-8, or nested too deeply.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("malformed", "the file is no JSON, or no UTF-8") from None


def objects(found: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(found: object) -> str:
    """A text as it is, a number as text, nothing of anything else; at most 200 characters."""
    return str(found)[:200] if isinstance(found, str | int | float) else ""


def seconds(found: object) -> float | None:
    """A time with a zone, such as 2027-01-31T12:00:00Z, since 1970; None of anything else."""
    try:
        read = datetime.fromisoformat(text(found))
        return read.timestamp() if read.tzinfo else None
    except (ValueError, OverflowError):
        return None
