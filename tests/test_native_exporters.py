import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from compose.native import stack as native
from compose.native.stack import Stack
from compose.ports import free_port, is_free
from generator import stack as commands
from generator.opening import inventory_at
from tests import real, small_site
from tests.command import run
from tests.small_site import TEXT, eventually

pytestmark = [pytest.mark.real, pytest.mark.servers]

CARDS = """\
gpus:
  - pool: l4
    team: assist
    cards: 1
    sources: [{{engine: modelwatch_gpu, targets: ["127.0.0.1:{gpu}"]}}]
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "models.yaml"
    yield file
    run("down", file)


def write(inventory: Path, *, exporters: str = "", gpu: int = 0) -> None:
    text = TEXT.format(folder=inventory.parent, page=1)
    if "inventory:" in exporters:  # then its page tells which inventory it read
        text = text.replace("settings: {", "settings: {constants: exporter, ")
    cards = CARDS.format(gpu=gpu) if gpu else ""
    inventory.write_text(
        f"{text}{cards}exporters: {{{exporters}}}\n" if exporters else text + cards
    )


def running(inventory: Path) -> Stack:
    found = native.state(commands.data_dir(str(inventory)))
    assert found
    return found


def line(name: str, port: int) -> str:
    return f'{name}: {{targets: ["127.0.0.1:{port}"]}}'


def pids(stack: Stack) -> dict[str, int]:
    return {one.name: one.pid for one in stack.exporters}


def test_up_runs_the_exporters_of_this_machine_and_down_ends_them(inventory: Path) -> None:
    inventory_port, gpu, probe = (free_port() for _ in range(3))
    write(inventory, exporters=line("inventory", inventory_port), gpu=gpu)
    said = run("up", "--native", "models.yaml")  # a relative path, as it is typed
    assert said.code == 0, said.err
    first = running(inventory)
    assert set(pids(first)) == {"the gpu exporter", "the inventory exporter"}
    page = requests.get(f"http://127.0.0.1:{inventory_port}/metrics", timeout=5).text
    assert 'model="chat"' in page
    assert requests.get(f"http://127.0.0.1:{gpu}/metrics", timeout=5).ok  # card or none

    moved = free_port()
    write(inventory, exporters=f"{line('inventory', moved)}, {line('probe', probe)}")
    inventory.write_text(inventory.read_text().replace("name: chat", "name: chess"))
    said = run("up", "--native", "models.yaml")
    assert said.code == 0, said.err
    second = running(inventory)
    assert second.prometheus.pid == first.prometheus.pid
    assert set(pids(second)) == {"the probe exporter", "the inventory exporter"}
    assert pids(second)["the inventory exporter"] != pids(first)["the inventory exporter"]
    assert not any(one.alive for one in first.exporters)

    inventory.write_text(inventory.read_text().replace("name: chess", "name: chant"))
    assert run("up", "--native", "models.yaml").code == 0
    assert pids(running(inventory)) == pids(second)  # they read the inventory again themselves
    page_at = f"http://127.0.0.1:{moved}/metrics"
    eventually(lambda: 'model="chant"' in requests.get(page_at, timeout=5).text)

    assert run("down", "models.yaml").out == "stopped\n"
    assert len(second.dead) == len(second.urls)


def test_a_taken_port_is_named_and_nothing_is_started(inventory: Path) -> None:
    with small_site.page("") as port:
        write(inventory, exporters=line("probe", port))
        said = run("up", "--native", inventory)
    assert said.code == 3
    assert f"127.0.0.1:{port} of the probe exporter is taken by " in said.err
    assert f"(process {os.getpid()})" in said.err
    assert native.state(commands.data_dir(str(inventory))) is None


def test_a_killed_exporter_is_started_again(inventory: Path) -> None:
    write(inventory, exporters=line("inventory", free_port()))
    assert run("up", "--native", inventory).code == 0
    stack = running(inventory)
    (before,) = stack.exporters
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: not before.alive)
    fleet = inventory_at(str(inventory))
    said = list(native.supervise(stack, rounds=iter(range(2)), inventory=fleet))
    assert [one.partition(";")[0] for one in said] == [
        "the inventory exporter ended by itself and is started again"
    ]
    (after,) = running(inventory).exporters
    assert after.alive
    assert after.pid != before.pid


def test_what_cannot_be_started_again_does_not_end_the_others(inventory: Path) -> None:
    port = free_port()
    write(inventory, exporters=line("inventory", port))
    assert run("up", "--native", inventory).code == 0
    stack = running(inventory)
    (exporter,) = stack.exporters
    os.kill(exporter.pid, signal.SIGKILL)
    eventually(lambda: not exporter.alive)
    fleet = inventory_at(str(inventory))
    eventually(lambda: is_free(port))
    with small_site.page("", port=port):
        said = list(native.supervise(stack, rounds=iter(range(3)), inventory=fleet))
    assert len(said) == 2  # told once, then it waits
    assert "is taken by" in said[1]
    assert stack.prometheus.alive
    assert run("down", inventory).code == 0
    again = native.supervise(stack, rounds=iter(range(3)), inventory=fleet)
    assert list(again) == ["another command ended it"]


def test_inventories_of_one_name_in_two_folders_run_side_by_side(
    inventory: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "models.yaml"
    other.parent.mkdir()
    write(inventory)
    other.write_text(inventory.read_text())
    with small_site.up(inventory), small_site.up(other):
        assert not set(running(inventory).urls) & set(running(other).urls)
        said = run("status")
        assert said.code == 2
        assert str(inventory) in said.err
        assert str(other) in said.err
        assert run("down", other).out == "stopped\n"
        assert not running(inventory).dead
