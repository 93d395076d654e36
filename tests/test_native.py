import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from compose import answers, programs
from compose.demo import webhook
from compose.native import stack as native
from compose.native.processes import Process
from compose.native.stack import Stack
from compose.ports import Ports, free_port, is_free
from generator import stack as stack_commands
from generator.cli import main
from modelwatch.problems import ModelwatchError, Unreachable
from tests import real, small_site

pytestmark = pytest.mark.servers

MINIMAL = str(Path(__file__).parent.parent / "examples" / "minimal.yaml")

RULE = """
groups:
  - name: test
    interval: 500ms
    rules:
      - {{alert: {name}, expr: vector(1), for: {hold}, labels: {{model: vision}}}}
"""


class Site:
    """A configuration folder, a data folder and an inbox."""

    def __init__(self, root: Path, path: str) -> None:
        self.root, self.path = root, path
        self.config, self.data = root / "config", root / "data"
        self.ports = native.choose_ports()
        self.inbox = webhook.Inbox()
        self.server = webhook.server(0, self.inbox)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        (self.config / "prometheus" / "rules").mkdir(parents=True)
        (self.config / "alertmanager").mkdir()
        self.rule("First")
        self.prometheus("1s")
        self.alertmanager("on-call")

    def rule(self, name: str, hold: str = "0s") -> None:
        file = self.config / "prometheus" / "rules" / "test.yml"
        file.write_text(RULE.format(name=name, hold=hold))

    def prometheus(self, interval: str) -> None:
        (self.config / "prometheus" / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, evaluation_interval: 1s}}\n"
            "rule_files: [rules/*.yml]\n"
            "alerting: {alertmanagers: [{static_configs: [{targets: "
            f"['127.0.0.1:{self.ports.alertmanager}']}}]}}]}}\n"
        )

    def alertmanager(self, receiver: str) -> None:
        port = self.server.server_address[1]
        (self.config / "alertmanager" / "alertmanager.yml").write_text(
            f"route: {{receiver: {receiver}, group_wait: 100ms}}\n"
            f"receivers: [{{name: on-call, webhook_configs: [{{url: 'http://127.0.0.1:{port}/a'}}]}}]\n"
        )

    def up(self) -> Stack:
        return native.start(self.config, self.data, self.ports, path=self.path)

    def close(self) -> None:
        native.stop(self.data)
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site(tmp_path: Path, native_path: str) -> Iterator[Site]:
    made = Site(tmp_path, native_path)
    yield made
    made.close()


def eventually(true: Callable[[], object], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not process.alive)


@pytest.mark.real
def test_up_runs_rules_and_delivers_alerts(site: Site) -> None:
    site.rule("First", hold="7s")  # Prometheus finds its Alertmanager after about five seconds
    stack = site.up()
    assert not stack.dead
    eventually(site.inbox.listed)
    (alert,) = site.inbox.listed()[0]["alerts"]
    assert alert["labels"] == {"alertname": "First", "model": "vision"}
    assert site.inbox.listed()[0]["to"] == "a"


@pytest.mark.real
def test_a_second_up_reloads_and_restarts_nothing(site: Site) -> None:
    before = site.up()
    site.rule("Second")
    after = site.up()
    assert (after.prometheus.pid, after.alertmanager.pid) == (
        before.prometheus.pid,
        before.alertmanager.pid,
    )
    eventually(
        lambda: [one["alertname"] for one in answers.firing(after.prometheus_url)] == ["Second"]
    )


@pytest.mark.real
def test_a_configuration_that_is_refused_is_told_and_the_old_one_stays(site: Site) -> None:
    stack = site.up()
    site.prometheus("nonsense")
    with pytest.raises(ModelwatchError, match=r"Prometheus refused .*nonsense"):
        site.up()
    site.prometheus("1s")
    site.alertmanager("nobody")
    with pytest.raises(ModelwatchError, match=r"Alertmanager refused .*nobody"):
        site.up()
    assert not stack.dead
    site.alertmanager("on-call")
    site.up()


@pytest.mark.real
def test_a_killed_server_is_started_again_by_the_next_up(site: Site) -> None:
    before = site.up()
    kill(before.prometheus)
    known = native.state(site.data)
    assert known
    assert [one.name for one in known.dead] == ["Prometheus"]
    after = site.up()
    assert after.prometheus.pid != before.prometheus.pid
    assert after.alertmanager.pid == before.alertmanager.pid


@pytest.mark.real
def test_supervision_starts_again_what_was_killed(site: Site) -> None:
    stack = site.up()
    kill(stack.alertmanager)
    said = list(native.supervise(stack, rounds=iter(range(3)), path=site.path))
    assert len(said) == 1
    assert said[0].startswith("Alertmanager ended by itself")
    known = native.state(site.data)
    assert known
    assert not known.dead


