"""What would have fired: an incident in the past, found with its times, recorded or not."""

import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.verify.finding import Verification
from generator.verify.live import back_test
from generator.verify.live.firing import Condition, Mute, spans
from generator.verify.live.generated import RULES, Rule
from modelwatch.catalogue.recorded import ALERT_POLICY, ERROR_RATIO, FLOOR_EVENTS, LIMIT, REQUESTS
from tests import real
from tests.past_site import NOW, TEXT, Page, Value, always, between, context, past, samples

LIMITED = f"{TEXT}    limits: {{error_ratio: 5% for 5m}}\n"
INCIDENT = Page(fails=between(50, 35, 1), up=lambda ago: 0 if 300 < ago <= 900 else 1)
"""A third of the requests fails from 50 to 35 minutes before the end; later it is down."""


def row(found: Verification, alert: str) -> Mapping[str, Any]:
    (one,) = [one for one in found.tables[0].rows if one["alert"] == alert]
    return one


def alerts(found: Verification) -> set[str]:
    return {str(one["alert"]) for one in found.tables[0].rows}


def before_the_end(text: str) -> float:
    """Minutes from a time in a table until the end."""
    moment = time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S UTC")) - time.timezone
    return (NOW - moment) / 60


@pytest.mark.real
def test_an_incident_before_the_rules_were_loaded_is_found_with_its_times(
    native_path: str, tmp_path: Path
) -> None:
    with past(tmp_path, INCIDENT, path=native_path) as url:
        found = back_test.CHECK(context(url, LIMITED))
    errors = row(found, "ModelErrorsHigh")
    assert (errors["about"], errors["environment"], errors["severity"]) == (
        "chat",
        "production",
        "ticket",
    )
    assert (errors["times"], errors["from"]) == (1, "computed")
    # Over 5 % after a minute, for five minutes; over until five minutes after the last failure,
    # and for another five it is kept firing.
    assert 43.5 < before_the_end(str(errors["first"])) < 45
    assert errors["first"] == errors["last"]
    down = row(found, "ModelEndpointDown")
    assert 10 < before_the_end(str(down["first"])) < 14
    assert found.findings[0].reason == "would-have-fired"


@pytest.mark.real
def test_a_day_without_an_incident_is_quiet(tmp_path: Path) -> None:
    with past(tmp_path, Page(), hours=1) as url:
        found = back_test.CHECK(context(url, LIMITED))
    assert found.tables[0].rows == ()
    assert found.findings[0].message.startswith("0 of ")
    assert found.checked["back-test"] > 50


@pytest.mark.real
def test_series_that_were_recorded_are_read_and_judged_by_the_limits_of_today(
    tmp_path: Path,
) -> None:
    chat = '{model="chat",environment="production"}'
    extra: dict[str, Value] = {
        f"{REQUESTS}{chat}": always(2),
        f"{ERROR_RATIO}{chat}": lambda ago: 0.2 if 2400 < ago <= 3600 or 600 < ago <= 1200 else 0,
        'up{job="vllm",instance="gpu1:8000"}': always(1),
    }
    with past(tmp_path, extra=extra, hours=2) as url:
        strict = back_test.CHECK(context(url, LIMITED))
        patient = back_test.CHECK(context(url, LIMITED.replace("for 5m", "for 15m")))
        loose = back_test.CHECK(context(url, LIMITED.replace("5%", "50%")))
        shorter = back_test.CHECK(context(url, LIMITED, days=1 / 48))
    errors = row(strict, "ModelErrorsHigh")
    assert (errors["times"], errors["from"]) == (2, "recorded")
    # True from 60:00 on, seen a quarter of a minute later, fires five minutes after that.
    assert before_the_end(str(errors["first"])) == 54.75
    assert before_the_end(str(errors["last"])) == 14.75
    # Twenty minutes less the hold, and five of being kept.
    assert errors["longest"] == "20m"
    assert row(patient, "ModelErrorsHigh")["times"] == 1
    assert "ModelErrorsHigh" not in alerts(loose)
    assert row(shorter, "ModelErrorsHigh")["times"] == 1


@pytest.mark.real
def test_a_fleet_too_large_to_be_written_into_a_query_is_judged_by_its_limits_of_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.verify.live.inlining._LONGEST", 100)
    chat = 'model="chat",environment="production"'
    policy = f'{ALERT_POLICY}{{{chat},urgency="now",severity="page",team="assist",tier="1"}}'
    extra: dict[str, Value] = {
        f"{REQUESTS}{{{chat}}}": always(2),
        f"{ERROR_RATIO}{{{chat}}}": between(30, 10, 0.2),
        f'{LIMIT}{{{chat},signal="error_ratio",hold="5m",limit="10%"}}': always(0.1),
        f'{FLOOR_EVENTS}{{{chat},signal="errors"}}': always(1),
        policy: always(1),
        'up{job="vllm",instance="gpu1:8000"}': always(1),
    }
    with past(tmp_path, extra=extra) as url:
        found = back_test.CHECK(context(url, LIMITED))
    errors = row(found, "ModelErrorsHigh")
    assert (errors["times"], errors["from"]) == (1, "recorded, limits of then")
    assert (errors["severity"], errors["longest"]) == ("page", "20m")


