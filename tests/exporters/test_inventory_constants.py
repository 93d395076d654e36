"""The inventory's series from the exporter are those of the rule file, to all who read them."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporters.base.collecting import Page
from exporters.base.exporter import Context, Parts
from exporters.base.rendering import render
from exporters.inventory import EXPORTER
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.inventory_series import constants, predicted
from generator.series import predict
from modelwatch.catalogue import inventory as inventory_series
from modelwatch.catalogue.exporters import EXPORTER_UP
from modelwatch.catalogue.inventory import MODEL_INFO, SERIES_PREDICTED, SOURCE
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import ALERT_POLICY, BUDGET_POLICY, FLOOR_EVENTS, LIMIT
from modelwatch.catalogue.stack import RULE_FAILURES
from modelwatch.inventory import Inventory, Source
from modelwatch.problems import ModelwatchError
from modelwatch.reading import read
from modelwatch.rules import Constant
from tests.exporters.prometheus_server import api, free_address, prometheus, served, until, values
from tests.inventory_texts import MODEL, ROOT, read_text
from tests.real import program

COMPRESSED = 60
"""Hours in minutes, as in the demo: rule groups run every half to four seconds."""


def everything(**settings: object) -> Inventory:
    path = ROOT / "examples/everything.yaml"
    found = read(str(path), path.read_bytes(), definitions().engines)
    return replace(found, settings=replace(found.settings, **settings))  # type: ignore[arg-type]


def rows_of(inventory: Inventory) -> tuple[Constant, ...]:
    known = definitions()
    return (
        *constants(inventory, known.engines_of(inventory)),
        *predicted(predict(inventory, known).total),
    )


def started(inventory: Inventory, tmp_path: Path, **options: object) -> Parts:
    return EXPORTER.start(
        Context(inventory=inventory, constants=rows_of, state_dir=tmp_path, options=options)
    )


def page_of(parts: Parts) -> str:
    return render(Page("inventory", parts.collectors).families(5), openmetrics=False).decode()


def samples(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What is on a page, without the labels that are empty."""
    return {
        (one.name, tuple(sorted((k, v) for k, v in one.labels.items() if v))): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }


def _key(row: Constant) -> tuple[str, tuple[tuple[str, str], ...]]:
    return (row.metric.name, tuple(sorted(row.labels.items())))


# The page.


def test_every_constant_is_on_the_page_with_its_labels_and_value(tmp_path: Path) -> None:
    inventory = everything(constants="exporter")
    found = samples(page_of(started(inventory, tmp_path)))
    rows = rows_of(inventory)
    assert len(rows) > 200
    assert {_key(row): float(row.value) for row in rows}.items() <= found.items()
    own = {str(metric) for metric in EXPORTER.metrics}
    others = {name for name, _ in found if name not in own}
    assert {
        name for name in others if not name.startswith(("modelwatch_exporter", "process_"))
    } == set()


def test_constants_leave_no_room_for_labels_of_the_target(tmp_path: Path) -> None:
    page = page_of(started(everything(constants="exporter"), tmp_path))
    lines = [
        line for line in page.splitlines() if line.startswith((f"{MODEL_INFO}{{", f"{SOURCE}{{"))
    ]
    assert all('job="' in line and 'instance="' in line for line in lines)
    assert any(f"{SOURCE}{{" in line and 'instance=""' in line for line in lines)
    up = [line for line in page.splitlines() if line.startswith(str(EXPORTER_UP))]
    assert up
    assert not any('job="' in line or 'instance="' in line for line in up)


def test_what_rules_supply_is_not_on_the_page_too(tmp_path: Path) -> None:
    found = {name for name, _ in samples(page_of(started(everything(), tmp_path)))}
    assert MODEL_INFO.name not in found
    assert {"modelwatch_budget_period_start_timestamp_seconds"} <= found


def test_without_an_inventory_there_is_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(ModelwatchError, match="--inventory"):
        EXPORTER.start(Context(inventory=None, constants=rows_of, state_dir=tmp_path))


def test_prometheus_is_where_the_option_or_the_inventory_says(tmp_path: Path) -> None:
    inventory = everything()
    (asking,) = started(inventory, tmp_path).work
    assert asking.prometheus.url == "http://localhost:9090"  # type: ignore[attr-defined]
    options = {
        "prometheus_url": "https://p",
        "prometheus_token_file": "/t",
        "prometheus_ca_file": None,
    }
    (asking,) = started(inventory, tmp_path, **options).work
    known = asking.prometheus  # type: ignore[attr-defined]
    assert (known.url, known.token_file, known.ca_file) == ("https://p", Path("/t"), None)


