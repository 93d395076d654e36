"""Every captured page, recorded in a real Prometheus, says what its expectation says."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from generator.verify.pages import FOLDER, Labels
from modelwatch import catalogue
from modelwatch.catalogue import recorded as series
from modelwatch.engine import Engine, Histogram, Page
from modelwatch.supply import bucket_label, metrics_read, supply
from tests import engine_pages, real
from tests.engine_pages import CAPTURED, ENGINES, PAGES, VERSION, expected, samples, stem

Recorded = dict[tuple[str, Labels], float]
PARTS = {"requests": (series.ENGINE_REQUESTS, "outcome"), "tokens": (series.ENGINE_TOKENS, "kind")}
RATES = {"cost": series.ENGINE_COST, "preemptions": series.ENGINE_PREEMPTIONS}
GAUGES = {
    "requests_running": series.ENGINE_RUNNING,
    "requests_waiting": series.ENGINE_WAITING,
    "kv_cache_usage": series.ENGINE_KV_CACHE,
    "batch_size": series.ENGINE_BATCH_SIZE,
}
CARDS = {
    "gpu_utilization": series.GPU_UTILIZATION,
    "gpu_memory_used": series.GPU_MEMORY_USED,
    "gpu_memory_total": series.GPU_MEMORY_TOTAL,
    "gpu_power": series.GPU_POWER,
    "gpu_power_limit": series.GPU_POWER_LIMIT,
    "gpu_temperature": series.GPU_TEMPERATURE,
    "gpu_throttled": series.GPU_THROTTLED,
    "gpu_xid": series.GPU_XID,
    "gpu_xid_errors": series.GPU_XID_ERRORS,
    "gpu_ecc": series.GPU_ECC,
    "host_cpu": series.HOST_CPU,
    "host_memory": series.HOST_MEMORY,
    "host_disk": series.HOST_DISK,
}
EACH_PAGE = pytest.mark.parametrize(
    ("engine", "page"), CAPTURED, ids=[stem(page) for _, page in CAPTURED]
)


@pytest.fixture(scope="module", params=["on PATH", "on PATH, boundaries as in 3.x", "3.x"])
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("engine-pages")
    rule_file = engine_pages.rules(engine_pages.everything_captured())
    path = real.path_of_three() if request.param == "3.x" else None
    as_three = request.param.endswith("as in 3.x")
    with engine_pages.prometheus(folder, rule_file, path=path, le_of_three=as_three) as running:
        yield running


@pytest.fixture(scope="module")
def recordings(address: str) -> Recorded:
    return engine_pages.recorded(address)


def labels(**values: str) -> Labels:
    return tuple(sorted(values.items()))


def of_page(recordings: Recorded, page: Page) -> Recorded:
    """What was recorded for the models of a page; its undeclared traffic carries its job."""
    document = expected(page)
    environments = {
        written.partition("@")[2] or stem(page) for written in document.get("models", {})
    }
    return {
        (name, found): value
        for (name, found), value in recordings.items()
        if dict(found).get("environment") in (environments or {stem(page)})
        or dict(found).get("job") == stem(page)
    }


def meant(engine: Engine, page: Page) -> Recorded:
    """The expectation as series. Boundaries that it does not list are left out."""
    document = expected(page)
    period = document.get("period_s", 3600)
    wanted: Recorded = {}
    for owner, signals in document.get("expect", {}).items():
        name, environment, version = (*owner.split("@"), "", "")[:3]
        own = {
            "engine": engine.name,
            "model": name,
            "environment": environment or stem(page),
            "version": version or VERSION,
        }
        for signal, value in signals.items():
            wanted |= dict(_meant_signal(signal, value, own, period))
    for device, values in (document.get("cards") or document.get("hosts") or {}).items():
        host, _, card = device.partition("/")
        own = {"environment": stem(page), "pool": "a100", "host": host}
        own |= {"gpu": card} if card else {}
        wanted |= {(CARDS[signal].name, labels(**own)): value for signal, value in values.items()}
    for foreign, count in document.get("undeclared", {}).items():
        own = {"engine": engine.name, "job": stem(page), "engine_model": foreign}
        wanted[(series.ENGINE_UNDECLARED.name, labels(**own))] = count / period
    return wanted


def _meant_signal(
    signal: str, value: Any, own: Mapping[str, str], period: int
) -> Iterator[tuple[tuple[str, Labels], float]]:
    if signal in PARTS:
        metric, label = PARTS[signal]
        for part, count in value.items():
            yield (metric.name, labels(**own, **{label: part})), count / period
    elif signal in RATES:
        yield (RATES[signal].name, labels(**own)), value / period
    elif signal in GAUGES:
        yield (GAUGES[signal].name, labels(**own)), value
    else:
        yield from _meant_distribution(signal, value, own, period)


def _meant_distribution(
    signal: str, value: Mapping[str, Any], own: Mapping[str, str], period: int
) -> Iterator[tuple[tuple[str, Labels], float]]:
    for part, metrics in (("sum", series.ENGINE_SUMS), ("count", series.ENGINE_COUNTS)):
        if part in value:
            yield (metrics[signal].name, labels(**own)), value[part] / period
    for le, count in value.get("buckets", {}).items():
        yield (series.ENGINE_BUCKETS[signal].name, labels(**own, le=le)), count / period
    for quantile, seconds in value.get("quantiles", {}).items():
        yield (series.ENGINE_QUANTILES[signal].name, labels(**own, quantile=quantile)), seconds


def is_bucket(key: tuple[str, Labels]) -> bool:
    return key[0] in {metric.name for metric in series.ENGINE_BUCKETS.values()}


@pytest.mark.real
def test_prometheus_evaluates_every_rule(address: str, recordings: Recorded) -> None:
    assert recordings
    assert engine_pages.failures(address) == []


@pytest.mark.real
@EACH_PAGE
def test_a_page_is_recorded_as_it_is_meant(
    engine: Engine, page: Page, recordings: Recorded
) -> None:
    found = of_page(recordings, page)
    wanted = meant(engine, page)
    assert {key: found.get(key) for key in wanted} == pytest.approx(wanted, rel=1e-6, abs=1e-12)
    assert {key for key in found if not is_bucket(key)} == {
        key for key in wanted if not is_bucket(key)
    }


@pytest.mark.real
@EACH_PAGE
def test_a_page_is_recorded_with_all_its_buckets(
    engine: Engine, page: Page, recordings: Recorded
) -> None:
    sizes = {
        (signal, owner): value["size"]
        for owner, signals in expected(page).get("expect", {}).items()
        for signal, value in signals.items()
        if isinstance(value, dict) and "size" in value
    }
    found = [key for key in of_page(recordings, page) if is_bucket(key)]
    assert len(found) == sum(sizes.values())
    assert all(dict(own)["engine"] == engine.name for _, own in found)


@pytest.mark.real
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_an_objective_names_a_bucket_as_it_is_recorded(
    engine: Engine, recordings: Recorded
) -> None:
    for row in engine.rows:
        if not isinstance(row, Histogram) or not row.buckets:
            continue
        page = engine.pages[0]
        supplied = supply(engine, row.signal)
        assert supplied is not None
        recorded_texts = {
            dict(own)["le"]
            for name, own in of_page(recordings, page)
            if name == series.ENGINE_BUCKETS[row.signal].name
        }
        texts = {bucket_label(engine, row.signal, boundary) for boundary in supplied.buckets}
        assert texts | {"+Inf"} == recorded_texts


@EACH_PAGE
def test_every_canonical_value_of_an_expectation_exists(engine: Engine, page: Page) -> None:
    for signals in expected(page).get("expect", {}).values():
        assert set(signals.get("requests", {})) <= set(catalogue.OUTCOMES)
        assert set(signals.get("tokens", {})) <= set(catalogue.TOKEN_KINDS)
    assert engine.name in ENGINES


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_metric_that_an_engine_reads_is_on_one_of_its_pages(engine: Engine) -> None:
    exposed = {sample.name for page in engine.pages for sample in samples(page.file)}
    assert sorted(metrics_read(engine) - exposed) == []


def test_every_page_belongs_to_an_engine_and_has_an_expectation() -> None:
    known = {page.file for _, page in CAPTURED}
    assert {path.name for path in FOLDER.iterdir()} == known
    assert {path.name for path in PAGES.glob("*.expected.yaml")} == {
        f"{stem(page)}.expected.yaml" for _, page in CAPTURED
    }


def test_boundaries_are_exact() -> None:
    supplied = supply(ENGINES["triton"], "time_to_first_token")
    assert supplied is not None
    assert supplied.buckets == tuple(map(Decimal, ("0.1", "0.5", "2", "5")))
