"""Each protocol: what is sent, and how answers written as its reference describes are read."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from exporters.probe.measuring import APIS, Measured, measure
from modelwatch.inventory import Probe, Prompt, Quantity
from tests.exporters.misbehaving import END, EVENTS, Received, Step, event, head, server, whole

BODY = '{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}'
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 30,
    "total_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 16},
    "completion_tokens_details": {"reasoning_tokens": 25},
}
KINDS = {"input": 4, "cached_input": 16, "output": 5, "reasoning": 25}


def answered(script: Sequence[Step], **rest: Any) -> tuple[Measured, Received]:
    second = Quantity(value=Decimal(5), text="5s")
    given = {"asks_for": "m", "stream": False, **rest}
    with server(script) as running:
        path = given.pop("path", "")
        probe = Probe(name="p", url=running.url + path, every=second, timeout=second, **given)
        shown = measure(probe, Prompt(name="q", text="Say hi", body=BODY, max_tokens=5), key="k")
        return shown, running.received[-1]


def stream(*documents: Any) -> list[Step]:
    return [EVENTS, *map(event, documents), END]


def chat(delta: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"object": "chat.completion.chunk", "model": "m-1", "choices": [choice | rest]}


def chat_answer(message: Any, usage: Any = USAGE) -> list[Step]:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return whole({"model": "m-1", "choices": [choice], "usage": usage})


MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "hi", "annotations": []}],
}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "error": None,
    "model": "m-1",
    "output": [{"type": "reasoning", "summary": []}, MESSAGE],
    "usage": {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 16},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 25},
        "total_tokens": 50,
    },
}
BEGUN = {"type": "response.created", "response": RESPONSE | {"status": "in_progress", "output": []}}
CLAUDE = {"input_tokens": 3, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 16}
MESSAGES = [
    {"type": "message_start", "message": {"model": "m-1", "usage": CLAUDE | {"output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "h"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "i"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]
CLAUDE_KINDS = {"input": 4, "cached_input": 16, "output": 5}
DETAILS = {"finish_reason": "length", "generated_tokens": 2, "input_length": 7, "seed": None}

Expected = tuple[str, dict[str, int], str]
"""Answer, tokens by kind, and the served model's name."""

READ: dict[str, tuple[str, bool, list[Step], Expected]] = {
    "chat": ("openai_chat", False, chat_answer({"content": "hi"}), ("hi", KINDS, "m-1")),
    "chat in parts": (
        "openai_chat", False,
        chat_answer({"content": [{"type": "thinking"}, {"type": "text", "text": "hi"}]}),
        ("hi", KINDS, "m-1"),
    ),
    "chat that refuses": (
        "openai_chat", False, chat_answer({"content": None, "refusal": "no"}), ("no", KINDS, "m-1"),
    ),
    "chat that spent its tokens thinking": (
        "openai_chat", False, chat_answer({"content": None}), ("", KINDS, "m-1"),
    ),
    "chat without counts": (
        "openai_chat", False, chat_answer({"content": "hi"}, None), ("hi", {}, "m-1"),
    ),
    "chat with nonsense for counts": (
        "openai_chat", False,
        chat_answer({"content": "hi"}, {"prompt_tokens": -1, "completion_tokens": True}),
        ("hi", {}, "m-1"),
    ),
    "chat with reasoning counted beside": (
        "openai_chat", False, chat_answer({"content": "hi"}, USAGE | {"total_tokens": 75}),
        ("hi", KINDS | {"output": 30}, "m-1"),
    ),
    "chat streamed": (
        "openai_chat", True,
        stream(
            chat({"role": "assistant", "content": ""}), chat({"content": "h"}),
            chat({"content": "i"}), chat({}, finish_reason="stop"),
            {"model": "m-1", "choices": [], "usage": USAGE}, "[DONE]",
        ),
        ("hi", KINDS, "m-1"),
    ),
    "completion": (
        "openai_completions", False,
        whole({"model": "m-1", "choices": [{"text": "hi"}], "usage": USAGE}),
        ("hi", KINDS, "m-1"),
    ),
    "completion streamed": (
        "openai_completions", True,
        stream(
            {"model": "m-1", "choices": [{"text": "h", "finish_reason": None}]},
            {"model": "m-1", "choices": [{"text": "i", "finish_reason": "length"}]},
            {"model": "m-1", "choices": [], "usage": USAGE}, "[DONE]",
        ),
        ("hi", KINDS, "m-1"),
    ),
    "embedding": (
        "openai_embeddings", False,
        whole({
            "model": "m-1", "data": [{"index": 0, "embedding": [0.5, -1]}],
            "usage": {"prompt_tokens": 2, "total_tokens": 2},
        }),
        ("[0.5, -1]", {"input": 2}, "m-1"),
    ),
    "response": ("openai_responses", False, whole(RESPONSE), ("hi", KINDS, "m-1")),
    "response streamed": (
        "openai_responses", True,
        stream(
            BEGUN, {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
            {"type": "response.output_text.delta", "delta": "h"},
            {"type": "response.output_text.delta", "delta": "i"},
            {"type": "response.output_text.done", "text": "hi"},
            {"type": "response.completed", "response": RESPONSE},
        ),
        ("hi", KINDS, "m-1"),
    ),
    "response streamed and cut at its limit": (
        "openai_responses", True,
        stream(
            BEGUN, {"type": "response.output_text.delta", "delta": "hi"},
            {"type": "response.incomplete", "response": RESPONSE | {"status": "incomplete"}},
        ),
        ("hi", KINDS, "m-1"),
    ),
    "message": (
        "anthropic", False,
        whole({
            "type": "message", "model": "m-1", "stop_reason": "end_turn",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}],
            "usage": CLAUDE | {"output_tokens": 5},
        }),
        ("hi", CLAUDE_KINDS, "m-1"),
    ),
    "message streamed": ("anthropic", True, stream(*MESSAGES), ("hi", CLAUDE_KINDS, "m-1")),
    "inference": (
        "kserve", False,
        whole({
            "model_name": "m-1", "model_version": "v1",
            "outputs": [{"name": "predict", "shape": [1], "datatype": "INT64", "data": [1]}],
        }),
        ('{"predict": [1]}', {}, "m-1"),
    ),
    "generation": (
        "tgi", False, whole({"generated_text": "hi", "details": DETAILS}),
        ("hi", {"output": 2}, ""),
    ),
    "generation in a list": (
        "tgi", False, whole([{"generated_text": "hi"}]), ("hi", {}, ""),
    ),
    "generation streamed": (
        "tgi", True,
        stream(
            {"index": 1, "token": {"text": "h", "special": False}, "generated_text": None},
            {"index": 2, "token": {"text": "i", "special": False}, "generated_text": None},
            {"token": {"text": "</s>", "special": True}, "generated_text": "hi"}
            | {"details": DETAILS},
        ),
        ("hi", {"input": 7, "output": 2}, ""),
    ),
    "anything": ("http", False, whole({"label": "hi"}), ('{"label": "hi"}', {}, "")),
}  # fmt: skip


