"""Alerts on the stack, on endpoints, and on signals that agree with each other."""

from pathlib import Path

import pytest

from alerts import correlated, coverage, endpoint, stack
from modelwatch.promql import select
from tests.alerts import test_accuracy_alerts
from tests.alerts.staging import Scene, chat, complaints, pool

GROUP = "/etc/prometheus/rules/alerts-cost.yml;modelwatch-alerts-cost"
OTHER_GROUP = "/etc/prometheus/other.yml;theirs"
PROMETHEUS = {"job": "prometheus", "instance": "prom:9090"}
ALERTMANAGER = {"job": "alertmanager", "instance": "am:9093"}
GROWS, STANDS = "0+2", "7+0"


def ruled(name: str, group: str = GROUP) -> str:
    return select(name, PROMETHEUS, rule_group=group)


def counted(alert: str, hold: str, series: str, summary: str, labels: dict[str, str]) -> Scene:
    return Scene(
        alert=alert,
        hold=hold,
        summary=summary,
        labels=labels,
        fires={series: GROWS},
        silent={"a counter that stands still": {series: STANDS}, "no counter": {series: ""}},
    )


def reload_failed(alert: str, series: str, labels: dict[str, str], words: str) -> Scene:
    name = select(series, labels)
    return Scene(
        alert=alert,
        hold="5m",
        summary=f"{words} refused its new configuration and runs on with the old one.",
        labels=labels,
        fires={name: 0},
        silent={"it worked": {name: 1}},
    )


FAILURES = ruled("prometheus_rule_evaluation_failures_total")
OTHER_FAILURES = ruled("prometheus_rule_evaluation_failures_total", OTHER_GROUP)
TOOK, EVERY = (
    ruled(f"prometheus_rule_group_{name}_seconds") for name in ("last_duration", "interval")
)
KEPT = "stack:recorded_series:count"
CORRUPTIONS = select("prometheus_tsdb_wal_corruptions_total", PROMETHEUS)

STACK_SCENES = [
    Scene(
        alert="Watchdog",
        hold="0m",
        summary="The way from Prometheus to the receiver works; the limit is silence.",
        fires={},
        silent={},
    ),
    Scene(
        alert="RulesFailing",
        hold="5m",
        summary=f"Rules of {GROUP} failed 10 times in five minutes; the limit is none: alerts of "
        "this group are dead.",
        labels={"rule_group": GROUP},
        fires={FAILURES: GROWS},
        silent={
            "old failures": {FAILURES: STANDS},
            "other people's rules": {FAILURES: "", OTHER_FAILURES: GROWS},
        },
    ),
    counted(
        "RuleRoundsMissed",
        "10m",
        ruled("prometheus_rule_group_iterations_missed_total"),
        f"Rule group {GROUP} missed 10 rounds in five minutes; the limit is none.",
        {"rule_group": GROUP},
    ),
    Scene(
        alert="RuleGroupSlow",
        hold="10m",
        summary=f"Rule group {GROUP} takes 90% of its interval, over its limit of 80%.",
        labels={"rule_group": GROUP},
        fires={TOOK: 54, EVERY: 60},
        silent={"fast enough": {TOOK: 47}},
    ),
    reload_failed(
        "PrometheusReloadFailed",
        "prometheus_config_last_reload_successful",
        PROMETHEUS,
        "Prometheus prom:9090",
    ),
    reload_failed(
        "AlertmanagerReloadFailed",
        "alertmanager_config_last_reload_successful",
        ALERTMANAGER,
        "Alertmanager am:9093",
    ),
    Scene(
        alert="PrometheusWalCorrupted",
        hold="0m",
        summary="Prometheus prom:9090 found 1 corruptions of its log when it started; the limit "
        "is none.",
        labels=PROMETHEUS,
        # Found before the first scrape, so that the counter never grows.
        fires={CORRUPTIONS: 1},
        silent={"none": {CORRUPTIONS: 0}},
    ),
    Scene(
        alert="NothingRecorded",
        hold="5m",
        summary="Prometheus has recorded nothing of ours for ten minutes: 1 heartbeat of the "
        "rules is missing, the limit is none.",
        fires={},
        silent={"the rules write": {KEPT: 12000}},
    ),
    counted(
        "AlertsDropped",
        "5m",
        select("prometheus_notifications_dropped_total", PROMETHEUS),
        "Prometheus prom:9090 dropped 10 alerts in five minutes; the limit is none: nobody is "
        "told of them.",
        PROMETHEUS,
    ),
    counted(
        "NotificationsFailing",
        "5m",
        select("alertmanager_notifications_failed_total", ALERTMANAGER, integration="slack"),
        "10 notifications by slack failed in five minutes; the limit is none: its receivers are "
        "not told.",
        {"integration": "slack"},
    ),
]

