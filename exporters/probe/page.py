"""The page of the probes: everything that is known of each, made afresh per scrape."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from exporters.base.families import Family
from exporters.probe.measuring import PHASES
from exporters.probe.runs import Runs, cap, left
from exporters.probe.tally import Run, Tally
from exporters.probe.targets import Target
from modelwatch.catalogue import TOKEN_KINDS, probe
from modelwatch.catalogue.metric import Metric

FRESH_FOR_S = 600.0
FRESH_RUNS = 3
"""What the last runs said is about now for so many intervals, and for ten minutes at the least:
longer than a probe that fails is slowed down to."""
LONGEST_NAME = 100
"""Characters of a served model's name that are shown."""


@dataclass(slots=True)
class Families:
    """Families by metric, in the order in which samples come."""

    found: dict[Metric, Family] = field(default_factory=dict)

    def add(self, metric: Metric, value: object, *labels: str) -> None:
        """One more sample; None is none."""
        if value is not None:
            family = self.found.setdefault(metric, Family(metric))
            family.add(value, *labels)  # type: ignore[arg-type]  # numbers and distributions


@dataclass(slots=True, kw_only=True)
class ProbePage:
    """Collects what is known of every probe."""

    runs: Runs
    targets: Callable[[], Mapping[str, Target]]
    name: str = "probe"
    wall: Callable[[], float] = time.time

    def collect(self) -> Iterable[Family]:
        """Fresh samples of all probes."""
        families = Families()
        now = self.wall()
        for target in self.targets().values():
            tally = self.runs.tally(target)
            with tally.lock:
                _counts(families, target, tally)
                if is_fresh(target, tally.last, now):
                    _recent(families, target, tally)
                    last_run(families, target, tally)
            caps(families, target, self.runs)
        return tuple(families.found.values())


def is_fresh(target: Target, run: Run | None, now: float) -> bool:
    """Whether what a run said is about now. A clock that was put back makes nothing old."""
    if run is None:
        return False
    return now - run.ended_at <= max(FRESH_FOR_S, FRESH_RUNS * target.every_s)


def _counts(families: Families, target: Target, tally: Tally) -> None:
    labels = target.labels
    for outcome in probe.OUTCOMES:
        families.add(probe.PROBE_REQUESTS_TOTAL, tally.outcomes[outcome], *labels, outcome)
    families.add(probe.PROBE_DURATION, tally.durations.copy(), *labels)
    if target.probe.stream:
        families.add(probe.PROBE_FIRST_TOKEN, tally.first_tokens.copy(), *labels)
        families.add(probe.PROBE_INTER_TOKEN, tally.gaps.copy(), *labels)
    for kind in TOKEN_KINDS:
        families.add(probe.PROBE_TOKENS_TOTAL, tally.tokens[kind], *labels, kind)
    families.add(probe.PROBE_ESTIMATED_TOKENS_TOTAL, tally.estimated_tokens, *labels)
    if target.prices.tokens or target.prices.request:
        families.add(probe.PROBE_COST_TOTAL, tally.usd, *labels)
        families.add(probe.PROBE_ESTIMATED_COST_TOTAL, tally.estimated_usd, *labels)
    for prompt in target.probe.prompts:
        if prompt.expect:
            for verdict, correct in zip(probe.VERDICTS, (True, False), strict=True):
                count = tally.verdicts[prompt.name, correct]
                families.add(probe.PROBE_ANSWERS_TOTAL, count, *labels, prompt.name, verdict)
    for reason in probe.SKIPPED:
        families.add(probe.PROBE_SKIPPED_TOTAL, tally.skipped[reason], *labels, reason)
    families.add(probe.PROBE_LAST_RUN, tally.last.ended_at if tally.last else 0, *labels)


def _recent(families: Families, target: Target, tally: Tally) -> None:
    labels = target.labels
    families.add(probe.PROBE_RECENT_RUNS, len(tally.failed), *labels)
    families.add(probe.PROBE_RECENT_FAILED, sum(tally.failed), *labels)
    for prompt in target.probe.prompts:
        if answers := tally.wrong.get(prompt.name):
            families.add(probe.PROBE_RECENT_ANSWERS, len(answers), *labels, prompt.name)
            families.add(probe.PROBE_RECENT_WRONG, sum(answers), *labels, prompt.name)


def last_run(families: Families, target: Target, tally: Tally) -> None:
    """What the newest run said, and the newest answer and certificate."""
    run, labels = tally.last, target.labels
    if run is None:
        return
    measured = run.measured
    families.add(probe.PROBE_SUCCESS, measured.outcome == "success", *labels)
    families.add(probe.PROBE_LAST_DURATION, measured.duration_s, *labels)
    families.add(probe.PROBE_LAST_FIRST_TOKEN, measured.time_to_first_token_s, *labels)
    for phase in PHASES:
        families.add(probe.PROBE_PHASE, measured.phases_s.get(phase), *labels, phase)
    families.add(probe.PROBE_OUTPUT_SPEED, _output_speed(run), *labels)
    families.add(probe.PROBE_ANSWER_CORRECT, measured.correct, *labels, run.prompt)
    if tally.served:
        families.add(probe.PROBE_SERVED_AS_ASKED, tally.served.served_as_asked, *labels)
        served = _shown(tally.served.measured.served)
        families.add(probe.PROBE_SERVED_INFO, 1, *labels, served)
    if tally.certified:
        ends = tally.certified.measured.certificate_expires_s
        families.add(probe.PROBE_CERTIFICATE_EXPIRY, ends, *labels)


def caps(families: Families, target: Target, runs: Runs) -> None:
    """The caps and what is left of them."""
    labels, limit = target.labels, cap(target)
    tokens, usd = left(target, runs.spending.spent(target.key))
    families.add(probe.PROBE_CAP_TOKENS, limit.tokens, *labels)
    families.add(probe.PROBE_CAP_LEFT_TOKENS, tokens, *labels)
    families.add(probe.PROBE_CAP_USD, limit.usd, *labels)
    families.add(probe.PROBE_CAP_LEFT_USD, usd, *labels)
    families.add(probe.PROBE_CAP_REACHED, runs.is_capped(target), *labels)


def _output_speed(run: Run) -> float | None:
    """Tokens per second while the answer was being written; the first token only starts it."""
    measured = run.measured
    written = measured.tokens.get("output", 0) + measured.tokens.get("reasoning", 0)
    first = measured.time_to_first_token_s
    if measured.outcome != "success" or first is None or written < 2:
        return None
    took = measured.duration_s - first
    return (written - 1) / took if took > 0 else None


def _shown(name: str) -> str:
    """A name that a server made up, safe and short enough for a label."""
    return "".join(one if one.isprintable() else "?" for one in name)[:LONGEST_NAME]


def of_probe(target: Target, tally: Tally, runs: Runs) -> Iterator[Family]:
    """The last run of one probe, as it is answered to who asks for it by name."""
    families = Families()
    with tally.lock:
        last_run(families, target, tally)
        if tally.last:
            families.add(probe.PROBE_LAST_RUN, tally.last.ended_at, *target.labels)
    caps(families, target, runs)
    yield from families.found.values()