EXPORTED = (
    'settings: {constants: exporter}\nexporters: {inventory: {targets: ["localhost:9468"]}}\n'
)


def test_a_new_reading_of_the_inventory_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    parts = started(read_text(EXPORTED + MODEL), tmp_path)
    parts.reconfigure(read_text(EXPORTED + MODEL.replace("name: chat", "name: talk")))
    models = {
        dict(labels).get("model")
        for name, labels in samples(page_of(parts))
        if name == MODEL_INFO.name
    }
    assert models == {"talk"}
    parts.reconfigure(read_text(MODEL))
    assert MODEL_INFO.name not in {name for name, _ in samples(page_of(parts))}


def test_a_reading_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    inventory = read_text(EXPORTED + MODEL)
    readings = iter([rows_of(inventory)])
    context = Context(inventory=inventory, constants=lambda _: next(readings), state_dir=tmp_path)
    parts = EXPORTER.start(context)
    before = page_of(parts)
    with pytest.raises(StopIteration):
        parts.reconfigure(read_text(MODEL))
    kept = samples(before).keys() & samples(page_of(parts)).keys()
    assert any(name == MODEL_INFO.name for name, _ in kept)


@pytest.mark.real
def test_promtool_finds_no_fault_with_the_page(tmp_path: Path, promtool: Path) -> None:
    page = page_of(started(everything(constants="exporter"), tmp_path))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What is generated.


def _generated(who: str) -> dict[str, str]:
    return build(everything(constants=who), definitions())


def test_rules_leave_out_what_the_exporter_supplies() -> None:
    rules, exporter = _generated("rules"), _generated("exporter")
    assert rules.keys() - exporter.keys() == {"prometheus/rules/inventory.yml"}
    differing = {path for path in exporter if rules[path] != exporter[path]}
    assert differing
    # Storages are sent what was scraped: constants, too, where an exporter has them.
    differing.remove("prometheus/prometheus.yml")
    assert all(path.startswith("prometheus/rules/") for path in differing), "proofs are the same"


def test_rules_look_back_over_a_few_scrapes_of_constants_and_of_nothing_else() -> None:
    text = "".join(text for path, text in _generated("exporter").items() if "/rules/" in path)
    names = {
        metric.name for metric in vars(inventory_series).values() if isinstance(metric, Metric)
    }
    read = [found for found in re.finditer(r"modelwatch_[a-z_]+", text) if found[0] in names]
    assert len(read) > 100
    assert all(text[: found.start()].endswith("last_over_time(") for found in read)
    looked = re.findall(r"last_over_time\((modelwatch_[a-z_]+)(?:\{[^}]*\})?\[(\w+)\]\)", text)
    assert len(looked) == len(read)
    assert {window for _, window in looked} == {"1m"}
    assert "last_over_time(modelwatch_model_info" not in "".join(_generated("rules").values())


