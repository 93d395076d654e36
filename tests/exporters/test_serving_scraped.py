"""Real Prometheus releases scrape an exporter, in the clear and over TLS with a password."""

import subprocess
from pathlib import Path

import bcrypt
import pytest
import requests

from tests import real
from tests.exporters.certificates import Authority
from tests.exporters.sample import free_port, running, until

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: plain
    static_configs: [{{targets: ['{plain}']}}]
  - job_name: secure
    static_configs: [{{targets: ['{secure}']}}]
    scheme: https
    tls_config: {{ca_file: {authority}}}
    basic_auth: {{username: prometheus, password: secret}}
  - job_name: wrong
    static_configs: [{{targets: ['{secure}']}}]
    scheme: https
    tls_config: {{ca_file: {authority}}}
    basic_auth: {{username: prometheus, password: guess}}
"""


def value(port: int, query: str) -> str:
    try:
        url = f"http://127.0.0.1:{port}/api/v1/query"
        found = requests.get(url, params={"query": query}, timeout=5).json()
    except (requests.ConnectionError, requests.JSONDecodeError):
        return ""
    result = found.get("data", {}).get("result") or [{"value": [0, ""]}]
    return str(result[0]["value"][1])


@pytest.mark.real
def test_a_real_prometheus_scrapes_it(tmp_path: Path, native_path: str) -> None:
    authority = Authority(tmp_path)
    server = authority.sign("server", "IP:127.0.0.1")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
        f"basic_auth_users:\n  prometheus: {hashed}\n"
    )
    port = free_port()
    with (
        running(tmp_path / "plain") as plain,
        running(tmp_path / "secure", "--web-config", web) as secure,
    ):
        assert secure.url.startswith("https://")
        (tmp_path / "prometheus.yml").write_text(
            CONFIG.format(
                plain=f"127.0.0.1:{plain.port}",
                secure=f"127.0.0.1:{secure.port}",
                authority=authority.own.cert,
            )
        )
        prometheus = subprocess.Popen(
            [
                real.program("prometheus", native_path),
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            assert until(lambda: value(port, 'up{job="plain"}') == "1", 20)
            assert until(lambda: value(port, 'up{job="secure"}') == "1", 20)
            assert until(lambda: value(port, 'up{job="wrong"}') == "0", 20)
            assert value(port, 'sum(sample_filler{job="plain"})') == "3"
        finally:
            prometheus.terminate()
            prometheus.wait(20)
        ca = str(authority.own.cert)
        assert requests.get(f"{secure.url}/metrics", verify=ca, timeout=5).status_code == 401
        assert requests.get(f"{secure.url}/-/healthy", verify=ca, timeout=5).status_code == 200
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{secure.port}/metrics", timeout=5)
