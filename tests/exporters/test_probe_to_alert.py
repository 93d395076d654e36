"""From a server that misbehaves to the alert: the real exporter, a real Prometheus, every rule."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose import answers
from generator.build import build
from generator.definitions import definitions
from modelwatch.catalogue.probe import PROBE_RECENT_RUNS, PROBE_SUCCESS_RATIO
from modelwatch.problems import Unreachable
from modelwatch.reading import read
from tests.engine_pages import failures
from tests.exporters import misbehaving
from tests.exporters.misbehaving import END, EVENTS, Server, Step, event, whole
from tests.exporters.prometheus_server import free_address, running
from tests.real import program

# An hour in half a minute: a hold of ten minutes takes five seconds.
FLEET = """\
settings: {{time_compression: 120, prometheus_url: "http://{prometheus}"}}
receivers: {{hook: {{webhook: {{url_file: /etc/hook}}}}}}
teams: {{assist: {{page: hook}}}}
exporters: {{probe: {{targets: ["{exporter}"]}}}}
defaults:
  team: assist
  tier: 1
  limits: {{probe_failures: 50% for 1m, probe_wrong: 50% for 1m, probe_silent: for 5m,
            retirement: 30 for 1m, silent: off}}
models:
"""
MODEL = """\
  - name: {name}
    sources: [{{engine: modelwatch_probe, job: modelwatch-probe}}]
    floors: {{requests: 3, errors: 3}}
    {facts}
    probes:
      {name}-golden:
        api: openai_chat
        url: {url}
        model: llama
        every: 1s
        {own}
        prompts: {{capital: {{prompt: "Capital of France?", max_tokens: 5,
                              expect: {{contains: Paris}}}}}}
"""
UNKNOWN = """\
  - name: unknown
    sources: [{engine: modelwatch_probe, job: modelwatch-probe}]
    probes: {unheard: {api: http, url: "http://127.0.0.1:1", prompts: {any: {body: "{}"}}}}
"""
SLOW = """\
limits: {{probe_latency: p50 > 200ms for 1m, probe_time_to_first_token: p50 > 100ms for 1m}}"""


def answer(text: str = "Paris", model: str = "llama", *waits: float) -> list[Step]:
    """A streamed answer, with pauses before its first token."""

    def chunk(delta: Mapping[str, str], **rest: Any) -> bytes:
        return event({"model": model, "choices": [{"index": 0, "delta": delta, **rest}]})

    used = {"model": model, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 1}}
    begins = EVENTS + chunk({"role": "assistant"})
    spoken = chunk({"content": text}, finish_reason="stop")
    return [begins, *waits, spoken + event(used) + event("[DONE]") + END]


BROKEN = whole({"error": {"message": "out of memory"}}, 500)
BEHAVIOUR: Mapping[str, tuple[list[Step], str, str]] = {
    "chat": (answer(), "", ""),
    "wrong": (answer("Lyon"), "", ""),
    "swapped": (answer("Paris", "tiny"), "", ""),
    "slow": (answer("Paris", "llama", 0.3), SLOW, ""),
    "capped": (answer(), "", "tokens_per_day: 90"),
    "retiring": (answer(), "retires: {soon}", ""),
    "expiring": (answer(), "", "ca_file: {ca_file}"),
}
EXPECTED = {
    "ModelProbeWrongAnswers": "wrong",
    "ModelServedSilentlySwapped": "swapped",
    "ModelProbeSlow": "slow",
    "ModelProbeFirstTokenSlow": "slow",
    "ModelProbeCapReached": "capped",
    "ModelRetiresSoon": "retiring",
    "ModelCertificateExpiresSoon": "expiring",
    "ModelProbeSilent": "unknown",
}
OURS = {"ModelProbeFailing", *EXPECTED}
"""Alerts of the probes; each must fire for one model and be silent for all others."""


def eventually(true: Callable[[], object], within_s: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Servers by model, and the address of the Prometheus that watches them."""

    servers: Mapping[str, Server]
    url: str
    exporter: str

    def firing(self) -> set[tuple[str, str]]:
        return {
            (alert["alertname"], alert.get("model", ""))
            for alert in answers.firing(self.url)
            if alert["alertname"] in OURS
        }

    def values(self, query: str) -> dict[str, float]:
        found = answers.query(self.url, query)
        return {one.labels.get("probe", ""): one.value for one in found}


@pytest.fixture(name="site")
def _site(tmp_path: Path, native_path: str) -> Iterator[Site]:
    with ExitStack() as stack:
        pair = misbehaving.certificates(tmp_path)["good"]
        tls = {"expiring": misbehaving.context(pair)}
        servers = {
            name: stack.enter_context(misbehaving.server(script, tls=tls.get(name)))
            for name, (script, _, _) in BEHAVIOUR.items()
        }
        soon = datetime.now(UTC) + timedelta(days=7)
        facts = {"ca_file": pair[0], "soon": soon.date()}
        models = "".join(
            MODEL.format(
                name=name,
                url=f"{servers[name].url}/v1",
                facts=more.format(**facts),
                own=own.format(**facts),
            )
            for name, (_, more, own) in BEHAVIOUR.items()
        )
        ports = {"prometheus": free_address(), "exporter": free_address()}
        (tmp_path / "models.yaml").write_text(FLEET.format(**ports) + models)
        declared = FLEET.format(**ports) + models + UNKNOWN
        stack.enter_context(_exporter(tmp_path, ports["exporter"]))
        url = stack.enter_context(_prometheus(tmp_path, declared, ports["prometheus"], native_path))
        yield Site(servers=servers, url=url, exporter=f"http://{ports['exporter']}")


@contextmanager
def _exporter(folder: Path, address: str) -> Iterator[None]:
    command = (sys.executable, "-m", "generator", "exporter", "probe")
    options = ("--inventory", folder / "models.yaml", "--listen", address)
    with running("exporter", folder, *command, *options, "--state-dir", folder / "state"):
        yield


@contextmanager
def _prometheus(folder: Path, declared: str, address: str, path: str) -> Iterator[str]:
    known = definitions()
    inventory = read("models.yaml", declared.encode(), known.engines)
    for name, text in build(inventory, known).items():
        if name.startswith("prometheus/"):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    command = (program("prometheus", path), f"--web.listen-address={address}")
    config = folder / "prometheus" / "prometheus.yml"
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
    with running("prometheus", folder, *command, *options):
        yield f"http://{address}"


@pytest.mark.real
@pytest.mark.servers
def test_each_alert_about_probes_fires_from_a_real_page_for_the_model_it_is_about(
    site: Site,
) -> None:
    expected = set(EXPECTED.items())
    eventually(_reachable(site), 60, lambda: "Prometheus does not start")
    eventually(lambda: site.firing() >= expected, 150, lambda: expected ^ site.firing())
    assert site.firing() == expected
    # Until now the model `chat` was well, and Prometheus knew it.
    assert site.values(f'{PROBE_SUCCESS_RATIO}{{model="chat"}}') == {"chat-golden": 1}

    site.servers["chat"].scripts = [BROKEN]
    broken = {*expected, ("ModelProbeFailing", "chat")}
    eventually(lambda: site.firing() >= broken, 90, lambda: broken ^ site.firing())
    assert site.firing() == broken
    assert failures(site.url) == []


def _reachable(site: Site) -> Callable[[], bool]:
    def reached() -> bool:
        try:
            return bool(answers.query(site.url, f"{PROBE_RECENT_RUNS}"))
        except Unreachable:
            return False

    return reached
