import subprocess
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporters.base import rendering
from exporters.base.families import Distribution
from exporters.probe import EXPORTER
from exporters.probe.measuring import OUTCOMES, PHASES, Measured
from exporters.probe.page import FRESH_FOR_S, ProbePage
from exporters.probe.runs import Runs
from exporters.probe.spending import Spending
from exporters.probe.targets import Target
from modelwatch.catalogue import probe as names
from modelwatch.catalogue.metric import Metric
from tests.exporters.probes import (
    Sender,
    measured,
    prices,
    quantity,
    target,
)

ANSWER = measured(
    duration_s=1.2,
    time_to_first_token_s=0.2,
    gaps_s=(0.01, 0.02, 0.2),
    phases_s={"dns": 0.001, "connect": 0.002, "tls": 0.01, "first_byte": 0.1, "body": 1.0},
    tokens={"input": 10, "output": 11},
    served="meta-llama/Llama-3.1-8B-Instruct",
    answer="Paris",
    correct=True,
    certificate_expires_s=1.8e9,
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
)
FULL: dict[str, Any] = {
    "costs": prices({"input": "0.001", "output": "0.01"}),
    "serves": "meta-llama/*",
    "tokens_per_day": 1000,
    "usd_per_day": quantity("2"),
}
Found = dict[tuple[str, ...], Any]


class Site:
    """A page of probes without a schedule: runs are started by hand."""

    def __init__(self, folder: Path, *targets: Target) -> None:
        self.now = 1.7e9
        self.reply = ANSWER
        self.targets = {one.name: one for one in targets}
        self.runs = Runs(
            spending=Spending(folder),
            measure=Sender(lambda *_: self.reply),
            wall=lambda: self.now,
        )
        self.runs.set_targets(targets)
        self.page = ProbePage(runs=self.runs, targets=lambda: self.targets, wall=lambda: self.now)

    def run(self, reply: Measured = ANSWER) -> None:
        self.reply = reply
        for one in self.targets.values():
            self.runs.run(one)

    def of(self, metric: Metric) -> Found:
        """Samples of the metric, without the labels of the probe."""
        return {
            labels[3:]: value
            for family in self.page.collect()
            if family.metric is metric
            for labels, value in family.samples.items()
        }

    def value(self, metric: Metric) -> Any:
        return self.of(metric).get(())


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, target(**FULL))
    yield made
    made.runs.spending.close()


def test_every_outcome_of_a_measurement_is_on_the_page() -> None:
    assert set(names.OUTCOMES) == {*OUTCOMES, names.NO_KEY}


def test_counters_are_there_before_the_first_run(site: Site) -> None:
    assert site.of(names.PROBE_REQUESTS_TOTAL) == {(one,): 0 for one in names.OUTCOMES}
    assert site.of(names.PROBE_SKIPPED_TOTAL) == {(one,): 0 for one in names.SKIPPED}
    assert site.of(names.PROBE_ANSWERS_TOTAL) == {
        ("capital", "correct"): 0,
        ("capital", "wrong"): 0,
    }
    assert sum(site.value(names.PROBE_DURATION).counts) == 0
    assert site.value(names.PROBE_COST_TOTAL) == 0
    assert site.value(names.PROBE_LAST_RUN) == 0
    assert site.of(names.PROBE_RECENT_RUNS) == {}
    assert site.of(names.PROBE_SUCCESS) == {}


def test_a_run_is_on_the_page(site: Site) -> None:
    site.run()
    assert site.of(names.PROBE_REQUESTS_TOTAL)["success",] == 1
    assert site.value(names.PROBE_DURATION).sum == 1.2
    assert sum(site.value(names.PROBE_INTER_TOKEN).counts) == 3
    assert site.of(names.PROBE_TOKENS_TOTAL) == {
        ("input",): 10,
        ("cached_input",): 0,
        ("output",): 11,
        ("reasoning",): 0,
    }
    assert site.value(names.PROBE_COST_TOTAL) == Decimal("0.12")
    assert site.value(names.PROBE_ESTIMATED_TOKENS_TOTAL) == 0
    assert site.value(names.PROBE_OUTPUT_SPEED) == pytest.approx(10)
    assert site.of(names.PROBE_PHASE) == {(one,): ANSWER.phases_s[one] for one in PHASES}
    assert site.value(names.PROBE_CERTIFICATE_EXPIRY) == 1.8e9
    assert site.of(names.PROBE_ANSWERS_TOTAL)["capital", "correct"] == 1
    assert site.value(names.PROBE_LAST_RUN) == site.now
    assert site.value(names.PROBE_CAP_LEFT_TOKENS) == 979
    assert site.value(names.PROBE_CAP_LEFT_USD) == pytest.approx(1.88)
    assert site.value(names.PROBE_CAP_REACHED) == 0


def test_tokens_that_nobody_reported_are_no_measurement(site: Site) -> None:
    site.run(replace(ANSWER, tokens={}))
    assert sum(site.of(names.PROBE_TOKENS_TOTAL).values()) == 0
    assert site.value(names.PROBE_COST_TOTAL) == 0
    assert site.value(names.PROBE_ESTIMATED_TOKENS_TOTAL) > 0
    assert site.value(names.PROBE_ESTIMATED_COST_TOTAL) > 0
    assert site.of(names.PROBE_OUTPUT_SPEED) == {}


