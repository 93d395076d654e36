"""Backup and restore of volumes, in a real Docker engine with the unchanged compose file."""

import itertools
import re
import shutil
import signal
import time
from collections.abc import Iterator

import pytest
from docker import DockerClient

from compose.backup import archive
from compose.backup.containers import LABEL
from compose.containers import stack as containers
from compose.native import stack as native
from generator.stack import data_dir
from tests import backed_up, images, real, small_site, stand_ins
from tests.backed_up import Site
from tests.command import Said, run
from tests.exporters.sample import free_port
from tests.small_site import eventually

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.servers, pytest.mark.slow]


class Contained(Site):
    """The same stack in containers; `options` are what `up` must be told here."""

    options: tuple[str, ...] = ()
    engine: DockerClient

    @property
    def running(self) -> containers.Running:
        found = containers.state(self.data)
        assert found
        return found

    @property
    def prometheus_url(self) -> str:
        return self.running.prometheus_url

    @property
    def alertmanager_url(self) -> str:
        return self.running.alertmanager_url

    @property
    def quality(self) -> str:
        return next(one.url for one in self.running.servers if one.name == "quality")

    @property
    def token(self) -> str:
        return (self.data / "secrets" / "quality-token").read_text()

    def up(self) -> Said:
        said = run("up", "--docker", self.inventory, *self.options)
        assert said.code == 0, said.err
        return said

    def down(self) -> None:
        run("down", self.inventory, "--volumes")

    def states_of_containers(self) -> dict[str, str]:
        return {one.name: one.state for one in self.running.servers}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    yield from images.engine()


