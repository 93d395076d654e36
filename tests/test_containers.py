"""`up` with containers, from nothing: the commands as people type them, on a real Docker engine."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.models.containers import Container

from compose import checked
from compose.containers import pulling
from compose.demo import webhook
from tests import images, small_site, stand_ins
from tests.command import Said, run
from tests.small_site import eventually

pytestmark = [pytest.mark.real, pytest.mark.docker]

TEXT = """\
settings: {{scrape_interval: 15s, time_compression: 20, deadman: heartbeat}}
teams:
  assist: {{page: on-call}}
receivers:
  on-call: {{webhook: {{url_file: {folder}/url}}}}
  heartbeat: {{webhook: {{url: "http://127.0.0.1:{inbox}/heartbeat"}}}}
exporters:
  inventory: {{targets: ["127.0.0.1:9468"]}}
engines:
  shelf:
    model_label: m
    signals:
      requests_running: {{gauge: shelf_running}}
models:
  - name: chat
    team: assist
    sources: [{{engine: shelf, targets: ["127.0.0.1:{page}"], model: chat}}]
"""
PAGE = '# TYPE shelf_running gauge\nshelf_running{m="chat"} 3\n'
SERVICES = ["alertmanager", "inventory", "prometheus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An inventory whose model and receiver are on this machine, and what `up` said of it."""

    engine: DockerClient
    inventory: Path
    inbox: webhook.Inbox
    options: tuple[str, ...]
    said: Said

    def containers(self) -> dict[str, Container]:
        found = self.engine.containers.list(all=True)
        return {
            one.labels["com.docker.compose.service"]: one
            for one in found
            if one.labels.get("com.docker.compose.project", "").startswith("modelwatch-site-")
        }

    def prometheus(self, path: str) -> Any:
        (url,) = re.findall(r"^prometheus +(http\S+)$", self.said.out, re.MULTILINE)
        answer = requests.get(f"{url}/api/v1/{path}", timeout=10)
        return answer.json()["data"]

    @property
    def secret(self) -> Path:
        return self.inventory.with_name("url")

    def starts(self) -> dict[str, str]:
        return {name: one.attrs["State"]["StartedAt"] for name, one in self.containers().items()}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    yield from images.engine()


