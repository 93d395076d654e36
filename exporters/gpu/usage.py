"""Who uses each card, and how much of its time and money goes to whom."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from exporters.base.families import Family
from exporters.gpu.attribution import UNATTRIBUTED, Claim, claims, model_of
from exporters.gpu.containers import ContainerNames
from exporters.gpu.crew import Crew
from exporters.gpu.fields import Asking
from exporters.gpu.library import known
from exporters.gpu.place import Place
from exporters.gpu.processes import PROC, process
from exporters.gpu.session import Session
from modelwatch.catalogue import gpu_usage as series
from modelwatch.inventory import Inventory, Pool

NONE = "none"
"""Label value for the time in which no process held the card."""

LONGEST_STEP_S = 300.0
"""Nobody knows what happened on the card in a longer time between two scrapes."""

IDLE = 0.05
"""Busy share below which a card is idle, where the pool sets no limit."""


@dataclass(slots=True)
class Share:
    """What the processes of one model have of one card."""

    processes: int = 0
    memory_bytes: float = 0.0
    utilization: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Using:
    """One card in one scrape: shares by model, and how busy it was as a whole."""

    gpu: str
    shares: Mapping[str, Share]
    busy: float | None


@dataclass(slots=True, kw_only=True)
class Terms:
    """What the inventory says: whose a process is, what an hour costs, below what it is idle."""

    place: Place
    claims: tuple[Claim, ...] = ()
    usd_per_second: float | None = None
    idle: float = IDLE


def terms(inventory: Inventory | None, place: Place) -> Terms:
    """The terms of the pool that this host is of."""
    pool = _pool(inventory, place)
    price = pool.price_per_hour if pool else None
    limits = (
        [one.limit.value for one in pool.thresholds if one.signal == "gpu_idle"] if pool else []
    )
    return Terms(
        place=place,
        claims=claims(inventory, place.environment, place.host),
        usd_per_second=float(price.value) / 3600 if price else None,
        idle=float(limits[0]) if limits else IDLE,
    )


def _pool(inventory: Inventory | None, place: Place) -> Pool | None:
    pools = inventory.pools if inventory else ()
    wanted = (place.pool, place.environment)
    return next((one for one in pools if (one.name, one.environment) == wanted), None)


@dataclass(slots=True)
class Usage:
    """Reads the processes of all cards; counts time and money from one scrape to the next."""

    session: Session
    terms: Terms
    deadline_s: float
    proc: Path = PROC
    clock: Callable[[], float] = time.monotonic
    container_name: Callable[[str], str] = field(default_factory=ContainerNames)
    name: str = "processes"
    _crew: Crew[Using] = field(default_factory=Crew)
    _read_at: dict[str, float] = field(default_factory=dict)
    _seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _usd: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _idle_usd: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def collect(self) -> Iterable[Family]:
        """Fresh samples of the cards that answer; counters of all cards that ever did.

        Raises:
            Unreachable: there is no driver.
        """
        self.session.ready()
        count = int(self.session.library.call("nvmlDeviceGetCount"))
        jobs = {index: partial(self._using, index) for index in range(count)}
        answers = self._crew.ask(jobs, self.deadline_s)
        using = [one.value for one in answers.values() if one.done.is_set() and one.value]
        for card in using:
            self._charge(card)
        return (*self._now(using), *self._so_far())

    def _using(self, index: int) -> Using:
        library = self.session.library
        ask = Asking(library, library.call("nvmlDeviceGetHandleByIndex", index))
        busy = known(getattr(ask("nvmlDeviceGetUtilizationRates"), "gpu", None))
        return Using(
            gpu=ask("nvmlDeviceGetUUID") or f"index-{index}",
            shares=self._shares(ask),
            busy=None if busy is None else busy / 100,
        )

    def _shares(self, ask: Asking) -> dict[str, Share]:
        busy = _utilization(ask)
        shares: dict[str, Share] = defaultdict(Share)
        for pid, memory in _running(ask).items():
            owner = model_of(process(pid, self.proc), self.terms.claims, self.container_name)
            share = shares[owner]
            share.processes += 1
            share.memory_bytes += memory
            if pid in busy:
                share.utilization = (share.utilization or 0.0) + busy[pid]
        return dict(shares)

    def _charge(self, card: Using) -> None:
        """The time since the last scrape to whoever holds the card now."""
        now = self.clock()
        step = now - self._read_at.get(card.gpu, now)
        self._read_at[card.gpu] = now
        if step > LONGEST_STEP_S:
            step = 0.0
        is_idle = card.busy is not None and card.busy < self.terms.idle
        price = self.terms.usd_per_second
        for model, part in _parts(card.shares):
            key = (card.gpu, model)
            self._seconds[key] += part * step
            if price is not None:
                self._usd[key] += part * step * price
                self._idle_usd[key] += part * step * price if is_idle else 0.0

    def _now(self, using: Iterable[Using]) -> Iterator[Family]:
        processes = Family(series.GPU_MODEL_PROCESSES)
        memory = Family(series.GPU_MODEL_MEMORY)
        busy = Family(series.GPU_MODEL_UTILIZATION)
        for card in using:
            for model, share in card.shares.items():
                labels = (*self._host(), card.gpu, model)
                processes.add(share.processes, *labels)
                memory.add(share.memory_bytes, *labels)
                if share.utilization is not None:
                    busy.add(min(1.0, share.utilization), *labels)
        yield from (processes, memory, busy)

    def _so_far(self) -> Iterator[Family]:
        for metric, counted in (
            (series.GPU_MODEL_CARD_SECONDS_TOTAL, self._seconds),
            (series.GPU_MODEL_COST_TOTAL, self._usd),
            (series.GPU_MODEL_IDLE_COST_TOTAL, self._idle_usd),
        ):
            family = Family(metric)
            for (gpu, model), value in counted.items():
                family.add(value, *self._host(), gpu, model)
            yield family

    def _host(self) -> tuple[str, str, str]:
        place = self.terms.place
        return place.environment, place.pool, place.host


def _parts(shares: Mapping[str, Share]) -> Iterator[tuple[str, float]]:
    """How a card is divided: by memory, or by processes where the driver tells no memory."""
    if not shares:
        yield NONE, 1.0
        return
    memory = sum(share.memory_bytes for share in shares.values())
    processes = sum(share.processes for share in shares.values())
    for model, share in shares.items():
        yield model, share.memory_bytes / memory if memory else share.processes / processes


def _running(ask: Asking) -> dict[int, float]:
    """Bytes of the card by process. A process can appear twice, and in several slices."""
    found: dict[int, dict[Any, float]] = defaultdict(dict)
    for function in (
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetGraphicsRunningProcesses",
    ):
        for one in ask(function) or ():
            part = getattr(one, "gpuInstanceId", None)
            found[one.pid][part] = known(one.usedGpuMemory) or 0.0
    return {pid: sum(parts.values()) for pid, parts in found.items()}


def _utilization(ask: Asking) -> dict[int, float]:
    """Busy share by process, of the driver's newest sample of each."""
    samples = ask("nvmlDeviceGetProcessUtilization", 0) or ()
    newest: dict[int, Any] = {}
    for sample in samples:
        kept = newest.get(sample.pid)
        if kept is None or sample.timeStamp >= kept.timeStamp:
            newest[sample.pid] = sample
    return {pid: one.smUtil / 100 for pid, one in newest.items() if one.smUtil <= 100}


__all__ = ["NONE", "UNATTRIBUTED", "Share", "Terms", "Usage", "Using", "terms"]
