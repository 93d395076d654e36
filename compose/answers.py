"""What a running Prometheus says: targets, values, rules, alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from modelwatch.problems import Unreachable

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a query."""

    labels: Mapping[str, str]
    value: float


def query(url: str, expr: str) -> list[Sample]:
    """The values of an expression now."""
    found = _get(url, "query", {"query": expr})["result"]
    return [Sample(labels=one["metric"], value=float(one["value"][1])) for one in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The times of its samples, in seconds since 1970."""

    labels: Mapping[str, str]
    times: tuple[float, ...]


def samples(url: str, expr: str) -> list[Series]:
    """The raw samples of a range such as `up[5m]`."""
    found = _get(url, "query", {"query": expr})["result"]
    return [
        Series(labels=one["metric"], times=tuple(float(at) for at, _ in one["values"]))
        for one in found
    ]


def targets(url: str) -> list[Mapping[str, str]]:
    """Every target: job, instance, health (`up`, `down`, `unknown`) and error."""
    return [
        {
            "job": one["labels"]["job"],
            "instance": one["labels"]["instance"],
            "health": one["health"],
            "error": one["lastError"],
        }
        for one in _get(url, "targets", {"state": "active"})["activeTargets"]
    ]


def retention(url: str) -> str:
    """How long it keeps samples, as it says: `45d`, `15d or 5GiB`, `5GiB`."""
    return str(_get(url, "status/runtimeinfo", {})["storageRetention"])


def version(url: str) -> str:
    """The number of its release."""
    return str(_get(url, "status/buildinfo", {})["version"])


def targets_down(url: str) -> list[str]:
    """Targets that do not answer (yet), as `job at instance: reason`."""
    active = _get(url, "targets", {"state": "active"})["activeTargets"]
    if not active:
        return ["there are no targets yet"]
    return [
        f"{one['labels']['job']} at {one['labels']['instance']}: {one['lastError'] or 'not yet'}"
        for one in active
        if one["health"] != "up"
    ]


def rule_errors(url: str) -> list[str]:
    """Rules whose last evaluation failed, as `name: reason`."""
    return [
        f"{rule['name']}: {rule['lastError']}"
        for group in _get(url, "rules", {})["groups"]
        for rule in group["rules"]
        if rule["health"] == "err"
    ]


def firing(url: str) -> list[Mapping[str, str]]:
    """Labels of the alerts that fire now."""
    alerts = _get(url, "alerts", {})["alerts"]
    return [one["labels"] for one in alerts if one["state"] == "firing"]


def _get(url: str, what: str, parameters: Mapping[str, str]) -> Any:
    try:
        answer = requests.get(f"{url}/api/v1/{what}", params=parameters, timeout=TIMEOUT_S)
        return answer.json()["data"]
    except (requests.RequestException, KeyError) as failure:
        raise Unreachable(f"Prometheus at {url} did not answer {what}: {failure}") from failure
