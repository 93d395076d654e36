"""When alerts would have fired, from the moments at which their conditions were true.

Time is counted in evaluations. Alerts mute one another where both tell the same trouble, so all of
them are played together, as Prometheus would have.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from generator.verify.live.generated import Rule

_TOLD = ("page", "ticket")
_SUBJECT = ("model", "environment", "pool", "host", "gpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Not within `window` evaluations after one of these alerts about the same subject.

    With `goes_on` an alert that fires already goes on.
    """

    names: tuple[str, ...]
    window: int
    goes_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One series of an alert's expression: at which evaluations it had a value."""

    rule: Rule
    labels: Mapping[str, str]
    true_at: frozenset[int]
    mutes: tuple[Mute, ...] = ()

    @property
    def severity(self) -> str:
        """How the alert is treated."""
        return self.labels.get("severity") or self.rule.labels.get("severity", "")

    @property
    def about(self) -> tuple[str, ...]:
        """What it is about."""
        return tuple(self.labels.get(name, "") for name in _SUBJECT)


@dataclass(slots=True)
class _Playing:
    """An alert in the course of time."""

    condition: Condition
    hold: int
    keep: int
    since: int | None = None
    missing_since: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    fires: bool = False

    def step(self, now: int, *, active: bool) -> None:
        """One evaluation."""
        if active:
            self.missing_since = None
            self.since = now if self.since is None else self.since
            if not self.fires and now - self.since >= self.hold:
                self.fires = True
                self.spans.append((now, now))
        elif self.fires and self.keep:
            self.missing_since = now if self.missing_since is None else self.missing_since
            if now - self.missing_since >= self.keep:
                self._end()
        else:
            self._end()
        if self.fires:
            self.spans[-1] = (self.spans[-1][0], now + 1)

    def _end(self) -> None:
        self.fires, self.since, self.missing_since = False, None, None


def spans(
    conditions: Sequence[Condition], evaluations: int, interval_s: float
) -> list[list[tuple[int, int]]]:
    """From when until before when each would have fired, in the order of the conditions."""
    playing = [
        _Playing(
            condition=one,
            hold=_rounds(one.rule.hold_s, interval_s),
            keep=_rounds(one.rule.keep_s, interval_s),
        )
        for one in conditions
    ]
    told: dict[tuple[str, tuple[str, ...]], int] = {}
    for now in range(evaluations):
        for one in playing:
            if now in one.condition.true_at or one.since is not None:
                one.step(now, active=now in one.condition.true_at and not _muted(one, now, told))
        for one in _firing(playing):
            told[one.condition.rule.name, one.condition.about] = now
    return [one.spans for one in playing]


def _firing(playing: Sequence[_Playing]) -> Iterator[_Playing]:
    return (one for one in playing if one.fires and one.condition.severity in _TOLD)


def _muted(one: _Playing, now: int, told: Mapping[tuple[str, tuple[str, ...]], int]) -> bool:
    return any(
        now - told[name, one.condition.about] <= mute.window
        for mute in one.condition.mutes
        if not (mute.goes_on and one.fires)
        for name in mute.names
        if (name, one.condition.about) in told
    )


def _rounds(seconds: float, interval_s: float) -> int:
    """Evaluations until so much time has passed."""
    return -int(-seconds // interval_s)
