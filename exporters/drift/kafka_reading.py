"""A member of a consumer group: each message is counted by one member, once.

See `kafka_claims` for how. Whatever goes wrong, reading begins anew with what was claimed and not
counted.
"""

import logging
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from exporters.base.families import Family
from exporters.base.followed_file import MOST_LINE_BYTES, Lines
from exporters.base.following import NotWritable
from exporters.drift.kafka import Settings
from exporters.drift.kafka_claims import Claim, claimed, read, written
from modelwatch.problems import ModelwatchError, Unreachable

_LOG = logging.getLogger(__name__)

MOST_MESSAGE_BYTES = 16 * MOST_LINE_BYTES
"""A longer one is skipped and counted as refused. It is what brokers take as they come."""

MOST_MESSAGES = 1_000
MOST_BYTES = 4 << 20
"""Claimed and counted at once."""

WAIT_S = 0.25
ANSWER_S = 10.0
"""Brokers that take longer to answer are away."""
AGAIN_AFTER_S = 2.0
_ENDS_WITHIN_S = 0.4

_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)  # noqa: SLF001  # its public names
_NO_ENTRY = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001
_END = KafkaError._PARTITION_EOF  # noqa: SLF001
_NO_MEMBER = (
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
)
"""Partitions are being distributed anew: a claim was refused for certain."""

_MEMBER = "kafka member"

Place = tuple[str, int]
"""A topic and the number of a partition."""


@dataclass(slots=True, kw_only=True)
class _Held:
    """A partition that we read. `next` is the first message that nobody claimed, -1 at first."""

    next: int = -1
    claims: dict[str, Claim] = field(default_factory=dict)


