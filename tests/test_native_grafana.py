"""Native `up` with a Grafana. The Grafana is a stand-in: a real one was not run (see there)."""

import os
import re
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from compose.native import boards, grafana
from compose.native import stack as native
from compose.native.stack import Stack
from compose.ports import Ports, free_port
from generator import stack as commands
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Settings
from tests import grafana_stand_in, real
from tests.command import run
from tests.small_site import TEXT, eventually

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parent.parent
LAYOUTS = [grafana_stand_in.release, grafana_stand_in.package, grafana_stand_in.brewed]
Layout = Callable[..., Path]


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(native, "is_free", lambda _: False)  # beside a stack on the usual ports
    file = tmp_path / "models.yaml"
    file.write_text(TEXT.format(folder=tmp_path, page=1))
    yield file
    run("down", file)


def install(layout: Layout, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(layout(root)), os.environ["PATH"]]))


def up(inventory: Path) -> tuple[Stack, str]:
    said = run("up", "--native", inventory)
    assert said.code == 0, said.err
    found = native.state(commands.data_dir(str(inventory)))
    assert found
    return found, said.out


def ask(stack: Stack, path: str, password: str) -> Any:
    answer = requests.get(stack.ports.boards_url + path, auth=("admin", password), timeout=5)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.real
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_grafana_that_is_installed_is_started_and_provisioned(
    inventory: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    install(layout, monkeypatch, inventory.parent / "installed")
    stack, said = up(inventory)
    (url,) = re.findall(r"^Grafana +(\S+)$", said, re.MULTILINE)
    (path,) = re.findall(r"password is in (\S+)$", said, re.MULTILINE)
    assert "no Grafana" not in said
    file = Path(path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    password = file.read_text()
    assert len(password) >= 24

    assert requests.get(f"{url}/api/search", timeout=5).status_code == 401
    shown = {one["uid"] for one in ask(stack, "/api/search", password)}
    assert shown == {board.uid for board in definitions().boards}
    sources = {one["type"]: one["url"] for one in ask(stack, "/api/datasources", password)}
    assert sources == {"prometheus": stack.prometheus_url, "alertmanager": stack.alertmanager_url}
    home = ask(stack, "/settings", password)["dashboards"]["default_home_dashboard_path"]
    assert Path(home).is_file()
    alerts = (stack.config_dir / "prometheus" / "rules" / "alerts-latency.yml").read_text()
    assert f"dashboard_url: {url}/d/modelwatch-" in alerts

    assert re.search(rf"^Grafana +{url} +ready$", run("status", inventory).out, re.MULTILINE)
    assert "HTTP Server Listen" in run("logs", inventory, "grafana").out
    assert run("down", inventory).out == "stopped\n"
    assert stack.boards in stack.dead


@pytest.mark.real
def test_a_second_up_leaves_it_alone_until_its_data_sources_change(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(grafana_stand_in.release, monkeypatch, inventory.parent)
    first, _ = up(inventory)
    password = grafana.password_file(first.data_dir).read_text()
    inventory.write_text(inventory.read_text().replace("name: chat", "name: chess"))
    second, _ = up(inventory)
    assert first.boards
    assert second.boards
    assert second.boards.pid == first.boards.pid

    inventory.write_text(inventory.read_text().replace("interval: 15s", "interval: 30s"))
    third, _ = up(inventory)
    assert third.boards
    assert third.boards.pid != first.boards.pid
    assert not first.boards.alive
    assert grafana.password_file(third.data_dir).read_text() == password
    sources = ask(third, "/api/datasources", password)
    assert "30s" in [one["jsonData"].get("timeInterval") for one in sources]
    assert len(list(grafana.password_file(third.data_dir).parent.glob("*.ini"))) == 1


@pytest.mark.real
def test_a_killed_grafana_is_started_again(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(grafana_stand_in.release, monkeypatch, inventory.parent)
    stack, _ = up(inventory)
    assert stack.boards
    before = stack.boards
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: not before.alive)
    assert re.search(r"^Grafana .* ended, see ", run("status", inventory).out, re.MULTILINE)
    fleet = inventory_at(str(inventory))
    said = list(native.supervise(stack, rounds=iter(range(2)), inventory=fleet))
    assert [one.partition(";")[0] for one in said] == [
        "Grafana ended by itself and is started again"
    ]
    after = native.state(stack.data_dir)
    assert after
    assert not after.dead


@pytest.mark.real
def test_a_grafana_that_does_not_start_is_told_and_the_servers_stay(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(grafana_stand_in.release, monkeypatch, inventory.parent)
    monkeypatch.setenv("GF_PATHS_PROVISIONING", "/nowhere")
    monkeypatch.setenv("GF_SERVER_HTTP_PORT", "many")
    said = run("up", "--native", inventory)
    assert said.code == 3
    assert "Grafana ended by itself; the end of " in said.err
    assert "invalid literal for int() with base 10: 'many'" in said.err
    stack = native.state(commands.data_dir(str(inventory)))
    assert stack
    assert [one.name for one in stack.dead] == ["Grafana"]


def test_its_settings_are_those_of_the_one_in_containers(tmp_path: Path) -> None:
    compose = yaml.safe_load((ROOT / "compose" / "compose.yaml").read_text())
    theirs = compose["services"]["grafana"]["environment"]
    ours = {
        f"GF_{section.replace('.', '_')}_{key}".upper(): value
        for section, keys in grafana.settings(tmp_path, tmp_path, Ports()).items()
        for key, value in keys.items()
    }
    differing = {name for name, value in theirs.items() if ours.get(name) != value}
    assert differing == {
        "GF_SECURITY_ADMIN_PASSWORD__FILE",
        "GF_SERVER_ROOT_URL",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH",
    }
    assert ours["GF_SECURITY_ADMIN_PASSWORD"] == f"$__file{{{tmp_path}/grafana/admin-password}}"
    assert ours["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_found_as_people_install_it(tmp_path: Path, layout: Layout) -> None:
    found = grafana.find(str(layout(tmp_path)))
    assert found
    assert found.version == grafana_stand_in.VERSION
    assert (found.home / "conf" / "defaults.ini").is_file()


def test_a_release_that_is_too_old_for_the_boards_is_not_taken(tmp_path: Path) -> None:
    assert grafana.find(str(grafana_stand_in.release(tmp_path, "10.4.19"))) is None


def test_a_program_of_that_name_without_a_home_is_no_grafana(tmp_path: Path) -> None:
    grafana_stand_in.program(tmp_path / "bin" / "grafana")
    assert grafana.find(str(tmp_path / "bin")) is None


def test_links_to_a_grafana_elsewhere_stay(tmp_path: Path) -> None:
    path = str(grafana_stand_in.release(tmp_path))
    ports = Ports(boards=free_port())
    elsewhere = Settings(grafana_url="https://grafana.example.com")
    assert boards.linked(elsewhere, ports, path) == elsewhere
    assert boards.linked(Settings(), ports, path).grafana_url == ports.boards_url
