"""The container image and the systemd unit: what can be checked without running either."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.base import healthy
from tests import real
from tests.exporters.certificates import Authority
from tests.exporters.sample import ROOT, running

UNIT = ROOT / "compose" / "systemd" / "modelwatch-exporter@.service"
DOCKERFILE = (ROOT / "compose" / "exporter.Dockerfile").read_text()


def instruction(name: str) -> list[str]:
    """What stands behind each instruction of this name, lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", joined, re.MULTILINE)


@pytest.mark.real
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    real.program("systemd-analyze")
    unit = tmp_path / "modelwatch-exporter@probe.service"
    unit.write_text(UNIT.read_text().replace("/opt/modelwatch/bin/modelwatch", sys.executable))
    command = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.real
def test_the_unit_is_locked_down(tmp_path: Path) -> None:
    real.program("systemd-analyze")
    unit = tmp_path / "modelwatch-exporter@probe.service"
    unit.write_text(UNIT.read_text())
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-200:]


def test_the_image_runs_one_exporter_without_root() -> None:
    assert instruction("FROM") == ["python:3.12-slim AS build", "python:3.12-slim"]
    (user,) = instruction("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert [json.loads(entry) for entry in instruction("ENTRYPOINT")] == [
        ["modelwatch", "exporter"]
    ]
    assert instruction("VOLUME") == ["/var/lib/modelwatch"]


def test_the_image_has_every_package_of_the_wheel() -> None:
    wheel = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert wheel
    copied = {line.split()[0] for line in instruction("COPY") if not line.startswith("--from")}
    ignored = (ROOT / "compose" / "exporter.Dockerfile.dockerignore").read_text().splitlines()
    for package in json.loads(wheel[1]):
        assert package in copied
        assert f"!{package}" in ignored


def test_the_health_check_asks_a_running_exporter(tmp_path: Path) -> None:
    with running(tmp_path) as sample:
        assert healthy.main([f"{sample.url}/-/healthy"]) == 0
        url = f"{sample.url}/nothing"
        assert healthy.main([url]) == 1
    assert healthy.main([f"{sample.url}/-/healthy"]) == 1


def test_the_health_check_asks_one_that_wants_to_see_a_certificate(tmp_path: Path) -> None:
    server = Authority(tmp_path).sign("server", "IP:127.0.0.1")
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.crt\n"
    )
    with running(tmp_path / "state", "--web-config", web) as sample:
        assert healthy.main([f"{sample.url}/-/healthy"]) == 0
    assert healthy.main([f"{sample.url}/-/healthy"]) == 1


STARTED = {
    "by default": ("modelwatch exporter probe", "127.0.0.1:9466"),
    "by an init": ("/sbin/init -- python modelwatch exporter gpu", "127.0.0.1:9465"),
    "everywhere": ("modelwatch exporter quality --listen :1", "127.0.0.1:1"),
    "everywhere, IPv4": ("modelwatch exporter quality --listen=0.0.0.0:1", "127.0.0.1:1"),
    "everywhere, IPv6": ("modelwatch exporter quality --listen [::]:1", "[::1]:1"),
    "at one address": ("modelwatch exporter gpu --listen 10.0.0.5:1 --host a", "10.0.0.5:1"),
    "twice": ("modelwatch exporter gpu --listen a:1 --listen b:2", "b:2"),
    "as another program": ("python -m exporters.base.healthy", None),
    "without a name": ("modelwatch exporter", None),
    "with a name that is none": ("modelwatch exporter --help", None),
}


@pytest.mark.parametrize(("command", "address"), STARTED.values(), ids=STARTED)
def test_the_health_check_knows_where_an_exporter_listens(
    command: str, address: str | None
) -> None:
    assert healthy.address(command.split()) == address


def test_the_health_check_knows_the_ports_of_all_exporters() -> None:
    from exporters.drift import EXPORTER as DRIFT
    from exporters.gpu import EXPORTER as GPU
    from exporters.inventory import EXPORTER as INVENTORY
    from exporters.probe import EXPORTER as PROBE
    from exporters.quality import EXPORTER as QUALITY

    known = {one.name: one.port for one in (GPU, PROBE, QUALITY, INVENTORY, DRIFT)}
    assert known == healthy.PORTS
    exposed = instruction("EXPOSE")[0].split()
    assert sorted(map(int, exposed)) == sorted(known.values())
