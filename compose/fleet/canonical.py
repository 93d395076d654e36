"""What an application reports under modelwatch's own names: clicks on the answers of chat."""

from compose.fleet.series import Value, labels, page
from compose.fleet.traffic import Arrivals, World
from modelwatch.catalogue.exposed import KPI_EVENTS_TOTAL, KPI_OPPORTUNITIES_TOTAL
from modelwatch.catalogue.metric import Metric

CLICKS = labels(model="chat", environment="production", kpi="click_through_rate")
CLICKED, CLICKED_IN_INCIDENT = 0.11, 0.02
"""Share of answers on which somebody clicks."""


class Canonical:
    """The assistant's own page."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrivals = Arrivals(world=world, peak=24.0)
        self.clicks = _counter(KPI_EVENTS_TOTAL)
        self.views = _counter(KPI_OPPORTUNITIES_TOTAL)
        for counter in (self.clicks, self.views):
            counter.add(CLICKS, 0)  # so that the first event is an increase

    def __call__(self) -> str:
        """Let time pass and write the page."""
        silent = "chat-silent" in self.world.incidents
        lost = "chat-clicks" in self.world.incidents
        for _ in range(self.arrivals.since_last(0.0 if silent else 1.0)):
            self.views.add(CLICKS)
            if self.world.happens(CLICKED_IN_INCIDENT if lost else CLICKED):
                self.clicks.add(CLICKS)
        return page((self.clicks, self.views))


def _counter(metric: Metric) -> Value:
    return Value(name=metric.name, help=metric.help)
