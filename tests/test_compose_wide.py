"""Profiles `ha` and `longterm` of the compose file together, in a real Docker engine.

Where no registry can be reached, images are stand-ins (tests/stand_ins.py).
"""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.models.containers import Container

from compose import answers
from compose.containers import environment
from compose.ports import free_port
from modelwatch.catalogue.recorded import REQUESTS
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import select
from tests import images, stand_ins
from tests.command import run
from tests.exporters.sample import ROOT, until
from tests.stand_ins import FILE, LONG_TERM, TOOLS

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]

PROJECT = "modelwatch-test-wide"
MINE: dict[str, str | list[str] | bool] = {"label": f"com.docker.compose.project={PROJECT}"}
ADDED = ["prometheus-b", "alertmanager-b", "victoriametrics", "vmalert"]
SERVICES = [*TOOLS, "probe", "quality", "inventory", "fleet", "inbox", *ADDED]
PROFILES = ("demo", "ha", "longterm")
UP_WITHIN_S = 600
COMPRESSION = 3
"""Three servers evaluate all rules here; and groups must not be told faster than peers wait."""

OVER_S = 2 * 120 / COMPRESSION
"""In which a false end would be told."""

SETTINGS = """\
  alertmanagers: ["alertmanager:9093", "alertmanager-b:9093"]
  stack_sources:
    - {job: prometheus, targets: ["prometheus:9090", "prometheus-b:9090"]}
    - {job: victoriametrics, targets: ["victoriametrics:8428"]}
    - {job: vmalert, targets: ["vmalert:8880"]}
  remote_write:
    - {url: "http://victoriametrics:8428/api/v1/write", send: scraped, query_url: "http://victoriametrics:8428"}
"""
"""What docs/scale.md tells to write into the inventory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The running project."""

    engine: DockerClient
    command: list[str]
    environment: dict[str, str]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UP_WITHIN_S,
            check=False,
        )

    def up(self) -> bool:
        """Compose gives up when a service is slow to become healthy, be it for this machine."""
        return self.call("up", "--detach", "--no-build", *SERVICES).returncode == 0

    def containers(self) -> dict[str, Container]:
        found = self.engine.containers.list(all=True, filters=MINE)
        return {one.labels["com.docker.compose.service"]: one for one in found}

    def healthy(self) -> set[str]:
        return {
            name
            for name, one in self.containers().items()
            if one.attrs["State"].get("Health", {}).get("Status") == "healthy"
        }

    def logs(self) -> str:
        return "\n".join(
            f"{name} ({one.status}): {one.logs(tail=5).decode()}"
            for name, one in self.containers().items()
        )

    def url(self, service: str) -> str:
        variable = f"{service.replace('-', '_').upper()}_PORT"
        return f"http://127.0.0.1:{self.environment[variable]}"

    def told(self, name: str) -> list[str]:
        """The states in which the alert was told, oldest first."""
        came = requests.get(f"{self.url('inbox')}/notifications", timeout=10).json()
        return [
            alert["status"]
            for one in came
            for alert in one["alerts"]
            if alert["labels"]["alertname"] == name
        ]

    def eventually(self, found: Any, what: str, within_s: float = 600) -> None:
        assert until(lambda: bool(found()), within_s), f"{what}\n{self.logs()}"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    for engine in images.engine():
        with stand_ins.present(engine, {**TOOLS, **LONG_TERM}):
            yield from _running(engine, tmp_path_factory.mktemp("wide"))


def _running(engine: DockerClient, folder: Path) -> Iterator[Stack]:
    text = (ROOT / "examples" / "compose.yaml").read_text()
    for old, new in (
        ('  alertmanagers: ["alertmanager:9093"]\n', SETTINGS),
        ("time_compression: 20\n", f"time_compression: {COMPRESSION}\n"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "models.yaml").write_text(text)
    folder.chmod(0o755)
    run("generate", str(folder / "models.yaml"), "-o", str(folder / "out"))
    secrets = folder / "secrets"
    subprocess.run(["sh", ROOT / "compose" / "secrets.sh", secrets], check=True)
    files = [FILE, *stand_ins.overrides(engine, folder)]
    ports = [name for name in environment.variables() if name.endswith("_PORT")]
    stack = Stack(
        engine=engine,
        command=[
            *(*stand_ins.compose_command(), "-p", PROJECT),
            *(f"--profile={profile}" for profile in PROFILES),
            *(f"--file={file}" for file in files),
        ],
        environment={
            **os.environ,
            **{name: str(free_port()) for name in ports},
            "MODELWATCH_CONFIG": str(folder / "out"),
            "MODELWATCH_INVENTORY_DIR": str(folder),
            "MODELWATCH_INVENTORY": "models.yaml",
            "MODELWATCH_SECRETS": str(secrets),
        },
    )
    stack.call("down", "--volumes")  # of a run that was killed
    try:
        stack.eventually(stack.up, "up", UP_WITHIN_S)
        stack.eventually(lambda: stack.healthy() == set(SERVICES), "healthy", UP_WITHIN_S)
        yield stack
    finally:
        stack.call("down", "--volumes", "--timeout=5")
    assert not engine.containers.list(all=True, filters=MINE)
    assert not engine.volumes.list(filters=MINE)


def test_both_see_every_target_and_evaluate_every_rule(stack: Stack) -> None:
    for name in ("prometheus", "prometheus-b"):
        url = stack.url(name)
        stack.eventually(lambda url=url: not answers.targets_down(url), f"targets of {name}")
        assert not answers.rule_errors(url)
    seen = {one["instance"].partition(":")[0] for one in answers.targets(stack.url("prometheus"))}
    assert seen == set(SERVICES) - {"inbox"}


def test_what_was_added_may_do_nothing_but_its_work(stack: Stack) -> None:
    for name in ADDED:
        attributes = stack.containers()[name].attrs
        host = attributes["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert attributes["Config"]["User"] == "65534:65534"
        assert host["Memory"] >= 256 * 1024**2
        published = [one for ports in host["PortBindings"].values() for one in ports]
        assert {one["HostIp"] for one in published} <= {"127.0.0.1"}
        for mount in attributes["Mounts"]:
            if mount["Type"] == "bind":
                assert not mount["RW"]
            else:
                assert mount["Name"].startswith(f"{PROJECT}_")


def test_the_storage_has_what_is_scraped_and_what_vmalert_records(stack: Stack) -> None:
    storage = stack.url("victoriametrics")
    for expr in ('up{job="vllm"}', str(REQUESTS), select(ALERTS, alertname="Watchdog")):
        stack.eventually(lambda expr=expr: answers.query(storage, expr), f"{expr} in the storage")
    refused = requests.post(f"{storage}/api/v1/admin/tsdb/delete_series", timeout=5)
    assert refused.status_code == 401


def test_an_incident_is_told_once_though_one_of_each_dies_in_it(stack: Stack) -> None:
    name = "ModelErrorsHigh"
    fleet = stack.url("fleet")
    requests.post(f"{fleet}/incident/chat-errors", timeout=10).raise_for_status()
    stack.eventually(lambda: stack.told(name), "a notification")
    for dead in ("prometheus", "alertmanager-b", "vmalert"):
        stack.containers()[dead].kill("SIGKILL")
    time.sleep(OVER_S)
    assert stack.told(name) == ["firing"]
    requests.post(f"{fleet}/incident/clear", timeout=10).raise_for_status()
    stack.eventually(lambda: len(stack.told(name)) > 1, "its end")
    assert stack.told(name) == ["firing", "resolved"]