@pytest.fixture(scope="module")
def options(engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What `up` must be told here: the images that are there."""
    with stand_ins.present(engine):
        files = stand_ins.overrides(engine, tmp_path_factory.mktemp("overrides"))
        why_not = images.available(engine, stand_ins.IMAGES["grafana"])
        yield [*(f"--file={file}" for file in files), *(["--without=grafana"] if why_not else [])]


@pytest.fixture(scope="module")
def site(
    engine: DockerClient, options: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("containers")
    with (
        pytest.MonkeyPatch.context() as patch,
        small_site.page(PAGE, host="0.0.0.0") as page,
        _inbox() as (port, inbox),
    ):
        patch.chdir(folder)
        patch.setenv("PATH", stand_ins.search_path(folder))
        inventory = folder / "site.yaml"
        (folder / "url").write_text(f"http://localhost:{port}/on-call\n")
        (folder / "url").chmod(0o600)
        inventory.write_text(TEXT.format(folder=folder, inbox=port, page=page))
        try:
            said = run("up", "--docker", inventory, *options)
            assert said.code == 0, said.err
            yield Site(
                engine=engine, inventory=inventory, inbox=inbox, options=tuple(options), said=said
            )
        finally:
            run("down", inventory, "--volumes")


@contextmanager
def _inbox() -> Iterator[tuple[int, webhook.Inbox]]:
    """Receives what Alertmanager sends to this machine."""
    inbox = webhook.Inbox()
    with webhook.server(0, inbox, host="0.0.0.0") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], inbox
        server.shutdown()
        thread.join()


def test_up_starts_what_the_inventory_needs_and_returns_when_it_is_healthy(site: Site) -> None:
    health = {name: one.attrs["State"]["Health"] for name, one in site.containers().items()}
    assert sorted(set(health) - {"grafana"}) == SERVICES
    assert {one["Status"] for one in health.values()} == {"healthy"}
    for name in SERVICES:
        assert re.search(rf"^{name} +healthy after \d+ s$", site.said.err, re.MULTILINE)
    assert re.search(
        r"^Docker \S+ and compose \S+: running in containers$", site.said.err, re.MULTILINE
    )
    assert "so these servers must not listen on loopback only" in site.said.err


def test_the_line_for_compose_by_hand_works_as_it_is_printed(site: Site) -> None:
    (line,) = re.findall(r"^by hand: (.*) ps$", site.said.out, re.MULTILINE)
    asked = [*shlex.split(line), "ps", "--quiet", "prometheus"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == site.containers()["prometheus"].id


def test_the_model_on_this_machine_is_scraped_and_status_says_that_all_is_well(site: Site) -> None:
    def targets() -> dict[str, str]:
        found = site.prometheus("targets?state=active")["activeTargets"]
        return {one["labels"]["instance"].partition(":")[0]: one["health"] for one in found}

    eventually(lambda: set(targets().values()) == {"up"})
    assert set(targets()) == {"host.docker.internal", *SERVICES}
    eventually(lambda: run("status", site.inventory).code == 0)
    said = run("status").out  # the only one that runs here
    assert "models              1 of 1 have series" in said
    assert re.search(r"^inventory +not published +ready$", said, re.MULTILINE)
    servers = json.loads(run("status", "--format", "json").out)["servers"]
    assert {one["state"] for one in servers} == {"ready"}


def test_a_secret_address_is_one_that_containers_reach_and_only_they_can_read(site: Site) -> None:
    code, said = site.containers()["alertmanager"].exec_run(["amtool", "--version"])
    assert code == 0, said
    (copy,) = site.inventory.parent.glob(".modelwatch/*/secrets/alertmanager/url")
    assert re.fullmatch(r"http://host\.docker\.internal:\d+/on-call\n", copy.read_text())
    assert copy.stat().st_mode & 0o777 == 0o644
    assert copy.parents[1].stat().st_mode & 0o777 == 0o700
    assert copy.parents[2].stat().st_mode & 0o777 == 0o700


def test_logs_are_those_of_the_containers(site: Site) -> None:
    every = run("logs", site.inventory, "-n", "2").out.splitlines()
    assert {line.partition(":")[0] for line in every} >= set(SERVICES)
    assert "Server is ready" in run("logs", "prometheus", "-n", "500").out
    said = run("logs", site.inventory, "nobody")
    assert said.code == 1
    assert "no log 'nobody'; there are: " in said.err


def test_doctor_finds_nothing_wrong_and_then_what_is(site: Site) -> None:
    said = run("doctor", site.inventory)
    assert said.code == 0, said.out
    site.secret.write_text(site.secret.read_text())  # newer than its copy
    (copy,) = site.inventory.parent.glob(".modelwatch/*/secrets/alertmanager/url")
    copy.chmod(0o600)
    said = run("doctor", site.inventory)
    assert said.code == 1
    assert "changed after it was copied for the containers" in said.out
    assert f"the users in the containers cannot read {copy}" in said.out
    assert run("reload", site.inventory).code == 0
    assert run("doctor", site.inventory).code == 0


def test_reload_takes_what_is_new_and_restarts_nothing(site: Site) -> None:
    before, text = site.starts(), site.inventory.read_text()
    (port,) = re.findall(r"127\.0\.0\.1:(\d+)/heartbeat", text)
    storage = f'remote_write: [{{url: "http://127.0.0.1:{port}/w", token_file: {site.secret}}}]'
    new = f"scrape_interval: 30s, {storage}"
    site.inventory.write_text(text.replace("scrape_interval: 15s", new))
    said = run("reload", site.inventory)
    assert said.code == 0, said.err
    loaded = site.prometheus("status/config")["yaml"]
    assert "scrape_interval: 1s500ms" in loaded
    assert "credentials_file: /etc/modelwatch/url" in loaded
    assert f"url: http://host.docker.internal:{port}/w" in loaded
    assert site.starts() == before
    site.inventory.write_text(text)
    assert run("up", site.inventory).code == 0  # in the way, and with the files, that it runs with
    assert "scrape_interval: 750ms" in site.prometheus("status/config")["yaml"]
    after = site.starts()
    assert [after[name] for name in ("prometheus", "alertmanager")] == [
        before[name] for name in ("prometheus", "alertmanager")
    ]


def test_a_broken_configuration_is_refused_before_it_is_sent(site: Site) -> None:
    (folder,) = site.inventory.parent.glob(".modelwatch/site-*")
    mounted = [*folder.glob("config/**/*.yml"), *folder.glob("inventory/*")]
    before, text = {file: file.read_bytes() for file in mounted}, site.inventory.read_text()
    broken = "batch_size: {promql: 'sum by (m) (('}\n      requests_running:"
    site.inventory.write_text(text.replace("requests_running:", broken))
    said = run("reload", site.inventory)
    site.inventory.write_text(text)
    assert said.code == 1
    assert "promtool refuses prometheus/prometheus.yml" in said.err
    assert "what runs keeps the old one" in said.err
    assert {file: file.read_bytes() for file in mounted} == before
    assert not list(folder.glob("config-*"))
    assert "Error" not in site.containers()["prometheus"].logs().decode()  # it was never asked
    looked = site.engine.containers.list(all=True, filters={"label": checked.CHECKS})
    assert not [one for one in looked if str(folder) in one.labels[checked.CHECKS]]


def test_it_goes_on_in_the_way_in_which_it_runs(site: Site) -> None:
    said = run("up", site.inventory, "--native")
    assert said.code == 1
    assert "it runs in containers; end it with `down` first" in said.err


def test_an_alert_reaches_a_receiver_on_this_machine(site: Site) -> None:
    eventually(lambda: [one for one in site.inbox.listed() if one["to"] == "heartbeat"])


def test_down_keeps_the_data_and_says_what_it_deletes_when_it_is_to(site: Site) -> None:
    names = {one.name for one in site.engine.volumes.list() if "modelwatch-site-" in one.name}
    assert "stopped\n" in run("down", site.inventory).out
    assert not site.containers()
    assert run("status", site.inventory).code == 3
    kept = {one.name for one in site.engine.volumes.list() if "modelwatch-site-" in one.name}
    assert kept == names
    assert len(names) >= len(SERVICES)
    said = run("down", site.inventory, "--volumes")
    assert all(name in said.out for name in names)
    assert not [one for one in site.engine.volumes.list() if one.name in names]
    assert not list(site.inventory.parent.glob(".modelwatch/site-*"))


# other beginnings


@pytest.fixture
def other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> Iterator[tuple[Path, list[str]]]:
    """An inventory of which nothing runs yet, and what `up` must be told here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", stand_ins.search_path(tmp_path))
    inventory = tmp_path / "other.yaml"
    inventory.write_text(TEXT.format(folder=tmp_path, inbox=1, page=1))
    yield inventory, options
    run("down", inventory, "--volumes")


def of_other(engine: DockerClient) -> list[Container]:
    return [one for one in engine.containers.list(all=True) if "-other-" in str(one.name)]


def test_a_container_that_is_not_going_to_be_healthy_is_told_with_its_log_and_left(
    other: tuple[Path, list[str]], engine: DockerClient
) -> None:
    inventory, options = other
    wrong = inventory.with_name("wrong.yaml")
    command = "[--config.file=/nowhere.yml, --storage.path=/alertmanager]"
    wrong.write_text(f"services: {{alertmanager: {{command: {command}}}}}\n")
    said = run("up", "--docker", inventory, *options, f"--file={wrong}")
    assert said.code == 3
    assert re.search(r"error: alertmanager (ended|is) .*; the end of its log says:\n", said.err)
    assert "/nowhere.yml" in said.err
    (left,) = [one for one in of_other(engine) if one.status != "created"]
    assert "alertmanager" in str(left.name)
    assert run("status", inventory).code == 3
    wrong.unlink()
    wrong.write_text("services: {}\n")
    assert run("up", inventory).code == 0  # mended, with the files that it was started with


def test_an_image_that_cannot_be_had_is_named_with_the_ways_around_it(
    other: tuple[Path, list[str]], engine: DockerClient
) -> None:
    inventory, options = other
    mirror = inventory.with_name("mirror.yaml")
    mirror.write_text("services: {grafana: {image: 'localhost:1/nobody/grafana:1'}}\n")
    options = [one for one in options if one != "--without=grafana"]
    said = run("up", "--docker", inventory, *options, f"--file={mirror}")
    assert said.code == 3
    assert "error: the image localhost:1/nobody/grafana:1 of grafana cannot be pulled\n" in said.err
    assert "--without grafana" in said.err
    assert not of_other(engine)


def test_an_installed_package_says_how_its_image_is_had(
    other: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory, options = other
    monkeypatch.setattr(pulling, "ROOT", inventory.parent)  # where there are no sources
    mine = inventory.with_name("mine.yaml")
    mine.write_text("services: {inventory: {image: 'modelwatch-exporter:nobody'}}\n")
    said = run("up", "--docker", inventory, *options, f"--file={mine}")
    assert said.code == 1
    assert "error: the image modelwatch-exporter:nobody is not on this machine" in said.err
    assert "`docker build --file compose/exporter.Dockerfile --tag modelwatch-exporter:" in said.err


@pytest.mark.slow
def test_in_the_foreground_everything_ends_with_it(
    other: tuple[Path, list[str]], engine: DockerClient
) -> None:
    inventory, options = other
    program = [sys.executable, "-c", "from generator.cli import main; main()"]
    command = [*program, "up", "--docker", "--foreground", str(inventory), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr
        until = (line for line in up.stderr if line.startswith(("inventory: ", "prometheus: ")))
        assert next(until)  # its logs follow once it is healthy
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=120)
    assert up.returncode == 0
    assert not of_other(engine)


@pytest.mark.slow
def test_the_image_of_the_exporters_is_built_by_the_compose_on_path_when_it_is_older(
    other: tuple[Path, list[str]], engine: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the compose that is installed, which may be version 1."""
    inventory, options = other
    real_path = [one for one in os.environ["PATH"].split(":") if str(inventory.parent) not in one]
    monkeypatch.setenv("PATH", ":".join(real_path))
    ours = stand_ins.IMAGES["exporter"]
    images.exporter(engine, ours, {"REVISION": "another"})
    said = run("up", "--docker", inventory, *options)
    assert said.code == 0, said.err
    assert f"building {ours}" in said.err
    assert engine.images.get(ours).labels[pulling.REVISION] == pulling.sources()
    assert "building" not in run("up", inventory).err


def test_a_service_that_is_not_there_cannot_be_left_out(other: tuple[Path, list[str]]) -> None:
    inventory, options = other
    said = run("up", "--docker", inventory, *options, "--without=graphana")
    assert said.code == 1
    assert "there is no service 'graphana' to leave out; there are: alertmanager, " in said.err
