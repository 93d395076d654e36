"""Staleness: does everything that is declared still send samples?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.engine_promql import selector
from generator.verify.finding import Finding, Table, Verification
from generator.verify.live.asked import Owned, each, now, or_a_note, owned, subject
from generator.verify.live.context import LiveContext
from generator.verify.live.targets import Target, targets
from modelwatch.catalogue.stack import UP
from modelwatch.promql import select
from modelwatch.supply import metrics_read

_NAME = "staleness"
_STILL_SEEN_S = 300
"""Prometheus takes a sample for the value of now for as long."""
_FLAPS = 4
_DAY_S = 86_400


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Look at the targets and the newest sample of each model's sources."""
    there = targets(context)
    sources = tuple(owned(context))
    newest = each(lambda own: _newest(context, own), sources)
    pairs = tuple(zip(sources, newest, strict=True))
    return Verification(
        findings=(
            *(one for pair in pairs for one in _of_source(context, *pair, there)),
            *_of_targets(sources, there),
            *_flapping(context, sources),
        ),
        tables=(
            Table(
                name="sources",
                title="Newest sample of each source",
                rows=tuple(_row(context, *pair) for pair in pairs),
            ),
        ),
        checked={_NAME: len(sources)},
    )


def _newest(context: LiveContext, own: Owned) -> float | None:
    """When the source's newest sample was taken, within a day; None when there is none."""
    read = (selector(name, own.where) for name in sorted(metrics_read(own.engine)))
    up = select(UP, own.where)
    for expr in (
        f"max({' or '.join(f'timestamp({one})' for one in read)})",
        f"max(max_over_time((timestamp({up}) and {up} == 1)[1d:1m]))",
    ):
        if found := now(context, expr):
            return found[0].values[0]
    return None


def _of_source(
    context: LiveContext, own: Owned, newest: float | None, there: Sequence[Target]
) -> Iterator[Finding]:
    """A source without samples; one whose targets are known to be down is told as these."""
    mine = [one for one in there if _is_of(one, own)]
    age = context.now - newest if newest else None
    if (age is not None and age <= _STILL_SEEN_S) or (mine and not any(one.up for one in mine)):
        return
    job = own.source.scraped_job
    if age is not None:
        message = f"its newest sample of job {job} is {_age(age)} old"
        advice, reason = "see whether the job still runs and sends", "old"
    elif mine:
        message = (
            f"targets of job {job} answer, but nothing of {own.engine.title} is on their pages"
        )
        advice, reason = (
            f"is {own.engine.title} what answers there, at the path /metrics?",
            "silent",
        )
    else:
        message = f"this Prometheus has no target of job {job}"
        if own.source.targets or own.source.instances:
            message += f" at {', '.join(own.source.targets or own.source.instances)}"
        advice = "add the scrape job, or correct job and targets in the inventory"
        reason = "no-target"
    yield Finding(
        level="error",
        check=_NAME,
        subject=subject(own.model),
        message=message,
        advice=advice,
        reason=reason,
        selector=select("", own.where),
    )


def _is_of(target: Target, own: Owned) -> bool:
    instances = own.source.targets or own.source.instances
    return target.job == own.source.scraped_job and (not instances or target.instance in instances)


def _of_targets(sources: Sequence[Owned], there: Sequence[Target]) -> Iterator[Finding]:
    for target in there:
        models = dict.fromkeys(subject(own.model) for own in sources if _is_of(target, own))
        if not target.up and models:
            yield Finding(
                level="error",
                check=_NAME,
                subject=f"target {target.instance} of job {target.job}",
                message=f"is down, for {', '.join(models)}"
                + (f": {target.error}" if target.error else ""),
                advice="does its port answer from the machine of this Prometheus?",
                reason="down",
            )


def _flapping(context: LiveContext, sources: Sequence[Owned]) -> Iterator[Finding]:
    jobs = dict.fromkeys(own.source.scraped_job for own in sources)
    for job in jobs:
        expr = f"max by (job, instance) (changes({select(UP, job=job)}[1h])) >= {_FLAPS}"
        for one in now(context, expr):
            yield Finding(
                level="warning",
                check=_NAME,
                subject=f"target {one.labels.get('instance', '')} of job {job}",
                message=f"went up or down {one.values[0]:.0f} times within the last hour",
                advice="look for restarts, and for pages that take longer than the scrape timeout",
                reason="flapping",
            )


def _row(context: LiveContext, own: Owned, newest: float | None) -> Mapping[str, Any]:
    return {
        "model": own.model.name,
        "environment": own.model.environment,
        "job": own.source.scraped_job,
        "engine": own.engine.name,
        "newest sample": f"{_age(context.now - newest)} ago" if newest else "none within a day",
    }


def _age(seconds: float) -> str:
    """An age in its largest unit."""
    for unit, size in (("d", _DAY_S), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


CHECK = check