@pytest.fixture(scope="module")
def site(engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    folder = tmp_path_factory.mktemp("backup-containers")
    with (
        pytest.MonkeyPatch.context() as patch,
        stand_ins.present(engine),
        small_site.page(backed_up.PAGE, host="0.0.0.0") as page,
    ):
        patch.chdir(folder)
        patch.setenv("PATH", stand_ins.search_path(folder))
        for name in ("PROMETHEUS", "ALERTMANAGER", "GRAFANA", "QUALITY"):
            patch.setenv(f"{name}_PORT", str(free_port()))
        made = Contained(folder, page)
        made.engine = engine
        why_not = images.available(engine, stand_ins.IMAGES["grafana"])
        files = stand_ins.overrides(engine, folder)
        made.options = (
            *(f"--file={file}" for file in files),
            *(["--without=grafana"] if why_not else []),
        )
        try:
            made.up()
            eventually(lambda: len(made.samples(time.time())) > 3, 240)
            yield made
        finally:
            made.down()


@pytest.fixture(autouse=True)
def nothing_left(site: Contained) -> Iterator[None]:
    """No container of ours is left behind, and what runs is healthy."""
    yield
    left = site.engine.containers.list(all=True, filters={"label": LABEL})
    assert [one.name for one in left] == []


def test_a_restore_brings_back_series_silences_and_counts(site: Contained) -> None:
    site.feedback(3)
    site.silence("model", "chat")
    silences, until = site.silences(), time.time()
    samples = site.samples(until)
    said = site.backup()
    assert said.code == 0, said.err
    known = backed_up.manifest(site.archive)
    print(said.err, site.archive.stat().st_size)  # noqa: T201
    assert {"prometheus", "alertmanager", "state-quality", "config"} <= {
        one["part"] for one in known["files"]
    }
    assert known["versions"]["alertmanager"] == re.sub(".*v", "", stand_ins.IMAGES["alertmanager"])
    assert set(site.states_of_containers().values()) == {"ready"}
    again = time.time()
    eventually(lambda: site.samples(time.time())[-1][0] > again)
    times = [at for at, _ in site.samples(time.time())]
    gap = max(after - before for before, after in itertools.pairwise(times))
    print(f"stood still for {known['pause_s']} s; between two scrapes {gap:.1f} s")  # noqa: T201

    site.feedback(2)
    site.silence("model", "later")
    said = site.restore()
    assert said.code == 1
    assert "data that would be overwritten: alertmanager, " in said.err
    assert site.feedback_counted() == 5

    said = site.restore("--force")
    assert said.code == 0, said.err
    assert said.out.endswith("it runs again\n")
    assert site.silences() == silences
    assert site.feedback_counted() == 3
    assert len(samples) > 3
    assert site.samples(until)[: len(samples)] == samples
    assert site.states("chat", "other") == {"chat": "suppressed", "other": "active"}
    assert set(site.states_of_containers().values()) == {"ready"}


def test_after_all_volumes_are_deleted_a_new_stack_takes_the_backup(site: Contained) -> None:
    site.silence("model", "chat")
    silences, until = site.silences(), time.time()
    samples = site.samples(until)
    assert site.backup("--force").code == 0
    site.down()
    said = site.restore("--force")
    assert said.code == 1
    assert f"there are none: modelwatch up {site.inventory} makes them" in said.err
    site.up()
    assert site.silences() == []
    said = site.restore("--force")
    assert said.code == 0, said.err
    assert site.silences() == silences
    assert site.samples(until)[: len(samples)] == samples


def test_an_archive_goes_from_containers_to_processes_and_back(
    site: Contained, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.silence("model", "chat")
    site.feedback(2)
    silences, counted, until = site.silences(), site.feedback_counted(), time.time()
    samples = site.samples(until)
    assert site.backup("--force").code == 0
    path = real.path_of_three()
    with small_site.page(backed_up.PAGE) as page, monkeypatch.context() as patch:
        patch.setenv("PATH", path)
        folder = site.folder / "native"
        folder.mkdir()
        processes = Site(folder, page)
        shutil.copy(site.archive, processes.archive)
        try:
            said = processes.restore("--native")
            assert said.code == 0, said.err
            processes.up()
            assert processes.silences() == silences
            assert processes.feedback_counted() == counted
            assert processes.samples(until)[: len(samples)] == samples
            processes.silence("model", "native")
            processes.feedback(1)
            silences = processes.silences()
            assert processes.backup("--force").code == 0
        finally:
            processes.down()
        assert native.state(data_dir(str(processes.inventory))) is None
    said = run("restore", site.inventory, processes.archive, "--force")
    assert said.code == 0, said.err
    assert "yours is kept and used" in said.err
    assert site.silences() == silences
    assert site.feedback_counted() == counted + 1
    assert site.samples(until)[: len(samples)] == samples
    site.feedback(1)  # the exporter owns its files again
    assert set(site.states_of_containers().values()) == {"ready"}


KILL = """
import os, signal
from compose.backup.containers import Volumes
Volumes._run, run = lambda self, volume, what: (
    os.kill(os.getpid(), signal.SIGKILL) if what == '{what}' else run(self, volume, what)
), Volumes._run
"""


@pytest.mark.parametrize("what", ["freeze", "swap"])
def test_a_command_that_is_killed_leaves_a_stack_that_starts(site: Contained, what: str) -> None:
    site.silence("model", what)
    assert site.backup("--force").code == 0
    silences, until = site.silences(), time.time()
    samples = site.samples(until)
    commands: dict[str, list[object]] = {
        "freeze": ["backup", site.inventory, "-o", site.archive, "--force"],
        "swap": ["restore", site.inventory, site.archive, "--force"],
    }
    assert site.killed(KILL.format(what=what), *commands[what]) == -signal.SIGKILL
    assert "ready" not in site.states_of_containers()["prometheus"]
    site.up()
    assert site.silences() == silences
    assert site.samples(until)[: len(samples)] == samples
    assert site.backup("--force").code == 0


def test_a_broken_archive_stops_nothing(site: Contained) -> None:
    assert site.backup("--force").code == 0
    good = site.archive.read_bytes()
    site.archive.write_bytes(good[:-100])
    before = {one.name: one.attrs["State"]["StartedAt"] for one in site.engine.containers.list()}
    said = site.restore("--force")
    assert said.code == 1
    assert "nothing was changed" in said.err
    after = {one.name: one.attrs["State"]["StartedAt"] for one in site.engine.containers.list()}
    assert before.items() <= after.items()


def test_no_secret_is_in_an_archive_that_only_its_owner_reads(site: Contained) -> None:
    assert site.backup("--force").code == 0
    assert site.archive.stat().st_mode & 0o777 == 0o600
    files = [one for one in (site.data / "secrets").rglob("*") if one.is_file()]
    secrets = [text for one in files if (text := one.read_bytes())]
    assert site.token.encode() in secrets
    with archive.opened(site.archive) as (_, content):
        texts = {one.name: b"".join(data) for one, data in content}
    for name, text in texts.items():
        assert not any(secret.strip() in text for secret in secrets), name