@pytest.mark.parametrize(("api", "streamed", "script", "expected"), READ.values(), ids=READ)
def test_the_answer_is_read_of(
    api: str, streamed: bool, script: list[Step], expected: Expected
) -> None:
    shown, _ = answered(script, api=api, stream=streamed)
    assert shown.outcome == "success"
    assert (shown.answer, shown.tokens, shown.served) == expected
    assert (shown.time_to_first_token_s is not None) == streamed


def test_every_protocol_is_read_and_every_one_that_streams_also_as_a_stream() -> None:
    forms = {(api, streamed) for api, streamed, *_ in READ.values()}
    assert forms == {
        (name, streamed) for name, api in APIS.items() for streamed in (False, bool(api.event))
    }


FAILED: dict[str, tuple[str, bool, list[Step], str]] = {
    "a response that failed": (
        "openai_responses", True,
        stream(BEGUN, {
            "type": "response.failed",
            "response": RESPONSE | {"status": "failed", "error": {"code": "server_error"}},
        }),
        "server_error",
    ),
    "a response that was limited": (
        "openai_responses", True,
        stream(BEGUN, {
            "type": "response.failed",
            "response": RESPONSE | {"error": {"code": "rate_limit_exceeded", "message": ""}},
        }),
        "rate_limited",
    ),
    "an error beside the response": (
        "openai_responses", True, stream(BEGUN, {"type": "error", "code": "x", "message": ""}),
        "server_error",
    ),
    "a whole response that failed": (
        "openai_responses", False,
        whole(RESPONSE | {"status": "failed", "output": [], "error": {"code": "server_error"}}),
        "server_error",
    ),
    "a response without its end": ("openai_responses", True, stream(BEGUN), "bad_answer"),
    "a message when overloaded": (
        "anthropic", True,
        stream(*MESSAGES[:4], {"type": "error", "error": {"type": "overloaded_error"}}),
        "server_error",
    ),
    "a message when limited": (
        "anthropic", True,
        stream(*MESSAGES[:1], {"type": "error", "error": {"type": "rate_limit_error"}}),
        "rate_limited",
    ),
    "a message without its end": ("anthropic", True, stream(*MESSAGES[:-1]), "bad_answer"),
    "a generation with an error": (
        "tgi", True, stream({"error": "failed", "error_type": "generation"}), "server_error",
    ),
    "a generation without its end": (
        "tgi", True, stream({"token": {"text": "h"}, "generated_text": None}), "bad_answer",
    ),
    "an embedding without numbers": (
        "openai_embeddings", False, whole({"data": [{"embedding": []}]}), "bad_answer",
    ),
    "an inference without outputs": ("kserve", False, whole({"model_name": "m"}), "bad_answer"),
    "an inference with an error": ("kserve", False, whole({"error": "no"}, 400), "client_error"),
    "no JSON": ("http", False, [head(content_type="text/plain"), b"1"], "bad_answer"),
}  # fmt: skip


