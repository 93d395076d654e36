"""Alerts on a limit of the inventory: latency, queue, saturation, errors, provider trouble."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alerts import (
    availability,
    first_token,
    inter_token,
    latency,
    provider,
    queue,
    saturation,
)
from modelwatch.rules import Alert
from tests.alerts.scenario import LIMITS, Fired, chat, complaints

TRAFFIC = chat("model:requests:rate5m")
ERRORS = chat("model:errors:ratio_rate5m")
ERRORS_1H = chat("model:errors:ratio_rate1h")


def outcome(name: str) -> str:
    return chat("model:requests_by_outcome:rate5m", outcome=name)


def quantile(signal: str) -> str:
    return chat(f"model:{signal}_seconds:quantile5m", quantile="0.95")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`series` with the values over and at the limit; `$` stands for that value."""

    alerts: list[Alert]
    fired: Fired
    series: dict[str, str]
    over: str
    at_limit: str
    hold: str
    few: dict[str, str] = field(default_factory=dict)

    def values(self, value: str) -> dict[str, str]:
        return {name: values.replace("$", value) for name, values in self.series.items()}


def slow(alerts: list[Alert], name: str, signal: str, over: str, summary: str) -> Scene:
    limit, hold, text, _ = LIMITS[signal]
    return Scene(
        alerts=alerts,
        fired=Fired(
            name=name, summary=summary, labels={"quantile": "0.95", "limit": text, "hold": hold}
        ),
        series={quantile(signal): "$", TRAFFIC: "1x99"},
        over=over,
        at_limit=str(limit),
        hold=hold,
        few={TRAFFIC: "0.066x99"},
    )


def level(alerts: list[Alert], name: str, series: str, over: str, summary: str) -> Scene:
    signal = next(alert.signal for alert in alerts if alert.name == name)
    limit, hold, text, _ = LIMITS[signal]
    return Scene(
        alerts=alerts,
        fired=Fired(name=name, summary=summary, labels={"limit": text, "hold": hold}),
        series={series: "$"},
        over=over,
        at_limit=str(limit),
        hold=hold,
    )


def share(name: str, signal: str, outcomes: str, over: str, summary: str) -> Scene:
    limit, hold, text, _ = LIMITS[signal]
    return Scene(
        alerts=provider.ALERTS,
        fired=Fired(name=name, summary=summary, labels={"limit": text, "hold": hold}),
        series={outcome(outcomes): "$", outcome("success"): "9x99", TRAFFIC: "10x99"},
        over=over,
        at_limit=str(limit * 10),
        hold=hold,
        few={TRAFFIC: "0.066x99", outcome(outcomes): "0.06x99"},
    )


SCENES = [
    slow(
        latency.ALERTS,
        "ModelLatencyHigh",
        "request_duration",
        "0.25",
        "chat answers in 250ms (quantile 0.95), over its limit of 200ms.",
    ),
    slow(
        first_token.ALERTS,
        "ModelFirstTokenSlow",
        "time_to_first_token",
        "1.5",
        "chat takes 1.5s to its first token (quantile 0.95), over its limit of 1s.",
    ),
    slow(
        inter_token.ALERTS,
        "ModelInterTokenSlow",
        "inter_token_latency",
        "0.08",
        "chat takes 80ms from token to token (quantile 0.95), over its limit of 50ms.",
    ),
    slow(
        queue.ALERTS,
        "ModelQueueTimeHigh",
        "queue_duration",
        "3",
        "Requests to chat wait 3s before they are served (quantile 0.95), over the limit of 2s.",
    ),
    level(
        queue.ALERTS,
        "ModelRequestsWaiting",
        chat("model:requests_waiting:sum"),
        "31",
        "31 requests to chat are waiting, more than its limit of 20.",
    ),
    level(
        saturation.ALERTS,
        "ModelKvCacheFull",
        chat("model:kv_cache_usage:ratio"),
        "0.98",
        "The KV cache of chat is 98% full, over its limit of 95%.",
    ),
    level(
        saturation.ALERTS,
        "ModelPreemptionsHigh",
        chat("model:preemptions:rate5m"),
        "0.5",
        "chat evicts 0.5 requests per second from its batch, over its limit of 0.2.",
    ),
    level(
        saturation.ALERTS,
        "ModelConcurrencyHigh",
        chat("model:requests_running:sum"),
        "240",
        "chat serves 240 requests at once, over its limit of 200.",
    ),
    Scene(
        alerts=availability.ALERTS,
        fired=Fired(
            name="ModelErrorsHigh",
            summary="chat fails 12.5% of its requests, over its limit of 5%.",
            labels={"limit": "5%", "hold": "10m"},
        ),
        series={ERRORS: "$", TRAFFIC: "1x99"},
        over="0.125",
        at_limit="0.05",
        hold="10m",
        few={TRAFFIC: "0.066x99"},
    ),
    share(
        "ModelRateLimited",
        "rate_limited_ratio",
        "rate_limited",
        "2",
        "20% of the requests to chat are turned away by a rate limit, over the limit of 5%.",
    ),
    share(
        "ModelProviderErrorBurst",
        "provider_burst_ratio",
        "server_error",
        "2",
        "20% of the requests to chat end in a server error or timeout, a burst over the limit of "
        "10%.",
    ),
    share(
        "ModelProviderErrorBurst",
        "provider_burst_ratio",
        "timeout",
        "2",
        "20% of the requests to chat end in a server error or timeout, a burst over the limit of "
        "10%.",
    ),
]
scenes = pytest.mark.parametrize(
    "scene", SCENES, ids=[f"{number}-{scene.fired.name}" for number, scene in enumerate(SCENES)]
)