def test_the_page_says_what_the_last_five_runs_did(site: Site) -> None:
    for outcome in ("timeout", "timeout", "success", "server_error", "success", "success"):
        site.run(replace(ANSWER, outcome=outcome, correct=outcome != "success"))
    assert site.value(names.PROBE_RECENT_RUNS) == 5
    assert site.value(names.PROBE_RECENT_FAILED) == 2
    assert site.of(names.PROBE_RECENT_ANSWERS) == {("capital",): 5}
    assert site.of(names.PROBE_RECENT_WRONG) == {("capital",): 3}


def test_times_of_failures_are_left_out(site: Site) -> None:
    site.run(replace(ANSWER, outcome="server_error"))
    for metric in (names.PROBE_DURATION, names.PROBE_FIRST_TOKEN, names.PROBE_INTER_TOKEN):
        assert sum(site.value(metric).counts) == 0
    assert site.value(names.PROBE_LAST_DURATION) == 1.2


def test_an_exemplar_leads_to_the_trace_of_a_run(site: Site) -> None:
    site.run()
    found = site.value(names.PROBE_DURATION)
    assert isinstance(found, Distribution)
    (exemplar,) = found.exemplars.values()
    assert exemplar.labels == {"trace_id": ANSWER.trace_id}
    assert (exemplar.value, exemplar.time_s) == (1.2, site.now)


def test_what_is_about_the_last_run_disappears_when_no_more_come(site: Site) -> None:
    site.run()
    site.now += FRESH_FOR_S
    assert site.value(names.PROBE_SUCCESS) == 1
    site.now += 1
    gone = (
        names.PROBE_SUCCESS,
        names.PROBE_PHASE,
        names.PROBE_RECENT_RUNS,
        names.PROBE_SERVED_AS_ASKED,
        names.PROBE_CERTIFICATE_EXPIRY,
    )
    assert [site.of(metric) for metric in gone] == [{}] * len(gone)
    assert site.of(names.PROBE_REQUESTS_TOTAL)["success",] == 1
    assert site.value(names.PROBE_LAST_RUN) > 0


def test_a_probe_that_runs_rarely_is_not_called_old_early(tmp_path: Path) -> None:
    site = Site(tmp_path, target(every=quantity("3600")))
    site.run()
    site.now += 3 * 3600
    assert site.value(names.PROBE_RECENT_RUNS) == 1
    site.runs.spending.close()


def test_only_the_newest_served_model_is_shown_and_a_swap_is_seen(site: Site) -> None:
    site.run()
    assert site.of(names.PROBE_SERVED_INFO) == {(ANSWER.served,): 1}
    assert site.value(names.PROBE_SERVED_AS_ASKED) == 1
    site.run(replace(ANSWER, served="tiny\n" + "x" * 500))
    ((shown,),) = site.of(names.PROBE_SERVED_INFO)
    assert shown == "tiny?" + "x" * 95
    assert site.value(names.PROBE_SERVED_AS_ASKED) == 0
    # An outage says nothing about who would answer, or with which certificate.
    site.run(measured("timeout"))
    assert site.value(names.PROBE_SERVED_AS_ASKED) == 0
    assert site.value(names.PROBE_CERTIFICATE_EXPIRY) == 1.8e9


def test_a_probe_that_is_not_streamed_has_no_times_of_tokens(tmp_path: Path) -> None:
    site = Site(tmp_path, target(stream=False))
    assert site.of(names.PROBE_FIRST_TOKEN) == {}
    assert site.of(names.PROBE_INTER_TOKEN) == {}
    assert site.of(names.PROBE_CAP_TOKENS) == {}
    site.runs.spending.close()


def test_a_cap_that_is_reached_is_on_the_page_before_a_run_is_skipped(tmp_path: Path) -> None:
    site = Site(tmp_path, target(tokens_per_day=60))
    assert site.value(names.PROBE_CAP_REACHED) == 0
    site.run()
    assert site.value(names.PROBE_CAP_REACHED) == 1
    site.run()
    assert site.of(names.PROBE_SKIPPED_TOTAL)["cap",] == 1
    site.runs.spending.close()


def rendered(site: Site, *, openmetrics: bool = False) -> str:
    return rendering.render(site.page.collect(), openmetrics=openmetrics).decode()


@pytest.mark.real
def test_the_page_passes_promtool(site: Site, promtool: Path) -> None:
    site.run()
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=rendered(site),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_metric_of_the_page_is_declared_and_can_be_on_it(site: Site) -> None:
    site.run()
    shown = {family.metric.name for family in site.page.collect()}
    assert shown == {metric.name for metric in EXPORTER.metrics}


def test_the_number_of_series_of_a_probe_is_bounded(site: Site) -> None:
    for number in range(50):
        site.run(replace(ANSWER, served=f"model-{number}", trace_id=f"{number:032x}"))
    lines = [line for line in rendered(site).splitlines() if not line.startswith("#")]
    assert len(lines) < 140
