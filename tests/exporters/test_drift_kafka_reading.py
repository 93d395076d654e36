"""Exporters of one consumer group, with a real broker: each message is counted once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from exporters.drift.kafka import settings
from exporters.drift.kafka_reading import MOST_MESSAGE_BYTES, Topics
from exporters.drift.ledger import Ledger
from modelwatch.problems import Unreachable
from tests.exporters.drift_predictions import (
    counted,
    declare,
    ledger,
    observations,
    of,
    predictions,
    until,
)
from tests.exporters.kafka_broker import Broker, running

pytestmark = pytest.mark.real

WITHIN_S = 120.0


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
def member(broker: Broker, topic: str, counts: Ledger, group: str = "") -> Iterator[Topics]:
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


def waits(is_so: Callable[[], bool]) -> None:
    until(is_so, WITHIN_S)


def ledgers(folder: Path, many: int) -> list[Ledger]:
    inventory = declare(folder)
    return [ledger(folder / f"state-{number}", inventory) for number in range(many)]


def has(messages: int, *members: Ledger) -> Callable[[], bool]:
    return lambda: observations(*members) >= messages


def test_four_members_count_what_one_counts(broker: Broker, topic: str, tmp_path: Path) -> None:
    one, *four = ledgers(tmp_path, 5)
    sent = 0
    with ExitStack() as members:
        members.enter_context(member(broker, topic, one, "alone"))
        for counts in four:
            members.enter_context(member(broker, topic, counts))
        while not all(observations(counts) for counts in four):
            broker.send(topic, predictions(sent, sent + 4000))
            sent += 4000
            waits(has(sent, one))
            waits(has(sent, *four))
    assert counted(one) == of(sent)
    assert counted(*four) == of(sent)


def test_members_come_and_go_and_each_message_is_counted_once(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    first, second, third = ledgers(tmp_path, 3)
    with member(broker, topic, first):
        broker.send(topic, predictions(0, 3000))
        with member(broker, topic, second):
            broker.send(topic, predictions(3000, 6000))
            with member(broker, topic, third):
                broker.send(topic, predictions(6000, 9000))
            broker.send(topic, predictions(9000, 12000))
            waits(has(11000, first, second, third))
        broker.send(topic, predictions(12000, 15000))
        waits(has(15000, first, second, third))
    assert counted(first, second, third) == of(15000)


def test_what_was_not_on_disk_in_a_crash_is_counted_again_and_by_nobody_else(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    first, other = ledgers(tmp_path, 2)
    broker.send(topic, predictions(0, 400))
    with member(broker, topic, first):
        waits(has(400, first))
        shutil.copytree(tmp_path / "state-0", tmp_path / "crashed")
    with member(broker, topic, other):
        broker.send(topic, predictions(400, 800))
        waits(has(400, other))
    assert counted(other) != of(400)
    revived = ledger(tmp_path / "crashed", tmp_path / "models.yaml")
    assert observations(revived) < 400
    with member(broker, topic, revived):
        waits(has(400, revived))
    assert counted(revived, other) == of(800)


def test_bad_messages_are_refused_and_passed(broker: Broker, topic: str, tmp_path: Path) -> None:
    (counts,) = ledgers(tmp_path, 1)
    long = b'{"id": "' + b"x" * MOST_MESSAGE_BYTES + b'"}'
    broker.send(topic, [b"no JSON", None, b"[1]", long, *predictions(0, 100)])
    with member(broker, topic, counts):
        waits(has(100, counts))
    assert counted(counts) == of(100)
    assert counts.rejected["other", "other", "malformed"] == 3
    assert counts.rejected["other", "other", "wrong_type"] == 1


def test_a_broker_that_was_away_is_read_on_where_it_was_left(tmp_path: Path) -> None:
    (counts,) = ledgers(tmp_path, 1)
    with running(tmp_path) as broker:
        broker.create("predictions")
        broker.send("predictions", predictions(0, 400))
        with member(broker, "predictions", counts) as topics:
            waits(has(400, counts))
            assert not fails(topics)
            broker.stop()
            waits(lambda: fails(topics))
            broker.start()
            broker.send("predictions", predictions(400, 800))
            waits(has(800, counts))
            waits(lambda: not fails(topics))
    assert counted(counts) == of(800)


def fails(topics: Topics) -> bool:
    try:
        return bool(list(topics.collect()))
    except Unreachable:
        return True
