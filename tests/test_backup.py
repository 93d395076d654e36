"""Backup and restore of the native stack, with real servers."""

import contextlib
import fcntl
import itertools
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.backup import archive
from compose.backup import native as backup_native
from tests import backed_up, real
from tests.backed_up import Site
from tests.command import run
from tests.small_site import eventually

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One stack for all tests that leave a stack behind."""
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    folder = tmp_path_factory.mktemp("backup")
    with contextlib.chdir(folder), backed_up.site(folder) as made:
        yield made


@pytest.fixture
def site(shared: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(shared.folder)
    shared.archive.unlink(missing_ok=True)
    shared.up()
    return shared


def test_everything_is_there_again_after_the_data_was_deleted(
    here: Path, native_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", native_path)
    with backed_up.site(here) as site:
        site.feedback(3)
        site.silence("model", "chat")
        silences, until = site.silences(), time.time()
        samples, before = site.samples(until), site.stack
        said = site.backup()
        assert said.code == 0, said.err
        assert site.stack.exporters == before.exporters
        known = backed_up.manifest(site.archive)
        assert "Prometheus stood still for " in said.err
        assert 0 < known["pause_s"] < 60
        site.feedback(2)

        site.delete_data()
        said = site.restore()
        assert said.code == 0, said.err
        assert f"start it with: modelwatch up --native {site.inventory}" in said.out
        site.up()

        assert len(samples) > 3
        assert site.samples(until)[: len(samples)] == samples
        assert site.silences() == silences
        assert site.states("chat", "other") == {"chat": "suppressed", "other": "active"}
        assert site.feedback_counted() == 3


def test_a_backup_costs_a_few_scrapes_and_says_so(site: Site) -> None:
    began = time.time()
    said = site.backup()
    assert said.code == 0, said.err
    eventually(lambda: site.samples(time.time())[-1][0] > began + 10)
    times = [at for at, _ in site.samples(time.time())]
    gap = max(after - before for before, after in itertools.pairwise(times))
    pause = backed_up.manifest(site.archive)["pause_s"]
    print(f"stood still for {pause} s; between two scrapes {gap:.1f} s")  # noqa: T201
    assert pause < gap
    assert not list(site.data.rglob(".modelwatch-backup"))
    assert site.archive.stat().st_mode & 0o777 == 0o600


def test_a_stack_that_is_down_stays_down_and_is_saved_whole(site: Site) -> None:
    site.feedback(1)
    counted, until = site.feedback_counted(), time.time()
    samples = site.samples(until)
    site.down()
    assert site.backup().code == 0
    assert backed_up.manifest(site.archive)["pause_s"] == 0
    assert site.restore("--force").code == 0
    site.up()
    assert site.samples(until)[: len(samples)] == samples
    assert site.feedback_counted() == counted


def test_a_restore_into_a_running_stack_needs_force_and_brings_back_the_past(site: Site) -> None:
    site.silence("model", "chat")
    site.feedback(1)
    assert site.backup().code == 0
    silences, counted, before = site.silences(), site.feedback_counted(), site.stack
    site.silence("model", "later")
    site.feedback(5)

    said = site.restore()
    assert said.code == 1
    assert "overwritten: prometheus, alertmanager, state-quality" in said.err
    assert site.stack == before
    assert len(site.silences()) == len(silences) + 1

    said = site.restore("--force")
    assert said.code == 0, said.err
    assert said.out.endswith("it runs again\n")
    assert site.silences() == silences
    assert site.feedback_counted() == counted
    assert not site.stack.dead
    assert not list(site.data.rglob(".modelwatch-*/"))


def test_an_archive_that_is_there_is_not_replaced_without_force(site: Site) -> None:
    site.archive.write_text("precious")
    said = site.backup()
    assert said.code == 1
    assert "already there" in said.err
    assert site.archive.read_text() == "precious"
    assert site.backup("--force").code == 0
    said = run("backup", site.inventory, "-o", site.folder / "nowhere" / "x.tar.gz")
    assert "there is no folder" in said.err


def test_a_damaged_archive_changes_nothing(site: Site) -> None:
    assert site.backup().code == 0
    good = site.archive.read_bytes()
    site.archive.write_bytes(good[: len(good) // 2])
    before = site.stack
    said = site.restore("--force")
    assert said.code == 1
    assert "is damaged" in said.err
    assert "nothing was changed" in said.err
    assert site.stack == before
    assert not site.stack.dead


def test_data_that_the_servers_refuse_is_put_back(site: Site, tmp_path: Path) -> None:
    site.silence("model", "chat")
    silences, until = site.silences(), time.time()
    samples = site.samples(until)
    assert site.backup().code == 0
    unpacked = tmp_path / "unpacked"
    site.down()
    side = backup_native.Native(data_dir=site.data, start=lambda: None)
    side.freeze()
    copy = site.data / "alertmanager" / ".modelwatch-backup" / "silences"
    copy.write_bytes(b"no silences")
    broken = _archive_of(side, unpacked)
    side.forget()
    site.up()
    said = run("restore", site.inventory, broken, "--force")
    assert said.code == 1, said.out
    assert "cannot be used, the old is back: Alertmanager ended by itself" in said.err
    assert not site.stack.dead
    assert site.silences() == silences
    assert site.samples(until)[: len(samples)] == samples


def _archive_of(side: backup_native.Native, path: Path) -> Path:
    manifest = archive.Manifest(
        files=tuple(side.listing()), stack="native", made_by="a test", time="now"
    )
    with path.open("wb") as target:
        archive.write(target, manifest, side.content(manifest.files))
    return path


@contextlib.contextmanager
def small_disk() -> Iterator[None]:
    """No file can become longer, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_behind(site: Site) -> None:
    site.down()
    with small_disk():
        said = site.backup()
    assert said.code == 1
    assert "File too large; nothing of it is left" in said.err
    assert [one.name for one in site.folder.glob("*backup*")] == []
    assert [one.name for one in site.folder.glob(".backup*")] == []
    assert site.backup().code == 0

    kept = _bytes(site.data / "prometheus")
    with small_disk():
        said = site.restore("--force")
    assert said.code == 1
    assert "cannot write beside the data: File too large; nothing was replaced" in said.err
    assert _bytes(site.data / "prometheus") == kept


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


