"""Storages beside Prometheus: what the inventory says, and what Prometheus is told of it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.engines.vllm import ENGINE as VLLM
from generator.build import build
from generator.container_stack import beside, long_term
from generator.definitions import definitions
from generator.remote_write import recorded
from modelwatch.catalogue import Layer, metrics
from modelwatch.catalogue.stack import ALERTS
from modelwatch.inventory import RemoteWrite, Settings
from modelwatch.meaning_remote_write import OF_PROMETHEUS
from tests.inventory_texts import MODEL, read_text

URL = "http://storage:8428/api/v1/write"
STORAGES = f"""\
settings:
  external_labels: {{cluster: eu-1}}
  remote_write:
    - {{url: "{URL}", send: scraped}}
    - url: https://mimir.example.com/api/v1/push
      username: models
      password_file: secrets/password
      ca_file: my-ca.pem
      headers: {{X-Scope-OrgID: models}}
    - {{url: "https://storage.example.com/push", token_file: secrets/token}}
{MODEL}"""


def generated(text: str) -> dict[str, Any]:
    file = build(read_text(text), definitions())["prometheus/prometheus.yml"]
    found: dict[str, Any] = yaml.safe_load(file)
    return found


def test_storages_are_read_with_everything_that_is_sent_unless_told_otherwise() -> None:
    first, second, third = read_text(STORAGES).settings.remote_write
    assert first == RemoteWrite(url=URL, send="scraped")
    assert second.send == third.send == "everything"
    assert second.headers == {"X-Scope-OrgID": "models"}


def test_without_a_storage_prometheus_sends_nothing_and_has_no_labels_of_its_own() -> None:
    configuration = generated(MODEL)
    assert "remote_write" not in configuration
    assert "external_labels" not in configuration["global"]


def test_secrets_are_named_by_file() -> None:
    configuration = generated(STORAGES)
    assert configuration["global"]["external_labels"] == {"cluster": "eu-1"}
    _, second, third = configuration["remote_write"]
    assert second == {
        "url": "https://mimir.example.com/api/v1/push",
        "basic_auth": {"username": "models", "password_file": "secrets/password"},
        "tls_config": {"ca_file": "my-ca.pem"},
        "headers": {"X-Scope-OrgID": "models"},
    }
    assert third == {
        "url": "https://storage.example.com/push",
        "authorization": {"credentials_file": "secrets/token"},
    }


def _is_dropped(name: str, settings: Settings) -> bool:
    return bool(re.fullmatch(recorded(settings), name))


def test_scraped_is_all_that_no_rule_records() -> None:
    rules = Settings()
    for metric in metrics():
        if metric.name not in _of_the_stack():
            assert _is_dropped(metric.name, rules) == (metric.layer is not Layer.EXPOSED), metric
    assert not any(_is_dropped(name, rules) for name in _of_the_stack())


def _of_the_stack() -> list[str]:
    """What Prometheus and Alertmanager expose about themselves, and the alerts as they fired."""
    names = [one.name for one in metrics() if one.layer is Layer.STACK and ":" not in one.name]
    assert ALERTS.name in names
    return names


def test_engines_with_colons_in_their_names_are_sent() -> None:
    names = set(re.findall(r"\b[a-z]+:[a-z_:]+", str(VLLM)))
    assert "vllm:request_success" in {name.removesuffix("_total") for name in names}
    assert not any(_is_dropped(name, Settings()) for name in names)


def test_the_inventorys_own_series_are_sent_where_an_exporter_serves_them() -> None:
    assert _is_dropped("modelwatch_source_info", Settings())
    assert not _is_dropped("modelwatch_source_info", Settings(constants="exporter"))


@pytest.mark.real
def test_prometheus_takes_what_is_generated(tmp_path: Path, promtool: Path) -> None:
    _write(tmp_path, generated(STORAGES))
    assert _checked(promtool, tmp_path).returncode == 0


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(OF_PROMETHEUS))
def test_headers_that_are_refused_are_those_that_prometheus_refuses(
    name: str, tmp_path: Path, promtool: Path
) -> None:
    configuration = generated(STORAGES)
    configuration["remote_write"][1]["headers"] = {name: "1"}
    _write(tmp_path, configuration)
    answer = _checked(promtool, tmp_path)
    assert answer.returncode != 0
    assert "reserved header" in answer.stderr


def _write(folder: Path, configuration: dict[str, Any]) -> None:
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))


def _checked(promtool: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [promtool, "check", "config", folder / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_adds_what_its_profiles_run_unless_the_inventory_says_it() -> None:
    services = ("prometheus", "prometheus-b", "victoriametrics", "vmalert", "grafana")
    names = dict.fromkeys(services, "")
    plain = read_text(MODEL)
    (storage,) = long_term(plain.settings, names)
    assert storage.send == "scraped"
    found = {source.engine: source.targets for source in beside(plain, names)}
    assert found == {
        "prometheus": ("prometheus:9090", "prometheus-b:9090"),
        "victoriametrics": ("victoriametrics:8428",),
        "vmalert": ("vmalert:8880",),
    }
    told = replace(
        plain,
        settings=replace(plain.settings, remote_write=(storage,)),
        stack_sources=tuple(beside(plain, names)),
    )
    assert not list(long_term(told.settings, names))
    assert not list(beside(told, names))
    assert not list(beside(plain, {"prometheus": "", "grafana": ""}))
