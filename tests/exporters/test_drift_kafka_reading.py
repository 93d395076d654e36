"""Exporters of one consumer group, with a real broker: each message is counted once."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from exporters.base.following import NotWritable
from exporters.drift.kafka import settings
from exporters.drift.kafka_reading import MOST_MESSAGE_BYTES, Topics
from modelwatch.problems import Unreachable
from tests.exporters.kafka_broker import Broker, running

pytestmark = pytest.mark.real

WITHIN_S = 60.0


class Counts:
    """What outlives an exporter, as its state folder does."""

    def __init__(self) -> None:
        self.writable = True
        self.seen: Counter[str] = Counter()
        self.refused = 0
        self.marks: dict[str, str] = {}
        self.fails = 0

    def mark(self, name: str) -> str:
        return self.marks.get(name, "")

    def take(self, lines: Sequence[bytes | None], marks: Mapping[str, str]) -> tuple[int, str]:
        if self.fails and lines:
            self.fails -= 1
            raise NotWritable
        good = [line for line in lines if line and line.startswith(b"{")]
        self.seen.update(json.loads(line)["id"] for line in good)
        self.refused += len(lines) - len(good)
        self.marks.update(marks)
        return len(lines) - len(good), "no JSON"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("broker")) as found:
        yield found


@pytest.fixture
def topic(broker: Broker) -> str:
    name = f"predictions-{uuid4().hex[:6]}"
    broker.create(name)
    return name


@contextmanager
def member(broker: Broker, topic: str, counts: Counts, group: str = "") -> Iterator[Topics]:
    options = {
        "kafka_servers": broker.servers,
        "kafka_topic": (topic,),
        "kafka_group": group or topic,
    }
    found = settings(options)
    assert found
    topics = Topics(found, counts)
    topics.start()
    try:
        yield topics
    finally:
        topics.stop()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def predictions(first: int, last: int) -> Iterable[Mapping[str, str]]:
    return ({"id": str(number)} for number in range(first, last))


def in_all(*members: Counts) -> int:
    return sum(one.seen.total() for one in members)


def once_each(messages: int, *members: Counts) -> bool:
    seen = sum((one.seen for one in members), Counter())
    return seen == Counter(str(number) for number in range(messages))


def test_four_members_count_what_one_counts(broker: Broker, topic: str) -> None:
    one, four = Counts(), [Counts() for _ in range(4)]
    sent = 0
    with ExitStack() as members:
        members.enter_context(member(broker, topic, one, "alone"))
        for counts in four:
            members.enter_context(member(broker, topic, counts))
        while not all(counts.seen for counts in four):
            broker.send(topic, predictions(sent, sent + 4000))
            sent += 4000
            until(lambda: in_all(one) >= sent and in_all(*four) >= sent)
    assert once_each(sent, one)
    assert once_each(sent, *four)


def test_members_come_and_go_and_each_message_is_counted_once(broker: Broker, topic: str) -> None:
    first, second, third = Counts(), Counts(), Counts()
    with member(broker, topic, first):
        broker.send(topic, predictions(0, 3000))
        with member(broker, topic, second):
            broker.send(topic, predictions(3000, 6000))
            with member(broker, topic, third):
                broker.send(topic, predictions(6000, 9000))
            broker.send(topic, predictions(9000, 12000))
            until(lambda: in_all(first, second, third) >= 11000)
        broker.send(topic, predictions(12000, 15000))
        until(lambda: in_all(first, second, third) >= 15000)
    assert once_each(15000, first, second, third)


def test_what_was_claimed_and_not_counted_is_counted_by_the_one_who_claimed_it(
    broker: Broker, topic: str
) -> None:
    broker.send(topic, predictions(0, 400))
    full, other = Counts(), Counts()
    full.fails = 1_000_000
    with member(broker, topic, full):
        until(lambda: full.fails < 1_000_000)
    with member(broker, topic, other):
        broker.send(topic, predictions(400, 800))
        until(lambda: in_all(other) >= 400)
    claimed = 800 - in_all(other)
    assert claimed > 0
    full.fails = 0
    with member(broker, topic, full):
        until(lambda: in_all(full) >= claimed)
    assert once_each(800, full, other)


def test_counts_that_cannot_be_kept_for_a_moment_are_kept_later(broker: Broker, topic: str) -> None:
    broker.send(topic, predictions(0, 400))
    counts = Counts()
    counts.fails = 1
    with member(broker, topic, counts):
        until(lambda: in_all(counts) >= 400)
    assert once_each(400, counts)


def test_bad_messages_are_refused_and_passed(broker: Broker, topic: str) -> None:
    long = b'{"id": "' + b"x" * (MOST_MESSAGE_BYTES - 100) + b'"}'
    broker.send(topic, [b"no JSON", None, b"", long, *predictions(0, 100)])
    counts = Counts()
    with member(broker, topic, counts):
        until(lambda: in_all(counts) >= 100)
    assert counts.refused == 3


def test_a_broker_that_was_away_is_read_on_where_it_was_left(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        broker.create("predictions")
        broker.send("predictions", predictions(0, 400))
        counts = Counts()
        with member(broker, "predictions", counts) as topics:
            until(lambda: in_all(counts) >= 400)
            assert not list(topics.collect())
            broker.stop()
            until(lambda: fails(topics))
            broker.start()
            broker.send("predictions", predictions(400, 800))
            until(lambda: in_all(counts) >= 800)
            until(lambda: not fails(topics))
        assert once_each(800, counts)


def fails(topics: Topics) -> bool:
    try:
        return bool(list(topics.collect()))
    except Unreachable:
        return True