INTERRUPT = """
import os, signal
from compose.backup import folder as backup_folder
backup_folder.freeze = lambda *_: os.kill(os.getpid(), signal.{signal})
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_backup_that_is_interrupted_starts_what_it_stopped(site: Site, name: str) -> None:
    before = site.stack
    script = INTERRUPT.format(signal=name)
    code = site.killed(script, "backup", site.inventory, "-o", site.archive)
    assert code == (1 if name == "SIGINT" else 128 + getattr(signal, name))
    assert not site.stack.dead
    assert site.stack.prometheus.pid != before.prometheus.pid
    assert not list(site.folder.glob("*.gz*"))
    assert not list(site.folder.glob(".*.partial"))


def test_a_backup_that_is_killed_leaves_a_stack_that_starts(site: Site) -> None:
    site.silence("model", "chat")
    silences, until = site.silences(), time.time()
    samples = site.samples(until)
    script = INTERRUPT.format(signal="SIGKILL")
    assert site.killed(script, "backup", site.inventory, "-o", site.archive) == -signal.SIGKILL
    assert [one.name for one in site.stack.dead] == ["Prometheus", "Alertmanager"]
    site.up()
    assert site.silences() == silences
    assert site.samples(until)[: len(samples)] == samples
    assert site.backup().code == 0


KILLED_AT = {
    "before anything is swapped": ("swap_all", "lambda *_: kill()"),
    "before the first part": ("swap", "lambda *_: kill()"),
    "after the first part": ("swap", "lambda root: kill() if done else done.append(swap(root))"),
}
KILL = """
import os, signal
from compose.backup import folder as backup_folder
done, swap = [], backup_folder.swap
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
backup_folder.{name} = {what}
"""


@pytest.mark.parametrize("at", KILLED_AT)
def test_a_restore_that_is_killed_leaves_the_old_data_or_the_new(site: Site, at: str) -> None:
    site.silence("model", "chat")
    assert site.backup().code == 0
    new, counted = site.silences(), site.feedback_counted()
    site.silence("model", "later")
    site.feedback(2)
    old = site.silences()
    name, what = KILLED_AT[at]
    script = KILL.format(name=name, what=what)
    code = site.killed(script, "restore", site.inventory, site.archive, "--force")
    assert code == -signal.SIGKILL
    site.up()
    kept = name == "swap_all"
    assert site.silences() == (old if kept else new)
    assert site.feedback_counted() == counted + (2 if kept else 0)
    assert site.restore("--force").code == 0
    assert site.silences() == new


def test_two_backups_at_once_do_not_meet(site: Site) -> None:
    with (site.data / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = site.backup()
    assert said.code == 1
    assert "another backup or restore is at work" in said.err


def test_an_inventory_that_is_gone_comes_from_the_archive(site: Site) -> None:
    text = site.inventory.read_text()
    assert site.backup().code == 0
    site.delete_data()
    site.inventory.unlink()
    said = site.restore()
    assert f"wrote {site.inventory}" in said.out
    assert site.inventory.read_text() == text
    site.inventory.write_text(f"{text}# changed\n")
    said = site.restore("--force")
    assert "yours is kept and used" in said.err


def test_an_older_release_is_told_of_data_of_a_newer_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = backup_native.Native.versions

    def later(self: backup_native.Native) -> dict[str, str]:
        return {**versions(self), "prometheus": "99.1.0"}

    with monkeypatch.context() as patched:
        patched.setattr(backup_native.Native, "versions", later)
        assert site.backup().code == 0
    site.down()
    said = site.restore("--force")
    assert "note: prometheus 99.1.0 wrote this" in said.err
    assert "alertmanager" not in said.err


def test_nothing_to_back_up_is_told(here: Path) -> None:
    inventory = here / "models.yaml"
    inventory.write_text("models: []\n")
    said = run("backup", inventory, "-o", here / "x.tar.gz")
    assert said.code == 1
    assert "there is no data of" in said.err
    assert not (here / "x.tar.gz").exists()
