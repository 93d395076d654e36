"""One run of a probe: reserve its worst case, read the key, send, settle, count."""

import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from exporters.probe.answers import served_as_asked
from exporters.probe.charges import Charge, charge, worst
from exporters.probe.measuring import Measured
from exporters.probe.spending import Amount, Cap, Spending
from exporters.probe.tally import Run, Tally
from exporters.probe.targets import Target
from modelwatch.catalogue.probe import NO_KEY
from modelwatch.inventory import Probe, Prompt

_LOG = logging.getLogger(__name__)


class Measure(Protocol):
    """Sends one request and says what came; see `measuring.measure`."""

    def __call__(self, probe: Probe, prompt: Prompt, *, key: str) -> Measured:
        """One request."""


@dataclass(slots=True, kw_only=True)
class Runs:
    """Runs probes and keeps what is known of each. Any number of threads may use it.

    `wall` is the time since 1970.
    """

    spending: Spending
    measure: Measure
    wall: Callable[[], float] = time.time
    _tallies: Mapping[tuple[str, str, str], Tally] = field(default_factory=dict)
    _turns: defaultdict[str, Iterator[int]] = field(
        default_factory=lambda: defaultdict(itertools.count)
    )

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Keep what is known of probes that ask the same model as before, forget the rest."""
        known = self._tallies
        self._tallies = {target.labels: known.get(target.labels) or Tally() for target in targets}

    def tally(self, target: Target) -> Tally:
        """What is known of a probe; of one that is gone, nothing."""
        return self._tallies.get(target.labels) or Tally()

    def run(self, target: Target) -> Run | str:
        """Send the next prompt; the reason why nothing was sent otherwise."""
        try:
            ended = self._run(target)
        except Exception as problem:  # noqa: BLE001  # a bug in one probe must not end the others
            # Its text may quote a header, and with it the key: only its kind is told.
            _LOG.error("probe %s: %s in a run", target.name, type(problem).__name__)
            ended = "fault"
        tally = self.tally(target)
        if isinstance(ended, Run):
            tally.add(ended)
        else:
            tally.skip(ended)
        return ended

    def skip(self, target: Target, reason: str) -> None:
        """Count a run that was due and is not to happen."""
        self.tally(target).skip(reason)

    def is_capped(self, target: Target) -> bool:
        """Whether the next request could pass the cap, whichever prompt's turn it is."""
        spent = self.spending.spent(target.key)
        return any(not cap(target).allows(spent + worst(target, one)) for one in _prompts(target))

    def _run(self, target: Target) -> Run | str:
        prompt = self._next_prompt(target)
        try:
            reservation = self.spending.reserve(target.key, worst(target, prompt), cap(target))
        except OSError as problem:
            _LOG.warning("probe %s: spending cannot be written down: %s", target.name, problem)
            return "state"
        if reservation is None:
            return "cap"
        measured = self._measured(target.probe, prompt)
        cost = charge(target, prompt, measured)
        try:
            self.spending.settle(reservation, cost.amount)
        except OSError as problem:
            _LOG.warning("probe %s: spending cannot be written down: %s", target.name, problem)
        return self._ended(target, prompt, measured, cost)

    def _next_prompt(self, target: Target) -> Prompt:
        prompts = _prompts(target)
        return prompts[next(self._turns[target.name]) % len(prompts)]

    def _measured(self, probe: Probe, prompt: Prompt) -> Measured:
        try:
            key = _key(probe)
        except (OSError, ValueError):
            return Measured(outcome=NO_KEY, duration_s=0.0)
        measured = self.measure(probe, prompt, key=key)
        # A server may say back what it was sent: this name becomes a label.
        told = bool(key) and key in measured.served
        return replace(measured, served="") if told else measured

    def _ended(self, target: Target, prompt: Prompt, measured: Measured, cost: Charge) -> Run:
        asked = served_as_asked(target.probe, measured.served) if measured.served else None
        return Run(
            measured=measured,
            prompt=prompt.name,
            ended_at=self.wall(),
            charge=cost,
            served_as_asked=asked,
        )


def cap(target: Target) -> Cap:
    """The caps of the probe, which hold for all that is spent on its model."""
    usd = target.probe.usd_per_day
    return Cap(tokens=target.probe.tokens_per_day, usd=usd.value if usd else None)


def left(target: Target, spent: Amount) -> tuple[float | None, float | None]:
    """Tokens and USD that may still be spent; None where there is no cap."""
    limit = cap(target)
    return (
        None if limit.tokens is None else max(0.0, float(limit.tokens - spent.tokens)),
        None if limit.usd is None else max(0.0, float(limit.usd - spent.usd)),
    )


def _prompts(target: Target) -> tuple[Prompt, ...]:
    return target.probe.prompts


def _key(probe: Probe) -> str:
    """The key as it stands in its file now.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty, or no text that a header can hold.
    """
    if not probe.key_file:
        return ""
    key = Path(probe.key_file).read_text(encoding="ascii").strip()
    if not key or not key.isprintable() or " " in key:
        raise ValueError("not a key")
    return key
