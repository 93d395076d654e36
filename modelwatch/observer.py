"""Tells the drift exporter what a model sees and says, from within the program that serves it.

    from modelwatch.observer import Observer

    observer = Observer("http://127.0.0.1:9469", model="fraud")
    observer.observe({"amount": 12.5, "country": "DE"}, score=0.93, predicted="fraud")

It never raises and never waits: observations go into a queue that ends somewhere, and a thread of
its own sends them. What does not fit, or cannot be sent, is dropped and counted in `dropped`.
Standard library only, so that it can be copied into a program that has nothing else of ours.
"""

import atexit
import http.client
import json
import logging
import os
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

_LOG = logging.getLogger(__name__)

MOST_QUEUED = 10_000
MOST_QUEUED_CHARACTERS = 32 << 20
"""Observations that wait to be sent, and how long they are together."""
MOST_AT_ONCE = 1000
MOST_AT_ONCE_CHARACTERS = 2 << 20
MOST_CHARACTERS = 256 << 10
"""Of one observation: an embedding of ten thousand numbers is shorter."""
EVERY_S = 1.0
WITHIN_S = 5.0
"""One request; the exporter answers in milliseconds."""
TRIES = 3
ENDS_WITHIN_S = 2.0
"""The end of the program waits so long at the most."""

_OK = 200
_BUSY = frozenset((408, 429, 500, 502, 503, 504))
"""Answers after which the same may be taken later."""