class Topics:
    """The topics. As a collector it has no samples, and fails while nothing can be read."""

    name = "kafka"

    def __init__(self, found: Settings, lines: Lines) -> None:
        self._settings, self._lines = found, lines
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drift-kafka", daemon=True)
        self._held: dict[Place, _Held | None] = {}  # None: its claims are not known yet
        self._failed = False
        self._trouble = ""
        self._told = ""

    def check(self) -> None:
        """Whether the client library takes the settings.

        Raises:
            ModelwatchError: it is missing, or does not.
        """
        try:
            self._consumer().close()
        except KafkaException as failure:
            raise ModelwatchError(f"--kafka-settings: {failure.args[0].str()}") from failure

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was claimed and not counted is counted at the next start."""
        self._ended.set()
        self._thread.join(_ENDS_WITHIN_S)

    def collect(self) -> Iterator[Family]:
        """Nothing.

        Raises:
            Unreachable: nothing can be read at the moment.
        """
        if self._trouble:
            raise Unreachable(self._trouble)
        return iter(())

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._finish()
                self._read()
            except NotWritable:
                pass  # whoever counts tells, in a metric and in the log
            except Exception as problem:  # noqa: BLE001  # a boundary: the thread must live
                if self._failed:  # once is nothing: brokers may be choosing a coordinator
                    self._fail(problem)
                self._failed = True
            self._ended.wait(AGAIN_AFTER_S)

    # What was claimed and not counted.

    def _finish(self) -> None:
        member = self._member()
        whole = {"auto.offset.reset": "earliest", "enable.partition.eof": "true"}
        with closing(self._consumer(whole)) as consumer:
            for topic in self._settings.topics:
                known = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions
                places = [TopicPartition(topic, number) for number in known]
                for found in _committed(consumer, places):
                    claim = read(found.metadata).get(member)
                    mark = _mark((topic, found.partition))
                    if claim and self._lines.mark(mark) != str(claim.end):
                        values = self._again(consumer, (topic, found.partition), claim)
                        self._take(values, {mark: str(claim.end)})

    def _again(self, consumer: Consumer, place: Place, claim: Claim) -> list[bytes | None]:
        """The messages of a claim; those that the broker has deleted since are lost."""
        consumer.assign([TopicPartition(*place, claim.start)])
        values: list[bytes | None] = []
        while not self._ended.is_set():
            found = consumer.consume(1, ANSWER_S)
            if not found:
                raise Unreachable(f"no answer from the brokers for {ANSWER_S:g} s")
            message = found[0]
            problem = message.error()
            if problem and problem.code() != _END:
                raise Unreachable(problem.str())
            if problem or _offset(message) >= claim.end:
                return values
            values.append(_value(message))
            if _offset(message) == claim.end - 1:
                return values
        raise Unreachable("the exporter is stopping")

    # What is new.

    def _read(self) -> None:
        self._held.clear()
        with closing(self._consumer()) as consumer:
            consumer.subscribe(
                list(self._settings.topics),
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._revoked,
            )
            while not self._ended.is_set():
                messages = list(self._gathered(consumer))
                if messages:
                    self._count(consumer, messages)
                    self._recover()
                elif self._trouble and _answers(consumer, self._settings.topics[0]):
                    self._recover()

    def _assigned(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        self._held.update({(one.topic, one.partition): None for one in places})

    def _revoked(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        for one in places:
            self._held.pop((one.topic, one.partition), None)

    def _gathered(self, consumer: Consumer) -> Iterator[Message]:
        count, size = 0, 0
        while count < MOST_MESSAGES and size < MOST_BYTES:
            found = consumer.consume(100, 0 if count else WAIT_S)
            for message in found:
                problem = message.error()
                if problem:
                    raise Unreachable(problem.str())
                size += len(message)
                yield message
            count += len(found)
            if not found:
                return

    def _count(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Claim the messages that are ours, then count them."""
        new = self._ours(consumer, messages)
        if not new:
            return
        if not self._lines.writable:
            raise NotWritable
        if not self._claim(consumer, new):
            return
        values = [_value(message) for found in new.values() for message in found]
        self._take(
            values, {_mark(place): str(_offset(found[-1]) + 1) for place, found in new.items()}
        )

    def _ours(self, consumer: Consumer, messages: Sequence[Message]) -> dict[Place, list[Message]]:
        """The messages of partitions that are ours, from where the group has come to."""
        new: dict[Place, list[Message]] = {}
        for message in messages:
            place = (str(message.topic()), int(message.partition() or 0))
            if place in self._held:
                new.setdefault(place, []).append(message)
        unknown = [TopicPartition(*place) for place in new if self._held[place] is None]
        for found in _committed(consumer, unknown):
            _, end = consumer.get_watermark_offsets(found, timeout=ANSWER_S)
            reached = found.offset if 0 <= found.offset <= end else -1  # else it was cut short
            place = (found.topic, found.partition)
            self._held[place] = _Held(next=reached, claims=read(found.metadata))
            new[place] = [one for one in new[place] if _offset(one) >= reached]
        return {place: found for place, found in new.items() if found}

    def _claim(self, consumer: Consumer, new: Mapping[Place, Sequence[Message]]) -> bool:
        """Whether the messages are ours to count; otherwise they are read again, if by us."""
        claims = {place: self._wanted(place, found) for place, found in new.items()}
        after = {
            place: claimed(self._known(place), self._member(), claim)
            for place, claim in claims.items()
        }
        offsets = [
            TopicPartition(*place, claim.end, written(after[place]))
            for place, claim in claims.items()
        ]
        try:
            _checked(consumer.commit(offsets=offsets, asynchronous=False))
        except KafkaException as problem:
            if problem.args[0].code() not in _NO_MEMBER:
                raise
            for place, claim in claims.items():
                consumer.seek(TopicPartition(*place, claim.start))
            return False
        for place, claim in claims.items():
            self._held[place] = _Held(next=claim.end, claims=after[place])
        return True

    def _wanted(self, place: Place, messages: Sequence[Message]) -> Claim:
        held = self._held.get(place)
        first = _offset(messages[0])
        start = held.next if held and 0 <= held.next <= first else first
        return Claim(start=start, end=_offset(messages[-1]) + 1)

    def _known(self, place: Place) -> dict[str, Claim]:
        held = self._held.get(place)
        return held.claims if held else {}

    # Both.

    def _take(self, values: Sequence[bytes | None], marks: Mapping[str, str]) -> None:
        refused, why = self._lines.take(values, marks)
        if refused and why != self._told:  # the same once, not with each batch
            self._told = why
            _LOG.warning("kafka: %d messages refused: %s", refused, why)

    def _member(self) -> str:
        """Our name among the claims, which lives as long as our counts."""
        if not self._lines.writable:
            raise NotWritable
        known = self._lines.mark(_MEMBER)
        if not known:
            known = secrets.token_hex(6)
            self._lines.take((), {_MEMBER: known})
        return known

    def _consumer(self, more: Mapping[str, str] | None = None) -> Consumer:
        return Consumer(
            {
                **self._settings.client,
                **(more or {}),
                "error_cb": self._heard,
                "logger": _SILENT,
            }
        )

    def _heard(self, problem: Any) -> None:
        """The client mends most by itself; that nobody answers must be seen."""
        if problem.fatal() or problem.code() in (*_AWAY, *_NO_ENTRY):
            self._fail(Unreachable(problem.str()))

    def _fail(self, problem: Exception) -> None:
        words = str(problem) if isinstance(problem, ModelwatchError) else _words(problem)
        if words != self._trouble:
            _LOG.error("kafka: %s", words)
        self._trouble = words

    def _recover(self) -> None:
        if self._trouble:
            _LOG.info("kafka: reading again")
        self._trouble, self._failed = "", False


_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.setLevel(logging.CRITICAL + 1)  # what matters of its log is heard as an error, once


def _words(problem: Exception) -> str:
    """What a client error says; of any other its kind, with the rest in the debug log."""
    if isinstance(problem, KafkaException):
        return str(problem.args[0].str())
    _LOG.debug("kafka", exc_info=problem)
    return f"{type(problem).__name__} while it was read"


def _answers(consumer: Consumer, topic: str) -> bool:
    try:
        return bool(consumer.list_topics(topic, timeout=WAIT_S).brokers)
    except KafkaException:
        return False


def _committed(consumer: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
    return _checked(consumer.committed(places, timeout=ANSWER_S)) if places else []


def _checked(places: list[TopicPartition]) -> list[TopicPartition]:
    for place in places:
        if place.error:
            raise KafkaException(place.error)
    return places


def _mark(place: Place) -> str:
    return f"kafka {place[0]}/{place[1]}"


def _offset(message: Message) -> int:
    return int(message.offset() or 0)


def _value(message: Message) -> bytes | None:
    """The message, None where it is too long. One without a value is an empty one."""
    value = message.value() or b""
    return None if len(value) > MOST_MESSAGE_BYTES else bytes(value)
