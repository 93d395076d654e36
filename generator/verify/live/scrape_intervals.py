"""Scrapes: often enough for the windows of our rules, and as often as the inventory says?"""

from collections.abc import Iterator
from decimal import Decimal

from generator.engine_promql import WINDOW
from generator.verify.finding import Finding, Verification
from generator.verify.live.asked import jobs, or_a_note
from generator.verify.live.context import LiveContext
from generator.verify.live.targets import targets
from modelwatch.inventory import Settings
from modelwatch.promql import duration_seconds, shortened
from modelwatch.quantities import printed_duration

_NAME = "scrape-intervals"
_SCRAPES_PER_RATE = 4
"""So that a rate survives one scrape that failed and one that came late."""
_SAME = 1.3
"""An interval that was counted from samples is not exact."""


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Compare the interval of every job of the inventory with what depends on it."""
    ours = jobs(context.inventory)
    found = targets(context)
    slowest = {
        job: max((one.interval_s for one in found if one.job == job), default=0) for job in ours
    }
    known = {job: seconds for job, seconds in slowest.items() if seconds}
    return Verification(
        findings=tuple(
            finding
            for job, seconds in known.items()
            for finding in _of_job(job, seconds, context.inventory.settings)
        ),
        checked={_NAME: len(known)},
    )


def _of_job(job: str, seconds: float, settings: Settings) -> Iterator[Finding]:
    window = shortened(WINDOW, settings.time_compression)
    said = shortened(settings.scrape_interval, settings.time_compression)
    longest = duration_seconds(window) / _SCRAPES_PER_RATE
    real = _printed(seconds)
    if Decimal(seconds) > longest * Decimal(_SAME):
        yield Finding(
            level="error",
            check=_NAME,
            subject=f"job {job}",
            message=f"is scraped every {real}, but rules compute rates over {window}: they have "
            "gaps or nothing",
            advice=f"scrape it every {printed_duration(longest)} or more often",
            reason="window-too-short",
        )
    elif seconds > float(duration_seconds(said)) * _SAME:
        yield Finding(
            level="warning",
            check=_NAME,
            subject=f"job {job}",
            message=f"is scraped every {real}, while settings.scrape_interval of the inventory is "
            f"{said}: short windows of boards, which Grafana computes from it, come out empty",
            advice=f"write `scrape_interval: {_printed(seconds * settings.time_compression)}` in "
            "the settings, and set the same as scrape interval of Grafana's data source",
            reason="slower-than-said",
        )


def _printed(seconds: float) -> str:
    """To the second, or exactly where it is less than ten."""
    return printed_duration(Decimal(str(round(seconds, 3 if seconds < 10 else 0))))


CHECK = check
