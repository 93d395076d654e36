"""What a probe makes of servers that misbehave: one outcome for each, within the deadline."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from exporters.probe import measuring
from exporters.probe.connection import LARGEST_ANSWER
from exporters.probe.measuring import Measured, measure
from tests.exporters.misbehaving import (
    END,
    EVENTS,
    RESET,
    STALL,
    Step,
    chunk,
    event,
    head,
    server,
    whole,
)
from tests.exporters.probing import ANSWER, KEY, PARIS, STREAM, probe


def measured(script: Sequence[Step], *, key: str = KEY, **rest: Any) -> Measured:
    with server(script) as running:
        return measure(probe(running.url, **rest), PARIS, key=key)


def test_a_stream_is_timed_counted_and_judged() -> None:
    shown = measured([*STREAM[:2], 0.1, STREAM[2], 0.05, *STREAM[3:]])
    assert (shown.outcome, shown.answer, shown.correct) == ("success", "Paris", True)
    assert shown.tokens == {"input": 9, "output": 2}
    assert shown.served == "m"
    assert shown.time_to_first_token_s is not None
    assert 0.1 <= shown.time_to_first_token_s < shown.duration_s
    assert len(shown.gaps_s) == 1
    assert shown.gaps_s[0] >= 0.04
    assert list(shown.phases_s) == ["dns", "connect", "first_byte", "body"]
    assert shown.phases_s["body"] >= 0.14
    assert sum(shown.phases_s.values()) <= shown.duration_s


def test_an_answer_in_one_piece_is_timed_counted_and_judged() -> None:
    shown = measured(whole(ANSWER), stream=False)
    assert (shown.outcome, shown.answer, shown.correct) == ("success", "Paris.", True)
    assert shown.tokens == {"input": 9, "output": 2}
    assert (shown.time_to_first_token_s, shown.gaps_s) == (None, ())


CUT: dict[str, tuple[list[Step], str]] = {
    "the stream ends without an end": ([*STREAM[:4], END], "bad_answer"),
    "the connection ends inside the stream": (STREAM[:4], "bad_answer"),
    "the connection is reset inside the stream": ([*STREAM[:4], 0.05, RESET], "bad_answer"),
    "an event is cut": ([*STREAM[:3], chunk(b'data: {"choi'), END], "bad_answer"),
    "an event is no JSON": ([*STREAM[:3], event("{oops"), END], "bad_answer"),
    "an event is no object": ([*STREAM[:3], event("[1]"), END], "bad_answer"),
    "an event is no UTF-8": ([*STREAM[:3], chunk(b"data: \xff\xfe\n\n"), END], "bad_answer"),
    "chunks have no length": ([EVENTS, b"data: {}\n\n"], "bad_answer"),
    "the stream stalls": ([*STREAM[:4], STALL], "timeout"),
    "the first token is too late": ([*STREAM[:2], STALL], "timeout"),
    "the end is too late": ([*STREAM[:5], STALL], "timeout"),
    "there is an error inside": (
        [*STREAM[:3], event({"error": {"message": "CUDA out of memory", "code": 500}}), END],
        "server_error",
    ),
    "there is a limit inside": (
        [*STREAM[:3], event({"error": {"message": "slow down", "code": "429"}}), END],
        "rate_limited",
    ),
    "the refusal is inside": (
        [EVENTS, event({"error": {"message": "no", "type": "invalid_request_error"}}), END],
        "client_error",
    ),
}


@pytest.mark.parametrize(("script", "outcome"), CUT.values(), ids=CUT)
def test_a_stream_fails_when(script: list[Step], outcome: str) -> None:
    shown = measured(script, seconds="0.4")
    assert shown.outcome == outcome
    assert shown.correct is None
    assert shown.duration_s < 2


def test_what_arrived_before_a_stall_is_known() -> None:
    shown = measured([*STREAM[:4], STALL], seconds="0.3")
    assert shown.answer == "Paris"
    assert shown.time_to_first_token_s is not None
    assert len(shown.gaps_s) == 1
    assert "body" not in shown.phases_s


def test_a_stream_may_end_without_the_word_done_once_it_said_why_it_ended() -> None:
    assert measured([*STREAM[:6], END]).outcome == "success"


def test_reasoning_is_the_first_token_but_no_answer() -> None:
    thought = event({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]})
    shown = measured([EVENTS, thought, 0.1, *STREAM[1:]])
    assert shown.answer == "Paris"
    assert len(shown.gaps_s) == 2
    assert shown.gaps_s[0] >= 0.09


HUGE = b"x" * (LARGEST_ANSWER + 1)
WRONG: dict[str, tuple[list[Step], str]] = {
    "of another type": ([head(content_type="text/html"), b"<h1>Paris</h1>"], "bad_answer"),
    "streamed unasked": (STREAM, "bad_answer"),
    "cut": ([head(content_length="500"), b'{"choices"'], "bad_answer"),
    "no JSON": ([head(), b"Paris"], "bad_answer"),
    "no UTF-8": ([head(), b'{"model": "\xff"}'], "bad_answer"),
    "empty": ([head(content_length="0")], "bad_answer"),
    "of another protocol": (whole({"model_name": "m", "outputs": []}), "bad_answer"),
    "a list": (whole([]), "bad_answer"),
    "nested without end": ([head(), b"[" * 100_000], "bad_answer"),
    "compressed": ([head(content_encoding="gzip"), b"\x1f\x8b"], "bad_answer"),
    "huge": ([head(), HUGE], "bad_answer"),
    "huge and without end": ([head(), *[HUGE] * 20, STALL], "bad_answer"),
    "an error": (whole({"error": {"message": "backend gone"}}), "server_error"),
    "no HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n"], "bad_answer"),
    "with headers without end": ([head()[:-2], b"x-a: b\r\n" * 40_000, STALL], "bad_answer"),
    "missing": ([], "connect_error"),
    "a reset": ([RESET], "connect_error"),
    "silence": ([STALL], "timeout"),
    "a redirect": ([head(302, location="http://127.0.0.1:1/")], "client_error"),
    "not modified": ([head(304)], "client_error"),
    "refused": (whole({"error": {"message": "no such model"}}, 404), "client_error"),
    "refused in half a sentence": ([head(400, content_length="99"), b"{"], "client_error"),
    "unauthorised": (whole({}, 401), "client_error"),
    "a failure": ([head(500)], "server_error"),
    "unavailable": ([head(503)], "server_error"),
    "overloaded": ([head(529)], "server_error"),
    "limited": ([head(429)], "rate_limited"),
}


@pytest.mark.parametrize(("script", "outcome"), WRONG.values(), ids=WRONG)
def test_an_answer_is_not_accepted_that_is(script: list[Step], outcome: str) -> None:
    shown = measured(script, stream=False, seconds="0.6")
    assert shown.outcome == outcome
    assert shown.correct is None
    assert shown.duration_s < 2


def test_an_answer_that_was_to_be_streamed_is_bad_but_its_tokens_count() -> None:
    shown = measured(whole(ANSWER))
    assert shown.outcome == "bad_answer"
    assert shown.tokens == {"input": 9, "output": 2}


def test_headers_that_trickle_do_not_outlive_the_deadline() -> None:
    trickle: list[Step] = [part for byte in head(x_pad="x" * 400) for part in (bytes([byte]), 0.02)]
    shown = measured(trickle, seconds="0.5")
    assert shown.outcome == "timeout"
    assert shown.duration_s < 1


def test_a_body_that_trickles_does_not_outlive_the_deadline() -> None:
    trickle: list[Step] = [part for _ in range(400) for part in (chunk(b": ping\n\n"), 0.02)]
    shown = measured([EVENTS, *trickle], seconds="0.5")
    assert shown.outcome == "timeout"
    assert shown.duration_s < 1


def test_hints_before_the_answer_are_not_the_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
    assert measured([hints, *whole(ANSWER)], stream=False).outcome == "success"


def test_nothing_is_asked_where_a_redirect_points() -> None:
    with server(whole(ANSWER)) as other, server([head(307, location=other.url)]) as first:
        assert measure(probe(first.url), PARIS, key=KEY).outcome == "client_error"
        assert (first.connections, other.connections) == (1, 0)


NOW = "Fri, 20 Nov 2026 12:00:00 GMT"
WAITS: dict[str, tuple[Mapping[str, str], float | None]] = {
    "seconds": ({"retry_after": "30"}, 30),
    "fractions": ({"retry_after": "1.5"}, 1.5),
    "a date": ({"retry_after": "Fri, 20 Nov 2026 12:01:00 GMT", "date": NOW}, 60),
    "a date that is over": ({"retry_after": "Fri, 20 Nov 2026 11:00:00 GMT", "date": NOW}, 0),
    "a date without time of day": ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    "nonsense": ({"retry_after": "soon"}, None),
    "minus": ({"retry_after": "-1"}, None),
    "infinity": ({"retry_after": "inf"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("headers", "seconds"), WAITS.values(), ids=WAITS)
def test_when_to_come_back_is_read_from(headers: Mapping[str, str], seconds: float | None) -> None:
    shown = measured([head(429, **headers)])
    assert (shown.outcome, shown.retry_after_s) == ("rate_limited", seconds)


def test_the_request_carries_key_trace_and_own_headers() -> None:
    with server(STREAM) as running:
        url = f"{running.url}/v1?version=2"
        shown = measure(probe(url, headers={"X-Tenant": "probes"}), PARIS, key=f"{KEY}\n")
        request = running.received[0]
    assert request.line == "POST /v1/chat/completions?version=2 HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-tenant"] == "probes"
    assert request.headers["host"] == running.url.removeprefix("http://")
    assert request.headers["traceparent"].split("-")[1] == shown.trace_id
    assert len(shown.trace_id) == 32
    assert request.document == {
        "model": "m",
        "messages": [{"role": "user", "content": "Capital of France?"}],
        "max_tokens": 16,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_without_a_key_none_is_sent() -> None:
    with server(STREAM) as running:
        measure(probe(running.url), PARIS, key="")
        assert "authorization" not in running.received[0].headers


@pytest.mark.parametrize("key", ["sk-two\nlines", "sk-\u00e4", "sk-\x00"], ids=ascii)
def test_a_key_that_no_header_can_hold_is_not_sent_and_not_told(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with server(STREAM) as running:
        shown = measure(probe(running.url), PARIS, key=key)
        assert running.received == []
    assert shown.outcome == "client_error"
    assert "sk-" not in repr(shown) + caplog.text


def test_answers_and_keys_stay_out_of_what_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = measured(STREAM)
    assert "Paris" not in repr(shown)
    assert KEY not in repr(shown) + caplog.text


REFUSALS = {
    "max_tokens": (
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        "max_completion_tokens",
    ),
    "temperature": ("`temperature` is deprecated for this model.", None),
    "stream_options": ("stream_options: Extra inputs are not permitted", None),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("status", [400, 422])
def test_a_field_that_a_server_refuses_is_given_up_once_and_remembered(
    name: str, status: int
) -> None:
    message, instead = REFUSALS[name]
    refusal = whole({"error": {"message": message, "param": name}}, status)
    with server(refusal, STREAM) as running:
        asked = probe(running.url)
        outcomes = [measure(asked, PARIS, key=KEY).outcome for _ in range(2)]
        bodies = [request.document for request in running.received]
    assert outcomes == ["success", "success"]
    assert [name in body for body in bodies] == [True, False, False]
    assert instead is None or [body.get(instead) for body in bodies] == [None, 16, 16]


def test_a_request_that_stays_refused_is_sent_no_more_than_once_for_each_field() -> None:
    message = "max_tokens, temperature, stream_options, max_completion_tokens are all wrong"
    with server(whole({"error": {"message": message}}, 400)) as running:
        assert measure(probe(running.url), PARIS, key=KEY).outcome == "client_error"
        assert running.connections == 2


def test_a_long_name_of_a_model_is_cut_and_half_characters_are_replaced() -> None:
    shown = measured(whole(ANSWER | {"model": "\ud800" + "m" * 5000}), stream=False)
    assert shown.served.startswith("?m")
    assert len(shown.served) == 200


def test_every_outcome_of_these_tables_is_a_known_one() -> None:
    named = {outcome for _, outcome in [*CUT.values(), *WRONG.values()]}
    assert named | {"success", "tls_error", "dns_error"} == set(measuring.OUTCOMES)


def test_time_is_what_the_clock_says() -> None:
    times = iter(range(1000))
    with server(whole(ANSWER)) as running:
        asked = replace(probe(running.url, seconds="900"), stream=False)
        shown = measure(asked, PARIS, key=KEY, clock=lambda: float(next(times)))
    assert shown.outcome == "success"
    assert all(seconds == int(seconds) > 0 for seconds in shown.phases_s.values())
    assert json.dumps(shown.phases_s)
