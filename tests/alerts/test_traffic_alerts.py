"""Alerts on traffic, versions and anomalies: what is compared with another time or version."""

from pathlib import Path

import pytest

from alerts import anomaly, traffic, versions
from alerts.recorded import version_before
from modelwatch.rules import Alert
from tests.alerts.scenario import Fired, chat, complaints

TRAFFIC = chat("model:requests:rate5m")
TRAFFIC_1H = chat("model:requests:rate1h")
USUAL = chat("model:seasonal:baseline", signal="requests")

DROPPED = Fired(
    name="ModelTrafficDropped",
    summary="chat lost 95% of its usual traffic, more than its limit of 90%.",
    labels={"limit": "90%", "hold": "15m"},
)
STOPPED = Fired(
    name="ModelTrafficDropped",
    summary="chat lost 100% of its usual traffic, more than its limit of 90%.",
    labels={"limit": "90%", "hold": "15m"},
)
SURGE = Fired(
    name="ModelTrafficSurge",
    summary="chat gets 5 times its usual traffic, more than its limit of 3 times.",
    labels={"limit": "3 times", "hold": "15m"},
)
SILENT = Fired(
    name="ModelSilent",
    summary="chat is declared, but no request of it has been measured for 15m: nothing watches it "
    "now.",
    labels={"hold": "15m"},
)


def check(
    alerts: list[Alert], series: dict[str, str], directory: Path, *fired: Fired, at: str = "60m"
) -> None:
    groups = version_before.GROUPS if alerts is versions.ALERTS else ()
    assert not complaints(alerts, series, {at: fired}, directory, groups)


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "fired"),
    [
        pytest.param({TRAFFIC: "0.5x90", USUAL: "10x90"}, [DROPPED], id="a drop"),
        pytest.param({TRAFFIC: "0x90", USUAL: "10x90"}, [STOPPED], id="a stop"),
        pytest.param({TRAFFIC: "1x90", USUAL: "10x90"}, [], id="a drop to the limit"),
        pytest.param({TRAFFIC: "0x90", USUAL: "0.066x90"}, [], id="a stop of little traffic"),
        pytest.param({TRAFFIC: "0x90", USUAL: "0x90"}, [], id="an hour that is always empty"),
        pytest.param({TRAFFIC: "50x90", USUAL: "10x90"}, [SURGE], id="a surge"),
        pytest.param({TRAFFIC: "30x90", USUAL: "10x90"}, [], id="a rise to the limit"),
        pytest.param({TRAFFIC: "0.066x90", USUAL: "0.01x90"}, [], id="a rise of little traffic"),
        pytest.param({TRAFFIC: "5x90"}, [], id="no history"),
        pytest.param(
            {TRAFFIC: "0x90", TRAFFIC_1H: "5x90"}, [STOPPED], id="a stop without a history"
        ),
        pytest.param(
            {TRAFFIC: "0.1x90", TRAFFIC_1H: "5x90"}, [], id="a quiet evening without a history"
        ),
        pytest.param({}, [SILENT], id="no series"),
        pytest.param({TRAFFIC: "0x90"}, [], id="a series that stands still"),
        pytest.param(
            {chat("model:signal_unavailable:info", signal="requests", reason="none"): "1x90"},
            [],
            id="an engine that counts no requests",
        ),
    ],
)
def test_traffic_is_compared_with_what_is_usual(
    series: dict[str, str], fired: list[Fired], tmp_path: Path
) -> None:
    check(traffic.ALERTS, series, tmp_path, *fired, at="75m")


@pytest.mark.real
def test_a_stop_is_told_after_its_hold_and_ends_when_requests_come_again(tmp_path: Path) -> None:
    series = {TRAFFIC: "10x9 0x30 10x60", USUAL: "10x99"}
    expected = {"24m": [], "25m": [STOPPED], "40m": [STOPPED], "50m": []}
    assert not complaints(traffic.ALERTS, series, expected, tmp_path)


