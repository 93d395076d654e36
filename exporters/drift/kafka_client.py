"""The client library's consumer, and what it says."""

import logging
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from exporters.drift.kafka import Settings

ANSWER_S = 10.0
"""Brokers that take longer to answer are away."""
SOON_S = 0.25

MOST_MESSAGES = 1_000
MOST_BYTES = 4 << 20
"""Taken at once."""

Place = tuple[str, int]
"""A topic and the number of a partition."""

END = KafkaError._PARTITION_EOF  # noqa: SLF001  # that is how its public names look
_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)  # noqa: SLF001
_NO_ENTRY = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001
_NO_MEMBER = (
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
)

_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.setLevel(logging.CRITICAL + 1)  # what matters of its log is heard as an error, once


def consumer(found: Settings, hear: Callable[[str], None], **more: str) -> Consumer:
    """A consumer; what it cannot mend by itself is told to `hear`. Names have `_` for a dot.

    Raises:
        KafkaException: the settings are wrong.
    """

    def heard(problem: KafkaError) -> None:
        if problem.fatal() or problem.code() in (*_AWAY, *_NO_ENTRY):
            hear(problem.str())

    own = {name.replace("_", "."): value for name, value in more.items()}
    return Consumer({**found.client, **own, "error_cb": heard, "logger": _SILENT})


def answers(client: Consumer, topic: str) -> bool:
    """Whether a broker does."""
    try:
        return bool(client.list_topics(topic, timeout=SOON_S).brokers)
    except KafkaException:
        return False


def partitions(client: Consumer, topic: str) -> list[TopicPartition]:
    """All of a topic; none where it is not there yet."""
    known = client.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions
    return [TopicPartition(topic, number) for number in known]


def committed(client: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
    """The places with the group's offset in `offset`, or a negative number."""
    return _checked(client.committed(places, timeout=ANSWER_S)) if places else []


def commit(client: Consumer, offsets: list[TopicPartition]) -> bool:
    """Commit, and wait; false where we are no member as things are: nothing was done then.

    Raises:
        KafkaException: it failed, or nobody knows whether it did.
    """
    try:
        _checked(client.commit(offsets=offsets, asynchronous=False))
    except KafkaException as problem:
        if problem.args[0].code() not in _NO_MEMBER:
            raise
        return False
    return True


def _checked(places: list[TopicPartition]) -> list[TopicPartition]:
    for place in places:
        if place.error:
            raise KafkaException(place.error)
    return places


def place_of(message: Message) -> Place:
    """Where it stood."""
    return (str(message.topic()), int(message.partition() or 0))


def offset_of(message: Message) -> int:
    """Its number there."""
    return int(message.offset() or 0)


def value_of(message: Message, most_bytes: int) -> bytes | None:
    """What it says, None where that is too long. One without a value says nothing."""
    value = message.value() or b""
    return None if len(value) > most_bytes else bytes(value)


def words(problem: KafkaException) -> str:
    """What an error says."""
    return str(problem.args[0].str())
