"""A member of a consumer group: each message is counted by one member, once.

See `kafka_claims` for how. Whatever goes wrong, reading begins anew with what was claimed and whose
counts are not on disk.
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from exporters.base.families import Family
from exporters.base.followed_file import MOST_LINE_BYTES
from exporters.drift import kafka_client as client
from exporters.drift.following import ObservedLines
from exporters.drift.kafka import Settings
from exporters.drift.kafka_claims import Claim, claimed, read, written
from exporters.drift.kafka_client import Place, offset_of, place_of
from exporters.drift.ledger import Ledger
from modelwatch.problems import ModelwatchError, Unreachable

_LOG = logging.getLogger(__name__)

MOST_MESSAGE_BYTES = 16 * MOST_LINE_BYTES
"""A longer one is skipped and counted as refused. It is what brokers take as they come."""

KEPT_EVERY_S = 5.0
"""Counts are on disk by then, so that no claim is of more messages than come in this time."""
AGAIN_AFTER_S = 2.0
_ENDS_WITHIN_S = 0.4

_MEMBER = "kafka member"


@dataclass(slots=True, kw_only=True)
class _Held:
    """A partition that we read.

    `next` is the first message that nobody claimed; counts of those before `since` are on disk.
    Both are -1 where nobody of the group has been here.
    """

    next: int
    since: int
    claims: dict[str, Claim] = field(default_factory=dict)


class Topics:
    """The topics. As a collector it has no samples, and fails while nothing can be read."""

    name = "kafka"

    def __init__(self, found: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = found, ledger
        self._lines = ObservedLines(ledger, most_bytes=MOST_MESSAGE_BYTES)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drift-kafka", daemon=True)
        self._held: dict[Place, _Held | None] = {}  # None: its claims are not known yet
        self._kept_s = 0.0
        self._failed = False
        self._trouble = ""
        self._told = ""

    def check(self) -> None:
        """Whether the client library takes the settings.

        Raises:
            ModelwatchError: it does not.
        """
        try:
            client.consumer(self._settings, self._fail).close()
        except KafkaException as failure:
            raise ModelwatchError(f"--kafka-settings: {client.words(failure)}") from failure

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
            except Exception as problem:  # noqa: BLE001  # a boundary: the thread must live
                _LOG.debug("kafka", exc_info=problem)
                if self._failed:  # once is nothing: brokers may be choosing a coordinator
                    self._fail(_words(problem))
                self._failed = True
            self._ended.wait(AGAIN_AFTER_S)

    # What was claimed, and whose counts did not come to the disk.

    def _finish(self) -> None:
        member = self._member()
        everything = {"auto_offset_reset": "earliest", "enable_partition_eof": "true"}
        with closing(client.consumer(self._settings, self._fail, **everything)) as consumer:
            for topic in self._settings.topics:
                for found in client.committed(consumer, client.partitions(consumer, topic)):
                    claim = read(found.metadata).get(member)
                    if claim:
                        self._count_again(consumer, (topic, found.partition), claim)
        self._keep()

    def _count_again(self, consumer: Consumer, place: Place, claim: Claim) -> None:
        """Count the rest of a claim; messages that the broker has deleted since are lost."""
        mark = int(self._ledger.mark(_mark(place)) or -1)
        start = mark if claim.start <= mark <= claim.end else claim.start
        if start == claim.end:
            return
        consumer.assign([TopicPartition(*place, start)])
        while start < claim.end:
            found = consumer.consume(client.MOST_MESSAGES, client.SOON_S) or consumer.consume(
                1, client.ANSWER_S
            )
            if not found or self._ended.is_set():
                raise Unreachable(f"no answer from the brokers for {client.ANSWER_S:g} s")
            ours = [one for one in found if not one.error() and offset_of(one) < claim.end]
            start = claim.end if len(ours) < len(found) else offset_of(ours[-1]) + 1
            self._take(ours, {_mark(place): str(start)})

    # What is new.

    def _read(self) -> None:
        self._held.clear()
        with closing(client.consumer(self._settings, self._fail)) as consumer:
            consumer.subscribe(
                list(self._settings.topics),
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._revoked,
            )
            while not self._ended.is_set():
                messages = list(_gathered(consumer))
                if messages:
                    self._count(consumer, messages)
                if messages or (self._trouble and self._answers(consumer)):
                    self._recover()
                if time.monotonic() - self._kept_s > KEPT_EVERY_S:
                    self._keep()

    def _assigned(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        self._held.update({(one.topic, one.partition): None for one in places})

    def _revoked(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        for one in places:
            self._held.pop((one.topic, one.partition), None)

    def _count(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Claim the messages that are ours, then count them."""
        new: dict[Place, list[Message]] = {}
        for message in messages:
            if place_of(message) in self._held:
                new.setdefault(place_of(message), []).append(message)
        self._learn(consumer, [place for place in new if self._held[place] is None])
        ours: dict[Place, tuple[_Held, list[Message]]] = {}
        for place, found in new.items():
            held = self._held[place]
            unclaimed = [one for one in found if held and offset_of(one) >= held.next]
            if held and unclaimed:
                ours[place] = (held, unclaimed)
        if ours and self._claim(consumer, ours):
            self._take(
                [message for _, found in ours.values() for message in found],
                {_mark(place): str(held.next) for place, (held, _) in ours.items()},
            )

    def _learn(self, consumer: Consumer, places: Sequence[Place]) -> None:
        """How far the group has come in partitions that became ours."""
        if places:
            self._keep()  # what we counted there before must not hang on the next claim
        for found in client.committed(consumer, [TopicPartition(*place) for place in places]):
            first, end = consumer.get_watermark_offsets(found, timeout=client.ANSWER_S)
            reached = found.offset if first <= found.offset <= end else -1  # it was cut or emptied
            self._held[found.topic, found.partition] = _Held(
                next=reached, since=reached, claims=read(found.metadata)
            )

    def _claim(
        self, consumer: Consumer, ours: Mapping[Place, tuple[_Held, Sequence[Message]]]
    ) -> bool:
        """Whether the messages are ours to count; otherwise they are read again, if by us."""
        member = self._member()
        after: dict[Place, _Held] = {}
        for place, (held, found) in ours.items():
            since = held.since if held.since >= 0 else offset_of(found[0])
            end = offset_of(found[-1]) + 1
            claims = claimed(held.claims, member, Claim(start=since, end=end))
            after[place] = _Held(next=end, since=since, claims=claims)
        offsets = [
            TopicPartition(*place, held.next, written(held.claims)) for place, held in after.items()
        ]
        if not client.commit(consumer, offsets):
            for place, (held, found) in ours.items():
                start = held.next if held.next >= 0 else offset_of(found[0])
                consumer.seek(TopicPartition(*place, start))
            return False
        for place, held in after.items():
            ours[place][0].next, ours[place][0].since = held.next, held.since
            ours[place][0].claims = held.claims
        return True

    # Both.

    def _take(self, messages: Sequence[Message], marks: Mapping[str, str]) -> None:
        values = [client.value_of(message, MOST_MESSAGE_BYTES) for message in messages]
        refused, why = self._lines.take(values, marks)
        if refused and why != self._told:  # the same once, not with each batch
            self._told = why
            _LOG.warning("kafka: %d messages refused: %s", refused, why)

    def _keep(self) -> bool:
        """Bring the counts to the disk. Where that fails the claims grow until it can be done."""
        self._kept_s = time.monotonic()
        self._ledger.shown(lambda: None)
        if self._ledger.writable:
            for held in self._held.values():
                if held:
                    held.since = held.next
        return self._ledger.writable

    def _member(self) -> str:
        """Our name among the claims, which lives as long as our counts."""
        known = self._ledger.mark(_MEMBER)
        if not known:
            known = secrets.token_hex(6)
            self._ledger.observe((), (), {_MEMBER: known})
            if not self._keep():
                raise ModelwatchError("nothing is read before counts can be kept")
        return known

    def _answers(self, consumer: Consumer) -> bool:
        return client.answers(consumer, self._settings.topics[0])

    def _fail(self, words: str) -> None:
        if not self._trouble:
            _LOG.error("kafka: %s", words)
        self._trouble = words

    def _recover(self) -> None:
        if self._trouble:
            _LOG.info("kafka: reading again")
        self._trouble, self._failed = "", False


def _gathered(consumer: Consumer) -> Iterator[Message]:
    """What has come, up to what is taken at once; waits a moment for the first."""
    count, size = 0, 0
    while count < client.MOST_MESSAGES and size < client.MOST_BYTES:
        found = consumer.consume(100, 0 if count else client.SOON_S)
        for message in found:
            problem = message.error()
            if problem:
                raise Unreachable(problem.str())
            size += len(message)
            yield message
        count += len(found)
        if not found:
            return


def _mark(place: Place) -> str:
    return f"kafka {place[0]}/{place[1]}"


def _words(problem: Exception) -> str:
    if isinstance(problem, KafkaException):
        return client.words(problem)
    if isinstance(problem, ModelwatchError):
        return str(problem)
    return f"{type(problem).__name__} while it was read"
