"""What a metric is to us: a name, a unit, a meaning and the labels it may carry."""

from dataclasses import dataclass
from enum import StrEnum

MODEL = ("model", "environment")
"""The identity of a model; on every canonical series of one."""


class Layer(StrEnum):
    """Where a series comes from."""

    EXPOSED = "exposed"  # served by an application, an exporter or the demo fleet
    INVENTORY = "inventory"  # constant, written from the inventory
    ENGINE = "engine"  # recorded by an engine adapter, one per source of a model
    MODEL = "model"  # recorded per model from the engine layer and the exposed metrics
    SLO = "slo"  # bad and total events, burn rates, budgets of an objective
    BUDGET = "budget"  # spend of a money budget
    GPU = "gpu"  # recorded per card and pool
    STACK = "stack"  # of Prometheus and Alertmanager themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One series name of the catalogue. In an f-string it is its name.

    `unit` is the base unit in words (`seconds`, `ratio`, `requests/s`, `USD/s`, `tokens/s`,
    `bytes`, `watts`, `celsius`, `timestamp`, `count`, `info`); `kind` is a Prometheus type, where
    recorded series are gauges and a histogram stands for its `_bucket`, `_sum` and `_count`.
    """

    name: str
    help: str
    unit: str
    labels: tuple[str, ...]
    layer: Layer
    kind: str = "gauge"

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)

    @property
    def bucket(self) -> str:
        """The `_bucket` series of an exposed histogram."""
        return f"{self.name}_bucket"

    @property
    def sum(self) -> str:
        """The `_sum` series of an exposed histogram."""
        return f"{self.name}_sum"

    @property
    def count(self) -> str:
        """The `_count` series of an exposed histogram."""
        return f"{self.name}_count"
