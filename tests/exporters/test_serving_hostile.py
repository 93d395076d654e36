"""Whatever is sent, it is refused in words and counted, and health is answered meanwhile."""

import gzip
import json
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.exporters.sample import Sample, running, until

MEBIBYTE = 1 << 20
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with running(tmp_path_factory.mktemp("state"), quick=True) as started:
        yield started


def post(body: bytes, headers: bytes = JSON, path: bytes = b"/v1/things") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    close = b"Connection: close\r\n"
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n%s" % (path, headers, length, close, body)


def get(path: bytes, headers: bytes = b"") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (path, headers)


def chunked(*chunks: bytes, headers: bytes = JSON) -> bytes:
    head = b"POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s\r\n" % headers
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


GZIP = JSON + b"Content-Encoding: gzip\r\n"
PACKED = gzip.compress(b'{"a": 1}')
BOMB = gzip.compress(b"[" + b" " * (900 * MEBIBYTE // 10), 9)
"""90 MiB of blanks in 90 KiB."""

REFUSED = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "malformed"),
    "no request line": (b"hello\r\n\r\n", 400, "malformed"),
    "another version": (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 400, "malformed"),
    "start of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed"),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost: x\r\nhello\r\n\r\n", 400, "malformed"),
    "a header with a null byte": (get(b"/", b"X: a\0b\r\n"), 400, "malformed"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed"),
    "two hosts": (get(b"/", b"Host: y\r\n"), 400, "malformed"),
    "another server": (get(b"http://example.com/metrics"), 400, "malformed"),
    "length twice": (get(b"/", b"Content-Length: 1\r\nContent-Length: 2\r\n"), 400, "malformed"),
    "negative length": (get(b"/", b"Content-Length: -1\r\n"), 400, "malformed"),
    "endless length": (get(b"/", b"Content-Length: " + b"9" * 5000 + b"\r\n"), 400, "malformed"),
    "length and chunks": (
        get(b"/", b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        400,
        "malformed",
    ),
    "an unknown transfer": (get(b"/", b"Transfer-Encoding: gzip\r\n"), 400, "malformed"),
    "a large header": (get(b"/", b"X: " + b"a" * 20_000 + b"\r\n"), 431, "header_size"),
    "many headers": (get(b"/", b"X: a\r\n" * 4000), 431, "header_size"),
    "an unknown path": (get(b"/nothing"), 404, "not_found"),
    "a way out": (get(b"/../../etc/passwd"), 404, "not_found"),
    "a way out in disguise": (get(b"/%2e%2e/%2e%2e/etc/passwd"), 404, "not_found"),
    "a path with a double slash": (get(b"//metrics"), 404, "not_found"),
    "a wrong method": (post(b"{}", path=b"/metrics"), 405, "method"),
    "a wrong method at a door": (get(b"/v1/things"), 405, "method"),
    "an invented method": (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method"),
    "a form": (post(b"a=1", b"Content-Type: text/plain\r\n"), 415, "content_type"),
    "no type": (post(b"{}", b""), 415, "content_type"),
    "an unknown compression": (post(b"{}", JSON + b"Content-Encoding: br\r\n"), 415, "encoding"),
    "damaged gzip": (post(b"hello", GZIP), 400, "encoding"),
    "truncated gzip": (post(PACKED[:-3], GZIP), 400, "encoding"),
    "gzip with something behind": (post(PACKED + b"hello", GZIP), 400, "encoding"),
    "a bomb": (post(BOMB, GZIP), 413, "size"),
    "a large body": (post(b" " * (MEBIBYTE + 1)), 413, "size"),
    "a very large body": (post(b" " * 50 * MEBIBYTE), 413, "size"),
    "large chunks": (chunked(*[b" " * MEBIBYTE] * 50), 413, "size"),
    "many small chunks": (chunked(*[b" " * 100] * 11_000), 413, "size"),
    "a body for a page": (get(b"/metrics", b"Content-Length: 100000\r\n"), 413, "size"),
    "no UTF-8": (post(b'{"a": "\xff"}'), 400, "utf8"),
    "half a character": (post(b'{"a": "\\ud800"}'), 400, "utf8"),
    "no JSON": (post(b"{'a': 1}"), 400, "json"),
    "nothing": (post(b""), 400, "json"),
    "NaN": (post(b'{"a": NaN}'), 400, "number"),
    "minus infinity": (post(b'{"a": -Infinity}'), 400, "number"),
    "beyond any number": (post(b'{"a": 1e999}'), 400, "number"),
    "a very long number": (post(b"9" * 100_000), 400, "number"),
    "a deep value": (post(b"[" * 500_000), 400, "depth"),
    "a line that is no JSON": (
        post(b'{"a": 1}\n\n{"a"\n', b"Content-Type: application/x-ndjson\r\n"),
        400,
        "json",
    ),
    "what the door refuses": (post(b'{"model": "nobody"}'), 422, "unknown"),
    "what the door refuses for reasons of its own": (post(b'{"reason": "odd"}'), 409, "other"),
    "what the door crashes on": (post(b'{"crash": true}'), 500, "failed"),
    "a query that is no UTF-8": (get(b"/v1/echo?a=%ff"), 400, "utf8"),
    "a field twice": (get(b"/v1/echo?a=1&a=2"), 400, "malformed"),
    "a thousand fields": (get(b"/v1/echo?" + b"a=1&" * 1000), 400, "malformed"),
    "a page in a browser": (post(b"{}", JSON + b"Origin: http://evil\r\n"), 403, "forbidden"),
}


@pytest.mark.parametrize(("request_", "status", "reason"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_words_and_counted(
    sample: Sample, request_: bytes, status: int, reason: str
) -> None:
    before = sample.rejected(reason)
    answer = sample.raw(request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ", 2)[1]) == status, answer[:300]
    if b"a reason nobody" not in request_ and reason != "other":
        message = json.loads(body)["error"]
        assert message
        assert "\n" not in message
    assert b"HTTP/1.1" not in body
    assert until(lambda: sample.rejected(reason) == before + 1), sample.rejected(reason)
    assert sample.health_s() < 1


def test_the_line_of_a_mistake_is_named(sample: Sample) -> None:
    kind = b"Content-Type: application/x-ndjson\r\n"
    answer = sample.raw(post(b'{"a": 1}\n\n{"a"\n', kind))
    assert b"line 3: no JSON" in answer


def test_chunks_that_are_none_close_the_connection(sample: Sample) -> None:
    before = sample.rejected("malformed")
    answer = sample.raw(chunked() + b"zz\r\nhello\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert until(lambda: sample.rejected("malformed") == before + 1)


SLOW = {
    "says nothing": (),
    "dribbles its header": (b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 60),
    "dribbles its body": (
        b"POST /v1/things HTTP/1.1\r\nHost: x\r\n%sContent-Length: 1000\r\n\r\n" % JSON,
        *[b" "] * 60,
    ),
    "dribbles its chunks": (chunked(b"{"), *[b"1\r\n \r\n"] * 60),
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
def test_who_is_slow_is_told_and_cut_off(sample: Sample, pieces: tuple[bytes, ...]) -> None:
    before = sample.rejected("slow")
    began = time.monotonic()
    answer = sample.raw(*pieces, pause_s=0.05)
    assert time.monotonic() - began < 4
    assert not answer or answer.startswith(b"HTTP/1.1 408 ")
    assert until(lambda: sample.rejected("slow") == before + 1)


def test_who_does_not_read_is_cut_off(tmp_path: Path) -> None:
    with running(tmp_path, "--size", "200000", quick=True) as sample:
        before = sample.rejected("slow")
        with sample.connect() as connection:
            connection.sendall(get(b"/metrics"))
            assert until(lambda: sample.rejected("slow") == before + 1)


def test_an_idle_connection_is_closed_and_nobody_blamed(sample: Sample) -> None:
    before = sample.rejected("slow")
    with sample.connect() as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).endswith(b"healthy\n")
        assert connection.recv(65_536) == b""
    assert sample.rejected("slow") == before


def test_of_300_connections_the_oldest_make_room(sample: Sample) -> None:
    before = sample.rejected("connections")
    held = [sample.connect() for _ in range(300)]
    try:
        for connection in held[::2]:
            connection.sendall(b"GET / HTTP/1.1\r\n")
        assert sample.health_s() < 1
    finally:
        for connection in held:
            connection.close()
    assert sample.rejected("connections") >= before + 44


def test_a_full_queue_is_said_and_health_answered(tmp_path: Path) -> None:
    with running(tmp_path) as sample:
        held = [sample.connect() for _ in range(100)]
        try:
            for connection in held:
                connection.sendall(get(b"/v1/wait"))
            assert until(lambda: sample.rejected("busy") == 20)  # 16 threads, 64 in line
            assert sample.health_s() < 1
            refused = requests.get(f"{sample.url}/v1/echo", timeout=5)
            assert refused.status_code == 503
            assert refused.headers["Retry-After"] == "1"
        finally:
            for connection in held:
                connection.close()


def test_memory_stays_bounded(tmp_path: Path) -> None:
    with running(tmp_path) as sample:
        sample.samples()
        before = sample.memory_bytes()
        for _ in range(5):
            for name in ("a bomb", "a very large body", "large chunks", "a deep value"):
                sample.raw(REFUSED[name][0])
        held = [sample.connect() for _ in range(200)]
        try:
            for connection in held:  # each nearly a body, never finished: 200 MiB, of which 64 stay
                connection.sendall(post(b" " * MEBIBYTE)[:-1])
            assert sample.health_s() < 1
            assert sample.rejected("busy") >= 100
        finally:
            for connection in held:
                connection.close()
        # All of it would be 200 MiB; what the allocator keeps depends on how busy the machine is.
        assert sample.memory_bytes(peak=True) - before < 190 * MEBIBYTE


def test_random_bytes_do_no_harm(sample: Sample) -> None:
    for size in (1, 10, 100, 1000, 100_000):
        sample.raw(os.urandom(size) + b"\r\n\r\n")
        sample.raw(post(zlib.compress(os.urandom(size)), GZIP))
    assert sample.health_s() < 1
