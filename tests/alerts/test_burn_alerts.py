"""Burn alerts: four windows, both of their halves, and the two guards."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from alerts import availability, first_token, freshness, inter_token, latency
from alerts.burn import WINDOWS, Window, burn_alerts
from modelwatch.rules import Alert, Facts, SignalClass
from tests.alerts.scenario import Fired, chat, complaints

PROMISE = "99.9%"
ALLOWED = 0.001


def burning(
    window: Window,
    other: Mapping[str, str] | None = None,
    *,
    days: int = 30,
    slo: str = "availability",
) -> dict[str, str]:
    """Series of an objective that burns twice as fast as this window allows."""
    bad = 2 * window.factor(days) * ALLOWED
    series = {
        "allowed": (chat("slo:allowed:ratio", slo=slo, objective=PROMISE), f"{ALLOWED}x60"),
        "days": (chat("slo:window:days", slo=slo), f"{days}x60"),
        "floor": (chat("slo:floor:events", slo=slo), "5x60"),
        "left": (chat("slo:budget_left:ratio", slo=slo), "0.37x60"),
        "long": (chat(f"slo:error:ratio_rate{window.long}", slo=slo), f"{bad}x60"),
        "short": (chat(f"slo:error:ratio_rate{window.short}", slo=slo), f"{bad}x60"),
        "spent": (chat(f"slo:budget_spent:ratio{window.long}", slo=slo), f"{window.share}x60"),
        "events": (chat(f"slo:bad:events{window.long}", slo=slo), "5x60"),
    }
    changed = other or {}
    assert set(changed) <= set(series)
    return {name: changed.get(part, values) for part, (name, values) in series.items()}


def fired(window: Window, *, left: str = "37%") -> Fired:
    share = f"{window.share:.0%}"
    return Fired(
        name=f"ModelAvailabilityBurn{window.long}",
        summary=f"chat breaks its availability promise of 99.9%: at least {share} of its error "
        f"budget went in {window.long}, {left} is left.",
        labels={"slo": "availability", "objective": PROMISE},
    )


windows = pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.long)


def check(series: dict[str, str], directory: Path, *expected: Fired, at: str = "20m") -> None:
    assert not complaints(availability.ALERTS, series, {at: expected}, directory)


def test_the_factors_for_thirty_days_are_those_of_the_literature() -> None:
    assert [window.factor(30) for window in WINDOWS] == pytest.approx([14.4, 6, 3, 1])


def test_no_window_of_a_short_promise_fires_while_the_promise_is_kept() -> None:
    assert min(window.factor(7) for window in WINDOWS) == 1


@pytest.mark.real
@windows
def test_a_fast_burn_fires_with_the_budget_that_is_left(window: Window, tmp_path: Path) -> None:
    check(burning(window), tmp_path, fired(window))


@pytest.mark.real
@windows
@pytest.mark.parametrize("days", [7, 28, 90])
def test_the_factor_follows_the_days_of_the_promise(
    window: Window, days: int, tmp_path: Path
) -> None:
    limit = window.factor(days) * ALLOWED
    over, under = f"{1.01 * limit}x60", f"{0.99 * limit}x60"
    check(burning(window, {"long": over, "short": over}, days=days), tmp_path, fired(window))
    check(burning(window, {"long": under}, days=days), tmp_path)


@pytest.mark.real
@windows
@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"long": "0.0009x60"}, id="slow over the long window"),
        pytest.param({"short": "0.0009x60"}, id="over in the short window"),
        pytest.param({"spent": "0.0199x60"}, id="little of the budget"),
        pytest.param({"events": "4x60"}, id="few bad events"),
        pytest.param({"allowed": "_x60"}, id="no objective"),
    ],
)
def test_a_burn_is_silent_when_one_of_its_conditions_is_missing(
    window: Window, part: dict[str, str], tmp_path: Path
) -> None:
    check(burning(window, part), tmp_path)


@pytest.mark.real
@windows
def test_a_burn_ends_with_its_short_window(window: Window, tmp_path: Path) -> None:
    bad = 2 * window.factor(30) * ALLOWED
    series = burning(window, {"short": f"{bad}x20 0x40"})
    assert not complaints(
        availability.ALERTS, series, {"20m": [fired(window)], "22m": []}, tmp_path
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("left", "text"),
    [
        pytest.param("-1.4x60", "0%", id="overspent"),
        pytest.param("_x60", "98%", id="not known yet"),
    ],
)
def test_the_budget_left_is_always_said(left: str, text: str, tmp_path: Path) -> None:
    window = WINDOWS[0]
    check(burning(window, {"left": left}), tmp_path, fired(window, left=text))


@pytest.mark.real
@pytest.mark.parametrize(
    ("alerts", "slo", "name", "words"),
    [
        pytest.param(latency.ALERTS, "latency", "ModelLatencyBurn1h", "latency", id="latency"),
        pytest.param(
            first_token.ALERTS,
            "time_to_first_token",
            "ModelFirstTokenBurn1h",
            "first-token",
            id="first token",
        ),
        pytest.param(
            inter_token.ALERTS,
            "inter_token_latency",
            "ModelInterTokenBurn1h",
            "inter-token",
            id="inter-token",
        ),
        pytest.param(
            freshness.ALERTS, "freshness", "ModelFreshnessBurn1h", "freshness", id="freshness"
        ),
    ],
)
def test_every_kind_of_objective_burns_for_itself(
    alerts: list[Alert], slo: str, name: str, words: str, tmp_path: Path
) -> None:
    series = burning(WINDOWS[0], slo=slo)
    one = Fired(
        name=name,
        summary=f"chat breaks its {words} promise of 99.9%: at least 2% of its error budget went "
        "in 1h, 37% is left.",
        labels={"slo": slo, "objective": PROMISE},
    )
    assert not complaints(alerts, series, {"20m": [one]}, tmp_path)
    check(series, tmp_path)


def test_a_promise_that_allows_too_much_for_a_window_is_known_to_be_out_of_reach() -> None:
    alerts = burn_alerts(
        "ModelQuality",
        slo="quality",
        promise="quality",
        signal_class=SignalClass.QUALITY,
        needs=(),
        action=("Look.",),
        lies="",
    )
    reachable = [alert.proof.reachable(_allows_ten_percent()) for alert in alerts]
    assert reachable == [False, True, True, True]


def _allows_ten_percent() -> Facts:
    return Facts(limit=0.1, labels={"slo": "quality"}, constant=lambda *_, **__: 30.0)