VLLM = {"job": "vllm", "instance": "gpu1:8000"}
PROBE = {"job": "probe", "instance": "gpu1:9466"}


def source(target: dict[str, str], engine: str) -> str:
    return chat("modelwatch_source_info", **target, engine=engine)


DCGM = {"job": "dcgm_exporter", "instance": "gpu1:9400"}
DECLARED, AGAIN = (chat("modelwatch_model_info", team=team) for team in ("assist", "search"))


def down(labels: dict[str, str], joined: dict[str, float | str]) -> Scene:
    return Scene(
        alert="TargetDown",
        hold="5m",
        summary=f"Target {labels['instance']} of job {labels['job']} does not answer scrapes.",
        labels=labels,
        fires={select("up", labels): 0, **joined},
        silent={"up": {select("up", labels): 1}},
    )


COVERAGE_SCENES = [
    down(PROBE, {source(PROBE, "modelwatch_probe"): 1}),
    # A model's own target is told by ModelEndpointDown, not here again.
    down(
        DCGM,
        {
            pool("modelwatch_gpu_source_info", **DCGM, engine="dcgm_exporter"): 1,
            source(VLLM, "vllm"): 1,
            select("up", VLLM): 0,
        },
    ),
    down(ALERTMANAGER, {select("up", job="theirs", instance="x:1"): 0}),
    Scene(
        alert="InventoryMissing",
        hold="5m",
        summary="The inventory's series are gone: 1 inventory is missing, the limit is none. No "
        "alert about any model can fire.",
        fires={},
        silent={"one model": {DECLARED: 1}},
    ),
    Scene(
        alert="InventoryDuplicate",
        hold="5m",
        summary="chat is declared 2 times, the limit is once: which owner and severity its alerts "
        "get is chance.",
        labels={"model": "chat", "environment": "production"},
        fires={DECLARED: 1, AGAIN: 1},
        silent={"once": {AGAIN: ""}},
    ),
    Scene(
        alert="SeriesAbovePrediction",
        hold="30m",
        summary="modelwatch keeps 12k series, over its limit of what the inventory was predicted "
        "to need.",
        fires={KEPT: 12000, select("modelwatch_series_predicted", part="total"): 10000},
        silent={
            "as predicted": {KEPT: 10000},
            "much else in the same Prometheus": {
                KEPT: 9000,
                select("prometheus_tsdb_head_series", PROMETHEUS): 900000,
            },
        },
    ),
]

TARGETS = chat("model:targets_up:ratio")
ENDPOINT_SCENES = [
    Scene(
        alert="ModelEndpointDown",
        hold="2m",
        summary="chat is down: 0% of its targets answer; the limit is one of them.",
        fires={TARGETS: 0},
        silent={"one of three answers": {TARGETS: 0.33}, "no target is known": {TARGETS: ""}},
    ),
    Scene(
        alert="ModelReplicaDown",
        hold="10m",
        summary="Only 75% of the targets of chat answer; the limit is all of them.",
        fires={TARGETS: 0.75},
        silent={"all answer": {TARGETS: 1}, "none answers": {TARGETS: 0}},
    ),
]


