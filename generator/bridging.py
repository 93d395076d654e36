"""Constants that are scraped: a scrape that is missed must not cost every alert its hold.

When a target does not answer, Prometheus ends all of its series at once, also those that a second
replica serves: they are there again with its next scrape. A rule that is evaluated in between would
find no model at all. So rules look back over a few scrapes; a rule file needs none of this.
"""

from decimal import Decimal

from generator.selectors import selectors
from modelwatch.catalogue import inventory
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Settings
from modelwatch.promql import duration_seconds
from modelwatch.quantities import printed_duration

SCRAPES = 4
"""Scrapes that are looked back over; what is no longer declared is seen for as long."""

_CONSTANTS = {value.name for value in vars(inventory).values() if isinstance(value, Metric)}


def bridged(expr: str, settings: Settings) -> str:
    """The expression with its constants as they were last seen; times in it are nominal."""
    if settings.constants != "exporter":
        return expr
    window = _written(SCRAPES * duration_seconds(settings.scrape_interval))
    pieces, done = [], 0
    for part in selectors(expr):
        if part.name in _CONSTANTS:
            seen = f"last_over_time({expr[part.start : part.end]}[{window}])"
            pieces += [expr[done : part.start], seen]
            done = part.end
    return "".join((*pieces, expr[done:]))


def _written(seconds: Decimal) -> str:
    """A duration as PromQL takes it, which has no fractions."""
    whole = seconds == int(seconds)
    return printed_duration(seconds) if whole else f"{int(seconds * 1000)}ms"
