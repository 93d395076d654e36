"""Pages as prometheus-client, the reference writer, writes and reads them."""

import math
from collections.abc import Iterator, Sequence

from prometheus_client import core, generate_latest
from prometheus_client.openmetrics import exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporters.base.families import Distribution, Exemplar, Family
from exporters.base.rendering import openmetrics_unit


def text_page(families: Sequence[Family]) -> bytes:
    return generate_latest(_Families(families))


def openmetrics_page(families: Sequence[Family]) -> bytes:
    page: bytes = exposition.generate_latest(_Families(families))  # type: ignore[no-untyped-call]
    return page


def read_openmetrics(page: bytes) -> list[core.Metric]:
    """What the reference reader, which is strict, makes of a page."""
    return list(text_string_to_metric_families(page.decode()))  # type: ignore[no-untyped-call]


class _Families(Collector):
    def __init__(self, families: Sequence[Family]) -> None:
        self.families = families

    def collect(self) -> Iterator[core.Metric]:
        return map(_converted, self.families)


def _converted(family: Family) -> core.Metric:
    own = family.metric
    if own.kind == "histogram":
        return _histogram(family)
    metric = core.Metric(
        own.name.removesuffix("_total"), own.help, own.kind, unit=openmetrics_unit(own)
    )
    for labels, value in family.samples.items():
        assert not isinstance(value, Distribution)
        metric.add_sample(
            own.name,
            dict(zip(own.labels, labels, strict=True)),
            value,
            exemplar=_exemplar(family.exemplars.get(labels)),
        )
    return metric


def _histogram(family: Family) -> core.Metric:
    own = family.metric
    metric = core.HistogramMetricFamily(
        own.name, own.help, labels=own.labels, unit=openmetrics_unit(own)
    )
    for labels, value in family.samples.items():
        assert isinstance(value, Distribution)
        metric.add_metric(labels, list(_buckets(value)), value.sum)
    return metric


def _buckets(found: Distribution) -> Iterator[tuple[str, float, core.Exemplar]]:
    total = 0.0
    for at, (bound, count) in enumerate(zip((*found.bounds, math.inf), found.counts, strict=True)):
        total += count
        name = floatToGoString(bound)  # type: ignore[no-untyped-call]
        # Its own type says that a third element is an exemplar; its code takes none as well.
        yield name, total, _exemplar(found.exemplars.get(at))  # type: ignore[misc]


def _exemplar(exemplar: Exemplar | None) -> core.Exemplar | None:
    if exemplar is None:
        return None
    return core.Exemplar(dict(exemplar.labels), exemplar.value, exemplar.time_s)