@pytest.mark.real
@scenes
def test_it_fires_over_the_limit_after_its_hold_and_ends(scene: Scene, tmp_path: Path) -> None:
    minutes = int(scene.hold.removesuffix("m"))
    bad = minutes + 5
    series = scene.values(f"{scene.over}x{bad} {scene.at_limit}x60")
    expected = {
        f"{minutes - 1}m": [],
        f"{minutes}m": [scene.fired],
        f"{bad}m": [scene.fired],
        f"{bad + 12}m": [],
    }
    assert not complaints(scene.alerts, series, expected, tmp_path)


@pytest.mark.real
@scenes
def test_it_is_silent_at_the_limit(scene: Scene, tmp_path: Path) -> None:
    series = scene.values(f"{scene.at_limit}x60")
    assert not complaints(scene.alerts, series, {"30m": []}, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize(
    "scene",
    [scene for scene in SCENES if scene.few],
    ids=[f"{number}-{scene.fired.name}" for number, scene in enumerate(SCENES) if scene.few],
)
def test_it_is_silent_with_little_traffic(scene: Scene, tmp_path: Path) -> None:
    series = {**scene.values(f"{scene.over}x60"), **scene.few}
    assert not complaints(scene.alerts, series, {"30m": []}, tmp_path)


@pytest.mark.real
@scenes
def test_a_model_without_a_policy_never_breaks_the_rule_for_others(
    scene: Scene, tmp_path: Path
) -> None:
    series = scene.values(f"{scene.over}x60")
    stray = {name.replace('"chat"', '"stray"'): values for name, values in series.items()}
    assert not complaints(scene.alerts, {**series, **stray}, {"30m": [scene.fired]}, tmp_path)


DEGRADED = Fired(
    name="ModelProviderDegraded",
    summary="chat failed 8% of its requests in the last hour and was over its limit of 5% for half "
    "of it: this does not pass by itself.",
    labels={"limit": "5%"},
)


@pytest.mark.real
@pytest.mark.parametrize(
    ("errors", "fires"),
    [
        pytest.param("0.01x30 0.2x60", True, id="in one piece"),
        pytest.param(" ".join(["0.2x5 0.01x3"] * 10), True, id="again and again"),
        pytest.param("0.01x30 0.2x25 0.01x60", False, id="for less than half an hour"),
        pytest.param(" ".join(["0.2x2 0.01x7"] * 10), False, id="in single bursts"),
        pytest.param("0.05x99", False, id="at the limit"),
        pytest.param("_x80 0.2x30", False, id="since a few minutes, with nothing before"),
    ],
)
def test_degradation_is_trouble_that_fills_half_an_hour(
    errors: str, fires: bool, tmp_path: Path
) -> None:
    series = {ERRORS: errors, ERRORS_1H: "0.08x99", TRAFFIC: "1x99"}
    expected = {"85m": [DEGRADED] if fires else []}
    assert not complaints(provider.ALERTS, series, expected, tmp_path)


@pytest.mark.real
def test_degradation_needs_traffic(tmp_path: Path) -> None:
    series = {ERRORS: "0.2x99", ERRORS_1H: "0.08x99", TRAFFIC: "0.066x99"}
    assert not complaints(provider.ALERTS, series, {"85m": []}, tmp_path)


def test_what_passes_by_itself_is_told_from_what_stays() -> None:
    trouble = {alert.name: alert.extra["trouble"] for alert in provider.ALERTS}
    assert trouble == {
        "ModelRateLimited": "transient",
        "ModelProviderErrorBurst": "transient",
        "ModelProviderDegraded": "systematic",
    }