@pytest.mark.real
def test_every_alert_that_looks_back_is_still_proved(tmp_path: Path) -> None:
    path = ROOT / "examples/demo.yaml"
    demo = read(str(path), path.read_bytes(), definitions().engines)
    demo = replace(demo, settings=replace(demo.settings, constants="exporter"))
    tree.write(tmp_path, build(demo, definitions()))
    changed = [
        tmp_path / f"prometheus/tests/{rules.stem.removeprefix('alerts-')}_test.yml"
        for rules in sorted((tmp_path / "prometheus/rules").glob("alerts-*.yml"))
        if "last_over_time(modelwatch_" in rules.read_text()
    ]
    assert changed
    done = subprocess.run(
        [program("promtool"), "test", "rules", *changed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


# Real Prometheus: the same rules on the same series, from a rule file and from two replicas.

READ = (ALERT_POLICY, BUDGET_POLICY, LIMIT, FLOOR_EVENTS, MODEL_INFO, SOURCE, SERIES_PREDICTED)
"""Series whose every label and value must be the same; most are recorded from constants."""


def _configured(inventory: Inventory, folder: Path, address: str) -> None:
    """The generated tree, less what is not there in a test: other targets and the Alertmanager."""
    tree.write(folder, build(inventory, definitions()))
    path = folder / "prometheus/prometheus.yml"
    document = yaml.safe_load(path.read_text())
    document["alerting"] = {}
    document["remote_write"] = []
    document["scrape_configs"] = [
        job
        for job in document["scrape_configs"]
        if job["job_name"] in ("prometheus", "modelwatch-inventory")
    ]
    path.write_text(yaml.safe_dump(document))
    assert address in path.read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """A Prometheus with constants by rules, and one with them from two replicas."""

    by_rules: str
    by_exporter: str
    replicas: tuple[ExitStack, ExitStack]


@pytest.fixture(name="both")
def _both(search_path: str, tmp_path: Path) -> Iterator[Both]:
    program("prometheus", search_path)
    with ExitStack() as running:
        urls = []
        stacks = (running.enter_context(ExitStack()), running.enter_context(ExitStack()))
        for who in ("rules", "exporter"):
            address = free_address()
            inventory = everything(
                constants=who,
                time_compression=COMPRESSED,
                # Two seconds: slower than rules are evaluated.
                scrape_interval="2m",
                prometheus_url=f"http://{address}",
            )
            parts = [started(inventory, tmp_path) for _ in range(2)]
            if who == "exporter":
                replicas = [
                    stack.enter_context(served("inventory", one))
                    for stack, one in zip(stacks, parts, strict=True)
                ]
                source = Source(engine="modelwatch-inventory", targets=tuple(replicas))
                inventory = replace(inventory, exporters={"inventory": source})
            folder = tmp_path / who
            _configured(inventory, folder, address)
            server = prometheus(
                folder / "prometheus", search_path, address=address, configured=True
            )
            urls.append(running.enter_context(server))
        yield Both(by_rules=urls[0], by_exporter=urls[1], replicas=stacks)


@pytest.mark.real
@pytest.mark.servers
def test_rules_record_the_same_from_two_replicas_as_from_the_rule_file(both: Both) -> None:
    def differences() -> list[str]:
        pairs = {
            str(metric): (values(both.by_rules, str(metric)), values(both.by_exporter, str(metric)))
            for metric in READ
        }
        return [name for name, (rules, exporter) in pairs.items() if not rules or rules != exporter]

    until(lambda: _up(both) == [1, 1], "both replicas")
    until(lambda: not differences(), "the same series from both")
    # A constant is one series, however many replicas serve it; what they say of themselves is not.
    expected = [row for row in rows_of(everything()) if row.metric is MODEL_INFO]
    assert len(values(both.by_exporter, str(MODEL_INFO))) == len(expected)
    up = values(both.by_exporter, f'{EXPORTER_UP}{{collector="constants"}}')
    assert len({dict(labels)["instance"] for labels in up}) == 2
    for url in (both.by_rules, both.by_exporter):
        assert _failed_rules(url) == []

    # One of them goes: the other one serves the same series.
    both.replicas[0].close()
    until(lambda: _up(both) == [0, 1], "the loss of a replica")
    until(lambda: not differences(), "the series of the other one")
    # Both are gone, and at once all of their series: rules look back over a few scrapes.
    began = time.time()
    both.replicas[1].close()
    until(lambda: _up(both) == [0, 0], "the loss of both replicas")
    lost = time.time()
    until(lambda: not values(both.by_exporter, str(MODEL_INFO)), "the end of the constants")
    until(lambda: time.time() > lost + 2, "some rounds of every rule")
    since = f"[{time.time() - began:.0f}s:100ms]"
    there = f"count_over_time(count({ALERT_POLICY}){since}) == count_over_time(vector(1){since})"
    assert values(both.by_exporter, there)
    until(lambda: not values(both.by_exporter, str(ALERT_POLICY)), "the end of what is recorded")
    assert _failed_rules(both.by_exporter) == []


def _up(both: Both) -> list[float]:
    return sorted(values(both.by_exporter, UP).values())


UP = 'up{job="modelwatch-inventory"}'


def _failed_rules(url: str) -> list[str]:
    """Rules that are wrong now, and groups of which one ever was."""
    wrong = [
        f"{rule['name']}: {rule['lastError']}"
        for group in api(url, "rules")["groups"]
        for rule in group["rules"]
        if rule["health"] == "err"
    ]
    page = requests.get(f"{url}/metrics", timeout=10).text
    counted = [line for line in page.splitlines() if line.startswith(f"{RULE_FAILURES}{{")]
    assert counted
    return [*wrong, *(line for line in counted if not line.endswith(" 0"))]
