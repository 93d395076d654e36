"""Server-sent events are found in whatever pieces they arrive."""

import pytest

from exporters.probe.streams import events

LETTERS = "\u00e9\u20ac\U0001f600"
STREAMS = {
    "one": (b"data: a\n\n", ["a"]),
    "two": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "carriage returns": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "both line ends": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "several lines": (b"data: a\ndata: b\n\n", ["a\nb"]),
    "a comment": (b": ping\n\ndata: a\n: ping\n\n", ["a"]),
    "other fields": (b"event: delta\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
    "an event without data": (b"event: ping\n\ndata: a\n\n", ["a"]),
    "no space": (b"data:a\n\n", ["a"]),
    "two spaces": (b"data:  a\n\n", [" a"]),
    "no colon": (b"data\n\n", [""]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "letters of several bytes": (f"data: {LETTERS}\n\n".encode(), [LETTERS]),
    "an end without empty line": (b"data: a\n\ndata: [DONE]\n", ["a", "[DONE]"]),
    "an end inside a line": (b"data: a\n\ndata: {", ["a"]),
    "a carriage return at the end": (b"data: a\n\ndata: b\r", ["a", "b"]),
    "nothing": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "found"), STREAMS.values(), ids=STREAMS)
def test_events_are_found_however_the_bytes_are_cut(sent: bytes, found: list[str]) -> None:
    for position in range(len(sent) + 1):
        assert list(events([sent[:position], sent[position:]])) == found
    assert list(events(bytes([byte]) for byte in sent)) == found


def test_an_event_is_there_with_its_last_byte() -> None:
    arriving = iter([b"data: a\n", b"\nda", b"ta: b\n\n"])
    found = events(arriving)
    assert next(found) == "a"
    assert next(arriving) == b"ta: b\n\n"


def test_text_that_is_no_utf_8_is_an_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        list(events([b"data: \xff\n\n"]))
