"""What verify finds in the series of a Prometheus, and that it finds no more than there is."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.verify.finding import Finding, Verification
from generator.verify.live import (
    bucket_boundaries,
    clock_skew,
    coverage,
    duplicates,
    label_clashes,
    scrape_intervals,
    series_counts,
    staleness,
)
from generator.verify.live.context import LiveContext
from modelwatch.catalogue.inventory import MODEL_INFO, SOURCE
from modelwatch.catalogue.recorded import REQUESTS
from modelwatch.catalogue.stack import SCRAPE_SAMPLES
from tests import real
from tests.past_site import LE, NOW, TEXT, Page, Value, always, context, past

pytestmark = pytest.mark.real

PROMISED = f"{TEXT}    slo: {{latency: 95% under 5s}}\n"
TWO_SOURCES = """\
  - name: draft
    team: assist
    sources: [{engine: vllm, job: gone, model: llama}]
"""


TWIN = """\
  - name: twin
    team: assist
    sources: [{engine: vllm, job: vllm, model: other}]
"""


@pytest.fixture(scope="module", params=["on PATH", "3.x"])
def path(request: pytest.FixtureRequest) -> str:
    return os.environ["PATH"] if request.param == "on PATH" else real.path_of_three()


@pytest.fixture(scope="module")
def well(path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveContext]:
    """A page that is as the inventory says, and rules that record it."""
    recorded = {f'{REQUESTS}{{model="chat",environment="production"}}': always(2)}
    with past(tmp_path_factory.mktemp("well"), Page(), extra=recorded, path=path) as url:
        yield context(url, PROMISED)


@pytest.fixture(scope="module")
def troubled(path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveContext]:
    """Everything at once that a test below looks for."""
    chat = 'model="chat",environment="production"'
    served = 'job="vllm",engine="vllm",engine_model="llama"'
    extra: dict[str, Value] = {
        # Two inventories say different things of one model, and of one target.
        f'{MODEL_INFO}{{{chat},team="assist"}}': always(1),
        f'{MODEL_INFO}{{{chat},team="search"}}': always(1),
        f"{SOURCE}{{{served},{chat}}}": always(1),
        f'{SOURCE}{{{served},model="twin",environment="x"}}': always(1),
        'vllm:num_requests_running{job="vllm",model_name="a",exported_model_name="b"}': always(1),
        f'{SCRAPE_SAMPLES}{{job="vllm",instance="gpu1:8000"}}': always(90_000),
        'process_start_time_seconds{job="vllm",instance="gpu1:8000"}': always(NOW + 60),
        # A user name in a label.
        **{f'{REQUESTS}{{{chat},user="{number}"}}': always(1) for number in range(1000)},
    }
    page = Page(
        boundaries=tuple(le for le in LE if le != "5.0"),
        up=lambda ago: int(ago > 1200 or ago % 240 < 120) if ago > 30 else 0,
    )
    with past(tmp_path_factory.mktemp("troubled"), page, extra=extra, path=path) as url:
        yield context(url, PROMISED + TWO_SOURCES)


def told(found: Verification) -> list[tuple[str, str, str]]:
    return [(one.level, one.subject, one.reason) for one in found.findings]


def only(found: Verification, reason: str) -> Finding:
    (one,) = [one for one in found.findings if one.reason == reason]
    assert one.advice
    return one


@pytest.mark.parametrize(
    "question",
    [
        series_counts,
        label_clashes,
        duplicates,
        bucket_boundaries,
        staleness,
        clock_skew,
        scrape_intervals,
    ],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_where_nothing_is_wrong_nothing_is_found(well: LiveContext, question: object) -> None:
    found = question.CHECK(well)  # type: ignore[attr-defined]  # each module has one
    assert told(found) == []
    assert sum(found.checked.values()) > 0


def test_more_series_than_predicted_are_told_by_model(troubled: LiveContext) -> None:
    found = series_counts.CHECK(troubled)
    excess = [one for one in found.findings if one.reason == "more-than-predicted"]
    assert [one.subject for one in excess] == ["model chat (production)"]
    assert "has 1003 series of modelwatch, predicted were " in excess[0].message
    (table,) = found.tables
    assert [(row["model"], row["found"]) for row in table.rows] == [("chat", 1003), ("draft", 0)]


def test_series_of_a_model_that_nobody_declares_are_told(troubled: LiveContext) -> None:
    one = only(series_counts.CHECK(troubled), "not-declared")
    assert (one.level, one.subject) == ("note", "model twin (x)")


def test_a_page_near_its_sample_limit_is_told(troubled: LiveContext) -> None:
    one = only(series_counts.CHECK(troubled), "near-sample-limit")
    assert one.subject == "target gpu1:8000 of job vllm"
    assert "has 90000 samples" in one.message


def test_a_label_that_gave_way_to_one_of_the_target_is_found(troubled: LiveContext) -> None:
    (one,) = label_clashes.CHECK(troubled).findings
    assert (one.level, one.subject) == ("error", "job vllm")
    assert one.message.startswith("1 series have exported_model_name: ")
    assert "vllm:num_requests_running" in one.message


def test_two_series_of_one_subject_are_found_with_what_tells_them_apart(
    troubled: LiveContext,
) -> None:
    found = {one.subject: one for one in duplicates.CHECK(troubled).findings}
    assert set(found) == {f"series {MODEL_INFO}", f"series {SOURCE}"}
    assert "which differ in environment" in found[f"series {SOURCE}"].message
    assert found[f"series {MODEL_INFO}"].message == (
        "there are 2 for model=chat, environment=production, which differ in "
        'team ("assist" or "search"): joins with them fail or pick one by chance'
    )


def test_an_objective_between_two_boundaries_is_found_with_its_neighbours(
    troubled: LiveContext,
) -> None:
    (one,) = bucket_boundaries.CHECK(troubled).findings
    assert one.level == "error"
    assert one.message.startswith("the objective 'latency: 95% under 5s' lies at no boundary of")
    assert one.advice == "write 2.5s or 10s instead, or add a boundary at the engine"


def test_a_limit_above_the_last_boundary_is_found(well: LiveContext) -> None:
    text = f"{TEXT}    limits: {{latency: p95 > 60s for 5m}}\n"
    (one,) = bucket_boundaries.CHECK(context(well.prometheus.url, text)).findings
    assert (one.level, one.reason) == ("warning", "above-last-boundary")
    assert one.advice.startswith("write 10s or less")


def test_targets_that_are_down_or_flap_and_models_without_any_are_found(
    troubled: LiveContext,
) -> None:
    assert told(staleness.CHECK(troubled)) == [
        ("error", "model draft (production)", "no-target"),
        ("error", "target gpu1:8000 of job vllm", "down"),
        ("warning", "target gpu1:8000 of job vllm", "flapping"),
    ]


def test_the_age_of_the_newest_sample_is_told(well: LiveContext) -> None:
    later = context(well.prometheus.url, PROMISED, now=NOW + 2 * 3600)
    found = staleness.CHECK(later)
    one = only(found, "old")
    assert one.message == "its newest sample of job vllm is 2 h old"
    assert found.tables[0].rows[0]["newest sample"] == "2 h ago"


def test_a_clock_that_is_ahead_or_behind_is_found(well: LiveContext) -> None:
    url = well.prometheus.url
    for reason, off_s in (("ahead", -60), ("behind", 60)):
        off = context(url, PROMISED, clock=lambda off_s=off_s: time.time() + off_s)  # type: ignore[misc]  # bound now
        one = only(clock_skew.CHECK(off), reason)
        assert one.message.startswith(f"its clock is 60 s {reason}")


def test_a_target_that_lives_in_the_future_is_found(troubled: LiveContext) -> None:
    one = only(clock_skew.CHECK(troubled), "target-ahead")
    assert one.message == "tells a time that is 60 s in the future"


@pytest.mark.parametrize(
    ("every_s", "message", "advice"),
    [
        (120, "is scraped every 2m, but rules compute rates over 5m", "every 75s or more"),
        (30, "is scraped every 30s, while settings.scrape_interval", "_interval: 30s`"),
    ],
    ids=["too seldom for the windows", "slower than the inventory says"],
)
def test_scrapes_that_come_too_seldom_are_found(
    path: str, tmp_path: Path, every_s: int, message: str, advice: str
) -> None:
    seldom: dict[str, Value] = {
        'up{job="vllm",instance="gpu1:8000"}': lambda ago: 1 if ago % every_s == 0 else None,
    }
    with past(tmp_path, extra=seldom, path=path) as url:
        (one,) = scrape_intervals.CHECK(context(url)).findings
    assert (one.level, one.subject) == ("error" if every_s > 75 else "warning", "job vllm")
    assert one.message.startswith(message)
    assert advice in one.advice


def test_coverage_says_of_each_signal_whether_it_is_monitored_and_why_not(
    well: LiveContext,
) -> None:
    found = coverage.CHECK(well)
    (table,) = found.tables
    states = {row["signal"]: row["state"] for row in table.rows}
    assert states == {
        "requests": "monitored",
        "request_duration": "idle",
        "cost": "not supplied",
        "batch_size": "not supplied",
        **dict.fromkeys(("quality", "kpi", "drift", "probes"), "not declared"),
        **dict.fromkeys(
            (
                *("time_to_first_token", "inter_token_latency", "queue_duration", "tokens"),
                *("requests_running", "requests_waiting", "kv_cache_usage", "preemptions"),
                *("prompt_length", "output_length"),
            ),
            "silent",
        ),
    }
    whys = {row["signal"]: row["why"] for row in table.rows}
    assert whys["cost"].startswith("vLLM knows no prices")
    assert told(found) == [("warning", "model chat (production)", "silent")]


def test_coverage_before_the_rules_are_loaded_says_so_once(path: str, tmp_path: Path) -> None:
    with past(tmp_path, Page(), path=path) as url:
        found = coverage.CHECK(context(url, f"{TEXT}{TWIN}"))
    one = only(found, "not-recorded")
    assert one.subject == "all models"
    (table,) = found.tables
    assert [(row["model"], row["req"], row["cost"], row["kpi"]) for row in table.short] == [
        ("chat", "?", "-", ""),
        ("twin", "?", "-", ""),
    ]
    assert table.legend == "! silent, ? not recorded, - not supplied, empty not declared"
    assert one.message == "requests, request_duration: it is on the page, but no rule records it"