@pytest.mark.real
def test_supervision_ends_when_another_command_ends_the_stack(site: Site) -> None:
    stack = site.up()
    said: list[str] = []
    until = time.monotonic() + 60

    def rounds() -> Iterator[None]:
        while time.monotonic() < until:
            time.sleep(0.01)
            yield

    def supervise() -> None:
        said.extend(native.supervise(stack, rounds=rounds(), path=site.path))

    thread = threading.Thread(target=supervise)
    thread.start()
    assert native.stop(site.data)
    thread.join()
    assert said == ["another command ended it"]
    assert len(stack.dead) == 2
    assert native.state(site.data) is None


@pytest.mark.real
def test_down_ends_both_and_keeps_the_data(site: Site) -> None:
    stack = site.up()
    assert native.stop(site.data)
    assert len(stack.dead) == 2
    assert native.state(site.data) is None
    assert not native.stop(site.data)
    assert (site.data / "prometheus" / "wal").is_dir()
    log = stack.prometheus.log.read_text()
    assert "See you next time!" in log  # it ended by itself, nobody killed it


@pytest.mark.real
def test_a_running_stack_keeps_its_ports(site: Site) -> None:
    stack = site.up()
    assert native.choose_ports(site.data) == stack.ports


@pytest.mark.real
def test_a_server_that_cannot_start_is_told_with_its_reason(site: Site) -> None:
    site.prometheus("nonsense")
    with pytest.raises(Unreachable, match=r"(?s)Prometheus ended by itself.*nonsense"):
        site.up()


@pytest.mark.real
def test_the_commands_up_and_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["up", "--native", MINIMAL])
    try:
        assert said.exit_code == 0, said.output
        again = CliRunner().invoke(main, ["up", "--native", MINIMAL])
        assert again.output == said.output
        (url,) = re.findall(r"^Prometheus +(\S+)$", said.output, re.MULTILINE)
        assert answers.rule_errors(url) == []
    finally:
        ended = CliRunner().invoke(main, ["down", MINIMAL])
    assert ended.output == "stopped\n"
    assert CliRunner().invoke(main, ["down", MINIMAL]).output.startswith("nothing of ")


@pytest.mark.real
def test_supervision_in_the_foreground_ends_its_servers_with_it(tmp_path: Path) -> None:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    command = [
        sys.executable,
        "-c",
        "from generator.cli import main; main()",
        "up",
        "--native",
        MINIMAL,
    ]
    folder = tmp_path / stack_commands.data_dir(MINIMAL)
    with subprocess.Popen(
        [*command, "--foreground"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        assert running.stdout.readline().startswith("Prometheus ")
        stack = native.state(folder)
        assert stack
        assert not stack.dead
        running.terminate()
        assert running.wait(timeout=40) == 0
    assert len(stack.dead) == len(stack.urls)


@pytest.mark.real
def test_a_stranger_that_answers_on_the_port_is_not_taken_for_the_server(site: Site) -> None:
    with (
        small_site.page("ready", port=site.ports.prometheus),  # it was free when it was chosen
        pytest.raises(Unreachable, match=r"Prometheus ended by itself(.|\n)*in use"),
    ):
        site.up()


def test_taken_ports_are_avoided() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free(taken.getsockname()[1])
        assert is_free(free_port())


def test_a_process_id_that_belongs_to_another_program_is_not_ours(tmp_path: Path) -> None:
    reused = Process(name="Prometheus", pid=os.getpid(), mark="--no-such-mark", log=tmp_path / "x")
    assert not reused.alive


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert native.state(tmp_path) is None
    assert not native.stop(tmp_path)
    assert not (tmp_path / "lock").exists()


def test_missing_programs_are_named_with_a_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"prometheus, alertmanager; .*apt-get install") as raised:
        native.start(tmp_path, tmp_path, Ports(), path=str(tmp_path))
    assert raised.value.exit_code == 3


@pytest.mark.parametrize(
    "name", ["alertmanager", "prometheus-alertmanager"], ids=["upstream", "Debian"]
)
def test_alertmanager_is_found_under_either_name(tmp_path: Path, name: str) -> None:
    fake = tmp_path / name
    fake.write_text("#!/bin/sh\necho 'alertmanager, version 0.31.1+ds (branch: x)' >&2\n")
    fake.chmod(0o755)
    found = programs.find("alertmanager", path=str(tmp_path))
    assert found
    assert (found.path, found.version, found.major) == (fake, "0.31.1", 0)
