"""One request in the making: what the server has said so far, whatever it does next."""

import contextlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from exporters.probe import streams
from exporters.probe.connection import Call, Course, Head, Lost, exchange
from exporters.probe.protocol import Api, Part, failure
from modelwatch.inventory import Probe

LONGEST_NAME = 200
"""Characters of a served model's name."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What is known of one request. `refused` are the words of a refusal for a field of the body.

    `said_at_s` are the times of events with text or reasoning, by the course's clock.
    """

    began_s: float
    course: Course
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    outcome: str = "success"
    pieces: list[str] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    served: str = ""
    finished: bool = False
    said_at_s: list[float] = field(default_factory=list)
    retry_after_s: float | None = None
    refused: frozenset[str] = frozenset()

    def make(self, api: Api, probe: Probe, call: Call) -> None:
        """Send the call and take what comes."""
        try:
            with exchange(call, self.course) as head:
                self.outcome = _outcome(head.status)
                if self.outcome == "success":
                    self._read(api, probe, head)
                else:
                    self.retry_after_s = _retry_after_s(head.headers)
                    self._read_refusal(head)
        except Lost as lost:
            self.outcome = lost.outcome

    def _read(self, api: Api, probe: Probe, head: Head) -> None:
        """The answer, whole or streamed. The form that was not asked for is read too: it costs."""
        form = _form(head.headers)
        try:
            if form == "events" and api.event:
                self._read_events(api.event, streams.events(head.pieces))
            elif form == "json":
                document = json.loads(b"".join(head.pieces).decode("utf-8"))
                self._take(_part(lambda said: api.whole(probe, said), document))
        except (ValueError, TypeError, LookupError, RecursionError):  # not what the protocol says
            self.outcome = "bad_answer"
        asked = "events" if probe.stream and api.event else "json"
        if self.outcome == "success" and not (self.finished and form == asked):
            self.outcome = "bad_answer"

    def _read_events(self, event: Callable[[Any], Part], found: Iterator[str]) -> None:
        for data in found:
            if data.strip() == "[DONE]":
                self.finished = True
                return
            part = _part(event, json.loads(data))
            if part.text or part.thought:
                self.said_at_s.append(self.course.clock())
            self._take(part)
            if part.last or part.failed:
                return

    def _take(self, part: Part) -> None:
        """Counts in a stream are of all tokens until then, so the highest one counts."""
        self.pieces.append(part.text)
        for kind, number in part.tokens.items():
            self.tokens[kind] = max(number, self.tokens.get(kind, 0))
        # JSON can hold half characters, which no page can.
        name = part.served.encode("utf-8", "replace").decode()
        self.served = self.served or name[:LONGEST_NAME]
        self.finished = self.finished or part.finished
        self.outcome = part.failed or self.outcome

    def _read_refusal(self, head: Head) -> None:
        if head.status in (400, 422):
            with contextlib.suppress(Lost):  # the status is the outcome, with or without words
                said = b"".join(head.pieces).decode("utf-8", "replace")
                self.refused = frozenset(re.findall(r"\w+", said))


def _part(read: Callable[[Any], Part], document: Any) -> Part:
    """The document as the protocol reads it, unless it is an error, which looks alike in all."""
    error = document.get("error") if isinstance(document, dict) else None
    return Part(failed=failure(error)) if error else read(document)


def _outcome(status: int) -> str:
    if status == 429:
        return "rate_limited"
    if 200 <= status < 300:
        return "success"
    return "server_error" if status >= 500 else "client_error"


def _form(headers: Mapping[str, str]) -> str:
    """`events`, `json` or nothing we read. No type is taken for JSON, which parses or does not."""
    if headers.get("content-encoding", "identity") != "identity":
        return ""  # compressed, although we said that we take no compression
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return "events"
    plain = kind in ("", "application/json", "text/json") or kind.endswith("+json")
    return "json" if plain else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date, which is compared with the server's own clock where it says its time."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said, re.ASCII):
        return float(said)
    now = _date(headers.get("date", ""))
    then = _date(said)
    if then is None:
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
