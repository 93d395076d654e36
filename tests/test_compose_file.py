"""The compose file as it is written: what every service has, whichever runs here."""

import os
import re
import shutil
import stat
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.base import healthy
from tests import real
from tests.exporters.sample import ROOT
from tests.inventory_texts import read_text

FILE = ROOT / "compose" / "compose.yaml"
SETTINGS = ROOT / "compose" / ".env.example"
TEXT = FILE.read_text(encoding="utf-8")
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = STACK["x-images"]["exporter"]
BY_DEFAULT = {"prometheus", "alertmanager", "grafana", "probe", "quality", "drift", "inventory"}
PROFILES = {
    "gpu": {"gpu"},
    "host": {"node-exporter"},
    "demo": {"fleet", "inbox"},
    "ha": {"prometheus-b", "alertmanager-b"},
    "longterm": {"victoriametrics", "vmalert"},
}
BESIDE_PROMETHEUS_3 = str(Path(os.environ.get(real.THREE, "nowhere"), "docker-compose"))
TOOLS = {
    "prom/prometheus": "promtool",
    "prom/alertmanager": "amtool",
    "grafana/grafana": "wget",
    "prom/node-exporter": "wget",
    "victoriametrics/victoria-metrics": "wget",
    "victoriametrics/vmalert": "wget",
    OURS.partition(":")[0]: "python",
}
"""What an image has that can ask it how it is: a check with another program would always fail."""

each_service = pytest.mark.parametrize("name", SERVICES)


def test_these_services_run_and_those_only_in_their_profile() -> None:
    assert {name for name, one in SERVICES.items() if "profiles" not in one} == BY_DEFAULT
    for profile, names in PROFILES.items():
        assert {n for n, one in SERVICES.items() if one.get("profiles") == [profile]} == names
    assert set(SERVICES) == BY_DEFAULT.union(*PROFILES.values())


def test_every_bundled_exporter_is_a_service_under_its_name_and_port() -> None:
    for name, port in healthy.PORTS.items():
        command = SERVICES[name]["command"]
        assert command[0] == name
        assert f"--listen=:{port}" in command


def test_a_release_is_named_once_and_exactly() -> None:
    for name, image in STACK["x-images"].items():
        assert TEXT.count(image) == 1, name
        assert re.fullmatch(r"[a-z/-]+:v?[0-9][0-9.]*", image)
    assert {one["image"] for one in SERVICES.values()} == set(STACK["x-images"].values())


@each_service
def test_a_service_may_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert not {"privileged", "cap_add", "network_mode", "devices", "env_file"} & set(service)
    assert ("pid" in service) == (name == "node-exporter")


@each_service
def test_a_service_takes_no_more_than_its_share(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r"\d+[mg]\b", service["mem_limit"])
    assert service["pids_limit"] == 256
    assert service["logging"] == {
        "driver": "json-file",
        "options": {"max-size": "5m", "max-file": "2"},
    }


