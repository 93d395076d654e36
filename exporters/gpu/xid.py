"""XID errors: what the driver says when a program, itself or a card fails, by NVIDIA's numbers.

They are events: a thread of its own waits for them. NVML tells of none from before.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporters.base.families import OTHER
from exporters.gpu.library import CardDownError, DriverDownError, address
from exporters.gpu.session import Session
from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

CODES = (
    *(13, 31, 32, 38, 43, 44, 45, 46, 48, 61, 62, 63, 64, 68, 69, 74, 79, 92, 94, 95),
    *(109, 110, 119, 120, 121, 122, 123, 137, 140, 143, 144, 145, 149, 150, 154),
)
"""Codes that servers see. Each is on the page from the start, at 0, so that the first error is an
increase; any other counts as `other`. Source: NVIDIA's catalogue of XID errors."""

LABELS = (*map(str, CODES), OTHER)
WAIT_MS = 250
PAUSE_S = 5.0
"""After a failure to register, before the next try."""


@dataclass(slots=True)
class Watch:
    """What is waited for: an event set, and whose handles are in it."""

    generation: int
    events: Any
    cards: dict[Any, str]


@dataclass(slots=True)
class Xids:
    """Counts by card and code, and the last code of each card."""

    session: Session
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to wait, in a thread that ends with the process."""
        self._thread = threading.Thread(target=self._run, name="xid", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a wait that goes on is given up."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(2 * WAIT_MS / 1000)

    def seen(self) -> Mapping[str, Mapping[str, int]]:
        """Counts by UUID and label, of each card that is watched or was."""
        return {
            gpu: {label: counted[label] for label in LABELS}
            for gpu, counted in dict(self.counts).items()
        }

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                watch = self._register()
                while self._follow(watch):
                    pass
            except Unreachable:  # no driver now; who opens it logs that
                self._stopped.wait(PAUSE_S)
            except Exception as problem:  # noqa: BLE001  # a thread that ended would count no
                # errors for ever; the next try registers all cards anew
                _LOG.info("waiting for XID errors failed: %r", problem)
                self._stopped.wait(PAUSE_S)

    def _register(self) -> Watch:
        self.session.ready()
        library = self.session.library
        with self.session.kept_open(self.session.generation) as still:
            if not still:
                raise Unreachable("NVML was closed meanwhile")
            watch = Watch(self.session.generation, library.call("nvmlEventSetCreate"), {})
            for index in range(library.call("nvmlDeviceGetCount")):
                try:
                    handle = library.call("nvmlDeviceGetHandleByIndex", index)
                    gpu = library.call("nvmlDeviceGetUUID", handle)
                    kind = library.constant("nvmlEventTypeXidCriticalError")
                    library.call("nvmlDeviceRegisterEvents", handle, kind, watch.events)
                except (CardDownError, library.module.NVMLError) as problem:
                    _LOG.info("no XID errors of card %d: %s", index, problem)
                    continue
                watch.cards[address(handle)] = gpu
                self.counts.setdefault(gpu, Counter())
        return watch

    def _follow(self, watch: Watch) -> bool:
        """Wait a moment for one event; false when the event set is of no use any more."""
        if self.session.closing or not watch.cards:
            self._stopped.wait(WAIT_MS / 1000 if watch.cards else PAUSE_S)
            return bool(watch.cards) and not self._stopped.is_set()
        try:
            with self.session.kept_open(watch.generation) as still:
                event = self._next(watch) if still else None
        except CardDownError:  # one fell off the bus: go on with the others
            self._stopped.wait(WAIT_MS / 1000)
            return False
        except DriverDownError as problem:
            self.session.lose(watch.generation, str(problem))
            return False
        if event is not None:
            self._count(watch, event)
        return still and not self._stopped.is_set()

    def _next(self, watch: Watch) -> Any:
        """An event, or None if there was none in a moment. After a failure the set is freed."""
        library = self.session.library
        try:
            return library.call("nvmlEventSetWait_v2", watch.events, WAIT_MS)
        except (library.module.NVMLError, CardDownError) as problem:
            if getattr(problem, "value", None) == library.constant("NVML_ERROR_TIMEOUT"):
                return None
            library.ask("nvmlEventSetFree", watch.events)
            raise

    def _count(self, watch: Watch, event: Any) -> None:
        gpu = watch.cards.get(address(event.device))
        code = int(event.eventData)
        if gpu is None or event.eventType != self.session.library.constant(
            "nvmlEventTypeXidCriticalError"
        ):
            return
        _LOG.warning("XID %d on %s", code, gpu)
        self.last[gpu] = code
        self.counts[gpu][str(code) if code in CODES else OTHER] += 1
