"""The live questions to servers that are no Prometheus, or only a part of one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from compose.ports import free_port
from generator.verify.finding import Verification
from generator.verify.live import coverage, rules_loaded, scrape_intervals, staleness
from modelwatch.discovery import constants_named
from modelwatch.problems import Unreachable
from tests import past_site, real, small_site
from tests.past_site import NOW, Page
from tests.preview_site import Json, Scripted, scripted
from tests.small_site import eventually

CHECKS = constants_named("generator.verify.live", "CHECK")


class Refusing(Scripted):
    """A server that answers nothing."""

    def answer(self, path: str, asked: dict[str, list[str]]) -> tuple[int, Json]:  # noqa: ARG002
        return 422, {"status": "error", "errorType": "execution", "error": "this tenant may not"}


@contextmanager
def victoria(folder: Path, *pages: Page) -> Iterator[str]:
    """The address of a VictoriaMetrics that was sent these pages."""
    program = real.program("victoria-metrics", real.path_of_three())
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(program),
        f"-storageDataPath={folder / 'vm'}",
        f"-httpListenAddr=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: _answers(url))
            sent = "".join(_with_milliseconds(past_site.samples(pages, 1)))
            requests.post(f"{url}/api/v1/import/prometheus", sent, timeout=30).raise_for_status()
            requests.get(f"{url}/internal/force_flush", timeout=30).raise_for_status()
            yield url
        finally:
            running.terminate()
            running.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=1).ok
    except requests.ConnectionError:
        return False


def _with_milliseconds(samples: str) -> Iterator[str]:
    for line in samples.splitlines():
        if not line.startswith("#"):
            series, _, moment = line.rpartition(" ")
            yield f"{series} {round(float(moment) * 1000)}\n"


def told(found: Verification) -> list[tuple[str, str]]:
    return [(one.level, one.reason) for one in found.findings]


@pytest.mark.real
def test_a_storage_without_targets_and_rules_is_asked_for_what_it_has(tmp_path: Path) -> None:
    with victoria(tmp_path, Page()) as url:
        context = past_site.context(url, days=0)
        found = {name: check(context) for name, check in CHECKS.items()}
    assert told(found["scrape_intervals"]) == []
    assert found["scrape_intervals"].checked == {"scrape-intervals": 1}
    assert told(found["staleness"]) == []
    assert told(found["coverage"]) == [("warning", "not-recorded"), ("warning", "silent")]
    (one,) = found["rules_loaded"].findings
    assert "where another program evaluates rules" in one.advice or one.level == "note"


@pytest.mark.parametrize("name", CHECKS)
def test_a_server_that_refuses_is_a_note(name: str) -> None:
    with scripted(Refusing({})) as url:
        promised = f"{past_site.TEXT}    slo: {{latency: 95% under 5s}}\n"
        found = CHECKS[name](past_site.context(url, promised, now=NOW))
    assert told(found) == [("note", "not-answered")]
    (one,) = found.findings
    assert one.message == "could not look: this tenant may not"


@pytest.mark.parametrize("check", [coverage.CHECK, staleness.CHECK, scrape_intervals.CHECK])
def test_nobody_who_answers_is_no_finding(check: object) -> None:
    context = past_site.context(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable):
        check(context)  # type: ignore[operator]  # each is a function


def test_a_server_without_rules_is_asked_elsewhere() -> None:
    with small_site.page("404 page not found", status=404) as port:
        found = rules_loaded.CHECK(past_site.context(f"http://127.0.0.1:{port}"))
    (one,) = found.findings
    assert one.message == "could not look: it has no /api/v1/rules: status 404"
    assert one.advice.startswith("ask the Prometheus that scrapes and evaluates")