class Observer:
    """Sends observations of one model, or of several that are named with each.

    `sampling` is the share of predictions that is observed: 0.1 keeps one in ten, by chance, and
    tells the exporter so. `token_file` holds the token that the exporter wants to see.
    """

    def __init__(  # all but the address have a default that does
        self,
        url: str,
        *,
        model: str = "",
        environment: str = "",
        sampling: float = 1.0,
        token_file: str = "",
        most_queued: int = MOST_QUEUED,
        every_s: float = EVERY_S,
        within_s: float = WITHIN_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url = url.rstrip("/") + "/v1/observe"
        self._about = {"model": model, "environment": environment}
        self._sampling, self._token_file, self._chance = sampling, token_file, chance
        self._every_s, self._within_s = every_s, within_s
        self._most_queued = most_queued
        self._begin()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def observe(  # what a prediction has
        self,
        features: Mapping[str, object] | None = None,
        *,
        score: object = None,
        predicted: object = None,
        embeddings: Mapping[str, object] | None = None,
        id: str = "",  # noqa: A002  # as it is called where it is sent
        time_s: float | None = None,
        model: str = "",
        environment: str = "",
    ) -> None:
        """Note one prediction. Returns at once, whatever was given."""
        try:
            if self._sampling < 1 and self._chance() >= self._sampling:
                return
            given = {
                "features": features,
                "score": score,
                "predicted": predicted,
                "embeddings": embeddings,
                "id": id or None,
                "time": time.time() if time_s is None else time_s,
                "model": model or None,
                "environment": environment or None,
            }
            found = {key: value for key, value in given.items() if value is not None}
            # Written now: whoever called may change what was given, and what cannot be written
            # must not cost others their place.
            self._put(json.dumps(found, default=_plain))
        except Exception:  # noqa: BLE001  # nothing of ours may end the caller's request
            self._drop("unreadable", 1)

    @property
    def dropped(self) -> Mapping[str, int]:
        """Observations that the exporter did not get or count, by reason: how many so far."""
        return MappingProxyType(dict(self._dropped))

    @property
    def sent(self) -> int:
        """Observations that the exporter counted so far."""
        return self._sent

    def close(self, within_s: float = ENDS_WITHIN_S) -> None:
        """Send what is left and end, within this time. Later observations are dropped."""
        try:
            self._ended.set()
            self._wake.set()
            if self._thread is not None and self._process == os.getpid():
                self._thread.join(within_s)
        except Exception:  # noqa: BLE001  # as for `observe`
            _LOG.debug("the observer did not end well", exc_info=True)

    def _begin(self) -> None:
        """Empty and without a thread: as made, and in a child, which has no thread but its own."""
        self._process = os.getpid()
        self._queue: deque[str] = deque()
        self._queued = 0
        self._told: set[int] = set()
        self._dropped: Counter[str] = Counter()
        self._sent = 0
        self._lock = threading.Lock()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def _put(self, text: str) -> None:
        # The lock is held for an append, never for a request.
        with self._lock:
            if reason := self._no_room(text):
                self._dropped[reason] += 1
                return
            self._queue.append(text)
            self._queued += len(text)
            many = len(self._queue) >= MOST_AT_ONCE
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="modelwatch-observer", daemon=True)
                thread.start()  # which fails where there are too many, and is tried again
                self._thread = thread
        if many:
            self._wake.set()

    def _no_room(self, text: str) -> str:
        if self._ended.is_set():
            return "closed"
        if len(text) > MOST_CHARACTERS:
            return "too_large"
        full = self._queued + len(text) > MOST_QUEUED_CHARACTERS
        return "full" if full or len(self._queue) >= self._most_queued else ""

    def _drop(self, reason: str, amount: int) -> None:
        with self._lock:
            self._dropped[reason] += amount

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every_s)
            self._wake.clear()
            while batch := self._taken():
                try:
                    self._send(batch)
                except Exception:  # noqa: BLE001  # without this thread nothing would be sent
                    _LOG.debug("observations could not be sent", exc_info=True)
                    self._drop("unreachable", len(batch))
            if self._ended.is_set() and not self._queue:
                return

    def _taken(self) -> list[str]:
        batch: list[str] = []
        length = 0
        with self._lock:
            while self._queue and len(batch) < MOST_AT_ONCE and length < MOST_AT_ONCE_CHARACTERS:
                batch.append(self._queue.popleft())
                length += len(batch[-1])
            self._queued -= length
        return batch

    def _send(self, batch: list[str]) -> None:
        """Send a batch, and again where that may help: its name keeps it from counting twice."""
        about = {key: value for key, value in self._about.items() if value}
        head = json.dumps({**about, "sampling": self._sampling, "batch": uuid.uuid4().hex})
        body = f'{head[:-1]}, "observations": [{",".join(batch)}]}}'.encode()
        for left in reversed(range(TRIES)):
            status, answer = self._posted(body)
            if status and status not in _BUSY:
                self._note(status, answer, len(batch))
                return
            if not left or self._ended.wait(self._every_s):
                self._tell(status, answer)
                self._drop("busy" if status else "unreachable", len(batch))
                return

    def _posted(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; 0 where none came."""
        headers = {"Content-Type": "application/json"}
        if self._token_file:
            token = Path(self._token_file).read_text("utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310  # given to us
        try:
            with _OPENER.open(request, timeout=self._within_s) as answer:
                return answer.status, answer.read(1 << 20)
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read(1 << 10)
        except (OSError, http.client.HTTPException) as problem:
            return 0, str(problem).encode()

    def _note(self, status: int, answer: bytes, amount: int) -> None:
        rejected = amount
        if status == _OK:
            rejected = int(json.loads(answer)["rejected"])
        if rejected:
            self._tell(status, answer)
        with self._lock:
            self._sent += amount - rejected
            if rejected:
                self._dropped["refused"] += rejected

    def _tell(self, status: int, answer: bytes) -> None:
        """Once for each status: whoever runs the program should not read it every second."""
        if status not in self._told:
            self._told.add(status)
            why = answer[:500].decode(errors="replace").strip()
            _LOG.warning("%s does not count observations: %s %s", self._url, status or "", why)


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Straight to the exporter: a proxy of the environment is for other machines."""


def _plain(value: object) -> object:
    """What JSON does not know, such as a number of numpy's."""
    for name in ("tolist", "item"):
        made = getattr(value, name, None)
        if callable(made):
            return made()
    return str(value)
