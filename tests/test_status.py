import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.native import stack as native
from compose.ports import free_port
from generator import logs, stack
from tests import real, small_site
from tests.command import run
from tests.small_site import MUTE, TEXT, eventually, exporter

PAGE = '# TYPE shelf_running gauge\nshelf_running{m="chat"} 3\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def inventory(here: Path) -> Iterator[Path]:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    with small_site.page(PAGE) as port:
        file = here / "models.yaml"
        (here / "url").write_text("http://127.0.0.1:1/\n")
        (here / "url").chmod(0o600)
        file.write_text(TEXT.format(folder=here, page=port) + exporter("inventory", free_port()))
        yield file


def status(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("status", *arguments, "--format", "json").out)
    return found


def port_of(inventory: Path) -> int:
    (found,) = re.findall(r"sources: .*127\.0\.0\.1:(\d+)", inventory.read_text())
    return int(found)


@pytest.mark.real
@pytest.mark.servers
def test_status_tells_well_from_silent_down_and_ended(inventory: Path) -> None:
    with small_site.up(inventory) as said:
        assert "inventory exporter" in said.out
        eventually(lambda: run("status", inventory).code == 0)
        fine = run("status").out  # the only one that runs here
        assert "models              1 of 1 have series" in fine
        assert "targets             4 of 4 up" in fine

        nobody = free_port()
        text = inventory.read_text()
        mute = MUTE.format(page=port_of(inventory)).replace(
            "model: mute}",
            f"model: mute}}, {{engine: shelf, targets: ['127.0.0.1:{nobody}'], model: mute}}",
        )
        inventory.write_text(text.replace("exporters:", f"{mute}exporters:"))
        assert run("reload", inventory).code == 0
        eventually(lambda: any(one["error"] for one in status(inventory)["down"]))
        found = status(inventory)
        assert not found["well"]
        assert found["silent"] == [{"model": "mute", "environment": "production"}]
        (down,) = found["down"]
        assert down["instance"] == f"127.0.0.1:{nobody}"
        assert "connection refused" in down["error"]

        known = native.state(stack.data_dir(str(inventory)))
        assert known
        os.kill(known.prometheus.pid, signal.SIGKILL)
        eventually(lambda: not known.prometheus.alive)
        halved = run("status", inventory)
        assert halved.code == 1
        assert re.search(r"^Prometheus .* ended, see /.*prometheus\.log$", halved.out, re.MULTILINE)
        assert re.search(r"^inventory exporter .* ready$", halved.out, re.MULTILINE)
        assert "did not answer" in halved.out


@pytest.mark.real
@pytest.mark.servers
def test_status_of_any_prometheus_tells_alerts_rule_errors_and_failing_collectors(
    here: Path, native_path: str
) -> None:
    up = 'modelwatch_exporter_up{exporter="gpu",collector="nvml"} 0\n'
    rules = (
        "{name: a, rules: [{alert: Heartbeat, expr: vector(1), labels: {severity: none}}, "
        "{alert: Late, expr: vector(1), labels: {severity: page, model: chat}}, "
        "{record: broken, expr: up * on () up}]}"
    )
    with small_site.page(up) as port:
        targets = f"['127.0.0.1:{port}', 'localhost:{port}']"
        scrape = f"{{job_name: a, static_configs: [{{targets: {targets}}}]}}"
        with small_site.prometheus(here, rules=rules, scrape=scrape, path=native_path) as url:
            eventually(lambda: len(status("--prometheus", url)["failing_collectors"]) == 2)
            eventually(lambda: status("--prometheus", f"{url}/")["rule_errors"])
            said = run("status", "--prometheus", url)
    assert said.code == 1
    assert "firing              1 page\n  page              Late chat\n" in said.out
    assert "Heartbeat" not in said.out
    assert "  fails             broken: " in said.out
    assert f"  fails             nvml of the gpu exporter, localhost:{port}\n" in said.out
    assert "models" not in said.out  # nobody said which there should be


def test_where_nothing_answers_status_ends_with_three(here: Path) -> None:
    said = run("status", "--prometheus", f"http://127.0.0.1:{free_port()}")
    assert said.code == 3
    assert "did not answer" in said.err
    said = run("status")
    assert said.code == 3
    assert f"nothing of {here} runs" in said.err


@pytest.mark.real
@pytest.mark.servers
def test_a_broken_configuration_is_refused_before_it_is_sent(inventory: Path) -> None:
    for name in ("promtool", "amtool"):
        real.program(name)
    with small_site.up(inventory):
        folder = stack.data_dir(str(inventory))
        before = {
            file: (file.read_bytes(), file.stat().st_mtime_ns)
            for file in (folder / "config").rglob("*")
            if file.is_file()
        }
        text = inventory.read_text()
        inventory.write_text(
            text.replace(
                "requests_running:",
                "batch_size: {promql: 'sum by (m) (('}\n      requests_running:",
            )
        )
        said = run("reload", inventory)
        assert said.code == 1
        assert "promtool refuses prometheus/prometheus.yml" in said.err
        assert "rules/engines.yml" in said.err
        assert "what runs keeps the old one" in said.err
        after = {
            file: (file.read_bytes(), file.stat().st_mtime_ns)
            for file in (folder / "config").rglob("*")
            if file.is_file()
        }
        assert after == before
        assert not list(folder.glob("config-*"))
        known = native.state(folder)
        assert known
        assert not known.dead
        assert "Error" not in known.prometheus.log.read_text()  # it was never asked


def test_reload_of_what_does_not_run_says_how_to_start_it(here: Path) -> None:
    (here / "models.yaml").write_text(TEXT.format(folder=here, page=1))
    said = run("reload", "models.yaml")
    assert said.code == 3
    assert "start it with: modelwatch up models.yaml" in said.err


@pytest.mark.real
@pytest.mark.servers
def test_logs_show_the_end_of_each_or_of_one(inventory: Path) -> None:
    with small_site.up(inventory):
        every = run("logs", inventory, "-n", "2").out.splitlines()
        assert {line.partition(":")[0] for line in every} >= {
            "alertmanager",
            "inventory-exporter",
            "prometheus",
        }
        one = run("logs", "prometheus", "-n", "1").out
        assert one.count("\n") == 1
        assert not one.startswith("prometheus: ")
    said = run("logs", inventory, "tempo")
    assert said.code == 1
    assert "no log 'tempo'; there are: " in said.err
    assert "See you next time!" in run("logs", inventory, "prometheus").out  # after its end as well


def test_following_logs_gives_whole_lines_only(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("old\nhal")
    parts = iter(["f\nne", "w\n"])

    def wait() -> None:
        with file.open("a") as stream:
            stream.write(next(parts))

    lines = logs.followed({"a": file}, {file: 4}, wait=wait)
    assert [next(lines), next(lines)] == [("a", "half"), ("a", "new")]
