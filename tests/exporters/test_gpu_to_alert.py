"""From a sick card to the alerts: the real exporter, a real Prometheus, every rule."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from compose import answers
from generator.build import build
from generator.definitions import definitions
from modelwatch.problems import Unreachable
from modelwatch.reading import read
from tests.engine_pages import failures
from tests.exporters.gpu_bench import UUIDS
from tests.exporters.prometheus_server import free_address, running, until
from tests.real import program

# A hold of ten minutes takes five seconds.
FLEET = """\
settings: {{time_compression: 120, prometheus_url: "http://{prometheus}"}}
receivers: {{hook: {{webhook: {{url_file: /etc/hook}}}}}}
teams: {{platform: {{page: hook}}}}
defaults: {{team: platform, tier: 1}}
models:
  - {{name: chat, sources: [{{engine: vllm, job: vllm, model: llama}}]}}
gpus:
  - pool: own
    cards: 3
    hosts: [node-1]
    sources: [{{engine: modelwatch_gpu, targets: ["{own}"]}}]
  - pool: others
    cards: 3
    hosts: [node-2]
    sources: [{{engine: dcgm_exporter, targets: ["{others}"]}}]
"""
EXPORTERS = {
    "own": ("--names=modelwatch", "--host=node-1"),
    "others": ("--names=dcgm", "--host=node-2"),
}
OF_CARD = {
    "GpuMemoryErrors",
    "GpuMemoryNearlyFull",
    "GpuPowerAtLimit",
    "GpuTemperatureHigh",
    "GpuXidErrors",
}
EXPECTED = {
    *(("GpuCardMissing", pool, "") for pool in EXPORTERS),
    *((alert, pool, UUIDS[1]) for alert in OF_CARD for pool in EXPORTERS),
}
"""Each fires for the sick card, or for the pool that misses one; none for the healthy card.

The sick card is also held back, by its heat, which is told already.
"""


@contextmanager
def site(folder: Path, path: str) -> Iterator[str]:
    """The address of a Prometheus that watches an exporter with each set of names."""
    addresses = {name: free_address() for name in ("prometheus", *EXPORTERS)}
    text = FLEET.format(**addresses)
    (folder / "models.yaml").write_text(text)
    known = definitions()
    inventory = read("models.yaml", text.encode(), known.engines)
    for name, content in build(inventory, known).items():
        if name.startswith("prometheus/"):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
    exporter = (sys.executable, "-m", "generator", "exporter", "gpu")
    common = ("--library=tests.exporters.sick_cards", f"--inventory={folder / 'models.yaml'}")
    prometheus = (
        program("prometheus", path),
        f"--config.file={folder / 'prometheus' / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={addresses['prometheus']}",
    )
    with ExitStack() as stack:
        for name, own in EXPORTERS.items():
            here = (f"--listen={addresses[name]}", f"--state-dir={folder / name}")
            stack.enter_context(running(name, folder, *exporter, *common, *own, *here))
        stack.enter_context(running("prometheus", folder, *prometheus))
        yield f"http://{addresses['prometheus']}"


def firing(url: str) -> set[tuple[str, str, str]]:
    try:
        found = answers.firing(url)
    except Unreachable:  # it is being started
        return set()
    return {
        (one["alertname"], one["pool"], one.get("gpu", ""))
        for one in found
        if one["alertname"].startswith("Gpu")
    }


@pytest.mark.real
@pytest.mark.servers
def test_each_alert_about_cards_fires_from_a_real_page_for_the_card_it_is_about(
    tmp_path: Path, search_path: str
) -> None:
    with site(tmp_path, search_path) as url:
        until(lambda: firing(url) >= EXPECTED, f"alerts, see {tmp_path}", 180)
        assert firing(url) == EXPECTED
        assert failures(url) == []
