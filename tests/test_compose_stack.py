"""The compose file as it is, brought up in a real Docker engine with the demo's simulated models.

Where no registry can be reached, images of others are stand-ins (tests/stand_ins.py). Nothing
stands in for Grafana: without its image it is not started.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.models.containers import Container

from modelwatch.catalogue.quality import FEEDBACK_TOTAL
from tests import images, stand_ins
from tests.command import run
from tests.exporters.sample import ROOT, until
from tests.stand_ins import FILE, IMAGES, STACK

pytestmark = [pytest.mark.real, pytest.mark.docker]

PROJECT = "modelwatch-test"
MINE: dict[str, str | list[str] | bool] = {"label": f"com.docker.compose.project={PROJECT}"}
WITHOUT_GRAFANA = [
    "prometheus",
    "alertmanager",
    "probe",
    "quality",
    "drift",
    "inventory",
    "fleet",
    "inbox",
]
PORTS = {
    "PROMETHEUS_PORT": "prometheus",
    "ALERTMANAGER_PORT": "alertmanager",
    "GRAFANA_PORT": "grafana",
    "QUALITY_PORT": "quality",
    "DRIFT_PORT": "drift",
    "FLEET_PORT": "fleet",
    "INBOX_PORT": "inbox",
}
UP_WITHIN_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The running project. `compose` is the command with its files, `folder` has what it mounts."""

    engine: DockerClient
    compose: list[str]
    environment: dict[str, str]
    services: list[str]
    folder: Path

    def call(self, *arguments: str) -> str:
        answer = subprocess.run(
            [*self.compose, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UP_WITHIN_S + 60,
            check=False,
        )
        assert answer.returncode == 0, f"{arguments}: {answer.stderr[-2000:]}\n{self.logs()}"
        return answer.stdout

    def containers(self) -> dict[str, Container]:
        found = self.engine.containers.list(all=True, filters=MINE)
        return {one.labels["com.docker.compose.service"]: one for one in found}

    def logs(self) -> str:
        return "\n".join(
            f"{name} ({one.status}): {one.logs(tail=5).decode()}"
            for name, one in self.containers().items()
        )

    def url(self, service: str) -> str:
        (variable,) = [key for key, name in PORTS.items() if name == service]
        return f"http://127.0.0.1:{self.environment[variable]}"

    def get(self, service: str, path: str) -> Any:
        answer = requests.get(f"{self.url(service)}{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    yield from images.engine()


@pytest.fixture(scope="module")
def compose() -> list[str]:
    return stand_ins.compose_command()


@pytest.fixture(scope="module")
def without_grafana(engine: DockerClient) -> Iterator[str]:
    """Why Grafana's image is not there; all others are."""
    with stand_ins.present(engine):
        yield images.available(engine, IMAGES["grafana"])


@pytest.fixture(scope="module")
def stack(
    engine: DockerClient,
    compose: list[str],
    without_grafana: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    run("generate", str(ROOT / "examples" / "compose.yaml"), "-o", str(folder / "out"))
    secrets = folder / "secrets"
    subprocess.run(["sh", ROOT / "compose" / "secrets.sh", secrets], check=True)
    files = [FILE, *stand_ins.overrides(engine, folder)]
    stack = Stack(
        engine=engine,
        compose=[*compose, "-p", PROJECT, "--profile=demo", *(f"--file={one}" for one in files)],
        environment={
            **os.environ,
            **{variable: str(_free_port()) for variable in PORTS},
            "MODELWATCH_CONFIG": str(folder / "out"),
            "MODELWATCH_SECRETS": str(secrets),
        },
        services=[*WITHOUT_GRAFANA, *([] if without_grafana else ["grafana"])],
        folder=folder,
    )
    stack.call("down", "--volumes")  # of a run that was killed
    try:
        _up(stack)
        yield stack
    finally:
        stack.call("down", "--volumes", "--timeout=5")
    assert not engine.containers.list(all=True, filters=MINE)
    assert not engine.volumes.list(filters=MINE)
    assert not engine.networks.list(filters=MINE)


def _up(stack: Stack) -> None:
    version = stack.call("version")
    waits = [] if "1.29" in version else ["--wait", f"--wait-timeout={UP_WITHIN_S}"]
    stack.call("up", "--detach", "--no-build", *waits, *stack.services)
    assert until(lambda: set(_health(stack).values()) == {"healthy"}, UP_WITHIN_S), stack.logs()


def _health(stack: Stack) -> dict[str, str]:
    return {
        name: one.attrs["State"].get("Health", {}).get("Status", "not asked")
        for name, one in stack.containers().items()
    }


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


def eventually(found: Callable[[], Any], within_s: float, stack: Stack) -> None:
    assert until(lambda: bool(found()), within_s), stack.logs()


def test_everything_is_up_and_healthy(stack: Stack) -> None:
    assert _health(stack) == dict.fromkeys(stack.services, "healthy")


def test_every_target_is_reached_by_the_name_of_its_service(stack: Stack) -> None:
    def targets() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = stack.get("prometheus", "/api/v1/targets")["data"][
            "activeTargets"
        ]
        return found

    eventually(lambda: all(one["health"] == "up" for one in targets()), 60, stack)
    names = {one["labels"]["instance"].partition(":")[0] for one in targets()}
    assert names == set(stack.services) - {"inbox", "grafana"}


def test_every_rule_is_evaluated_without_an_error(stack: Stack) -> None:
    def health() -> list[str]:
        groups = stack.get("prometheus", "/api/v1/rules")["data"]["groups"]
        return [f"{rule['health']}" for group in groups for rule in group["rules"]]

    eventually(lambda: "unknown" not in health(), 90, stack)
    assert len(health()) > 300
    assert set(health()) == {"ok"}


def test_an_incident_is_told_to_those_on_call_with_links_that_work(stack: Stack) -> None:
    def told() -> list[dict[str, Any]]:
        return [
            one
            for one in stack.get("inbox", "/notifications")
            if one["to"] == "on-call" and one["commonLabels"].get("model") == "chat"
        ]

    assert not told()
    began = time.monotonic()
    requests.post(f"{stack.url('fleet')}/incident/chat-errors", timeout=10).raise_for_status()
    eventually(told, 150, stack)
    print(f"told {time.monotonic() - began:.0f} s after the incident began")  # noqa: T201
    (alert, *_) = told()[0]["alerts"]
    assert alert["labels"]["severity"] == "page"
    assert alert["generatorURL"].startswith("http://localhost:9090/")
    runbook = alert["annotations"]["runbook_url"].rpartition("/")[2]
    text = requests.get(f"{stack.url('inbox')}/runbooks/{runbook}", timeout=10).text
    assert alert["labels"]["alertname"] in text
    requests.post(f"{stack.url('fleet')}/incident/clear", timeout=10).raise_for_status()


def test_scores_are_taken_from_those_with_the_token_alone(stack: Stack) -> None:
    url = f"{stack.url('quality')}/v1/scores"
    assert requests.post(url, data="{}", timeout=10).status_code == 401
    headers = {"Authorization": f"Bearer {stack.secret('quality-token')}"}
    event = {"model": "chat", "environment": "production", "kind": "feedback", "vote": "up"}
    answer = requests.post(url, json=event, headers=headers, timeout=10)
    assert answer.status_code < 300, answer.text
    query = f"/api/v1/query?query=sum({FEEDBACK_TOTAL.name})"
    # The simulated models send theirs with the token as well.
    eventually(lambda: _value(stack.get("prometheus", query)) > 1, 60, stack)


def _value(answer: dict[str, Any]) -> float:
    """The only value of a query's answer; 0 where there is none yet."""
    found = answer["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


@pytest.mark.parametrize("name", WITHOUT_GRAFANA)
def test_a_container_may_do_nothing_but_its_work(stack: Stack, name: str) -> None:
    container = stack.containers()[name]
    host, config = container.attrs["HostConfig"], container.attrs["Config"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert int(config["User"].partition(":")[0]) > 0
    assert host["Memory"] >= 256 * 1024**2
    assert host["PidsLimit"] == 256
    assert host["LogConfig"]["Config"] == {"max-file": "2", "max-size": "5m"}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.parametrize("name", WITHOUT_GRAFANA)
def test_a_container_is_reached_on_loopback_and_writes_to_named_volumes(
    stack: Stack, name: str
) -> None:
    attributes = stack.containers()[name].attrs
    published = [
        one for ports in attributes["HostConfig"]["PortBindings"].values() for one in ports
    ]
    assert {one["HostIp"] for one in published} <= {"127.0.0.1"}
    for mount in attributes["Mounts"]:
        if mount["Type"] == "bind":
            assert not mount["RW"], mount["Destination"]
        else:
            assert mount["Name"].startswith(f"{PROJECT}_"), mount["Destination"]


def test_no_secret_is_in_what_the_engine_tells_about_a_container(stack: Stack) -> None:
    secrets = [stack.secret(name) for name in STACK["secrets"]]
    for name, container in stack.containers().items():
        told = str(container.attrs) + container.logs().decode(errors="replace")
        assert not any(secret in told for secret in secrets), name


def test_nobody_can_end_prometheus_or_delete_from_it_over_http(stack: Stack) -> None:
    url = stack.url("prometheus")
    for path in ("/-/quit", "/-/reload", "/api/v1/admin/tsdb/snapshot"):
        assert requests.post(f"{url}{path}", timeout=10).status_code >= 400, path
    assert stack.containers()["prometheus"].status == "running"


def test_a_reload_takes_what_is_new_and_refuses_what_is_broken(stack: Stack) -> None:
    file = stack.folder / "out" / "prometheus" / "prometheus.yml"
    good = file.read_text()

    def reload(text: str) -> None:
        beside = file.with_suffix(".new")
        beside.write_text(text)
        beside.replace(file)  # as an editor and `generate` do it: another file under the name
        stack.call("kill", "-s", "SIGHUP", "prometheus")

    def went_well() -> bool:
        page = requests.get(f"{stack.url('prometheus')}/metrics", timeout=10).text
        return "\nprometheus_config_last_reload_successful 1\n" in page

    def loaded() -> str:
        return str(stack.get("prometheus", "/api/v1/status/config")["data"]["yaml"])

    assert "evaluation_interval: 2s" not in loaded()
    changed = good.replace("evaluation_interval: 1500ms", "evaluation_interval: 2s")
    reload(changed)
    eventually(lambda: "evaluation_interval: 2s" in loaded(), 20, stack)
    assert went_well()
    reload("broken: [")
    eventually(lambda: not went_well(), 20, stack)
    assert "evaluation_interval: 2s" in loaded()
    reload(good)
    eventually(went_well, 20, stack)


def test_the_password_of_grafana_is_the_one_that_was_made(
    stack: Stack, without_grafana: str
) -> None:
    if without_grafana:
        pytest.skip(f"Grafana was not started: {without_grafana}")
    user = f"{stack.url('grafana')}/api/user"
    assert requests.get(user, timeout=10).status_code == 401
    assert requests.get(user, auth=("admin", "admin"), timeout=10).status_code == 401
    login = ("admin", stack.secret("grafana-admin-password"))
    assert requests.get(user, auth=login, timeout=10).status_code == 200
    boards = requests.get(f"{stack.url('grafana')}/api/search?type=dash-db", auth=login, timeout=10)
    assert len(boards.json()) == len(list((stack.folder / "out/grafana/dashboards").glob("*.json")))


def test_it_ends_by_itself_when_told_and_finds_its_data_again(stack: Stack) -> None:
    query = "/api/v1/query?query=count_over_time(up{job='vllm'}[1h])"

    before = _value(stack.get("prometheus", query))
    stack.call("stop")
    states = {name: one.attrs["State"] for name, one in stack.containers().items()}
    # 143: ended by the signal that asks to; 137 would be the one that does not ask.
    assert {state["ExitCode"] for state in states.values()} <= {0, 143}, states
    assert not any(state["OOMKilled"] for state in states.values())
    _up(stack)
    assert _value(stack.get("prometheus", query)) >= before > 0
