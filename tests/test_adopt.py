"""docs/adopt.md, followed literally: a draft of what a Prometheus scrapes, rules, boards, proof."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from compose.fleet.serve import PORTS
from compose.ports import free_port
from tests import real
from tests.grafana_server import TOKEN, GrafanaServer, running
from tests.push.site import PROMETHEUS
from tests.small_site import eventually

pytestmark = pytest.mark.real

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adopt.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "examples" / "adopt" / "prometheus.yml").read_text(encoding="utf-8")
LAST = "modelwatch verify models.yaml --prometheus"
QUICK_S, USUAL_S = 1, 15


def steps() -> list[str]:
    """What the page says to type, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Company:
    """A folder to work in, a Prometheus that scrapes simulated models, and a Grafana."""

    def __init__(self, folder: Path, path: str, prometheus: str, grafana: GrafanaServer) -> None:
        self.folder, self.prometheus, self.grafana = folder, prometheus, grafana
        self.path = f"{Path(sys.executable).parent}:{path}"

    def typed(self, commands: str) -> subprocess.CompletedProcess[str]:
        """The commands in one shell, as the page has them; only the two addresses are others."""
        (where, *_) = steps()
        here = where.replace("http://localhost:9090", self.prometheus)
        here = here.replace("http://localhost:3000", self.grafana.url)
        assert here.count("127.0.0.1") == 2
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{here}{commands}"],
            cwd=self.folder,
            env={**os.environ, "PATH": self.path},
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def process(*command: str | Path, log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        started = subprocess.Popen([str(one) for one in command], stdout=file, stderr=file)
    try:
        yield
    finally:
        started.terminate()
        started.wait(timeout=60)


@contextmanager
def company(folder: Path, path: str, *, scraped_every_s: int) -> Iterator[Company]:
    ports = {name: free_port() for name in PORTS if str(PORTS[name]) in CONFIGURATION}
    text = CONFIGURATION
    for name, port in ports.items():
        text = text.replace(f"127.0.0.1:{PORTS[name]}", f"127.0.0.1:{port}")
    text = text.replace(f"scrape_interval: {USUAL_S}s", f"scrape_interval: {scraped_every_s}s")
    (folder / "prometheus.yml").write_text(text)
    (folder / "grafana-token").write_text(TOKEN)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fleet = (sys.executable, "-m", "compose.fleet", *(f"--port={n}={p}" for n, p in ports.items()))
    server = (
        real.program("prometheus", path),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    )
    with (
        process(*fleet, log=folder / "fleet.log"),
        process(*server, log=folder / "prometheus.log"),
        running(GrafanaServer()) as grafana,
    ):
        grafana.state.sources = [PROMETHEUS]
        made = Company(folder, path, url, grafana)
        eventually(lambda: scraped_often(url))
        yield made


def scraped_often(url: str) -> bool:
    """Whether every target was scraped three times: without that there are no rates."""
    try:
        answer = requests.get(
            f"{url}/api/v1/query", params={"query": "sum_over_time(up[5m])"}, timeout=5
        )
    except requests.ConnectionError:
        return False
    found = answer.json().get("data", {}).get("result", [])
    return len(found) == CONFIGURATION.count("job_name") and all(
        float(one["value"][1]) >= 3 for one in found
    )


def follow(made: Company) -> None:
    """Everything up to the boards."""
    _, *others = steps()
    for commands in others:
        if LAST in commands:
            break
        done = made.typed(commands)
        assert done.returncode == 0, f"{commands}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert len(made.grafana.state.boards) == len(
        list((made.folder / "out/grafana").rglob("*.json"))
    )
    again = made.typed(next(one for one in others if "modelwatch push" in one))
    assert "9 boards, nothing changed" in again.stdout
    loaded = requests.get(f"{made.prometheus}/api/v1/rules", timeout=30).json()["data"]["groups"]
    assert len(loaded) > 50


@real.first_on("3.x")
def test_the_steps_work_as_typed(tmp_path: Path, native_path: str) -> None:
    with company(tmp_path, native_path, scraped_every_s=QUICK_S) as made:
        follow(made)


@pytest.mark.slow
@pytest.mark.servers
def test_what_was_generated_is_found_alive_in_the_end(tmp_path: Path, native_path: str) -> None:
    with company(tmp_path, native_path, scraped_every_s=USUAL_S) as made:
        follow(made)
        deadline = time.monotonic() + 360
        while (done := made.typed(steps()[-1])).returncode and time.monotonic() < deadline:
            time.sleep(20)
        assert done.returncode == 0, done.stdout
