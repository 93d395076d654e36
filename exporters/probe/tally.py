"""What is known of one probe: counts since the exporter started, the last five runs, the last."""

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from exporters.base.families import Distribution, Exemplar
from exporters.probe.charges import Charge
from exporters.probe.measuring import Measured
from modelwatch.catalogue.probe import (
    DURATION_BUCKETS,
    FIRST_TOKEN_BUCKETS,
    INTER_TOKEN_BUCKETS,
)

RECENT = 5
"""Runs that say how a probe does now. Counted in runs, not minutes: a probe that runs once an hour
is judged by as many as one that runs every ten seconds."""


@dataclass(slots=True)
class Histogram:
    """Observations in buckets that stay the same, with the newest exemplar of each."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    sum: float = 0.0
    exemplars: dict[int, Exemplar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, trace_id: str = "", at: float | None = None) -> None:
        """Count one value; a bucket holds what is not above its boundary."""
        bucket = bisect_left(self.bounds, value)
        self.counts[bucket] += 1
        self.sum += value
        if trace_id:
            self.exemplars[bucket] = Exemplar(labels={"trace_id": trace_id}, value=value, time_s=at)

    def copy(self) -> Distribution:
        """As it is now."""
        return Distribution(
            bounds=self.bounds,
            counts=tuple(self.counts),
            sum=self.sum,
            exemplars=dict(self.exemplars),
        )


def _of(boundaries: Sequence[Decimal]) -> Histogram:
    return Histogram(tuple(map(float, boundaries)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that has ended, and when; `served_as_asked` is None where nobody can tell."""

    measured: Measured
    prompt: str
    ended_at: float
    charge: Charge = field(default_factory=Charge)
    served_as_asked: bool | None = None


@dataclass(slots=True)
class Tally:
    """Everything of one probe that its page shows. Read it while holding `lock`.

    `served` and `certified` are the newest runs that knew the model and the certificate.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    outcomes: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    estimated_tokens: int = 0
    usd: Decimal = Decimal(0)
    estimated_usd: Decimal = Decimal(0)
    durations: Histogram = field(default_factory=lambda: _of(DURATION_BUCKETS))
    first_tokens: Histogram = field(default_factory=lambda: _of(FIRST_TOKEN_BUCKETS))
    gaps: Histogram = field(default_factory=lambda: _of(INTER_TOKEN_BUCKETS))
    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    wrong: dict[str, deque[bool]] = field(default_factory=dict)
    last: Run | None = None
    served: Run | None = None
    certified: Run | None = None

    def skip(self, reason: str) -> None:
        """Count a run that did not happen."""
        with self.lock:
            self.skipped[reason] += 1

    def add(self, run: Run) -> None:
        """Count a run."""
        with self.lock:
            measured = run.measured
            self.outcomes[measured.outcome] += 1
            self.failed.append(measured.outcome != "success")
            self._add_times(run)
            self._add_charge(run.charge)
            if measured.correct is not None:
                self.verdicts[run.prompt, measured.correct] += 1
                answers = self.wrong.setdefault(run.prompt, deque(maxlen=RECENT))
                answers.append(not measured.correct)
            if run.served_as_asked is not None:
                self.served = run
            if measured.certificate_expires_s is not None:
                self.certified = run
            self.last = run

    def _add_times(self, run: Run) -> None:
        """Times of failures are left out: an error that comes at once is no fast answer."""
        measured = run.measured
        if measured.outcome != "success":
            return
        self.durations.observe(measured.duration_s, measured.trace_id, run.ended_at)
        first = measured.time_to_first_token_s
        if first is not None:
            self.first_tokens.observe(first, measured.trace_id, run.ended_at)
        for gap in measured.gaps_s:
            self.gaps.observe(gap)

    def _add_charge(self, charge: Charge) -> None:
        if charge.is_estimate:
            self.estimated_tokens += charge.amount.tokens
            self.estimated_usd += charge.amount.usd
        else:
            self.tokens.update(charge.tokens)
            self.usd += charge.amount.usd