def firing(name: str, signal: str, signal_class: str, **labels: str) -> str:
    about = labels or {"model": "chat", "environment": "production"}
    return select(
        "ALERTS",
        about,
        alertname=name,
        alertstate="firing",
        modelwatch="true",
        signal=signal,
        signal_class=signal_class,
    )


BAD_SCORE = firing("ModelScoreLow", "quality_below", "quality")
NO_SCORE = firing("ModelEvaluatorSilent", "evaluation_age", "meta")
SLOW = firing("ModelLatencyHigh", "request_duration", "latency")
DRIFT = firing("ModelDriftHigh", "drift", "quality")
CRITICAL_DRIFT = firing("ModelCriticalFeatureDrifted", "drift_critical", "quality")
OLD_BASELINE = firing("ModelBaselineOld", "baseline_age", "meta")
UNOBSERVED = firing("ModelDriftUnobserved", "unobserved", "meta")
LOST_CARD = firing("GpuCardMissing", "gpu_cards", "infra", pool="a100", environment="production")
RUNS_THERE = chat("modelwatch_gpu_model_info", pool="a100")
OTHERS = firing(
    "ModelScoreLow", "quality_below", "quality", model="other", environment="production"
)
SEEN, TROUBLED = (
    "What chat sees has changed and its answers got worse: 2 alerts at once; the limit is one kind "
    "at a time.",
    "Answers of chat got worse while its serving is in trouble: 2 alerts at once; the limit is one "
    "kind at a time.",
)

CORRELATED_SCENES = [
    Scene(
        alert="ModelQualityAndInfra",
        hold="0m",
        summary=TROUBLED,
        fires={BAD_SCORE: 1, SLOW: 1},
        silent={
            "only quality": {SLOW: ""},
            "only latency": {BAD_SCORE: ""},
            "quality of another model": {BAD_SCORE: "", OTHERS: 1},
            "an evaluator that is silent": {BAD_SCORE: "", NO_SCORE: 1},
            "drift alone is no bad answer": {BAD_SCORE: "", DRIFT: 1},
        },
    ),
    Scene(
        alert="ModelQualityAndInfra",
        hold="0m",
        summary=TROUBLED,
        fires={BAD_SCORE: 1, LOST_CARD: 1, RUNS_THERE: 1},
        silent={"it runs elsewhere": {RUNS_THERE: ""}},
    ),
    Scene(
        alert="ModelDriftAndQuality",
        hold="0m",
        summary=SEEN,
        fires={BAD_SCORE: 1, DRIFT: 1},
        silent={
            "only drift": {BAD_SCORE: ""},
            "only quality": {DRIFT: ""},
            "the other one has paged": {SLOW: 1},
            "a baseline that is too old is no drift": {DRIFT: "", OLD_BASELINE: 1},
            "nothing observed is no drift": {DRIFT: "", UNOBSERVED: 1},
        },
    ),
    Scene(
        alert="ModelDriftAndQuality",
        hold="0m",
        summary=SEEN,
        fires={BAD_SCORE: 1, CRITICAL_DRIFT: 1},
        silent={"only a critical feature": {BAD_SCORE: ""}},
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", STACK_SCENES, ids=str)
def test_trouble_of_the_stack_is_told(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, stack.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", COVERAGE_SCENES, ids=str)
def test_what_is_not_watched_is_told(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, coverage.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", ENDPOINT_SCENES, ids=str)
def test_an_endpoint_is_down_or_part_of_it_is(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, endpoint.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", CORRELATED_SCENES, ids=str)
def test_two_signals_of_one_model_page_once(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, correlated.ALERTS, scene, tmp_path)


def test_every_alert_about_the_stack_has_a_scene() -> None:
    combined = (*CORRELATED_SCENES, *test_accuracy_alerts.CORRELATED)
    scenes = (*STACK_SCENES, *COVERAGE_SCENES, *ENDPOINT_SCENES, *combined)
    named = (*stack.ALERTS, *coverage.ALERTS, *endpoint.ALERTS, *correlated.ALERTS)
    assert {alert.name for alert in named} == {scene.alert for scene in scenes}
