import json
import shutil
import socket
import time
from pathlib import Path

import pytest

from compose import doctor, listening
from compose.doctor import Finding
from compose.ports import Ports, free_port, is_free
from generator import stack as commands
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from tests import real, small_site
from tests.command import run
from tests.inventory_texts import MODEL
from tests.small_site import TEXT, eventually, exporter


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")  # nothing here is about containers
    secret = tmp_path / "url"
    secret.write_text("http://127.0.0.1:1/\n")
    secret.chmod(0o600)
    (tmp_path / "models.yaml").write_text(TEXT.format(folder=tmp_path, page=1))
    return tmp_path


def fleet(here: Path, more: str = "") -> Inventory:
    file = here / "models.yaml"
    file.write_text(file.read_text() + more)
    return inventory_at(str(file))


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    assert str(found).count("\n") == 0
    assert found.why
    assert found.remedy
    return found


# ports


def test_a_taken_port_of_an_exporter_is_found_with_who_has_it(here: Path) -> None:
    with small_site.page("") as port:
        found = list(doctor.taken_ports(fleet(here, exporter("probe", port)), None))
    assert (
        f"port {port} of the probe exporter is taken by "
        in only([one for one in found if one.wrong]).what
    )


@pytest.mark.servers
def test_a_usual_port_that_others_have_is_only_a_note(here: Path) -> None:
    port = Ports().prometheus
    with socket.socket() as taken:
        if is_free(port):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
        found = list(doctor.taken_ports(fleet(here), None))
    assert f"port {port} is taken by " in found[0].what
    assert not any(one.wrong for one in found)


def test_free_ports_are_fine(here: Path) -> None:
    inventory = fleet(here, exporter("probe", free_port()))
    assert not [one for one in doctor.taken_ports(inventory, None) if one.wrong]


def test_a_listener_is_found_with_its_program() -> None:
    with small_site.page("") as port:
        (found,) = listening.listeners(port)
    assert not found.everywhere
    assert found.program.startswith(("python", "pytest"))
    assert listening.listeners(port) == ()


# secrets


def test_a_secret_that_is_not_there_is_found(here: Path) -> None:
    (here / "url").unlink()
    found = only(list(doctor.secret_files(fleet(here), here)))
    assert found.what == f"{here}/url of receiver on-call cannot be read: No such file or directory"


def test_a_secret_that_everybody_reads_is_found(here: Path) -> None:
    (here / "url").chmod(0o644)
    found = only(list(doctor.secret_files(fleet(here), here)))
    assert found.what == f"everybody on this machine can read {here}/url of receiver on-call"


def test_a_secret_of_ours_alone_is_fine(here: Path) -> None:
    assert list(doctor.secret_files(fleet(here), here)) == []


# disk


def test_a_disk_with_less_room_than_needed_is_found(here: Path) -> None:
    more = shutil.disk_usage(here).total + 1
    found = only(list(doctor.disk(here / "not" / "yet", least_bytes=more)))
    assert "MiB are free" in found.what


def test_a_disk_with_fewer_inodes_than_needed_is_found(here: Path) -> None:
    found = only(list(doctor.disk(here, least_bytes=0, least_inodes=1 << 62)))
    assert "more files fit" in found.what


def test_a_disk_with_room_is_fine(here: Path) -> None:
    assert list(doctor.disk(here, least_bytes=1, least_inodes=1)) == []


# versions


