"""What evaluating the rules costs a Prometheus, beside the per-service shape and beside no rules.

The same binary, pages and past, one after the other. Scraping costs the same in all of them, so
what a process uses above the first is what its rules cost. Ours are measured twice: the part that
watches the objectives, which is what the per-service shape does, and everything.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import fleet, history, pages, per_service, steady
from benchmarks.measured import table, verdict
from benchmarks.server import Server, prometheus
from generator import engine_rules
from generator.build import build
from generator.definitions import Definitions, definitions
from generator.opening import inventory_at
from generator.rule_files import record_file
from modelwatch.catalogue.recorded import ENGINE_BUCKETS, ENGINE_REQUESTS
from modelwatch.inventory import Inventory
from modelwatch.rules import RecordGroup

GOAL = 1 / 10
WARM_S = 30
SCRAPE_INTERVAL = "15s"
EVALUATION_INTERVAL = "30s"
SHOWN = 8
"""Groups of ours that are listed, the most expensive ones first."""

OBJECTIVES = ("slo", "promises", "policy", "floors", "requests")
"""Recorded subjects that alerts about objectives need, and the same for the engine layer."""

ENGINE_SERIES = (ENGINE_REQUESTS, ENGINE_BUCKETS["request_duration"])

_DURATION = "prometheus_rule_group_last_duration_seconds"
_SPENT = "prometheus_rule_group_duration_seconds_sum"
_MISSED = "prometheus_rule_group_iterations_missed_total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Rules to be measured: one file or many, and for how long; None for no rules."""

    title: str
    files: str | None
    measured_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one shape costs: fractions of a core, seconds, bytes. `by_group` is per second."""

    title: str
    rules: int
    groups: int
    cpu: float
    busy: float
    one_round_s: float
    missed: float
    memory: float
    by_group: Mapping[str, float]


def run(models: int, hours: int) -> None:
    """Measure all shapes, print a table, the most expensive groups and whether the goal is met."""
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as name:
        folder = Path(name)
        shapes = _shapes(folder, models)
        samples = _past(folder, models, hours * 3_600)
        print(
            f"{models} models, {hours} h of past: {samples / 1e6:.1f} million samples", flush=True
        )
        with pages.served() as proxy:
            costs = [_measured(shape, folder, models, proxy) for shape in shapes]
    none, other, promises, ours = costs
    print()
    print(
        table(
            ("", "rules", "groups", "CPU", "above", "evaluating", "one round", "missed", "memory"),
            [_row(cost, none) for cost in costs],
        )
    )
    print("\nCPU, above scraping and evaluating: of one core. One round: every group once.")
    print("\nmost expensive groups of modelwatch, of one core:")
    costly = sorted(ours.by_group.items(), key=lambda entry: -entry[1])[:SHOWN]
    print(table(("", ""), [(f"  {group}", f"{share:.2%}") for group, share in costly]), end="\n\n")
    for cost in (promises, ours):
        of_cpu = (cost.cpu - none.cpu) / (other.cpu - none.cpu)
        of_time = cost.busy / other.busy
        for what, share in (("CPU above scraping", of_cpu), ("time of evaluation", of_time)):
            said = f"{cost.title}: {what} is {share:.3f} of the per-service shape"
            print(verdict(said, reached=share <= GOAL))


def _shapes(folder: Path, models: int) -> tuple[Shape, ...]:
    """Ours is measured for a whole interval of its slowest groups."""
    other = folder / "per-service.yml"
    other.write_text(per_service.rules(models), encoding="utf-8")
    inventory = _inventory(folder, models)
    everything = build(inventory, definitions())
    engines = record_file(_engine_groups(inventory), inventory.settings)
    promises = build(inventory, _about_objectives()) | {"prometheus/rules/engines.yml": engines}
    return (
        Shape(title="scraping only", files=None, measured_s=60),
        Shape(title="per service", files=str(other), measured_s=60),
        Shape(title="its part of ours", files=_written(folder / "part", promises), measured_s=120),
        Shape(title="modelwatch", files=_written(folder / "whole", everything), measured_s=240),
    )


def _about_objectives() -> Definitions:
    """What remains of us when only objectives are watched."""
    known = definitions()
    groups = tuple(f"modelwatch-{subject}" for subject in OBJECTIVES)
    return replace(
        known,
        records=tuple(group for group in known.records if group.name.startswith(groups)),
        alerts={
            topic: tuple(alert for alert in alerts if "Burn" in alert.name)
            for topic, alerts in known.alerts.items()
        },
        boards=(),
    )


def _engine_groups(inventory: Inventory) -> list[RecordGroup]:
    groups = engine_rules.groups(inventory, definitions().engines_of(inventory))
    return [
        replace(
            group,
            records=tuple(record for record in group.records if record.metric in ENGINE_SERIES),
        )
        for group in groups
    ]


def _written(folder: Path, files: Mapping[str, str]) -> str:
    """Write the rule files; returns the pattern that finds them."""
    folder.mkdir()
    for path, text in files.items():
        if path.startswith("prometheus/rules/"):
            (folder / Path(path).name).write_text(text, encoding="utf-8")
    return str(folder / "*.yml")


def _inventory(folder: Path, models: int) -> Inventory:
    path = folder / "models.yaml"
    path.write_text(fleet.inventory(models), encoding="utf-8")
    return inventory_at(str(path))


def _past(folder: Path, models: int, past_s: int) -> int:
    past = (
        *steady.raw(models, past_s),
        *steady.recorded(models, past_s, _inventory(folder, models), definitions()),
        *per_service.past(models, past_s),
    )
    return history.write(past, until=int(time.time()), storage=folder / "past", scratch=folder)


def _measured(shape: Shape, folder: Path, models: int, proxy: str) -> Cost:
    own = folder / shape.title.replace(" ", "-")
    storage = own / "data"
    shutil.copytree(folder / "past", storage, copy_function=os.link)
    configuration = _configuration(shape, models, proxy)
    with prometheus(own, storage=storage, configuration=configuration) as server:
        time.sleep(WARM_S)
        before = server.samples()
        started = time.perf_counter()
        time.sleep(shape.measured_s)
        after = server.samples()
        seconds = time.perf_counter() - started
        return _cost(shape, before, after, seconds, server)


def _configuration(shape: Shape, models: int, proxy: str) -> dict[str, object]:
    targets = [fleet.target(number) for number in range(1, models + 1)]
    return {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "evaluation_interval": EVALUATION_INTERVAL,
        },
        "rule_files": [shape.files] if shape.files else [],
        "scrape_configs": [
            {"job_name": "vllm", "proxy_url": proxy, "static_configs": [{"targets": targets}]}
        ],
    }


def _cost(
    shape: Shape,
    before: Mapping[str, float],
    after: Mapping[str, float],
    seconds: float,
    server: Server,
) -> Cost:
    groups = server.groups()
    intervals = {f"{group['file']};{group['name']}": group["interval"] for group in groups}
    last = {
        name.partition('"')[2].rpartition('"')[0]: value
        for name, value in after.items()
        if name.startswith(_DURATION)
    }
    return Cost(
        title=shape.title,
        rules=sum(len(group["rules"]) for group in groups),
        groups=len(groups),
        cpu=(after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) / seconds,
        busy=(after[_SPENT] - before[_SPENT]) / seconds,
        one_round_s=sum(last.values()),
        missed=sum(value for name, value in after.items() if name.startswith(_MISSED)),
        memory=after["process_resident_memory_bytes"],
        by_group={
            group.rpartition(";")[2]: value / float(intervals[group])
            for group, value in last.items()
        },
    )


def _row(cost: Cost, none: Cost) -> tuple[object, ...]:
    return (
        cost.title,
        cost.rules,
        cost.groups,
        f"{cost.cpu:.1%}",
        f"{cost.cpu - none.cpu:.1%}",
        f"{cost.busy:.1%}",
        f"{cost.one_round_s:.2f} s",
        f"{cost.missed:.0f}",
        f"{cost.memory / 1e6:.0f} MB",
    )
