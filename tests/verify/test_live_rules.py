"""Rules that are loaded against rules that were generated, in Prometheus of both releases."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from generator.verify.finding import Finding, Verification
from generator.verify.live import rules_loaded, scrape_intervals, staleness
from generator.verify.live.context import LiveContext
from generator.verify.live.generated import RULES
from tests import past_site, small_site
from tests.past_site import Page
from tests.preview_site import holding
from tests.small_site import eventually

pytestmark = pytest.mark.real

TEXT = f"{past_site.TEXT}    slo: {{availability: 99.9%, latency: 95% under 5s}}\n"
PROMETHEUS = "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules/*.yml]\n"


@contextmanager
def loaded(folder: Path, path: str, change: dict[str, tuple[str, str]]) -> Iterator[LiveContext]:
    """A Prometheus with the generated rules, in some of whose files a text was changed."""
    wanted = past_site.context("", TEXT).files
    (folder / "rules").mkdir()
    for name, text in wanted.items():
        if name.startswith(RULES):
            file = name.removeprefix(RULES)
            before, after = change.get(file, ("", ""))
            assert before in text
            (folder / "rules" / file).write_text(text.replace(before, after) if before else text)
    page = past_site.samples((Page(),), 1)
    with holding(folder, page, configuration=PROMETHEUS, path=path) as url:
        yield past_site.context(url, TEXT, now=time.time())


def told(found: Verification) -> list[tuple[str, str, str]]:
    return [(one.subject, one.message, one.path) for one in found.findings]


def test_rules_as_they_were_generated_are_fine(search_path: str, tmp_path: Path) -> None:
    with loaded(tmp_path, search_path, {}) as context:
        found = rules_loaded.CHECK(context)
    assert told(found) == []
    assert found.checked["rules-loaded"] > 400


def test_whatever_differs_from_what_was_generated_is_found(
    search_path: str, tmp_path: Path
) -> None:
    change = {
        "alerts-queue.yml": ("for: 10m", "for: 50m"),
        "alerts-saturation.yml": (
            "group_left (team, tier, severity)",
            "group_left (tier, severity)",
        ),
        "alerts-cost.yml": ("alert: ModelCostSpike", "alert: ModelCostLeap"),
        "alerts-drift.yml": ("name: modelwatch-alerts-drift", "name: modelwatch-alerts-moved"),
        "alerts-versions.yml": ("interval: 30s", "interval: 15s"),
        "alerts-coverage.yml": ("signal: inventory_duplicate", "signal: inventory_copy"),
        "alerts-budget.yml": ("action: |-\n            1.", "action: |-\n            2."),
        "alerts-endpoint.yml": ("https://runbooks.example.com/", "https://wiki.example.com/"),
        "alerts-answers.yml": ("keep_firing_for: 10m", "keep_firing_for: 1m"),
    }
    with loaded(tmp_path, search_path, change) as context:
        found = rules_loaded.CHECK(context)
    said = {(subject, message) for subject, message, _ in told(found)}
    other = "is loaded with another {} than generated"
    assert {
        ("alert ModelRequestsWaiting", other.format("hold")),
        ("alert ModelKvCacheFull", other.format("expression")),
        ("alert ModelCostSpike", "is missing in group modelwatch-alerts-cost"),
        ("alert ModelCostLeap", "is loaded in group modelwatch-alerts-cost, but was not generated"),
        ("group modelwatch-alerts-drift", "is not loaded"),
        ("group modelwatch-alerts-versions", "is evaluated every 15s, generated was 30s"),
        ("alert InventoryDuplicate", other.format("labels")),
        ("alert BudgetShareSpent", other.format("annotations")),
        ("alert ModelThumbsDownHigh", other.format("keep_firing_for")),
    } <= said
    (links,) = [one for one in found.findings if one.reason == "other-links"]
    assert links.message.startswith("the links of 2 alerts lead elsewhere")
    (moved,) = [one for one in found.findings if one.subject == "group modelwatch-alerts-moved"]
    assert moved.message.endswith("but was not generated")
    assert moved.level == "warning"


BROKEN = """\
groups:
  - name: modelwatch-broken
    rules:
      - record: broken
        expr: vector(1) * on () (label_replace(vector(1), "a", "1", "", "") or vector(1))
  - name: modelwatch-slow
    interval: 1ms
    rules:
      - {record: slow, expr: "count_over_time(vector(time())[5h:100ms])"}