@pytest.mark.real
def test_a_model_that_vanishes_is_silent_once_and_comes_back(tmp_path: Path) -> None:
    series = {TRAFFIC: f"5x9 stale {'_ ' * 29}5x60"}
    expected = {"24m": [], "26m": [SILENT], "45m": []}
    assert not complaints(traffic.ALERTS, series, expected, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize(
    ("values", "fires"),
    [
        pytest.param("0.5x90", True, id="steady traffic"),
        pytest.param("0.5x10 0x3 " * 5, False, id="single requests now and then"),
    ],
)
def test_a_model_that_nobody_declared_is_a_ticket_for_the_stack_team(
    values: str, fires: bool, tmp_path: Path
) -> None:
    job = 'job="gateway",engine="litellm",engine_model="gpt-9"'
    one = Fired(
        name="ModelUndeclared",
        summary="gpt-9 gets 0.5 requests per second from job gateway, but the inventory does not "
        "name it.",
        labels={"job": "gateway", "engine": "litellm", "engine_model": "gpt-9"},
    )
    assert traffic.ALERTS[-1].severity == "ticket"
    series = {f"engine:undeclared:rate5m{{{job}}}": values, TRAFFIC: "1x90"}
    check(traffic.ALERTS, series, tmp_path, *([one] if fires else []), at="60m")


def of_version(name: str, version: str) -> str:
    return chat(f"model:version_{name}", version=version)


def side_by_side(
    *, old: tuple[str, str, str] = ("", "", ""), new: tuple[str, str, str] = ("", "", "")
) -> dict[str, str]:
    """Requests, failed share and p95 of an old and a new version; empty takes what is usual."""
    usual = {
        "2.1": ("5x400", "0.01x400", "1x400"),
        "2.2": ("_x60 5x340", "_x60 0.01x340", "_x60 1x340"),
    }
    names = ("requests:rate30m", "errors:ratio_rate30m", "request_duration_seconds:p95_30m")
    return {
        of_version(name, version): own or common
        for version, owns in (("2.1", old), ("2.2", new))
        for name, own, common in zip(names, owns, usual[version], strict=True)
    }


def failing(version: str, value: str) -> Fired:
    return Fired(
        name="ModelVersionFailsMore",
        summary=f"Version {version} of chat fails {value} of its requests, over 2 times as many as "
        "the version beside it.",
        labels={"version": version, "limit": "2 times", "hold": "15m"},
    )


def slower(version: str, value: str) -> Fired:
    return Fired(
        name="ModelVersionSlower",
        summary=f"Version {version} of chat answers in {value} (quantile 0.95), over 2 times the "
        "version beside it.",
        labels={"version": version, "limit": "2 times", "hold": "15m"},
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "fired"),
    [
        pytest.param(side_by_side(), [], id="alike"),
        pytest.param(
            side_by_side(new=("", "0.05x400", "")), [failing("2.2", "5%")], id="fails more"
        ),
        pytest.param(side_by_side(new=("", "0.02x400", "")), [], id="fails at the limit"),
        pytest.param(side_by_side(new=("", "", "3x400")), [slower("2.2", "3s")], id="slower"),
        pytest.param(side_by_side(new=("", "", "2x400")), [], id="slower up to the limit"),
        pytest.param(
            side_by_side(old=("", "0x400", ""), new=("", "0.05x400", "")),
            [failing("2.2", "5%")],
            id="fails beside one that never fails",
        ),
        pytest.param(
            side_by_side(old=("", "0x400", ""), new=("_x60 0.05x400", "0.04x400", "")),
            [],
            id="three failures beside none",
        ),
        pytest.param(
            side_by_side(new=("_x60 0.027x400", "0.9x400", "9x400")), [], id="few requests"
        ),
        pytest.param(
            side_by_side(old=("0.027x400", "0x400", "0.1x400")),
            [],
            id="few requests of the old one",
        ),
        pytest.param(
            side_by_side(old=("", "0.2x400", "9x400")), [], id="the old one is worse: a repair"
        ),
        pytest.param(
            side_by_side(
                old=("5x90", "0.01x90", "1x90"),
                new=("_x60 5x400", "_x60 0.01x60 0.5x300", "_x60 1x60 9x300"),
            ),
            [],
            id="worse after the old one is gone",
        ),
        pytest.param(
            side_by_side(old=("_x60 5x400", "0.2x400", "9x400")),
            [failing("2.1", "20%"), slower("2.1", "9s")],
            id="nobody knows which is newer",
        ),
    ],
)
def test_a_new_version_is_compared_with_the_one_before(
    series: dict[str, str], fired: list[Fired], tmp_path: Path
) -> None:
    check(versions.ALERTS, series, tmp_path, *fired, at="200m")


