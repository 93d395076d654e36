"""What is settled before any container runs: variables, secrets, and which way is taken."""

import os
import re
import socket
import stat
from collections.abc import Collection
from pathlib import Path

import pytest

from compose.addresses import Secret
from compose.containers import doctor as doctor_containers
from compose.containers import environment, mounted_secrets
from compose.containers import stack as containers
from compose.ports import free_port
from generator.stack import data_dir
from tests import real, small_site
from tests.command import run
from tests.small_site import TEXT

NOWHERE = "unix:///nowhere/docker.sock"


@pytest.fixture(autouse=True)
def _nobody_said_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*environment.variables(), "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)


# variables


def chosen(folder: Path, held: Collection[str] = ()) -> dict[str, str]:
    found = environment.chosen(folder, {"MODELWATCH_CONFIG": str(folder / "c d")}, held)
    environment.write(folder, found)
    assert environment.read(folder) == found
    return found


def test_a_port_that_is_taken_gives_way_and_links_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "is_free", lambda port: port != 9090)
    found = chosen(tmp_path)
    assert found["ALERTMANAGER_PORT"] == "9093"
    assert found["PROMETHEUS_PORT"] != "9090"
    assert found["PROMETHEUS_URL"] == f"http://localhost:{found['PROMETHEUS_PORT']}"
    assert found["MODELWATCH_CONFIG"] == str(tmp_path / "c d")
    assert found["GPU_HOST"] == socket.gethostname()


def test_a_port_stays_with_the_stack_that_has_it_or_finds_it_free(
    tmp_path: Path,
) -> None:
    port = free_port()
    (tmp_path / environment.NAME).write_text(f"QUALITY_PORT={port}\n")
    assert chosen(tmp_path)["QUALITY_PORT"] == str(port)
    with socket.create_server(("127.0.0.1", port)):
        assert chosen(tmp_path, {str(port)})["QUALITY_PORT"] == str(port)
        assert chosen(tmp_path)["QUALITY_PORT"] != str(port)


def test_what_was_said_once_by_variable_or_by_hand_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_RETENTION_TIME", "90d")
    chosen(tmp_path)
    monkeypatch.delenv("PROMETHEUS_RETENTION_TIME")
    with (tmp_path / environment.NAME).open("a") as file:
        file.write("BIND_ADDRESS=10.0.0.7\nGRAFANA_URL=https://grafana.example.com\n")
    found = chosen(tmp_path)
    assert found["PROMETHEUS_RETENTION_TIME"] == "90d"
    assert found["BIND_ADDRESS"] == "10.0.0.7"
    assert found["GRAFANA_URL"] == "https://grafana.example.com"


# secrets


def test_secrets_are_copied_so_that_containers_can_read_them_and_others_cannot(
    tmp_path: Path,
) -> None:
    umask = os.umask(0o077)
    try:
        for name, text in (("url", "http://127.0.0.1:1/a\n"), ("key", "http://127.0.0.1:1/a\n")):
            (tmp_path / name).write_text(text)
        (tmp_path / "data").mkdir()
        secrets = [secret("url", "alertmanager"), secret("key", "probe"), secret("no", "probe")]
        mounted_secrets.prepare(tmp_path / "data", secrets, tmp_path)
    finally:
        os.umask(umask)
    folder = tmp_path / "data" / "secrets"
    assert (folder / "alertmanager/url").read_text() == "http://host.docker.internal:1/a\n"
    assert (folder / "probe/key").read_text() == "http://127.0.0.1:1/a\n"  # a key is no address
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)
    (left,) = mounted_secrets.unreadable(tmp_path / "data", secrets, tmp_path)
    assert left.source == "no"


def secret(name: str, folder: str) -> Secret:
    return Secret(user="receiver a", source=name, folder=folder, name=name)


def test_a_secret_that_was_put_there_by_hand_is_fine(tmp_path: Path) -> None:
    own = Secret(user="probe a", source="/etc/modelwatch/k9", folder="probe", name="k9")
    mounted_secrets.prepare(tmp_path, [own], tmp_path)
    assert list(mounted_secrets.unreadable(tmp_path, [own], tmp_path)) == [own]
    (tmp_path / "secrets/probe/k9").write_text("key")
    assert not list(mounted_secrets.unreadable(tmp_path, [own], tmp_path))


# doctor


def test_ports_that_are_open_to_the_network_without_a_login_are_found(tmp_path: Path) -> None:
    with small_site.page("up 1\n", host="0.0.0.0") as port:
        for address, found in (("127.0.0.1", 0), ("0.0.0.0", 1)):
            (tmp_path / environment.NAME).write_text(
                f"BIND_ADDRESS={address}\nPROMETHEUS_PORT={port}\nALERTMANAGER_PORT={free_port()}\n"
            )
            assert len(list(doctor_containers.open_bindings(tmp_path))) == found


# the way


@pytest.mark.real
@pytest.mark.servers
def test_without_an_engine_it_runs_as_processes_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.program("prometheus")
    inventory = here(tmp_path, monkeypatch)
    try:
        said = run("up", inventory)
        assert said.code == 0, said.err
        assert said.err.startswith(
            f"no Docker engine answers at {NOWHERE}: running as processes of this machine\n"
        )
        said = run("up", inventory, "--docker")
        assert said.code == 1
        assert "it runs as processes of this machine; end it with `down` first" in said.err
    finally:
        said = run("down", inventory, "--volumes")
    assert re.fullmatch(r"deleting \.modelwatch/models-\w+\nstopped\n", said.out)
    assert not list(tmp_path.glob(".modelwatch/models-*"))


def test_what_was_started_in_containers_is_not_started_twice_while_docker_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = here(tmp_path, monkeypatch)
    folder = data_dir(str(inventory))
    folder.mkdir(parents=True)
    containers.remember(containers.Project(data_dir=folder, inventory=str(inventory)))
    for command in ("up", "status", "down"):
        said = run(command, inventory)
        assert said.code == 3
        assert f"no Docker engine answers at {NOWHERE}" in said.err


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (NOWHERE, f"no Docker engine answers at {NOWHERE}"),
        ("ssh://me@gpu7", "the Docker engine at ssh://me@gpu7 is of another machine"),
        ("tcp://127.0.0.1:1", "no Docker engine answers at tcp://127.0.0.1:1"),
    ],
)
def test_who_wants_containers_is_told_why_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, reason: str
) -> None:
    inventory = here(tmp_path, monkeypatch)
    monkeypatch.setenv("DOCKER_HOST", host)
    said = run("up", inventory, "--docker")
    assert said.code == 3
    assert said.err.startswith(f"error: {reason}")
    assert not (tmp_path / ".modelwatch").exists()


def test_what_is_for_containers_only_is_not_taken_for_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("up", here(tmp_path, monkeypatch), "--native", "--without", "grafana")
    assert said.code == 2
    assert "--profile, --without and --file are for containers" in said.err


def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    inventory = tmp_path / "models.yaml"
    inventory.write_text(TEXT.format(folder=tmp_path, page=1))
    return inventory
