"""What holds for each exporter that there is, run as a user runs it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from exporters.base.exporter import Exporter
from modelwatch.catalogue import exporters as common
from modelwatch.catalogue.metric import Metric
from modelwatch.discovery import constants_named
from tests.exporters.prometheus_server import free_address, until

ROOT = Path(__file__).parent.parent.parent
INVENTORY = ROOT / "examples" / "demo.yaml"
EXPORTERS: dict[str, Exporter] = constants_named("exporters", "EXPORTER")
OWN = {"gpu": ("--library=compose.fleet.cards",)}
OF_LIBRARY = ("process_",)
"""What prometheus-client says of the process, under its own names."""


@contextmanager
def running(name: str, folder: Path) -> Iterator[str]:
    """The address of an exporter that is ready."""
    address = free_address()
    command = (sys.executable, "-m", "generator", "exporter", name, f"--inventory={INVENTORY}")
    more = (f"--listen={address}", f"--state-dir={folder / 'state'}", *OWN.get(name, ()))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen((*command, *more), stdout=log, stderr=log, cwd=ROOT)
        try:
            until(lambda: answers(f"http://{address}/-/ready"), f"{name}, see {folder / 'log'}")
            yield f"http://{address}"
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert time.monotonic() - began < 3  # a second, on a machine with other work
        finally:
            process.kill()
            process.wait(10)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.real
@pytest.mark.parametrize("name", EXPORTERS)
def test_a_page_is_of_the_catalogue_and_pleases_promtool(
    name: str, tmp_path: Path, promtool: Path
) -> None:
    with running(name, tmp_path) as url:
        text = requests.get(f"{url}/metrics", timeout=10).text
        assert requests.get(f"{url}/-/healthy", timeout=5).status_code == 200
        assert EXPORTERS[name].title in requests.get(url, timeout=5).text
    lint = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
    known = {metric.name: metric for metric in (*EXPORTERS[name].metrics, *_common())}
    strange = []
    for family in text_string_to_metric_families(text):
        if family.name.startswith(OF_LIBRARY):
            continue
        metric = known.get(family.name) or known[f"{family.name}_total"]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        strange += [
            sample.name
            for sample in family.samples
            if set(sample.labels) - {"le"} != set(metric.labels)
        ]
    assert strange == []


@pytest.mark.real
@pytest.mark.parametrize("name", EXPORTERS)
def test_a_page_of_openmetrics_ends_as_one(name: str, tmp_path: Path) -> None:
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    with running(name, tmp_path) as url:
        answer = requests.get(f"{url}/metrics", headers=accepted, timeout=10)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("\n# EOF\n")


def _common() -> list[Metric]:
    return [value for value in vars(common).values() if isinstance(value, Metric)]


def test_ports_are_each_exporters_own() -> None:
    ports = [exporter.port for exporter in EXPORTERS.values()]
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("name", EXPORTERS)
def test_each_is_named_as_its_package_and_has_its_chapter(name: str) -> None:
    exporter = EXPORTERS[name]
    page = (ROOT / "docs" / "exporters.md").read_text()
    chapter = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert exporter.name == name
    assert f"| [`{name}`](#{name}) |" in page
    assert f"| {exporter.port} |" in page
    for metric in exporter.metrics:
        assert f"| `{metric.name}` | {metric.kind} | {metric.unit} |" in chapter
    for option in exporter.options:
        assert all(f"`{one}`" in chapter for one in option.opts if one.startswith("--"))
