"""What is sent to an exporter, read strictly: what is not exactly right is refused and counted."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, NoReturn

from exporters.base.exporter import Reply

REASONS = (
    "malformed",  # not HTTP as we read it
    "header_size",
    "slow",  # header, body or the reading of the answer took too long
    "connections",  # more at once than we keep
    "tls",  # no handshake
    "unauthorized",
    "forbidden",  # a client certificate or a browser that may not
    "not_found",
    "method",
    "content_type",
    "encoding",  # unknown, damaged or truncated compression
    "size",  # body too large, before or after decompression
    "busy",  # queues are full
    "rate",  # more often than the web configuration allows
    "utf8",
    "json",
    "number",  # NaN, infinity, or beyond any float
    "depth",
    "invalid",  # well-formed, but not what the door takes
    "unknown",  # names a model, score or probe that the inventory has not
    "stale",  # too old, or from the future
    "cap",  # what may be spent on the answer is used up
    "failed",  # our own mistake
    "other",
)
"""Values of the label `reason`. A door that gives another one is counted under the last."""

MAX_DEPTH = 32
"""Lists and objects in each other; evaluation results and events have below ten."""

_ONLY_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
"""Linear in time whatever comes: a string that does not end goes to the end of the text."""
_HUGE = re.compile(r"[eE]\+?0*[1-9][0-9]{2}|(?<![0-9])[0-9]{300}")
"""Where a number could be beyond any float; anything longer is looked at one by one."""


class Refused(Exception):  # noqa: N818  # reads as what happened
    """A request that is not done: HTTP status, reason as counted, one line for the sender."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def reply(self) -> Reply:
        """The refusal as an answer."""
        body = json.dumps({"error": self.message}) + "\n"
        return Reply(status=self.status, body=body.encode(), reason=self.reason)


def media_type(headers: Mapping[str, str]) -> str:
    """The content type without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def json_body(body: bytes) -> Any:
    """The value that JSON text stands for; numbers are finite, text can be written as UTF-8.

    Raises:
        Refused: it is no UTF-8, no JSON, has NaN or infinity in it, or is nested too deeply.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, "utf8", f"byte {error.start + 1} is not UTF-8") from error
    if _is_deep(body):
        raise Refused(400, "depth", f"more than {MAX_DEPTH} lists and objects in each other")
    try:
        value = _CAREFUL.decode(text) if _HUGE.search(text) else _QUICK.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise Refused(400, "json", f"no JSON: {error.msg.lower()} at {place}") from error
    if "\\u" in text:
        _refuse_half_characters(value)
    return value


def lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    for number, line in enumerate(body.split(b"\n"), 1):
        if line := line.strip():
            yield number, line


def ndjson(body: bytes) -> Iterator[tuple[int, Any]]:
    """The value of each line, with the number of the line.

    Raises:
        Refused: like `json_body`, with the number of the line in front.
    """
    for number, line in lines(body):
        try:
            yield number, json_body(line)
        except Refused as refused:
            message = f"line {number}: {refused.message}"
            raise Refused(refused.status, refused.reason, message) from refused


def unzipped(body: bytes, limit: int) -> bytes:
    """What gzip has compressed, of one member or several.

    Raises:
        Refused: it is more than `limit` bytes, damaged, or ends too early.
    """
    pieces: list[bytes] = []
    left = limit
    rest = body
    while rest:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: gzip and nothing else
        try:
            piece = member.decompress(rest, left + 1)
        except zlib.error as error:
            raise Refused(400, "encoding", "the gzip body is damaged") from error
        left -= len(piece)
        if left < 0:
            raise Refused(413, "size", f"the decompressed body is larger than {limit} bytes")
        if not member.eof:
            raise Refused(400, "encoding", "the gzip body ends too early")
        pieces.append(piece)
        rest = member.unused_data
    return b"".join(pieces)


def _is_deep(body: bytes) -> bool:
    """Whether brackets stand in each other too deeply: the parser would recurse with them."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = left = _STRING.sub(b"", body).translate(None, _ONLY_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    if not left:
        return False  # what is sound ends here, without a look at each bracket
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets)) > MAX_DEPTH


def _refuse_half_characters(value: Any) -> None:
    """JSON can spell half a character, one of two surrogates, which nothing can write again."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Refused(400, "utf8", "half a character (a lone surrogate) is in a text") from error


def _refuse_constant(name: str) -> NoReturn:
    raise Refused(400, "number", f"{name} is no number that JSON knows")


def _finite_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refused(400, "number", f"{text[:20]}... is beyond any number that can be kept")
    return number


def _moderate_int(text: str) -> int:
    _finite_float(text)
    return int(text)


_QUICK = json.JSONDecoder(parse_constant=_refuse_constant)
_CAREFUL = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite_float, parse_int=_moderate_int
)
