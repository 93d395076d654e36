"""Alerts on GPU cards and pools."""

from pathlib import Path

import pytest

from alerts import gpu, gpu_use
from tests.alerts.staging import Scene, complaints, pool

CARD = {"host": "node-7", "gpu": "3"}


def card(name: str) -> str:
    return pool(name, **CARD)


def limit(signal: str, value: float, hold: str, text: str) -> dict[str, float]:
    return {pool("modelwatch_pool_threshold", signal=signal, hold=hold, limit=text): value}


def hot(
    alert: str,
    series: str,
    over: float,
    *,
    row: tuple[str, float, str, str],
    summary: str,
    whole: dict[str, float] | None = None,
) -> Scene:
    """A card over the limit of its pool; with `whole`, the limit is a share of it."""
    _, value, hold, text = row
    at = value * next(iter((whole or {"": 1.0}).values()))
    return Scene(
        alert=alert,
        hold=hold,
        summary=f"GPU 3 of node-7 (pool a100) {summary}, over its limit of {text}.",
        labels={**CARD, "limit": text},
        fires={card(series): over, **limit(*row), **(whole or {})},
        silent={"at the limit": {card(series): at}, "no figure": {card(series): ""}},
    )


def errors(alert: str, series: str, words: str) -> Scene:
    there = {card("gpu:temperature:celsius"): 60}
    return Scene(
        alert=alert,
        hold="1m",
        summary=f"GPU 3 of node-7 (pool a100) had 2 {words}; the limit is none.",
        labels=CARD,
        fires={card(series): 2, **there},
        silent={
            # The last code stays in the driver for good: it is no error of now.
            "no new ones": {card(series): 0, card("gpu:xid:code"): 79},
            "the card is gone": {card("gpu:temperature:celsius"): ""},
        },
    )


EXPECTED = pool("modelwatch_gpu_expected_cards")
PRESENT = pool("gpu:present:cards")

CARD_SCENES = [
    Scene(
        alert="GpuCardMissing",
        hold="5m",
        summary="Pool a100 misses 1 of its GPUs; the limit is none.",
        fires={EXPECTED: 4, PRESENT: 3},
        silent={"all are there": {PRESENT: 4}, "more than expected": {PRESENT: 5}},
    ),
    Scene(
        alert="GpuCardMissing",
        hold="5m",
        summary="Pool a100 misses 4 of its GPUs; the limit is none.",
        fires={EXPECTED: 4},
        silent={"nothing is expected": {EXPECTED: ""}},
    ),
    errors("GpuXidErrors", "gpu:xid_errors:changes15m", "new XID errors in 15 minutes"),
    errors(
        "GpuMemoryErrors",
        "gpu:ecc_uncorrected:increase1h",
        "memory errors in an hour that could not be corrected",
    ),
    hot(
        "GpuTemperatureHigh",
        "gpu:temperature:celsius",
        88,
        row=("gpu_temperature", 85, "5m", "85"),
        summary="is 88 °C hot",
    ),
    hot(
        "GpuThrottled",
        "gpu:throttled:ratio",
        0.4,
        row=("gpu_throttled", 0.1, "10m", "10%"),
        summary="is held back 40% of the time by heat or power",
    ),
    hot(
        "GpuPowerAtLimit",
        "gpu:power:watts",
        396,
        row=("gpu_power", 0.98, "15m", "98%"),
        summary="draws 99% of its power limit",
        whole={card("gpu:power_limit:watts"): 400.0},
    ),
    hot(
        "GpuMemoryNearlyFull",
        "gpu:memory_used:bytes",
        48.5,
        row=("gpu_memory", 0.95, "10m", "95%"),
        summary="has 97% of its memory in use",
        whole={card("gpu:memory_total:bytes"): 50.0},
    ),
]

BUSY = pool("gpu:pool_utilization:ratio")
USUAL = pool("gpu:pool_utilization:mean1d")
TRAFFIC = pool("gpu:pool_busy_models:count")
IDLE_COST = pool("gpu:idle_cost_usd:rate1h")

USE_SCENES = [
    Scene(
        alert="GpuUtilizationCollapsed",
        hold="15m",
        summary="The GPUs of pool a100 work 90% less than over the last day although their models "
        "have traffic; the limit is 80%.",
        labels={"limit": "80%"},
        fires={
            BUSY: 0.06,
            USUAL: 0.6,
            TRAFFIC: 2,
            **limit("gpu_utilization_drop", 0.8, "15m", "80%"),
        },
        silent={
            "a quieter hour": {BUSY: 0.13},
            "no traffic": {TRAFFIC: 0},
            "a pool that never works": {BUSY: 0, USUAL: 0.04},
        },
    ),
    Scene(
        alert="GpuPoolIdle",
        hold="30m",
        summary="Pool a100 does nothing and costs 7.20 USD an hour: its GPUs are busy less than "
        "its limit of 5%.",
        labels={"limit": "5%"},
        fires={IDLE_COST: 0.002, BUSY: 0.01, **limit("gpu_idle", 0.05, "30m", "5%")},
        silent={
            "it works": {BUSY: 0.05},
            "one idle card in a busy pool": {BUSY: 0.7},
            "it costs nothing": {IDLE_COST: 0},
            "no price": {IDLE_COST: ""},
        },
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", CARD_SCENES, ids=str)
def test_a_sick_or_missing_card_is_told_of(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, gpu.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", USE_SCENES, ids=str)
def test_a_pool_that_does_not_earn_its_money_is_told_of(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, gpu_use.ALERTS, scene, tmp_path)


def test_every_gpu_alert_has_a_scene() -> None:
    scenes = {scene.alert for scene in (*CARD_SCENES, *USE_SCENES)}
    assert {alert.name for alert in (*gpu.ALERTS, *gpu_use.ALERTS)} == scenes
