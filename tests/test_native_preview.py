"""Native `up` without a Grafana: our preview shows the boards."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from compose.native import boards, grafana
from compose.native import stack as native
from compose.native.stack import Stack
from generator import stack as commands
from generator.opening import inventory_at
from modelwatch.inventory import Settings
from tests import preview_site, real
from tests.command import run
from tests.preview_site import Scripted
from tests.small_site import TEXT, eventually, page

pytestmark = pytest.mark.servers


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(native, "is_free", lambda _: False)  # beside a stack on the usual ports
    monkeypatch.setattr(grafana, "find", lambda _=None: None)
    with page('shelf_running{m="chat"} 3\n') as port:
        file = tmp_path / "models.yaml"
        file.write_text(TEXT.format(folder=tmp_path, page=port))
        yield file
        run("down", file)


def running(inventory: Path) -> Stack:
    found = native.state(commands.data_dir(str(inventory)))
    assert found
    return found


def rules(stack: Stack) -> str:
    return (stack.config_dir / "prometheus" / "rules" / "alerts-latency.yml").read_text()


@pytest.mark.real
def test_up_shows_the_boards_and_links_lead_to_them(inventory: Path) -> None:
    said = run("up", "--native", inventory)
    assert said.code == 0, said.err
    assert "no Grafana 11 or later was found; import into yours: " in said.out
    (url,) = re.findall(r"^boards \(preview\) +(\S+)$", said.out, re.MULTILINE)
    stack = running(inventory)
    (link,) = set(
        re.findall(r"dashboard_url: (http://\S+/d/modelwatch-slo\?.*)$", rules(stack), re.MULTILINE)
    )
    assert link.startswith(f"{url}/d/")
    labels = {"model": "chat", "environment": "production"}
    link = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda name: labels[name[1]], link)

    def shown() -> str:
        answer = requests.get(link, timeout=30)
        assert answer.ok
        return answer.text

    eventually(lambda: '<option value="chat" selected>chat</option>' in shown())
    assert "last 3h" in shown()
    assert re.search(rf"^boards \(preview\) +{url} +ready$", run("status").out, re.MULTILINE)
    assert f"boards at {url}/" in run("logs", inventory, "preview").out

    pid = stack.boards and stack.boards.pid
    assert run("up", "--native", inventory).out == said.out
    again = running(inventory).boards
    assert again
    assert again.pid == pid
    assert run("down", inventory).out == "stopped\n"
    assert not again.alive


@pytest.mark.real
def test_a_killed_preview_is_started_again(inventory: Path) -> None:
    assert run("up", "--native", inventory).code == 0
    stack = running(inventory)
    before = stack.boards
    assert before
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: not before.alive)
    fleet = inventory_at(str(inventory))
    (said,) = native.supervise(stack, rounds=iter(range(2)), inventory=fleet)
    assert said.startswith("boards (preview) ended by itself and is started again")
    assert not running(inventory).dead


@pytest.mark.real
def test_without_its_library_up_says_how_to_get_it(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "can_be_drawn", lambda: False)
    said = run("up", "--native", inventory)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-2].endswith(f"without one: {boards.GET_PREVIEW}")
    stack = running(inventory)
    assert stack.boards is None
    assert f"dashboard_url: {Settings().grafana_url}/d/" in rules(stack)

    monkeypatch.undo()  # it was installed meanwhile
    monkeypatch.chdir(inventory.parent)
    monkeypatch.setattr(grafana, "find", lambda _=None: None)
    assert run("up", "--native", inventory).code == 0
    after = running(inventory)
    assert after.prometheus.pid == stack.prometheus.pid
    assert after.boards
    assert f"dashboard_url: {after.ports.boards_url}/d/" in rules(after)


def test_a_served_preview_follows_the_inventory(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    text = TEXT.format(folder=tmp_path, page=1)
    file.write_text(text)
    api = Scripted({"model": "chat", "environment": "production"})
    with preview_site.scripted(api) as prometheus:
        command = [sys.executable, "-m", "generator", "preview", str(file)]
        running = subprocess.Popen(
            [*command, f"--prometheus={prometheus}", "--serve", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert running.stdout
            (url,) = re.findall(r"http://127\.0\.0\.1:\d+", running.stdout.readline())

            def offsets() -> set[str]:
                api.queries.clear()
                assert requests.get(f"{url}/d/modelwatch-cost", timeout=60).ok
                return set(re.findall(r"offset (\w+)", " ".join(api.queries)))

            before = offsets()
            file.write_text(text.replace("compression: 20", "compression: 2"))
            eventually(lambda: offsets() != before)
            after = offsets()
            file.write_text("models: nothing")
            file.write_text(text.replace("compression: 20", "compression: many"))
            assert offsets() == after
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=30) == 0
        finally:
            running.kill()
            running.communicate()
