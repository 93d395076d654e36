"""KPIs that name counters or a gauge of their own: one or two rules each.

KPIs exposed under canonical names need none of these: `alerts/recorded/kpi.py` reads them all.
"""

from collections.abc import Iterator

from modelwatch.catalogue.recorded import KPI
from modelwatch.catalogue.steps import KPI_EVENTS_SAMPLES, KPI_OPPORTUNITIES_SAMPLES
from modelwatch.inventory import Inventory, Kpi, Model
from modelwatch.promql import rate
from modelwatch.rules import Record, RecordGroup


def groups(inventory: Inventory) -> tuple[RecordGroup, ...]:
    """The rules of every KPI with metrics of its own, sampled like the others."""
    records = tuple(
        record
        for model in inventory.models
        for kpi in model.kpis
        for record in _records(model, kpi)
    )
    if not records:
        return ()
    return (RecordGroup(name="modelwatch-kpi-own", interval="4m", records=records),)


def _records(model: Model, kpi: Kpi) -> Iterator[Record]:
    labels = {"model": model.name, "environment": model.environment, "kpi": kpi.name}
    counters = ((KPI_EVENTS_SAMPLES, kpi.events), (KPI_OPPORTUNITIES_SAMPLES, kpi.opportunities))
    for samples, counter in counters:
        if counter:
            yield Record(metric=samples, expr=f"sum({rate(counter)})", labels=labels)
    if kpi.gauge:
        yield Record(metric=KPI, expr=f"avg(avg_over_time({kpi.gauge}[1d]))", labels=labels)
