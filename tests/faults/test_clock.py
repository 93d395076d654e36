"""Clocks that jump: of a target, of an exporter of ours, and of the machine that `doctor` runs on.

What cannot be proved here: a jump of the clock under Prometheus and Alertmanager. Programs in Go
ask the kernel without the C library, so that nothing can stand in between, time namespaces leave
the wall clock alone, and the clock of a machine belongs to all that runs on it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from compose import waiting
from compose.native import exporters, processes
from compose.ports import free_port
from exporters.quality.doors import PATH
from generator.opening import inventory_at
from tests import real, small_site
from tests.exporters.prometheus_server import values
from tests.faults import pages
from tests.faults.site import HEAD, eventually, model, site
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers]

DAY_S = 86_400
COUNTED = "modelwatch_quality_judgements_total"


def library() -> Path:
    """What tells a program another time."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return found[0] if found else real.missing("libfaketime is not installed")


def other_time(file: Path) -> dict[str, str]:
    """The environment in which the file says how far off the clock is, at any moment."""
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def test_the_time_that_a_page_claims_does_not_matter(tmp_path: Path, native_path: str) -> None:
    """Such samples would be dropped, with nothing but a line in the log of Prometheus to tell."""
    now = int(time.time())
    ahead, behind = (now + DAY_S) * 1000, (now - DAY_S) * 1000
    page = f'shelf_running{{m="ahead"}} 3 {ahead}\nshelf_running{{m="behind"}} 4 {behind}\n'
    with serving(pages.fixed(page)) as port:
        text = f"{HEAD}models:\n{model('ahead', port)}{model('behind', port)}"
        with site(tmp_path, text, native_path) as where:
            eventually(
                lambda: (
                    {
                        dict(one)["model"]: value
                        for one, value in values(
                            where.prometheus, "model:requests_running:sum"
                        ).items()
                    }
                    == {"ahead": 3, "behind": 4}
                ),
                "both models",
            )


def test_an_exporter_lives_through_jumps_of_its_clock(tmp_path: Path) -> None:
    port, clock = free_port(), tmp_path / "clock"
    clock.write_text("+0")
    file = tmp_path / "models.yaml"
    file.write_text(
        f"{HEAD}{small_site.exporter('quality', port)}models:\n"
        "  - name: chat\n"
        "    sources: [{engine: shelf, job: chat, model: chat}]\n"
        "    quality: {groundedness: {good: above 0.7}}\n"
    )
    fleet = inventory_at(str(file))
    running = exporters.spawn_one("quality", fleet, tmp_path / "data", (), other_time(clock))
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: waiting.answers(f"{url}/-/ready"), "the exporter")
        counted = []
        for offset in ("+0", f"+{2 * DAY_S}", f"-{2 * DAY_S}", "+0"):
            clock.write_text(offset)
            score = {"score": "groundedness", "value": 0.9, "model": "chat"}
            answer = requests.post(f"{url}{PATH}", json=[score], timeout=10)
            assert answer.ok, (offset, answer.text)
            counted.append(judged(url))
        assert counted == [1, 2, 3, 4]
        assert running.alive
    finally:
        processes.stop(running)


def judged(url: str) -> float:
    """How many answers the page says were judged."""
    page = requests.get(f"{url}/metrics", timeout=10).text
    return sum(
        float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(COUNTED)
    )


@pytest.mark.parametrize(("offset", "said"), [("+1h", "behind"), ("-1h", "ahead")])
def test_doctor_says_that_the_clocks_differ(
    tmp_path: Path, native_path: str, offset: str, said: str
) -> None:
    inventory = tmp_path / "models.yaml"
    inventory.write_text(f"{HEAD}models:\n{model('chat', 1)}")
    with small_site.prometheus(tmp_path, path=native_path) as url:
        done = subprocess.run(
            [sys.executable, "-m", "generator", "doctor", inventory, "--prometheus", url],
            env={
                **os.environ,
                **exporters.python()[1],
                "LD_PRELOAD": str(library()),
                "FAKETIME": offset,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert f"the clock of {url} is 3600 s {said}" in done.stdout
