"""Answers that real servers gave, kept in `answers/SERVER-VERSION-PROTOCOL.{json,sse}`."""

from pathlib import Path

import pytest

from exporters.probe.measuring import measure
from tests.exporters.misbehaving import head, server
from tests.exporters.probing import KEY, PARIS, probe

CAPTURED = sorted((Path(__file__).parent / "answers").iterdir())
ANSWERS = {"openai_embeddings": "[0.5, -0.25]", "kserve": '{"predict": [1]}'}
TYPES = {".json": "application/json", ".sse": "text/event-stream; charset=utf-8"}


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.name)
def test_what_a_server_answered_is_read(path: Path) -> None:
    api = path.stem.rpartition("-")[2]
    script = [head(content_type=TYPES[path.suffix]), path.read_bytes()]
    with server(script) as running:
        asked = probe(running.url, api=api, stream=path.suffix == ".sse")
        shown = measure(asked, PARIS, key=KEY)
    assert shown.outcome == "success"
    assert shown.answer == ANSWERS.get(api, "Paris is the capital of France.")
    assert shown.served
    assert set(shown.tokens) >= ({"input", "output"} if api not in ANSWERS else set())


@pytest.mark.parametrize(
    "path", [path for path in CAPTURED if path.suffix == ".sse"], ids=lambda path: path.name
)
def test_a_stream_that_is_cut_is_no_success(path: Path) -> None:
    body = path.read_bytes()
    for part in range(10):
        cut = body[: len(body) * part // 20]
        with server([head(content_type=TYPES[".sse"]), cut]) as running:
            asked = probe(running.url, api=path.stem.rpartition("-")[2])
            assert measure(asked, PARIS, key=KEY).outcome == "bad_answer", part