"""


def test_rules_that_fail_or_take_too_long_are_found(search_path: str, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/broken.yml").write_text(BROKEN)
    # Groups of ours, so that there is something to compare with.
    files = past_site.context("", TEXT).files
    name = "prometheus/rules/alerts-stack.yml"
    (tmp_path / "rules/alerts-stack.yml").write_text(files[name])
    with holding(tmp_path, "# EOF\n", configuration=PROMETHEUS, path=search_path) as url:

        def reasons() -> dict[str, Finding]:
            found = rules_loaded.CHECK(past_site.context(url, TEXT, now=time.time()))
            return {one.reason: one for one in found.findings}

        eventually(lambda: {"fails", "slow"} <= set(reasons()))
        assert reasons()["fails"].subject == "rule broken"
        assert "many-to-many matching not allowed" in reasons()["fails"].message
        assert reasons()["slow"].subject == "group modelwatch-slow"


def test_groups_of_two_inventories_in_one_prometheus_are_found(
    search_path: str, tmp_path: Path
) -> None:
    with loaded(tmp_path, search_path, {}) as context:
        again = tmp_path / "rules/again.yml"
        again.write_text((tmp_path / "rules/alerts-stack.yml").read_text())
        requests.post(f"{context.prometheus.url}/-/reload", timeout=10).raise_for_status()
        (one,) = rules_loaded.CHECK(context).findings
    assert one.subject == "group modelwatch-alerts-stack"
    assert one.message.startswith("is loaded 2 times: ")
    assert "again.yml and " in one.message


def test_a_prometheus_without_our_rules_is_told_once(tmp_path: Path) -> None:
    with holding(tmp_path, "# EOF\n") as url:
        (one,) = rules_loaded.CHECK(past_site.context(url, TEXT)).findings
    assert one.message.endswith("groups of generated rules is loaded")
    assert "rule_files" in one.advice


def test_targets_are_looked_at_as_prometheus_itself_tells_them(
    search_path: str, tmp_path: Path
) -> None:
    closed = "127.0.0.1:1"
    inventory = f"""{past_site.TEXT}
  - name: closed
    team: assist
    sources: [{{engine: vllm, job: closed, model: llama}}]
"""
    with small_site.page("vllm:num_requests_running 1\n") as port:
        jobs = "\n".join(
            f"  - {{job_name: {job}, static_configs: [{{targets: ['{target}']}}]}}"
            for job, target in (("vllm", f"127.0.0.1:{port}"), ("closed", closed))
        )
        configuration = f"global: {{scrape_interval: 2s}}\nscrape_configs:\n{jobs}\n"
        configuration = configuration.replace(
            "job_name: vllm,", "job_name: vllm, scrape_interval: 100s, "
        )
        with holding(tmp_path, "# EOF\n", configuration=configuration, path=search_path) as url:

            def found() -> list[Finding]:
                return [
                    one
                    for check in (staleness.CHECK, scrape_intervals.CHECK)
                    for one in check(past_site.context(url, inventory, now=time.time())).findings
                ]

            eventually(lambda: any(one.reason == "down" for one in found()))
            down = next(one for one in found() if one.reason == "down")
            seldom = next(one for one in found() if one.reason == "window-too-short")
    assert down.subject == f"target {closed} of job closed"
    assert "for model closed (production): " in down.message
    assert "connection refused" in down.message
    assert seldom.message.startswith("is scraped every 100s, ")
