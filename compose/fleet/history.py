"""A past that the fleet did not live through: what it would have reported, for `promtool`.

Only what is scraped is invented. What rules make of it is left to the rules.
"""

from collections.abc import Iterable, Iterator

from compose.fleet.canonical import CLICKED, CLICKS
from compose.fleet.series import plain
from modelwatch.catalogue.exposed import KPI_EVENTS_TOTAL, KPI_OPPORTUNITIES_TOTAL
from modelwatch.catalogue.metric import Metric

EVERY_S = 5.0
VIEWS = 1.0
"""Answers per second: a beginning. The more there are, the longer a day takes to forget them."""


def clicks(since: float, until: float) -> Iterator[str]:
    """The lines of a page in OpenMetrics, with times: clicks on the answers of chat as usual."""
    times = [since + number * EVERY_S for number in range(int((until - since) / EVERY_S) + 1)]
    yield from _counter(KPI_EVENTS_TOTAL, times, VIEWS * CLICKED)
    yield from _counter(KPI_OPPORTUNITIES_TOTAL, times, VIEWS)
    yield "# EOF"


def _counter(metric: Metric, times: Iterable[float], per_second: float) -> Iterator[str]:
    text = ",".join(f'{name}="{value}"' for name, value in CLICKS)
    yield f"# TYPE {metric.name.removesuffix('_total')} counter"
    for number, at in enumerate(times):
        value = plain(number * EVERY_S * per_second)
        yield f"{metric.name}{{{text}}} {value} {at:.3f}"
