"""How many series there are, to be compared with how many were predicted.

Nothing is counted by name pattern over all of Prometheus, which would read its whole index each
time: the rules count what they keep, and each scrape says how large its page was.
"""

from collections.abc import Collection

from exporters.inventory.prometheus import Prometheus
from modelwatch.catalogue.stack import ALERTS, RECORDED_SERIES, SCRAPE_SAMPLES
from modelwatch.inventory import Inventory
from modelwatch.promql import largest, select, total

_TWICE = 2
"""Every alert that is pending or firing has a second series, of when it began."""


def present(
    prometheus: Prometheus, jobs: Collection[str], constants: int, at: float
) -> dict[str, float]:
    """Series by part; the total is there once the rules have counted theirs.

    Raises:
        Unreachable: a query was not answered.
    """
    parts = {"constants": float(constants)}
    alerts = prometheus.query(f"count({select(ALERTS, modelwatch='true')}) or vector(0)", at)
    parts["alerts"] = _TWICE * sum(row.value for row in alerts)
    for row in prometheus.query(f"max({RECORDED_SERIES})", at):
        parts["recorded"] = row.value
        parts["total"] = sum(parts.values())
    # Replicas of one Prometheus may be read as one: a target counts once.
    pages = total(largest(SCRAPE_SAMPLES, by=("job", "instance")), by=("job",))
    for row in prometheus.query(pages, at):
        job = row.labels.get("job", "")
        if job in jobs and job not in parts:
            parts[job] = row.value
    return parts


def jobs_of(inventory: Inventory) -> frozenset[str]:
    """The jobs that are scraped for the inventory."""
    sources = (
        *(source for model in inventory.models for source in model.sources),
        *(source for pool in inventory.pools for source in pool.sources),
        *inventory.exporters.values(),
    )
    return frozenset(source.scraped_job for source in sources)
