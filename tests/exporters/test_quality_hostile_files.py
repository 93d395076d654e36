import json
import random
from pathlib import Path
from typing import Any

import pytest

from exporters.quality.events import Refused
from exporters.quality.results import MOST_EVENTS, MOST_FILE_BYTES, formats, items
from tests.exporters.result_files import CAPTURES, CHAT, books, format_of, read


@pytest.mark.parametrize("name", sorted(formats()))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[1]",
        b"null",
        b"{}",
        b"[]",
        b'"text"',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"9" * 10_000,
        b'[{"a": ' + b"9" * 10_000 + b"}]",
        b"x" * (MOST_FILE_BYTES + 1),
        b"[" + b"[]," * 2_000_000 + b"[]]",
        b'"' + b"x" * 200_000,
    ],
    ids=lambda body: str(body)[2:12],
)
def test_a_hostile_file_is_refused_with_a_reason(name: str, body: bytes) -> None:
    events = read(name, body)
    assert events
    for event in events:
        assert isinstance(event, Refused)
        assert len(event.message) < 200


@pytest.mark.parametrize("name", sorted(formats()))
def test_a_file_of_100_mib_is_refused_unread(name: str) -> None:
    (refused,) = read(name, bytes(100 << 20))
    assert isinstance(refused, Refused)
    assert refused.message == "the file is longer than 16 MiB"


@pytest.mark.parametrize(
    "path", [path for path in CAPTURES if path.suffix == ".json"], ids=lambda path: path.name
)
def test_whatever_stands_in_a_place_nothing_breaks(path: Path, tmp_path: Path) -> None:
    whole = json.loads(path.read_bytes())
    chance = random.Random(path.name)  # noqa: S311  # repeatable, not secret
    ours = books(tmp_path)
    for _ in range(60):
        broken = json.dumps(spoilt(whole, chance)).encode()
        ours.ledger.accept(items(format_of(path), broken, CHAT))


def spoilt(value: Any, chance: random.Random) -> Any:
    """The value with about one in thirty of its parts replaced."""
    if chance.random() < 1 / 30:
        things: tuple[Any, ...] = (
            None,
            True,
            -1,
            1e308,
            float("nan"),
            "",
            "\ud800",
            "x" * 999,
            [],
            {},
            [[]],
            7**99,
        )
        return chance.choice(things)
    if isinstance(value, dict):
        return {key: spoilt(one, chance) for key, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one, chance) for one in value]
    return value


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"[" + b",".join(b'{"a%d":1}' % one for one in range(2000)) + b"]", 1),
        (b",".join(b"c%d" % one for one in range(2000)) + b"\n1\n", 1),
        (b'{"faithfulness":0.5}\n' * (MOST_EVENTS + 2), MOST_EVENTS + 1),
    ],
    ids=["columns", "a heading", "rows"],
)
def test_a_table_of_too_much_is_read_as_far_as_there_is_a_limit(body: bytes, events: int) -> None:
    found = read("ragas", body)
    assert len(found) == events
    assert [event.reason for event in found if isinstance(event, Refused)] == ["malformed"]
