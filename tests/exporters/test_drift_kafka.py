"""Exporters that read Kafka, as people run them: started, killed, replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.drift.kafka import settings, settings_in
from exporters.drift.kafka_claims import MOST_BYTES, Claim, claimed, read, written
from modelwatch.problems import InventoryError, ModelwatchError
from tests.exporters.drift_predictions import (
    Process,
    declare,
    of,
    on_pages,
    predictions,
    until,
)
from tests.exporters.kafka_broker import Broker, running

WITHIN_S = 120.0
TOPIC = "predictions"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path) as found:
        found.create(TOPIC)
        yield found


def observations(*exporters: Process) -> int:
    pages = [one.page() for one in exporters]
    return on_pages(*pages)["amount", ""].observations


@pytest.mark.real
@pytest.mark.servers
def test_of_four_exporters_one_is_killed_and_replaced_and_each_message_is_counted_once(
    broker: Broker, tmp_path: Path
) -> None:
    declare(tmp_path)
    file = tmp_path / "kafka.properties"
    file.write_text("# A member that is dead is missed soon.\nsession.timeout.ms=6000\n")
    options = (
        *("--kafka-servers", broker.servers, "--kafka-topic", TOPIC),
        *("--kafka-settings", str(file)),
    )
    four = [Process(tmp_path, f"member-{number}", *options) for number in range(4)]
    try:
        for one in four:
            one.start()
        sent = 0
        while not all(observations(one) for one in four):
            broker.send(TOPIC, predictions(sent, sent + 2000))
            sent += 2000
            until(lambda: observations(*four) >= sent, WITHIN_S)  # noqa: B023  # called at once
        four[0].kill()
        broker.send(TOPIC, predictions(sent, sent + 2000))
        four[1].kill()
        four[0].start()
        broker.send(TOPIC, predictions(sent + 2000, sent + 4000))
        four[1].start()
        until(lambda: observations(*four) >= sent + 4000, WITHIN_S)
        assert on_pages(*(one.page() for one in four)) == of(sent + 4000)
    finally:
        for one in four:
            one.kill()


def test_the_last_claim_of_each_member_is_remembered_the_newest_first() -> None:
    claims = read(written({"a1": Claim(start=0, end=4), "b2": Claim(start=4, end=9)}))
    claims = claimed(claims, "b2", Claim(start=9, end=12))
    assert list(claims) == ["b2", "a1"]
    assert read(written(claims)) == claims


def test_claims_of_members_that_are_long_gone_are_forgotten() -> None:
    many = {f"{number:012x}": Claim(start=number, end=10**9) for number in range(1000)}
    text = written(many)
    assert len(text) <= MOST_BYTES
    assert list(read(text).items()) == list(many.items())[: len(read(text))]
    assert len(read(text)) > 100


@pytest.mark.parametrize("metadata", [None, "", "somebody else's", "modelwatch1 a:b-c"])
def test_metadata_of_others_holds_no_claims(metadata: str | None) -> None:
    assert read(metadata) == {}


def test_settings_come_from_a_file_and_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("# ours\nsasl.username = reader\nsasl.password=a=b secret\n\n")
    found = settings(options(kafka_settings=path))
    assert found
    assert found.client["sasl.password"] == "a=b secret"
    assert found.client["group.id"] == "drift"
    assert "secret" not in repr(found)


def test_each_mistake_in_the_settings_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("sasl.password\nacks=1\nacks=all\ngroup.id=mine\n")
    with pytest.raises(InventoryError) as caught:
        settings_in(path)
    assert [str(one).removeprefix(f"{path}:") for one in caught.value.problems] == [
        "1:1: this is no `name=value`",
        "3:1: 'acks' is set twice",
        "4:1: 'group.id' cannot be set here; say it with --kafka-group",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kafka_topic": ()}, "say with --kafka-topic which topic to read"),
        ({"kafka_servers": None}, "say with --kafka-servers where the Kafka brokers are"),
        ({"kafka_settings": Path("/nowhere")}, "cannot read /nowhere: No such file"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(
    changed: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelwatchError, match=message):
        settings(options(**changed))


def test_without_a_topic_nothing_is_read() -> None:
    assert settings(options(kafka_servers=None, kafka_topic=())) is None


def options(**changed: object) -> dict[str, object]:
    return {
        "kafka_servers": "kafka:9092",
        "kafka_topic": (TOPIC,),
        "kafka_group": "drift",
        "kafka_settings": None,
        **changed,
    }