@pytest.mark.real
def test_a_third_version_long_gone_does_not_hide_a_regression(tmp_path: Path) -> None:
    gone = {of_version("requests:rate30m", "2.0"): "5x150 stale"}
    series = {
        **side_by_side(
            old=("_x60 5x400", "_x60 0.01x400", "_x60 1x400"),
            new=("_x120 5x400", "_x120 0.01x400", "_x120 3x400"),
        ),
        **gone,
    }
    check(versions.ALERTS, series, tmp_path, slower("2.2", "3s"), at="200m")


def seasonal(signal: str, now: float, usual: float, width: float | None) -> dict[str, str]:
    band = {} if width is None else {"lower": usual - width, "upper": usual + width}
    return {
        chat(f"model:seasonal:{kind}", signal=signal): f"{value}x90"
        for kind, value in {"now": now, "baseline": usual, **band}.items()
    }


def unusual(name: str, words: str) -> Fired:
    return Fired(
        name=name,
        summary=f"chat {words}, more than 4 spreads away from this hour of the weeks before.",
        labels={"limit": "4", "hold": "30m"},
    )


MUCH = unusual("ModelTrafficUnusual", "gets 20.0 requests per second")
NONE = unusual("ModelTrafficUnusual", "gets 0.0 requests per second")
SLOW = unusual("ModelLatencyUnusual", "answers in 3s (quantile 0.95)")
FAST = unusual("ModelLatencyUnusual", "answers in 200ms (quantile 0.95)")
LONG = unusual("ModelTokensPerRequestUnusual", "takes 2k tokens per request")


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "fired"),
    [
        pytest.param(seasonal("requests", 20, 10, 8), [MUCH], id="more traffic"),
        pytest.param(seasonal("requests", 0, 10, 8), [NONE], id="no traffic"),
        pytest.param(seasonal("requests", 18, 10, 8), [], id="traffic at the limit"),
        pytest.param(seasonal("requests", 20, 10, None), [], id="no band yet"),
        pytest.param(seasonal("requests", 1, 0.066, 0.04), [], id="too little traffic before"),
        pytest.param(seasonal("requests", 20, 0, 0), [], id="an hour that is always empty"),
        pytest.param(seasonal("request_duration", 3, 1, 0.8), [SLOW], id="slower"),
        pytest.param(seasonal("request_duration", 0.2, 1, 0.6), [FAST], id="faster"),
        pytest.param(seasonal("request_duration", 1.5, 1, 0.8), [], id="slower within reason"),
        pytest.param(
            {**seasonal("request_duration", 3, 1, 0.8), TRAFFIC_1H: "0.066x90"},
            [],
            id="slow answers to few requests",
        ),
        pytest.param(seasonal("tokens_per_request", 2000, 1000, 400), [LONG], id="more tokens"),
        pytest.param(
            {**seasonal("tokens_per_request", 2000, 1000, 400), TRAFFIC_1H: "0.066x90"},
            [],
            id="long answers to few requests",
        ),
    ],
)
def test_what_is_outside_the_band_is_told(
    series: dict[str, str], fired: list[Fired], tmp_path: Path
) -> None:
    check(anomaly.ALERTS, {TRAFFIC_1H: "5x90", **series}, tmp_path, *fired)
