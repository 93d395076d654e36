"""Everything that is defined in files of its own: engines, recordings, alerts, boards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from modelwatch.board import Board
from modelwatch.custom import engine
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory
from modelwatch.rules import Alert, RecordGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What modelwatch knows, before any inventory is read. `alerts` are by topic."""

    engines: Mapping[str, Engine]
    records: tuple[RecordGroup, ...]
    alerts: Mapping[str, tuple[Alert, ...]]
    boards: tuple[Board, ...]

    def every_alert(self) -> Iterator[Alert]:
        """All alerts, topic by topic."""
        for alerts in self.alerts.values():
            yield from alerts

    def engines_of(self, inventory: Inventory) -> dict[str, Engine]:
        """Our engines and those that the inventory describes itself."""
        own = {name: engine(custom) for name, custom in inventory.engines.items()}
        return {**self.engines, **own}


@cache
def definitions() -> Definitions:
    """Every definition that stands in a file of its folder."""
    return Definitions(
        engines=constants_named("exporters.engines", "ENGINE"),
        records=tuple(
            group
            for groups in constants_named("alerts.recorded", "GROUPS").values()
            for group in groups
        ),
        alerts={
            topic: tuple(alerts) for topic, alerts in constants_named("alerts", "ALERTS").items()
        },
        boards=tuple(constants_named("dashboards", "BOARD").values()),
    )