@each_service
def test_ports_are_opened_on_the_one_address_that_is_chosen(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(
            r"\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{[A-Z]+(?:_PORT:-(\d+)\}:\1|_B_PORT:-\d+\}:\d+)",
            port,
        ), port


@each_service
def test_a_service_can_say_that_it_is_healthy(name: str) -> None:
    service = SERVICES[name]
    if "healthcheck" not in service:
        assert service["image"] == OURS
        assert "entrypoint" not in service, "the check of the image is for exporters"
        return
    kind, program, *_ = service["healthcheck"]["test"]
    assert kind == "CMD"
    assert program == TOOLS[service["image"].partition(":")[0]]


def test_the_order_of_start_is_by_health() -> None:
    order = {name: one.get("depends_on", {}) for name, one in SERVICES.items()}
    assert all(
        wanted == {"condition": "service_healthy"}
        for others in order.values()
        for wanted in others.values()
    )
    # A service outside of all profiles must not wait for one in a profile.
    assert {other for others in order.values() for other in others} <= BY_DEFAULT
    assert set(order["grafana"]) == {"prometheus"}
    assert set(order["prometheus"]) == {"alertmanager"}


@each_service
def test_files_from_outside_are_folders_that_cannot_be_written(name: str) -> None:
    for mounted in SERVICES[name].get("volumes", []):
        if isinstance(mounted, dict):
            assert mounted["type"] == "bind"
            assert mounted["read_only"] is True
            assert not Path(mounted["source"].rpartition("/")[2]).suffix
        elif name == "node-exporter":
            assert mounted == "/:/host:ro,rslave"
        else:
            assert mounted.partition(":")[0] in STACK["volumes"]


def test_everything_that_must_last_has_a_volume_of_its_own() -> None:
    used = [
        mounted.partition(":")[0]
        for service in SERVICES.values()
        for mounted in service.get("volumes", [])
        if isinstance(mounted, str) and not mounted.startswith("/")
    ]
    assert sorted(used) == sorted(STACK["volumes"])


def test_secrets_come_from_files_only() -> None:
    assert all(set(secret) == {"file"} for secret in STACK["secrets"].values())
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", key):
                assert key.endswith("__FILE")
                assert value.startswith("/run/secrets/")


def test_nobody_comes_into_grafana_without_the_password_and_it_calls_nobody() -> None:
    environment = SERVICES["grafana"]["environment"]
    off = {key for key, value in environment.items() if value == "false"}
    assert off == {
        "GF_AUTH_ANONYMOUS_ENABLED",
        "GF_USERS_ALLOW_SIGN_UP",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED",
    }
    assert environment["GF_SECURITY_DISABLE_GRAVATAR"] == "true"
    path = SERVICES["grafana"]["secrets"][0]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"/run/secrets/{path}"


def test_prometheus_keeps_its_doors_closed_and_its_disk_free() -> None:
    flags = SERVICES["prometheus"]["command"]
    names = {flag.partition("=")[0] for flag in flags}
    assert not {"--web.enable-admin-api", "--web.enable-lifecycle"} & names
    assert {"--storage.tsdb.retention.time", "--storage.tsdb.retention.size"} <= names
    assert {"--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"} <= set(flags)


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_second_of_two_is_the_same_in_all_but_its_place(name: str) -> None:
    first, second = (dict(SERVICES[one]) for one in (name, f"{name}-b"))
    for part in ("ports", "profiles", "depends_on"):
        first.pop(part, None)
        second.pop(part, None)
    assert first.pop("volumes")[:-1] == second.pop("volumes")[:-1]
    assert set(second["command"]) - set(first["command"]) <= {"--cluster.peer=alertmanager:9094"}
    assert set(first.pop("command")) <= set(second.pop("command"))
    assert first == second


def test_alertmanagers_talk_on_a_port_that_only_containers_reach() -> None:
    for name in ("alertmanager", "alertmanager-b"):
        service = SERVICES[name]
        assert "--cluster.listen-address=0.0.0.0:9094" in service["command"]
        assert not any("9094" in port for port in service["ports"])


def test_vmalert_records_all_that_prometheus_records_and_tells_nobody() -> None:
    flags = SERVICES["vmalert"]["command"]
    patterns = [flag.rpartition("/")[2] for flag in flags if flag.startswith("-rule=")]
    rules = sorted((ROOT / "examples" / "generated" / "prometheus" / "rules").iterdir())
    for file in rules:
        is_read = any(fnmatch(file.name, pattern) for pattern in patterns)
        assert is_read == ("record: " in file.read_text()), file
    assert not any("notifier" in flag for flag in flags)


def test_nothing_can_be_deleted_from_the_storage_without_its_key() -> None:
    keys = {flag for flag in SERVICES["victoriametrics"]["command"] if "AuthKey" in flag}
    (name,) = SERVICES["victoriametrics"]["secrets"]
    kinds = ("delete", "snapshot", "forceMerge")
    assert keys == {f"-{kind}AuthKey=file:///run/secrets/{name}" for kind in kinds}


def test_every_variable_is_explained_with_its_default() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))
    told = dict(
        re.findall(r"^#([A-Z_]+)=(.*)$", SETTINGS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert told == used
    assert TEXT.count("${") == len(re.findall(r"\$\{[A-Z_]+:-", TEXT)), "each has a default"


def test_the_example_names_services_of_the_stack() -> None:
    text = (ROOT / "examples" / "compose.yaml").read_text(encoding="utf-8")
    inventory = read_text(text)
    sources = [
        *inventory.exporters.values(),
        *(source for model in inventory.models for source in model.sources),
        *(source for pool in inventory.pools for source in pool.sources),
    ]
    targets = [*inventory.settings.alertmanagers, *(t for s in sources for t in s.targets)]
    assert {target.partition(":")[0] for target in targets} <= set(SERVICES)
    for name, source in inventory.exporters.items():
        assert source.targets == (f"{name}:{healthy.PORTS[name]}",)


def test_what_only_newer_releases_know_is_left_out() -> None:
    assert {key for key in STACK if not key.startswith("x-")} == {"services", "secrets", "volumes"}
    assert not any({"develop", "configs", "pull_policy"} & set(one) for one in SERVICES.values())


@pytest.mark.real
@pytest.mark.parametrize(
    "command",
    [["docker", "compose"], [BESIDE_PROMETHEUS_3], ["docker-compose"]],
    ids=["plugin", "beside Prometheus 3", "program"],
)
def test_compose_reads_it_with_all_profiles(command: list[str]) -> None:
    if not shutil.which(command[0]) or not _runs([*command, "version"]):
        pytest.skip(f"{' '.join(command)} is not installed")
    profiles = [f"--profile={profile}" for profile in PROFILES]
    answer = subprocess.run(
        [*command, "-f", FILE, *profiles, "config"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert set(yaml.safe_load(answer.stdout)["services"]) == set(SERVICES)


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _made(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", ROOT / "compose" / "secrets.sh", folder], check=True, capture_output=True)
    return {name: (folder / name).read_text() for name in STACK["secrets"]}


def test_secrets_are_made_once_and_each_time_others(tmp_path: Path) -> None:
    first = _made(tmp_path / "one")
    assert len(set(first.values())) == len(first)
    assert all(re.fullmatch(r"[\w-]{32}", secret) for secret in first.values())
    assert _made(tmp_path / "one") == first
    assert not set(_made(tmp_path / "two").values()) & set(first.values())


def test_containers_can_read_the_secrets_and_other_people_of_the_host_cannot(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    _made(folder)
    pager = folder / "alertmanager" / "pagerduty-key"
    pager.write_text("key")
    pager.chmod(0o600)
    _made(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (pager, *(folder / name for name in STACK["secrets"])):
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert stat.S_IMODE(pager.parent.stat().st_mode) == 0o755
