"""VictoriaMetrics beside Prometheus: nothing is missing there, and vmalert records the same."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from compose.demo import scene
from compose.demo.story import Teller
from compose.native import processes
from generator import stack as commands
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.catalogue import Layer, metrics
from modelwatch.catalogue.stack import ALERTS
from modelwatch.inventory import Inventory, RemoteWrite
from modelwatch.promql import select
from tests import real
from tests.faults.pages import Counted, counting
from tests.faults.site import HEAD, eventually, measured, model, watch
from tests.incidents.acts import DEMO, on_free_ports
from tests.small_site import serving
from tests.wide import Wide, wide

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

AWAY_S = 60
SETTLED_S = 40.0
"""VictoriaMetrics answers for half a minute ago, unless it is told that all has arrived."""

SCRAPES = 20
"""Of a page in fifteen seconds."""

TOLERANCE = 0.2
"""A window of five minutes is one of 20 scrapes here. Prometheus extrapolates to its edges, so a
scrape more or less is 5 %, and on a machine that is short of time some are missing at either end.
Rare events, and windows of hours that are not full yet, may differ by more."""

Labels = tuple[tuple[str, str], ...]


@pytest.fixture
def path() -> str:
    found = real.path_of_three()
    for name in ("prometheus", "victoria-metrics", "vmalert"):
        real.program(name, found)
    return found


def storage(servers: Wide) -> RemoteWrite:
    return RemoteWrite(url=f"{servers.url('victoriametrics')}/api/v1/write", send="scraped")


def asked(url: str, expr: str, **parameters: str) -> list[dict[str, Any]]:
    answer = requests.post(
        f"{url}/api/v1/query", data={"query": expr, "nocache": "1", **parameters}, timeout=60
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def pages(url: str) -> set[int]:
    """The numbers of the pages of which it has a sample."""
    found = asked(url, "shelf_pages_total[1h]")
    return {int(value) for one in found for _, value in one["values"]}


def configure(servers: Wide, port: int) -> None:
    """The files for one model on that port, whose samples are sent."""
    file = servers.folder / "models.yaml"
    file.write_text(f"{HEAD}models:\n{model('chat', port)}")
    fleet = inventory_at(str(file))
    settings = replace(fleet.settings, remote_write=(storage(servers),))
    tree.write(servers.folder / "config", build(replace(fleet, settings=settings), definitions()))


def test_nothing_is_missing_after_the_storage_was_away(tmp_path: Path, path: str) -> None:
    book = Counted()
    names = ("prometheus", "victoriametrics")
    with wide(tmp_path, path, names) as servers, serving(counting(book, 'm="chat"')) as port:
        configure(servers, port)
        here, there = servers.url("prometheus"), servers.url("victoriametrics")
        servers.start("victoriametrics")
        servers.start("prometheus")
        eventually(lambda: len(pages(there)) > 5, "pages in the storage")
        processes.stop(servers.running["victoriametrics"])
        before = len(book.served)
        watch(AWAY_S)
        assert len(book.served) > before + AWAY_S / 2, "scraping goes on meanwhile"
        servers.start("victoriametrics")
        until = max(pages(here))
        eventually(lambda: max(pages(there), default=0) >= until, "the storage to have caught up")
        wanted = {page for page in pages(here) if page <= until}
        missing = wanted - pages(there)
        measured("pages scraped while away, missing", (len(book.served) - before, len(missing)))
        assert not missing
        refused = requests.post(f"{there}/api/v1/admin/tsdb/delete_series", timeout=5)
        assert refused.status_code == 401
        assert wanted <= pages(there)


@pytest.mark.parametrize(("interval", "kept"), [("1ms", 2), ("750ms", 1)], ids=["off", "on"])
def test_two_senders_write_one_series_and_deduplication_keeps_one_sample_per_interval(
    tmp_path: Path, path: str, interval: str, kept: int
) -> None:
    names = ("prometheus", "prometheus-b", "victoriametrics")
    with wide(tmp_path, path, names) as servers, serving(counting(Counted(), 'm="chat"')) as port:
        configure(servers, port)
        servers.start("victoriametrics", f"-dedup.minScrapeInterval={interval}")
        for name in names[:2]:
            servers.start(name)
        there, scraped = servers.url("victoriametrics"), 'up{job="shelf"}'
        counted = f"count_over_time({scraped}[15s])"
        eventually(lambda: _rounds(there, counted) > (kept - 0.5) * SCRAPES, "samples of both")
        watch(15)
        assert list(values(there, scraped).values()) == [1]
        found = _rounds(there, counted)
        measured(f"samples of {kept * SCRAPES} with {interval}", found)
        assert found <= kept * SCRAPES + 2


def _rounds(url: str, counted: str) -> float:
    return max(values(url, counted).values(), default=0)


@contextmanager
def demo(folder: Path, path: str) -> Iterator[tuple[scene.Scene, Wide]]:
    """The simulated fleet, VictoriaMetrics and vmalert, until everything is measured."""
    file = folder / "demo.yaml"
    file.write_text(on_free_ports(DEMO))
    fleet = inventory_at(str(file))
    data = folder / "data"
    (folder / "wide").mkdir()
    (folder / "wide" / "config").symlink_to(data / "config")
    with wide(folder / "wide", path, ("victoriametrics", "vmalert")) as servers:

        def write(local: Inventory, config: Path) -> tree.Change:
            settings = replace(local.settings, remote_write=(storage(servers),))
            return commands.write(replace(local, settings=settings), config)

        servers.start("victoriametrics")
        try:
            shown = scene.set_up(fleet, write, data, teller=Teller(say=lambda _: None), path=path)
            # Half a minute late, as always, would be ten minutes of a fleet in a hurry.
            servers.start("vmalert", "-rule.evalDelay=10s", "-remoteWrite.flushInterval=500ms")
            scene.await_answers(shown)
            scene.await_measured(shown, fleet)
            yield shown, servers
        finally:
            scene.tear_down(data)


def recorded(config: Path) -> list[str]:
    """Every name that the generated rules record."""
    found = {
        rule["record"]
        for file in (config / "prometheus" / "rules").glob("*.yml")
        for group in yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    return sorted(found)


def values(url: str, expr: str) -> Mapping[Labels, float]:
    return {
        tuple(sorted((k, v) for k, v in one["metric"].items() if k != "__name__")): float(
            one["value"][1]
        )
        for one in asked(url, expr)
    }


def mean(url: str, name: str) -> float:
    """Over a minute, of all series of the name together; the minute ended 15 s ago."""
    return sum(values(url, f"avg_over_time({name}[60s] offset 15s)").values())


def differing(here: str, there: str, names: list[str]) -> list[str]:
    """Names of which the two have had other series in the last three minutes."""
    seen = {name: f"last_over_time({name}[3m])" for name in names}
    return [n for n, e in seen.items() if values(here, e).keys() != values(there, e).keys()]


def test_vmalert_records_what_prometheus_records(tmp_path: Path, path: str) -> None:
    with demo(tmp_path, path) as (shown, servers):
        here, there = shown.stack.prometheus_url, servers.url("victoriametrics")
        names = recorded(shown.stack.config_dir)
        assert len(names) > 150
        eventually(lambda: not differing(here, there, names), "the same series in both", 600)
        constant = {one.name for one in metrics() if one.layer is Layer.INVENTORY}
        for name in constant.intersection(names):
            assert values(here, name) == values(there, name), name
        watch(SETTLED_S)
        means = {name: (mean(here, name), mean(there, name)) for name in names}
        near = [name for name, (a, b) in means.items() if math.isclose(a, b, rel_tol=TOLERANCE)]
        measured("names whose mean over a minute is near", f"{len(near)} of {len(names)}")
        flows = {n: pair for n, pair in means.items() if n.endswith(":rate5m") and pair[0] > 1}
        assert len(flows) >= 10
        assert {name: pair for name, pair in flows.items() if name not in near} == {}
        groups = requests.get(f"{servers.url('vmalert')}/api/v1/rules", timeout=10).json()
        rules = [rule for group in groups["data"]["groups"] for rule in group["rules"]]
        assert not [rule["name"] for rule in rules if rule.get("lastError")]
        assert {rule["type"] for rule in rules} == {"recording"}
        heartbeat = select(ALERTS, alertname="Watchdog")
        assert values(here, heartbeat) == values(there, heartbeat) != {}
