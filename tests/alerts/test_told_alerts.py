"""Two alerts that watch the same trouble: whichever is first is told, the other stays silent."""

from pathlib import Path

import pytest

from alerts import availability, provider
from alerts.burn import WINDOWS
from modelwatch.rules import Alert
from tests.alerts.scenario import Fired, chat, complaints
from tests.alerts.test_burn_alerts import burning, fired

pytestmark = pytest.mark.real

FAILING = {
    chat("model:errors:ratio_rate5m"): "0.2x300",
    chat("model:requests:rate5m"): "10x300",
    chat("model:requests_by_outcome:rate5m", outcome="server_error"): "2x300",
}
TOO_MANY = Fired(
    name="ModelErrorsHigh",
    summary="chat fails 20% of its requests, over its limit of 5%.",
    labels={"limit": "5%"},
)
BURST = Fired(
    name="ModelProviderErrorBurst",
    summary="20% of the requests to chat end in a server error or timeout, a burst over the limit "
    "of 10%.",
    labels={"limit": "10%"},
)


def only(alerts: list[Alert], name: str) -> list[Alert]:
    return [one for one in alerts if one.name == name]


def firing(name: str, values: str) -> dict[str, str]:
    return {chat("ALERTS", alertname=name, alertstate="firing", severity="page"): values}


@pytest.mark.parametrize(
    ("values", "silent", "fires"),
    [
        pytest.param("1x20 _x280", "34m", "37m", id="after the burn alert and five minutes"),
        pytest.param("_x20 1x280", "9m", "40m", id="still, when the burn alert joins later"),
    ],
)
def test_a_limit_of_errors_is_told_unless_the_burn_was(
    values: str, silent: str, fires: str, tmp_path: Path
) -> None:
    alerts = only(availability.ALERTS, "ModelErrorsHigh")
    series = FAILING | firing("ModelAvailabilityBurn1h", values)
    assert not complaints(alerts, series, {silent: [], fires: [TOO_MANY]}, tmp_path)


@pytest.mark.parametrize("told", ["ModelErrorsHigh", "ModelProviderDegraded"])
def test_a_burn_is_silent_where_the_limit_was_told(told: str, tmp_path: Path) -> None:
    alerts = only(availability.ALERTS, "ModelAvailabilityBurn1h")
    series = burning(WINDOWS[0]) | firing(told, "1x60")
    assert not complaints(alerts, series, {"20m": []}, tmp_path)


def test_a_slower_burn_is_told_of_what_came_after_the_faster_one(tmp_path: Path) -> None:
    six_hours = WINDOWS[1]
    alerts = only(availability.ALERTS, "ModelAvailabilityBurn6h")
    series = burning(six_hours) | firing("ModelAvailabilityBurn1h", "1x20 _x40")
    expected = {"20m": [], "51m": [], "54m": [fired(six_hours)]}
    assert not complaints(alerts, series, expected, tmp_path)


def test_a_burst_is_silent_ten_minutes_after_a_page_about_the_same_errors(tmp_path: Path) -> None:
    alerts = only(provider.ALERTS, "ModelProviderErrorBurst")
    series = FAILING | firing("ModelAvailabilityBurn1h", "1x20 _x280")
    expected = {"20m": [], "31m": [], "34m": [BURST]}
    assert not complaints(alerts, series, expected, tmp_path)
