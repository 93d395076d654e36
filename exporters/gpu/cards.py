"""All cards of this host, asked at the same time, each within its own deadline."""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from exporters.gpu import more
from exporters.gpu.crew import Answer, Crew
from exporters.gpu.facts import Card, Fact, Reading
from exporters.gpu.fields import Asking, table
from exporters.gpu.library import CardDownError, DriverDownError, Library
from exporters.gpu.session import Session
from exporters.gpu.slices import slices
from exporters.gpu.throttling import Throttling
from modelwatch.catalogue.gpu import GPU_EXPORTER_THROTTLED
from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

MOST_CARDS = 64
"""More are on no host; what a stand-in or a broken driver counts beyond is not asked."""

GROUPS: tuple[Callable[[Asking], Iterator[Fact]], ...] = (table, *more.GROUPS, slices)


class Cards:
    """The cards that answered once, and what each says now.

    `handles` are those of the last reading by UUID, for questions of others; they are dead when
    the session's generation has risen.
    """

    def __init__(
        self,
        session: Session,
        *,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session = session
        self.handles: dict[str, Any] = {}
        self._deadline_s = deadline_s
        self._clock = clock
        self._crew: Crew[tuple[Card, Any, tuple[Fact, ...]]] = Crew()
        self._throttling = Throttling()
        self._seen: dict[str, Card] = {}
        self._known: dict[tuple[int, int], Card] = {}

    def read(self) -> list[Reading]:
        """Every card that is or was there. Without a driver, all that were there are down."""
        for _ in range(2):  # a driver that was reloaded meanwhile answers the second time
            try:
                self.session.ready()
            except Unreachable:
                break
            generation = self.session.generation
            try:
                readings = self._ask_all(generation)
            except DriverDownError as problem:
                self.session.lose(generation, str(problem))
                continue
            away = any(one.down in {"lost", "reset_required"} for one in readings)
            if away and not self._crew.hangs:
                self.session.look_again()
            return readings
        self.handles = {}
        return [Reading(card=card, down="driver") for card in self._seen.values()]

    def _ask_all(self, generation: int) -> list[Reading]:
        count = min(int(self.session.library.call("nvmlDeviceGetCount")), MOST_CARDS)
        jobs = {
            index: partial(_ask, self.session.library, index, self._known.get((generation, index)))
            for index in range(count)
        }
        answers = self._crew.ask(jobs, self._deadline_s)
        self.handles = {}
        readings = [self._reading(generation, index, one) for index, one in answers.items()]
        there = {one.card.gpu for one in readings}
        gone = [
            Reading(card=card, down="lost") for gpu, card in self._seen.items() if gpu not in there
        ]
        return [*readings, *gone]

    def _reading(
        self, generation: int, index: int, answer: Answer[tuple[Card, Any, tuple[Fact, ...]]]
    ) -> Reading:
        down = _why_down(self.session.library, answer)
        if down or answer.value is None:
            card = self._known.get((generation, index), _unnamed(index))
            return Reading(card=card, down=down)
        card, handle, facts = answer.value
        self._remember(generation, index, card)
        self.handles[card.gpu] = handle
        throttled = self._throttling.ratio(card.gpu, self._clock(), facts)
        if throttled is not None:
            facts = (*facts, Fact(GPU_EXPORTER_THROTTLED, throttled))
        return Reading(card=card, facts=facts)

    def _remember(self, generation: int, index: int, card: Card) -> None:
        """A card that told its UUID is missed when it is gone, and is known when it hangs."""
        if card.gpu == _unnamed(index).gpu:
            return
        if len(self._seen) < MOST_CARDS or card.gpu in self._seen:
            self._seen[card.gpu] = card
        self._known = {key: one for key, one in self._known.items() if key[0] == generation}
        self._known[(generation, index)] = card


def _unnamed(index: int) -> Card:
    return Card(gpu=f"index-{index}", index=index)


def _ask(library: Library, index: int, known: Card | None) -> tuple[Card, Any, tuple[Fact, ...]]:
    """All that a card says. Without a single fact it counts as down, whatever its handle says."""
    handle = library.call("nvmlDeviceGetHandleByIndex", index)
    ask = Asking(library, handle)
    card = known or identity(ask, index)
    facts = tuple(fact for group in GROUPS for fact in group(ask))
    if not facts:
        raise CardDownError("unreadable")
    return card, handle, facts


def identity(ask: Asking, index: int) -> Card:
    """Which card it is. One without a UUID goes by its number."""
    library = ask.library
    bus = getattr(ask("nvmlDeviceGetPciInfo"), "busId", "")
    cuda = library.ask("nvmlSystemGetCudaDriverVersion_v2")
    return Card(
        gpu=ask("nvmlDeviceGetUUID") or _unnamed(index).gpu,
        index=index,
        name=ask("nvmlDeviceGetName") or "",
        serial=ask("nvmlDeviceGetSerial") or "",
        bus=bus if isinstance(bus, str) else bus.decode(),
        vbios=ask("nvmlDeviceGetVbiosVersion") or "",
        driver=library.ask("nvmlSystemGetDriverVersion") or "",
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else "",
        minor=ask("nvmlDeviceGetMinorNumber"),
    )


def _why_down(library: Library, answer: Answer[Any]) -> str:
    """A label value; empty for a card that answered.

    Raises:
        DriverDownError: it is not this card alone.
    """
    if not answer.done.is_set():
        return "hung"
    problem = answer.problem
    if problem is None:
        return ""
    if isinstance(problem, DriverDownError):
        raise problem
    if isinstance(problem, CardDownError):
        return problem.reason
    _LOG.info("a card cannot be read: %r", problem)
    refused = getattr(problem, "value", None) == library.constant("NVML_ERROR_NO_PERMISSION")
    return "no_permission" if refused else "unreadable"
