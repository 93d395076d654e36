"""What Prometheus scrapes: each target once, where and how the inventory says."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.definitions import definitions
from generator.prometheus import LIMITS, files
from modelwatch.inventory import Inventory
from tests.inventory_texts import ROOT, TOP, read_text

STACK_JOBS = ("prometheus", "alertmanager")


def inventory(*sources: str, more: str = "") -> Inventory:
    """One model per source."""
    models = "".join(
        f"  - {{name: m{number}, team: assist, sources: [{{{source}}}]}}\n"
        for number, source in enumerate(sources)
    )
    return read_text(f"{TOP}{more}models:\n{models}")


def settings(*lines: str) -> str:
    return "settings:\n" + "".join(f"  {line}\n" for line in lines)


def written(found: Inventory) -> dict[str, str]:
    return files(found, definitions().engines_of(found))


def configured(found: Inventory) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(written(found)["prometheus.yml"])
    return loaded


def jobs(found: Inventory) -> dict[str, dict[str, Any]]:
    listed = configured(found)["scrape_configs"]
    by_name = {job["job_name"]: job for job in listed}
    assert len(by_name) == len(listed), "Prometheus refuses a job name that stands twice"
    return by_name


def targets(found: Inventory, job: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(written(found)[f"targets/{job}.json"])
    return loaded


def group(*addresses: str, scheme: str = "http", path: str = "/metrics") -> dict[str, Any]:
    labels = {"__scheme__": scheme, "__metrics_path__": path}
    return {"targets": list(addresses), "labels": labels}


VLLM = 'engine: vllm, targets: ["{}"], model: x'


@pytest.mark.parametrize(
    ("sources", "job", "expected"),
    [
        (['engine: vllm, targets: ["a:1", "b:2"], model: x'], "vllm", [group("a:1", "b:2")]),
        ([VLLM.format("a:1"), VLLM.format("b:1")], "vllm", [group("a:1", "b:1")]),
        ([VLLM.format("a:1"), VLLM.format("a:1") + "2"], "vllm", [group("a:1")]),
        (
            [VLLM.format("a:1") + ", scheme: https"],
            "vllm",
            [group("a:1", scheme="https")],
        ),
        (
            [VLLM.format("a:1") + ", path: /private/metrics"],
            "vllm",
            [group("a:1", path="/private/metrics")],
        ),
        (
            [VLLM.format("a:1"), VLLM.format("b:1") + ", scheme: https, path: /m"],
            "vllm",
            [group("a:1"), group("b:1", scheme="https", path="/m")],
        ),
        (
            ['engine: tensorrt_llm, targets: ["a:1"]'],
            "tensorrt_llm",
            [group("a:1", path="/prometheus/metrics")],
        ),
    ],
    ids=[
        "replicas",
        "two models",
        "two models of one target",
        "scheme",
        "path",
        "targets that differ",
        "path of the engine",
    ],
)
def test_targets_stand_once_with_their_scheme_and_path(
    sources: list[str], job: str, expected: list[dict[str, Any]]
) -> None:
    assert targets(inventory(*sources), job) == expected


def test_a_job_that_is_scraped_already_is_left_alone() -> None:
    found = inventory("engine: vllm, job: theirs, model: x")
    assert set(written(found)) == {"prometheus.yml"}
    assert set(jobs(found)) == set(STACK_JOBS)


def test_targets_are_read_from_a_file_so_that_a_new_one_needs_no_reload() -> None:
    found = inventory(VLLM.format("a:1"))
    assert jobs(found)["vllm"] == {
        "job_name": "vllm",
        "honor_timestamps": False,
        **LIMITS,
        "file_sd_configs": [{"files": ["targets/vllm.json"]}],
    }


def test_labels_of_a_page_win_only_where_the_names_are_ours() -> None:
    engines = [name for name, one in definitions().engines.items() if one.kind == "model"]
    found = inventory(*(f'engine: {name}, targets: ["{name}:1"]' for name in engines))
    listed = jobs(found)
    assert set(engines) <= set(listed)
    ours = {name for name in engines if name.startswith("modelwatch")}
    assert {name for name, job in listed.items() if job.get("honor_labels")} == ours


def test_exporters_of_ours_are_jobs_whose_labels_win() -> None:
    found = inventory(
        VLLM.format("a:1"),
        more='exporters: {probe: {targets: ["p:9466"], scheme: https, path: /m}, '
        'quality: {targets: ["q:1", "q:2"]}, inventory: {instances: ["i:9468"]}}\n',
    )
    assert targets(found, "modelwatch-probe") == [group("p:9466", scheme="https", path="/m")]
    assert targets(found, "modelwatch-quality") == [group("q:1", "q:2")]
    assert jobs(found)["modelwatch-quality"] == {
        "job_name": "modelwatch-quality",
        "honor_labels": True,
        "honor_timestamps": False,
        **LIMITS,
        "file_sd_configs": [{"files": ["targets/modelwatch-quality.json"]}],
    }
    assert "modelwatch-inventory" not in jobs(found), "it is scraped already"


@pytest.mark.parametrize(
    ("source", "job", "where"),
    [
        ("engine: vllm, file_sd: /sd/a.json, model: x", "vllm-a", {}),
        ("engine: vllm, file_sd: /sd/a.json, job: own, model: x", "own", {}),
        (
            "engine: vllm, file_sd: /sd/a.json, model: x, scheme: https, path: /m",
            "vllm-a",
            {"scheme": "https", "metrics_path": "/m"},
        ),
        (
            "engine: tensorrt_llm, file_sd: /sd/a.json",
            "tensorrt_llm-a",
            {"metrics_path": "/prometheus/metrics"},
        ),
    ],
    ids=["plain", "with a job", "scheme and path", "path of the engine"],
)
def test_files_of_the_users_are_read_where_they_are(
    source: str, job: str, where: dict[str, str]
) -> None:
    found = inventory(source)
    config = jobs(found)[job]
    assert config["file_sd_configs"] == [{"files": ["/sd/a.json"]}]
    assert {key: config[key] for key in ("scheme", "metrics_path") if key in config} == where
    assert set(written(found)) == {"prometheus.yml"}


@pytest.mark.parametrize(
    ("sources", "job", "expected"),
    [
        (["/sd/a.json", "/other/a.json"], "vllm-a", ["/sd/a.json", "/other/a.json"]),
        (["/sd/a.json", "/sd/a.json"], "vllm-a", ["/sd/a.json"]),
    ],
    ids=["two files of one name", "one file for two models"],
)
def test_every_file_of_a_job_is_read(sources: list[str], job: str, expected: list[str]) -> None:
    found = inventory(
        *(f"engine: vllm, file_sd: {path}, model: x{n}" for n, path in enumerate(sources))
    )
    assert jobs(found)[job]["file_sd_configs"] == [{"files": expected}]


# The stack itself.


def test_the_stack_watches_itself_without_being_asked() -> None:
    found = inventory(VLLM.format("a:1"))
    addresses = {"prometheus": "localhost:9090", "alertmanager": "localhost:9093"}
    for job, address in addresses.items():
        assert jobs(found)[job] == {"job_name": job, "static_configs": [{"targets": [address]}]}


@pytest.mark.parametrize(
    ("url", "static"),
    [
        ("http://prom:9090", {"targets": ["prom:9090"]}),
        ("http://prom:9090/", {"targets": ["prom:9090"]}),
        ("https://prom", {"targets": ["prom"], "labels": {"__scheme__": "https"}}),
        (
            "https://ops.example.com/prometheus/",
            {
                "targets": ["ops.example.com"],
                "labels": {"__scheme__": "https", "__metrics_path__": "/prometheus/metrics"},
            },
        ),
    ],
)
def test_prometheus_is_scraped_where_its_address_says(url: str, static: dict[str, Any]) -> None:
    found = inventory(VLLM.format("a:1"), more=settings(f"prometheus_url: {url}"))
    assert jobs(found)["prometheus"]["static_configs"] == [static]


def test_declared_parts_of_the_stack_are_scraped_all_of_them() -> None:
    found = inventory(
        VLLM.format("a:1"),
        more=settings(
            "stack_sources:",
            '  - {job: loki, targets: ["loki-1:3100"]}',
            '  - {job: loki, targets: ["loki-2:3100"], scheme: https, path: /m}',
            '  - {job: alertmanager, targets: ["am:9093"]}',
            "  - {job: grafana}",
        ),
    )
    assert jobs(found)["loki"]["static_configs"] == [
        {"targets": ["loki-1:3100"]},
        {
            "targets": ["loki-2:3100"],
            "labels": {"__metrics_path__": "/m", "__scheme__": "https"},
        },
    ]
    assert jobs(found)["alertmanager"]["static_configs"] == [{"targets": ["am:9093"]}]
    assert "grafana" not in jobs(found)


def test_a_part_of_the_stack_named_like_an_engine_shares_its_job() -> None:
    found = inventory(
        VLLM.format("a:1"),
        more=settings("stack_sources:", '  - {job: vllm, targets: ["b:1"]}'),
    )
    job = jobs(found)["vllm"]
    assert job["static_configs"] == [{"targets": ["b:1"]}]
    assert job["file_sd_configs"] == [{"files": ["targets/vllm.json"]}]


# Times and addresses for the whole.


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ("15s", "10s", "30s")),
        (["scrape_interval: 5s"], ("5s", "5s", "30s")),
        (["scrape_interval: 1m"], ("1m", "10s", "30s")),
        (["time_compression: 20"], ("750ms", "750ms", "1500ms")),
    ],
    ids=["usual", "fast", "slow", "compressed"],
)
def test_a_scrape_ends_before_the_next_one(lines: list[str], expected: tuple[str, ...]) -> None:
    more = settings(*lines) if lines else ""
    times = configured(inventory(VLLM.format("a:1"), more=more))["global"]
    names = ("scrape_interval", "scrape_timeout", "evaluation_interval")
    assert tuple(times[name] for name in names) == expected


def test_alerts_go_to_every_alertmanager() -> None:
    more = settings('alertmanagers: ["am-1:9093", "am-2:9093"]')
    alerting = configured(inventory(VLLM.format("a:1"), more=more))["alerting"]
    (manager,) = alerting["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["am-1:9093", "am-2:9093"]}]


@pytest.mark.real
def test_promtool_accepts_every_way_to_be_scraped(promtool: Path, tmp_path: Path) -> None:
    found = inventory(
        VLLM.format("a:1") + ", scheme: https, path: /m",
        "engine: vllm, file_sd: /sd/a.json, model: x, scheme: https",
        'engine: modelwatch, targets: ["[::1]:9000"]',
        more=settings(
            "prometheus_url: https://ops.example.com/prometheus",
            "time_compression: 20",
            "stack_sources:",
            '  - {job: vllm, targets: ["b:1"], scheme: https}',
        ),
    )
    for name, text in written(found).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["demo", "minimal", "everything"])
def test_no_target_of_an_example_is_forgotten(name: str) -> None:
    found = read_text((ROOT / f"examples/{name}.yaml").read_text(encoding="utf-8"))
    sources = [
        *(source for model in found.models for source in model.sources),
        *(source for pool in found.pools for source in pool.sources),
        *found.exporters.values(),
    ]
    wanted = {target for source in sources for target in source.targets}
    listed = [
        target
        for path, text in written(found).items()
        if path.startswith("targets/")
        for entry in json.loads(text)
        for target in entry["targets"]
    ]
    assert sorted(wanted) == sorted(listed)