@pytest.mark.parametrize(("api", "streamed", "script", "outcome"), FAILED.values(), ids=FAILED)
def test_no_success_is(api: str, streamed: bool, script: list[Step], outcome: str) -> None:
    shown, _ = answered(script, api=api, stream=streamed)
    assert shown.outcome == outcome


ASKED: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "chat": (
        "openai_chat", "/v1", "/v1/chat/completions",
        {"model": "m", "messages": [{"role": "user", "content": "Say hi"}], "max_tokens": 5,
         "temperature": 0},
    ),
    "completion": (
        "openai_completions", "/v1/", "/v1/completions",
        {"model": "m", "prompt": "Say hi", "max_tokens": 5, "temperature": 0},
    ),
    "embedding": (
        "openai_embeddings", "/v1", "/v1/embeddings",
        {"model": "m", "input": "Say hi", "encoding_format": "float"},
    ),
    "response": (
        "openai_responses", "/v1", "/v1/responses",
        {"model": "m", "input": "Say hi", "max_output_tokens": 16, "temperature": 0,
         "store": False},
    ),
    "message": (
        "anthropic", "", "/v1/messages",
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hi"}],
         "temperature": 0},
    ),
    "message below a version": (
        "anthropic", "/proxy/v1/", "/proxy/v1/messages",
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hi"}],
         "temperature": 0},
    ),
    "inference": ("kserve", "/", "/v2/models/m/infer", json.loads(BODY)),
    "inference below a version": ("kserve", "/v2", "/v2/models/m/infer", json.loads(BODY)),
    "generation": (
        "tgi", "", "/generate",
        {"inputs": "Say hi",
         "parameters": {"max_new_tokens": 5, "do_sample": False, "details": True}},
    ),
    "anything": ("http", "/predict?a=%20b", "/predict?a=%20b", json.loads(BODY)),
}  # fmt: skip


@pytest.mark.parametrize(("api", "base", "path", "body"), ASKED.values(), ids=ASKED)
def test_what_is_asked_for(api: str, base: str, path: str, body: dict[str, Any]) -> None:
    _, request = answered(whole({}), api=api, path=base)
    assert request.line == f"POST {path} HTTP/1.1"
    assert request.document == body
    assert request.headers["content-type"] == "application/json"
    if api == "anthropic":
        assert request.headers["x-api-key"] == "k"
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in request.headers
    else:
        assert request.headers["authorization"] == "Bearer k"


def test_a_stream_is_asked_for_in_the_words_of_the_protocol() -> None:
    lines = {}
    for name, api in APIS.items():
        if api.event:
            _, request = answered(whole({}), api=name, stream=True)
            lines[name] = (request.line.split()[1], request.document.get("stream"))
    assert lines == {
        "anthropic": ("/v1/messages", True),
        "openai_chat": ("/chat/completions", True),
        "openai_completions": ("/completions", True),
        "openai_responses": ("/responses", True),
        "tgi": ("/generate_stream", None),
    }


@pytest.mark.parametrize("api", ["kserve", "http"])
@pytest.mark.parametrize(
    ("path", "outcome", "answer"),
    [
        ("outputs.0.data.1", "success", "7"),
        ("model_name", "success", "m"),
        ("outputs.0.data", "success", "[3, 7]"),
        ("outputs.0.data.2", "bad_answer", ""),
        ("outputs.first", "bad_answer", ""),
        ("labels", "bad_answer", ""),
        ("model_name.0.0", "bad_answer", ""),
    ],
)
def test_an_answer_is_taken_from_its_path(api: str, path: str, outcome: str, answer: str) -> None:
    script = whole({"model_name": "m", "outputs": [{"name": "p", "data": [3, 7]}]})
    shown, _ = answered(script, api=api, answer=path)
    assert (shown.outcome, shown.answer) == (outcome, answer)


def test_without_a_body_an_endpoint_is_only_read() -> None:
    second = Quantity(value=Decimal(5), text="5s")
    with server(whole({"ready": True})) as running:
        probe = Probe(
            name="p", api="http", url=f"{running.url}/ready", asks_for="", stream=False,
            every=second, timeout=second, answer="ready",
        )  # fmt: skip
        shown = measure(probe, Prompt(name="q"), key="")
        assert running.received[0].line == "GET /ready HTTP/1.1"
    assert (shown.outcome, shown.answer) == ("success", "true")


def test_a_name_that_is_no_path_stays_one_part_of_it() -> None:
    _, request = answered(whole({}), api="kserve", asks_for="a b/../c")
    assert request.line == "POST /v2/models/a%20b%2F..%2Fc/infer HTTP/1.1"
