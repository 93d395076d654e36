"""Alerts on forecasts: what is outside its band, and what no longer has one."""

from pathlib import Path

import pytest

from alerts import forecast
from tests.alerts import scenario
from tests.alerts.staging import Scene, chat, complaints

OTHER = {"model": "gone", "environment": "production"}
TRAFFIC_1H = chat("model:requests:rate1h")
LEFT = chat("model:forecast_left:seconds")
DECLARED = chat("modelwatch_model_info", team="assist")
TOO_OLD = (
    "Models without a valid forecast, which had one: 1; the limit is none. Their forecast bands "
    "have disappeared."
)


def signal(name: str, now: float, value: float, lower: float, upper: float) -> dict[str, str]:
    told = {"now": now}
    band = {"value": value, "lower": lower, "upper": upper}
    return {
        **{chat(f"model:seasonal:{kind}", signal=name): f"{at}x90" for kind, at in told.items()},
        **{chat(f"model:forecast:{kind}", signal=name): f"{at}x90" for kind, at in band.items()},
    }


def outside(of: str, times: str) -> scenario.Fired:
    return scenario.Fired(
        name="ModelOutsideForecast",
        summary=f"{of} of chat is {times} times its forecast; the limit is the band around the "
        "forecast.",
        labels={"of": of, "hold": "30m"},
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "fired"),
    [
        pytest.param(signal("cost", 3, 1, 0.5, 1.5), [outside("cost", "3")], id="above"),
        pytest.param(signal("cost", 0.25, 1, 0.5, 1.5), [outside("cost", "0.25")], id="below"),
        pytest.param(signal("cost", 1.4, 1, 0.5, 1.5), [], id="inside"),
        pytest.param(
            {**signal("cost", 3, 1, 0.5, 1.5), **signal("requests", 6, 2, 1, 3)},
            [outside("cost", "3"), outside("requests", "3")],
            id="two signals",
        ),
        pytest.param(
            {**signal("cost", 3, 1, 0.5, 1.5), TRAFFIC_1H: "0.01x90"}, [], id="little traffic"
        ),
        pytest.param(
            {**signal("requests", 0, 10, 5, 15), TRAFFIC_1H: "0x90"},
            [outside("requests", "0")],
            id="traffic that should be there",
        ),
        pytest.param(
            {chat("model:seasonal:now", signal="cost"): "3x90"}, [], id="no valid forecast"
        ),
    ],
)
def test_a_signal_outside_its_forecast_is_told(
    series: dict[str, str], fired: list[scenario.Fired], tmp_path: Path
) -> None:
    fed = {TRAFFIC_1H: "5x90", **series}
    assert not scenario.complaints(forecast.ALERTS, fed, {"60m": fired}, tmp_path)


@pytest.mark.real
def test_a_forecast_that_is_too_old_is_told(promtool: Path, tmp_path: Path) -> None:
    scene = Scene(
        alert="ForecastTooOld",
        hold="10m",
        summary=TOO_OLD,
        fires={LEFT: -60, DECLARED: 1},
        silent={
            "it is valid": {LEFT: 60},
            "there never was one": {LEFT: ""},
            "a model that is no longer declared": {DECLARED: ""},
        },
    )
    assert not complaints(promtool, forecast.ALERTS, scene, tmp_path)


@pytest.mark.real
def test_a_forecast_that_vanished_is_told_for_a_day(tmp_path: Path) -> None:
    fed = {LEFT: "3600x30 stale", DECLARED: "1x2000"}
    gone = scenario.Fired(
        name="ForecastTooOld",
        summary=TOO_OLD,
    )
    expected = {"30m": [], "60m": [gone], "1460m": [gone], "1490m": []}
    assert not scenario.complaints(forecast.ALERTS, fed, expected, tmp_path)