@pytest.mark.real
def test_days_of_zero_leave_the_past_alone(tmp_path: Path) -> None:
    with past(tmp_path, Page()) as url:
        found = back_test.CHECK(context(url, LIMITED, days=0))
    assert found == Verification(checked={"back-test": 0})


@pytest.mark.real
def test_alerts_that_were_not_reached_in_time_are_named_with_how_to_look_longer(
    tmp_path: Path,
) -> None:
    hours = iter(range(0, 10**6, 3600))
    with past(tmp_path, INCIDENT) as url:
        found = back_test.CHECK(context(url, LIMITED, clock=lambda: float(next(hours))))
    (one,) = [one for one in found.findings if one.reason == "not-tested" and one.advice]
    assert "ModelErrorsHigh" in one.subject
    assert "--patience" in one.advice
    assert found.tables[0].legend.startswith("0 of ")


@pytest.mark.real
def test_what_is_computed_fires_when_prometheus_itself_would_have_fired(tmp_path: Path) -> None:
    # promtool plays the same samples through the generated rules, evaluation by evaluation.
    with past(tmp_path, INCIDENT) as url:
        asked = context(url, LIMITED)
        found = row(back_test.CHECK(asked), "ModelErrorsHigh")
    minutes = before_the_end(str(found["first"]))
    fires_s = round((60 - minutes) * 60 - 15)  # evaluations are a quarter of a minute later
    (tmp_path / "rules").mkdir()
    for path, text in asked.files.items():
        if path.startswith(RULES):
            (tmp_path / "rules" / path.removeprefix(RULES)).write_text(text)
    test = {
        "rule_files": ["rules/*.yml"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": name, "values": " ".join(values)}
                    for name, values in _replayed(INCIDENT, hours=1).items()
                ],
                "promql_expr_test": [
                    {
                        "expr": 'ALERTS{alertname="ModelErrorsHigh",alertstate="firing"}',
                        "eval_time": f"{at}s",
                        "exp_samples": [],
                    }
                    # A rule sees what the rules before it recorded one evaluation later.
                    for at in (fires_s - 30, fires_s + 60)
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test, width=10**6))
    said = subprocess.run(
        [real.program("promtool"), "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    fired = re.findall(r"time: (\w+)", said.stdout + said.stderr)
    assert len(fired) == 1, said.stdout + said.stderr


def _replayed(page: Page, hours: float) -> dict[str, list[str]]:
    """The samples from the first evaluation on: the first sample lies before it."""

    found: dict[str, list[str]] = {}
    begin = NOW - hours * 3600 + 15
    for line in samples((page,), hours).splitlines()[:-1]:
        name, value, moment = line.rsplit(" ", 2)
        step = round((float(moment) - begin) / 15)
        if step < 0:
            continue
        values = found.setdefault(name, [])
        values += ["_"] * (step - len(values)) + [value]
    return found


# when alerts fire


def condition(
    name: str, *true: range, hold_s: float = 0, keep_s: float = 0, mutes: tuple[Mute, ...] = ()
) -> Condition:
    return Condition(
        rule=Rule(
            alert=True,
            name=name,
            expr="",
            labels={"severity": "page"},
            annotations={},
            hold_s=hold_s,
            keep_s=keep_s,
        ),
        labels={"model": "chat"},
        true_at=frozenset(moment for some in true for moment in some),
        mutes=mutes,
    )


@pytest.mark.parametrize(
    ("one", "fires"),
    [
        (condition("A", range(3, 6)), [(3, 6)]),
        (condition("A", range(3, 6), hold_s=60), [(5, 6)]),
        (condition("A", range(3, 5), hold_s=60), []),
        (condition("A", range(3, 5), range(6, 8), hold_s=60), []),
        (condition("A", range(3, 6), keep_s=60), [(3, 8)]),
        (condition("A", range(3, 5), range(6, 7), keep_s=60), [(3, 9)]),
        (condition("A", range(8, 10)), [(8, 10)]),
        (condition("A"), []),
    ],
    ids=[
        *("at once", "after its hold", "too short", "interrupted"),
        *("kept", "kept over a gap", "until the end", "never"),
    ],
)
def test_an_alert_fires_after_its_hold_and_is_kept(
    one: Condition, fires: list[tuple[int, int]]
) -> None:
    assert spans([one], 10, 30) == [fires]


def test_of_two_alerts_that_tell_the_same_the_first_is_told() -> None:
    first = condition("A", range(2, 6), mutes=(Mute(names=("B",), window=2, goes_on=True),))
    second = condition("B", range(4, 12), mutes=(Mute(names=("A",), window=2, goes_on=True),))
    assert spans([first, second], 12, 30) == [[(2, 6)], [(8, 12)]]