def program(folder: Path, name: str, version: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{name}, version {version} (branch: x)'\n")
    file.chmod(0o755)


def test_releases_that_nobody_tried_are_found(tmp_path: Path) -> None:
    program(tmp_path, "prometheus", "2.30.3")
    program(tmp_path, "promtool", "3.9.0")
    program(tmp_path, "alertmanager", "0.28.1")
    found = list(doctor.program_versions(str(tmp_path)))
    assert [(one.what.split()[0], one.wrong) for one in found] == [
        ("prometheus", True),  # too old
        ("promtool", False),  # newer than proved
        ("amtool", False),  # missing: only the check beforehand is
    ]
    assert found[0].why == "proved are 2.42 to 3.5"
    (tmp_path / "alertmanager").unlink()
    assert ("alertmanager is not on PATH", True) in [
        (one.what, one.wrong) for one in doctor.program_versions(str(tmp_path))
    ]


@pytest.mark.real
def test_the_releases_that_tests_run_with_are_fine(native_path: str) -> None:
    assert list(doctor.program_versions(native_path)) == []


# what a running Prometheus says

PROMISED = f"{MODEL}    slo: {{availability: 99.9%}}\n"
PAGE = '# TYPE a gauge\na{environment="staging",code="1"} 1\nb{environment="dev"} 2\n'


@pytest.mark.real
@pytest.mark.servers
def test_clock_release_labels_and_retention_of_a_prometheus(here: Path, native_path: str) -> None:
    with small_site.page(PAGE) as port:
        targets = f"['127.0.0.1:{port}'], labels: {{environment: production}}"
        scrape = f"{{job_name: clash, static_configs: [{{targets: {targets}}}]}}"
        with small_site.prometheus(here, scrape=scrape, path=native_path) as url:
            eventually(lambda: list(doctor.label_clashes(url)))
            clash = only(list(doctor.label_clashes(url)))
            assert clash.what == "2 series of job 'clash' have exported_environment"

            assert list(doctor.clock(url)) == []
            early = only(list(doctor.clock(url, now=lambda: time.time() - 60)))
            assert early.what == f"the clock of {url} is 60 s ahead"
            late = only(list(doctor.clock(url, now=lambda: time.time() + 60)))
            assert late.what.endswith("60 s behind")

            assert list(doctor.server_version(url)) == []

            (here / "models.yaml").write_text(PROMISED)
            assert list(doctor.retention(url, fleet(here))) == []  # 45 days are kept
            longer = fleet(here, "defaults: {slo_window: 90d}\n")
            short = only(list(doctor.retention(url, longer)))
            assert short.what.endswith("the longest objective is over 90 days")
            assert short.remedy.endswith("--storage.tsdb.retention.time=105d")


def test_a_server_of_another_release_is_found() -> None:
    reply = json.dumps({"status": "success", "data": {"version": "2.30.3"}})
    with small_site.page(reply) as port:
        found = only(list(doctor.server_version(f"http://127.0.0.1:{port}")))
    assert found.what.endswith(" is 2.30.3")


# bindings


def test_a_server_that_asks_nobody_is_found_where_everybody_reaches_it(here: Path) -> None:
    with small_site.page("", host="0.0.0.0") as port:
        inventory = fleet(here, exporter("probe", port))
        found = only(list(doctor.open_bindings(inventory, None)))
    assert f"listens on port {port} of every address without a login" in found.what


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("0.0.0.0", 401)], ids=["loopback", "with a login"]
)
def test_other_bindings_are_fine(here: Path, host: str, status: int) -> None:
    with small_site.page("", host=host, status=status) as port:
        inventory = fleet(here, exporter("probe", port))
        assert list(doctor.open_bindings(inventory, None)) == []


# the command


@pytest.mark.real
@pytest.mark.servers
def test_the_command_tells_findings_and_ends_with_one_when_something_is_wrong(here: Path) -> None:
    for name in ("prometheus", "promtool", "alertmanager", "amtool"):
        real.program(name)
    with small_site.up(here / "models.yaml"):
        fine = run("doctor")
        assert (fine.code, fine.err) == (0, "nothing is wrong\n"), fine.out
        (here / "url").chmod(0o644)
        said = run("doctor", "models.yaml")
        assert (said.code, said.err) == (1, "1 thing wrong\n")
        assert f"; it holds a secret; chmod o= {here}/url\n" in said.out
        (found,) = json.loads(run("doctor", "--format", "json").out)
        assert found["wrong"]
        assert set(found) == {"what", "why", "remedy", "wrong"}


def test_without_a_prometheus_the_rest_is_looked_at(here: Path) -> None:
    (here / "url").unlink()
    said = run("doctor", "models.yaml")
    assert "cannot be read" in said.out
    assert "note: no Prometheus was asked; " in said.out
    said = run("doctor")
    assert said.code == 2
    assert "name an inventory" in said.err


def test_the_folder_of_an_inventory_depends_on_where_it_lies(here: Path) -> None:
    folders = {commands.data_dir(name) for name in ("models.yaml", str(here / "models.yaml"))}
    assert len(folders) == 1
    assert commands.data_dir("other/models.yaml") not in folders
