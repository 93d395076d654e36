"""What a Prometheus says of its targets, or what their series say where it has no targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.asking import QueryError
from generator.verify.live.asked import now
from generator.verify.live.context import LiveContext
from modelwatch.catalogue.stack import UP
from modelwatch.promql import duration_seconds

_LOOK_S = 600
_ENOUGH = 3
"""Scrapes from which an interval can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target. `interval_s` is zero where it cannot be told, `error` why a scrape failed."""

    job: str
    instance: str
    interval_s: float
    up: bool
    error: str = ""


def targets(context: LiveContext) -> tuple[Target, ...]:
    """Every target, from the API or else from the samples of `up`.

    Raises:
        QueryError: neither can be had.
    """
    try:
        found = context.prometheus.look("targets", state="active")
        active = found["activeTargets"]
    except (QueryError, KeyError, TypeError):
        return _from_samples(context)
    return tuple(_target(one) for one in active) or _from_samples(context)


def _target(said: Mapping[str, Any]) -> Target:
    return Target(
        job=said["labels"].get("job", ""),
        instance=said["labels"].get("instance", ""),
        interval_s=float(duration_seconds(said.get("scrapeInterval", ""))),
        # One that was not scraped yet is not down.
        up=said.get("health") != "down",
        error=said.get("lastError", ""),
    )


def _from_samples(context: LiveContext) -> tuple[Target, ...]:
    """A storage has no targets, but samples of `up` as often as they are scraped.

    The window lacks a moment, for before Prometheus 3 both of its ends belong to it.
    """
    by = "by (job, instance)"
    counts = now(context, f"max {by} (count_over_time({UP}[{_LOOK_S * 1000 - 1}ms]))")
    down = {
        (one.labels.get("job", ""), one.labels.get("instance", ""))
        for one in now(context, f"max {by} ({UP}) == 0")
    }
    return tuple(
        Target(
            job=key[0],
            instance=key[1],
            interval_s=_LOOK_S / one.values[0] if one.values[0] >= _ENOUGH else 0,
            up=key not in down,
        )
        for one in counts
        for key in ((one.labels.get("job", ""), one.labels.get("instance", "")),)
    )
