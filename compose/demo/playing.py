"""Play incidents on a scene, and keep a record of who was told what, and when.

Everything that fired is read from Prometheus' own series afterwards, sample by sample, so that an
alert which fired for one evaluation between two looks is in the record as well.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from compose import answers
from compose.demo.scene import Scene, alarming
from compose.demo.story import table
from compose.fleet.incidents import INCIDENTS, Incident, Told
from compose.waiting import until
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import duration_seconds, select

CALM_WITHIN_S = 180.0
"""Real seconds: alerts of a cold start need some time to end."""

PATIENCE = "3h"
"""Nominal time that a notification may take before it counts as missing."""

HEARTBEAT = "Watchdog"

BUSY = frozenset({"RuleRoundsMissed", "RuleGroupSlow"})
"""They tell, truly, that this machine has too much to do: no part of any incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One delivery. `alerts` are those of the group, as Alertmanager posts them."""

    at: float
    receiver: str
    status: str
    alerts: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of its alerts."""
        return frozenset(one["labels"]["alertname"] for one in self.alerts)

    def says(self, told: Told, status: str) -> bool:
        """Whether one of its alerts, in this state, is the one that is promised."""
        return self.receiver == told.receiver and any(
            one["status"] == status and fits(one["labels"], told) for one in self.alerts
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An alert that fired, by its labels, at the first and last sample of it."""

    labels: Mapping[str, str]
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """An incident: when it began and ended, and per promised notification what followed.

    All are seconds: to firing and delivery from the beginning, to resolution from the end.
    """

    incident: str
    began: float
    ended: float
    firing_s: Mapping[str, float]
    delivered_s: Mapping[str, float]
    resolved_s: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What happened between `since` and `till` (seconds since 1970); no heartbeat is in it."""

    since: float
    till: float
    played: tuple[Times, ...]
    notifications: tuple[Notification, ...]
    fired: tuple[Fired, ...]


def fits(labels: Mapping[str, str], told: Told) -> bool:
    """Whether these are the labels of the alert that is promised."""
    wanted = {"alertname": told.alert, "severity": told.severity, **told.about}
    return wanted.items() <= labels.items()


def calm(scene: Scene) -> None:
    """Return when no alert fires of which somebody would be told.

    Raises:
        Unreachable: some still do; they are named.
    """

    def disturbed() -> list[str]:
        return [one for one in alarming(scene.stack.prometheus_url) if one.split()[1] not in BUSY]

    until(lambda: not disturbed(), "calm", CALM_WITHIN_S, scene.running, disturbed)


def play(
    scene: Scene,
    names: Sequence[str],
    *,
    linger: str = "0m",
    watch: str = "10m",
    said: Callable[[str], None] = lambda _: None,
) -> Record:
    """Begin these at the same time, end each when it was told and lasted `linger`; then wait.

    One of which nobody is told lasts `linger` as well, or its own minutes. After the last
    resolution everything is watched for `watch` longer: what comes late comes then. Both are
    nominal times.

    Raises:
        Unreachable: a notification did not come, which and to whom; or a process ended.
    """
    since = time.time()
    began = {name: _now(scene.begin, name) for name in names}
    ended: dict[str, float] = {}

    def advance() -> bool:
        sent = notifications(scene, since)
        for name in names:
            lasts_s = _lasts_s(scene, name, linger)
            if name not in ended and time.time() - began[name] >= lasts_s and _told(name, sent):
                ended[name] = _now(scene.end, name)
                said(f"{name} ends {ended[name] - began[name]:.0f} s after it began")
        return set(ended) == set(names)

    _await(scene, advance, names, "firing", since)
    _await(
        scene,
        lambda: all(_told(name, notifications(scene, since), "resolved") for name in names),
        names,
        "resolved",
        since,
    )
    time.sleep(_real_s(scene, watch))
    return _record(scene, since, began, ended)


def watched(scene: Scene, since: float) -> Record:
    """What happened since then, without any incident of ours."""
    return _record(scene, since, {}, {})


def times(played: Sequence[Times]) -> list[str]:
    """A table of what was measured, in seconds."""
    heading = ["incident", "alert", "to firing", "to delivery", "from its end to resolution"]
    return table([heading, *(row for one in played for row in _rows(one))])


def _rows(one: Times) -> Iterator[list[str]]:
    if not one.delivered_s:
        yield [one.incident, "nobody is told", "", "", ""]
    for alert, delivered in one.delivered_s.items():
        resolved = f"{one.resolved_s[alert]:.1f} s" if alert in one.resolved_s else "stays"
        yield [
            *(one.incident, alert),
            *(f"{one.firing_s[alert]:.1f} s", f"{delivered:.1f} s", resolved),
        ]


def notifications(scene: Scene, since: float) -> tuple[Notification, ...]:
    """What was delivered since then, but heartbeats, oldest first."""
    found = (
        Notification(
            at=came["at"],
            receiver=came["receiver"],
            status=came["status"],
            alerts=tuple(came["alerts"]),
        )
        for came in requests.get(f"{scene.inbox_url}/notifications", timeout=5).json()
    )
    return tuple(one for one in found if one.at >= since and one.names != {HEARTBEAT})


def _now(do: Callable[[str], None], name: str) -> float:
    do(name)
    return time.time()


def _real_s(scene: Scene, nominal: str) -> float:
    return float(duration_seconds(nominal)) / scene.compression


def _lasts_s(scene: Scene, name: str, linger: str) -> float:
    minutes = INCIDENTS[name].minutes
    return _real_s(scene, linger) if minutes is None else minutes * 60 / scene.compression


def _told(name: str, sent: Sequence[Notification], status: str = "firing") -> bool:
    return not list(_missing(INCIDENTS[name], sent, status))


def _missing(incident: Incident, sent: Sequence[Notification], status: str) -> Iterator[Told]:
    for told in incident.told:
        if status in told.statuses and not any(one.says(told, status) for one in sent):
            yield told


def _await(
    scene: Scene, done: Callable[[], bool], names: Sequence[str], status: str, since: float
) -> None:
    def missing() -> list[str]:
        sent = notifications(scene, since)
        return [
            f"{name}: {told.alert} {status} to {told.receiver}"
            for name in names
            for told in _missing(INCIDENTS[name], sent, status)
        ] + [f"came: {one.status} {sorted(one.names)} to {one.receiver}" for one in sent]

    until(done, f"{status} notifications", _real_s(scene, PATIENCE), scene.running, missing)


def _record(
    scene: Scene, since: float, began: Mapping[str, float], ended: Mapping[str, float]
) -> Record:
    sent, fired = notifications(scene, since), tuple(_fired(scene, since))
    return Record(
        since=since,
        till=time.time(),
        played=tuple(_times(name, began[name], ended[name], sent, fired) for name in began),
        notifications=sent,
        fired=fired,
    )


def _fired(scene: Scene, since: float) -> Iterator[Fired]:
    """Every alert that has a sample since then; the heartbeat always has."""
    series = select(ALERTS, alertstate="firing", alertname=f"!{HEARTBEAT}")
    span_ms = round((time.time() - since) * 1000)
    for one in answers.samples(scene.stack.prometheus_url, f"{series}[{span_ms}ms]"):
        yield Fired(labels=one.labels, first=one.times[0], last=one.times[-1])


def _times(
    name: str, began: float, ended: float, sent: Sequence[Notification], fired: Sequence[Fired]
) -> Times:
    told = INCIDENTS[name].told
    return Times(
        incident=name,
        began=began,
        ended=ended,
        firing_s={
            each.alert: min(one.first for one in fired if fits(one.labels, each)) - began
            for each in told
        },
        delivered_s={
            each.alert: next(one.at for one in sent if one.says(each, "firing")) - began
            for each in told
        },
        resolved_s={
            each.alert: next(one.at for one in sent if one.says(each, "resolved")) - ended
            for each in told
            if not each.stays
        },
    )
