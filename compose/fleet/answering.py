"""What the simulated servers answer to requests: for the probes, as any client would send them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from compose.fleet import triton, vllm
from compose.fleet.traffic import World

GOLDEN = {"capital of france": "Paris", "two plus two": "4"}
"""What a prompt contains, and the right answer."""

WRONG = "Lyon"
SWAPPED = "meta-llama/Llama-3.2-1B-Instruct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a body, written piece by piece with these pauses in seconds in between."""

    status: int
    kind: str
    pieces: tuple[str, ...]
    pauses_s: tuple[float, ...] = ()

    def written(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
        """The pieces, each when it is due."""
        for number, piece in enumerate(self.pieces):
            if number < len(self.pauses_s):
                sleep(self.pauses_s[number])
            yield piece.encode()


def answer(name: str, path: str, body: bytes, world: World) -> Answer:
    """What the server of this page answers to a POST."""
    respond = _PATHS.get((name, path))
    if respond is None:
        return _json(404, {"error": {"message": f"nothing is at {path}"}})
    try:
        request = json.loads(body)
    except ValueError:
        return _json(400, {"error": {"message": "the body is no JSON"}})
    return respond(request, world)


def _json(status: int, document: Mapping[str, object], *pauses_s: float) -> Answer:
    return Answer(
        status=status, kind="application/json", pieces=(json.dumps(document),), pauses_s=pauses_s
    )


def _chat(request: Mapping[str, object], world: World) -> Answer:
    if "chat-errors" in world.incidents and world.happens(0.2):
        return _json(500, {"error": {"message": "the engine failed", "code": 500}})
    words = _said(json.dumps(request.get("messages", "")).lower(), world).split()
    prompt_tokens = 12 + len(json.dumps(request.get("messages", ""))) // 4
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(words),
        "total_tokens": prompt_tokens + len(words),
    }
    served = SWAPPED if "chat-swapped" in world.incidents else vllm.MODEL
    first_s = world.spread(1.6 if "chat-queue" in world.incidents else 0.12, 0.2)
    if not request.get("stream"):
        return _json(200, _completion(served, " ".join(words), usage), first_s)
    pieces = [
        _chunk(served, {"delta": {"role": "assistant", "content": ""}}),
        *(_chunk(served, {"delta": {"content": f"{word} "}}) for word in words),
        _chunk(served, {"delta": {}, "finish_reason": "stop"}),
    ]
    if isinstance(request.get("stream_options"), dict):
        pieces.append(_event({**_head(served), "choices": [], "usage": usage}))
    gaps = (0.0, first_s, *(world.spread(0.02, 0.2) for _ in words))
    return Answer(
        status=200,
        kind="text/event-stream",
        pieces=(*pieces, "data: [DONE]\n\n"),
        pauses_s=gaps,
    )


def _said(prompt: str, world: World) -> str:
    if "chat-wrong" in world.incidents:
        return f"That is {WRONG}."
    for asked, right in GOLDEN.items():
        if asked in prompt:
            return f"That is {right}."
    return "I do not know."


def _head(served: str) -> dict[str, object]:
    return {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 0, "model": served}


def _chunk(served: str, choice: Mapping[str, object]) -> str:
    whole = {"index": 0, "finish_reason": None, **choice}
    return _event({**_head(served), "choices": [whole]})


def _event(document: Mapping[str, object]) -> str:
    return f"data: {json.dumps(document)}\n\n"


def _completion(served: str, text: str, usage: Mapping[str, int]) -> dict[str, object]:
    message = {"role": "assistant", "content": text}
    return {
        **_head(served),
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
    }


def _infer(_request: Mapping[str, object], world: World) -> Answer:
    slower = 3.0 if "vision-slow" in world.incidents else 1.0
    output = {"name": "scores", "datatype": "FP32", "shape": [1, 2], "data": [0.91, 0.09]}
    document = {"model_name": triton.MODEL, "model_version": "5", "outputs": [output]}
    return _json(200, document, world.spread(0.083 * slower, 0.2))


_PATHS: Mapping[tuple[str, str], Callable[[Mapping[str, object], World], Answer]] = {
    ("vllm", "/v1/chat/completions"): _chat,
    ("triton", f"/v2/models/{triton.MODEL}/infer"): _infer,
}
