"""Own past over weeks: silent while nothing changes but the hour, and not when prompts do."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts import own_past
from alerts.recorded.own_past import GROUPS
from generator.rule_files import alert_file, record_file
from generator.yaml_text import dump
from modelwatch.inventory import Settings
from modelwatch.promql import select
from tests import own_past_weeks as traffic
from tests.alerts.staging import INVENTORY, chat
from tests.own_past_weeks import Compared, Past

SECOND_WEEK = range(traffic.SLOTS_PER_WEEK, 2 * traffic.SLOTS_PER_WEEK)
SHIFT = traffic.SLOTS_PER_WEEK + traffic.SLOTS_PER_DAY + 10 * traffic.SLOTS_PER_HOUR
"""Tuesday at ten in the morning."""


@pytest.mark.parametrize("per_hour", [100, 400, 500, 600, 1000, 5000, 50_000])
@pytest.mark.parametrize("seed", range(3))
def test_a_week_with_nothing_but_its_rhythm_is_silent(per_hour: int, seed: int) -> None:
    past = Past(traffic.weeks(per_hour, seed=seed))
    assert past.firing(SECOND_WEEK) == []


@pytest.mark.parametrize("per_hour", [600, 1000, 5000])
def test_one_reference_alone_would_not_have_been_silent(per_hour: int) -> None:
    past = Past(traffic.weeks(per_hour, seed=1))
    days = [compared for slot in SECOND_WEEK if (compared := past.recent_days(slot))]
    assert any(compared.told for compared in days), "weekends are unlike the days before"


@pytest.mark.parametrize("per_hour", [150, 500, 5000])
def test_longer_prompts_are_found_within_the_hour_and_usual_after_a_week(per_hour: int) -> None:
    slots = traffic.weeks(
        per_hour,
        seed=5,
        slots=3 * traffic.SLOTS_PER_WEEK,
        longer=lambda slot: 3 if slot >= SHIFT else 1,
    )
    firing = Past(slots).firing(range(traffic.SLOTS_PER_WEEK, len(slots)))
    assert SHIFT < firing[0] <= SHIFT + traffic.SLOTS_PER_HOUR + traffic.HOLD_SLOTS
    assert firing[-1] < SHIFT + traffic.SLOTS_PER_WEEK + traffic.SLOTS_PER_HOUR


def test_chance_is_above_the_floor_once_in_a_hundred_times_at_most() -> None:
    past = Past(traffic.weeks(600, seed=7))
    apart = [past.week_before(slot) for slot in SECOND_WEEK[:: traffic.SLOTS_PER_HOUR]]
    found = [compared for compared in apart if compared is not None]
    above = [compared for compared in found if compared.distance > compared.floor]
    assert len(found) > 100
    assert len(above) <= 0.02 * len(found)


@pytest.mark.real
def test_the_rules_compute_what_the_formulas_do(promtool: Path, tmp_path: Path) -> None:
    """Nine days, evaluated by the hour; on the last one prompts are longer from ten o'clock on."""
    shift = 8 * traffic.SLOTS_PER_DAY + 10 * traffic.SLOTS_PER_HOUR
    slots = traffic.weeks(
        450,
        seed=11,
        slots=9 * traffic.SLOTS_PER_DAY,
        longer=lambda slot: 3 if slot >= shift else 1,
    )
    past = Past(slots)
    hours = range(shift - 10 * traffic.SLOTS_PER_HOUR - 1, len(slots), traffic.SLOTS_PER_HOUR)
    told = [slot for slot in hours if past.told(slot)]
    assert told[0] == shift + traffic.SLOTS_PER_HOUR - 1
    expected = [*_recorded(past, hours), _firing(told[0], []), _firing(told[1], [_TOLD])]
    _run(promtool, tmp_path, slots, every="1h", expected=expected)


@pytest.mark.slow
@pytest.mark.real
def test_the_rules_are_silent_for_a_week(promtool: Path, tmp_path: Path) -> None:
    slots = traffic.weeks(500, seed=2)
    expected = [*_recorded(Past(slots), SECOND_WEEK[::101]), _firing(len(slots) - 1, [], over="7d")]
    _run(promtool, tmp_path, slots, every="4m", expected=expected)


def _run(
    promtool: Path,
    folder: Path,
    slots: list[traffic.Slot],
    *,
    every: str,
    expected: list[dict[str, Any]],
) -> None:
    """Let promtool evaluate the rules over all slots."""
    (folder / "recorded.yml").write_text(record_file(GROUPS, Settings()))
    (folder / "alerts.yml").write_text(alert_file("own-past", own_past.ALERTS, INVENTORY))
    limit = {"signal": "drift_own_past", "hold": "30m", "limit": "0.2"}
    facts = {
        chat("modelwatch_own_past_info", signal="prompt_length"): 1,
        chat("model:floor:events", signal="drift"): traffic.FLOOR,
        chat("model:threshold:value", **limit): traffic.LIMIT,
        chat("model:alert_policy:info", urgency="watch", severity="ticket"): 1,
    }
    fed = {name: f"{value}x{len(slots) * 8}" for name, value in facts.items()}
    document = {
        "rule_files": ["recorded.yml", "alerts.yml"],
        "evaluation_interval": every,
        "group_eval_order": [*(group.name for group in GROUPS), "modelwatch-alerts-own-past"],
        "tests": [
            {
                "interval": "30s",
                "input_series": [
                    {"series": name, "values": values}
                    for name, values in (fed | traffic.input_series(slots)).items()
                ],
                "promql_expr_test": expected,
            }
        ],
    }
    (folder / "test.yml").write_text(dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:5000]


def _recorded(past: Past, moments: Iterable[int]) -> Iterator[dict[str, Any]]:
    """What is recorded at the end of these slots, in billionths."""
    for slot in moments:
        yield from _compared(slot, "week_before", past.week_before(slot))
        yield from _compared(slot, "recent_days", past.recent_days(slot))


def _compared(slot: int, reference: str, found: Compared | None) -> Iterator[dict[str, Any]]:
    labels = {"feature_name": "prompt_length", "baseline": reference, "window": "1h"}
    values = (None, None) if found is None else (found.distance, found.floor)
    for name, value in zip(("statistic", "noise_floor"), values, strict=True):
        series = chat(f"model:drift:{name}", method="ks", **labels)
        samples = [{"labels": chat("", method="ks", **labels), "value": round((value or 0) * 1e9)}]
        yield _at(slot, f"round(1e9 * {series})", [] if value is None else samples)


_TOLD = {"labels": chat("", feature_name="prompt_length", limit="0.2"), "value": 1}


def _firing(slot: int, samples: list[dict[str, Any]], over: str = "1s") -> dict[str, Any]:
    told = select("ALERTS", alertname="ModelDistributionShifted", alertstate="firing")
    by = "model, environment, feature_name, limit"
    return _at(slot, f"max by ({by}) (max_over_time({told}[{over}]))", samples)


def _at(slot: int, expr: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    at = f"{(slot + 1) * traffic.SLOT_S}s"
    return {"expr": expr, "eval_time": at, "exp_samples": samples}
