"""From a change of the inventory to the sentence about it."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from generator.definitions import definitions
from generator.difference import Difference, difference, nothing, side
from generator.difference.changes import changes
from generator.difference.pages import LONGEST_COMMENT, MARK, as_json, markdown, text
from modelwatch.inventory import Inventory
from tests.fleets import CHAT, fleet
from tests.inventory_texts import MODEL, ROOT, read_text

DEMO = (ROOT / "examples" / "demo.yaml").read_text(encoding="utf-8")
EVERYTHING = (ROOT / "examples" / "everything.yaml").read_text(encoding="utf-8")


def between(old: str, new: str) -> Difference:
    return difference(*(side(read_text(one), definitions()) for one in (old, new)))


def alone(old: Inventory, new: Inventory) -> Difference:
    """What changes in the inventories, without all that follows from it."""
    return difference(*(replace(nothing(""), inventory=one) for one in (old, new)))


def only(old: Inventory, new: Inventory) -> str:
    return text(alone(old, new))


PROMISED = f"{MODEL}    tier: 1\n    slo: {{availability: 99.9%, latency: 95% under 5s}}\n"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("99.9%", "99.95%", "promise availability 99.9% → 99.95% (tightened)"),
        ("99.9%", "99%", "promise availability 99.9% → 99% (loosened)"),
        ("under 5s", "under 2.5s", "promise latency 95% under 5s → 95% under 2.5s (tightened)"),
        ("under 5s", "under 10s", "promise latency 95% under 5s → 95% under 10s (loosened)"),
        ("95% under 5s", "99% under 10s", "95% under 5s → 99% under 10s (loosened)"),
        (", latency: 95% under 5s", "", "promise latency 95% under 5s removed"),
        ("availability: 99.9%, ", "", "promise availability 99.9% removed"),
        ("99.9%", "99.9% over 7d", "promise availability, window 30d → 7d"),
        ("tier: 1", "tier: 2", "tier 1 → 2"),
        ("tier: 1", "owner: Ada", "owner Ada (new)"),
        ("tier: 1", 'version: "2"', "version 2 (new)"),
        ("tier: 1", "severity: {now: page, soon: page, watch: ticket}", "now page, soon page"),
        ('"gpu1:8000"', '"gpu1:8000", "gpu2:8000"', "vllm chat gpu1:8000 → gpu1:8000, gpu2:8000"),
        (
            "tier: 1",
            "limits: {kv_cache: 90%}",
            "95% for 10m (the fleet's) → 90% for 10m (tightened)",
        ),
        ("tier: 1", "limits: {kv_cache: off}", "95% for 10m (the fleet's) → off (loosened)"),
        ("tier: 1", "limits: {silent: for 1h}", "for 15m (the fleet's) → for 1h (loosened)"),
        (
            "tier: 1",
            "retires: 2030-01-01\n    limits: {retirement: 60}",
            "30 for 1h (the fleet's) → 60 for 1h (tightened)",
        ),
        ("tier: 1", "limits: {latency: p99 > 3s}", "limit latency p99 3s for 5m (new)"),
        ("tier: 1", "price: {request: 2 USD}", "price request 2 USD (new)"),
        (
            "tier: 1",
            "kpi: {clicks: {drop: 9%, gauge: clicks_ratio}}",
            "KPI clicks is watched (new)",
        ),
        ("on-call: {webhook", "on-call: &a {webhook", "nothing changes"),
        ("page: on-call", "page: on-call, contact: '#a'", "contact #a (new)"),
        ("secrets/url", "secrets/new", "url_file secrets/url → secrets/new"),
        ("models:", "settings: {scrape_interval: 30s}\nmodels:", "scrape_interval 15s → 30s"),
        ("models:", "defaults: {limits: {kv_cache: 90%}}\nmodels:", "kv_cache 95% for 10m → 90%"),
    ],
)
def test_a_change_becomes_a_sentence(old: str, new: str, sentence: str) -> None:
    assert PROMISED.count(old) == 1
    assert sentence in only(read_text(PROMISED), read_text(PROMISED.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("cards: 8", "cards: 6", "cards 8 → 6"),
        ("2.10 USD per hour", "2.50 USD per hour", "price per hour 2.10 USD per hour → 2.50 USD"),
        (
            "amount: 50 USD per day",
            "amount: 60 USD per day",
            "50 USD per day → 60 USD per day (raised)",
        ),
        ("amount: 50 USD per day", "amount: 900 USD per month", "900 USD per month (lowered)"),
        ("shares: [80%, 100%]", "shares: [90%, 100%]", "told at 80%, 100% → 90%, 100%"),
        ("usd_per_day: 0.50 USD", "usd_per_day: 2 USD", "probes together may spend 0.5 → 2 USD"),
        (
            "tokens_per_day: 20000",
            "tokens_per_day: 9",
            "probe chat-capital, tokens per day 20000 → 9",
        ),
        ("x-tenant: probes", "x-tenant: other", "probe chat-capital, headers x-tenant changed"),
        ("good: above 0.7", "good: above 0.8", "groundedness, good above 0.7 → 0.8 (tightened)"),
        ("good: below 0.05", "good: below 0.1", "toxicity, good below 0.05 → 0.1 (loosened)"),
        ("drop: 20% for 2h", "drop: 10% for 2h", "drop 20% for 2h → 10% for 2h (tightened)"),
        (
            "      features: [prompt_length, language,",
            "      features: [language,",
            "drift of prompt_l",
        ),
        ("temperature: 85 for 5m", "temperature: 90 for 5m", "85 for 5m → 90 for 5m (loosened)"),
        (
            "idle: 5% for 30m",
            "idle: 10% for 30m",
            "limit idle 5% for 30m → 10% for 30m (tightened)",
        ),
        ("output: 0.60 per", "output: 0.80 per", "price output 0.60 per million tokens → 0.80 per"),
        ("ticket: mail", "ticket: local", "team ranking: tickets go to mail → local"),
        (
            'to: "17:00"',
            'to: "18:00"',
            "09:00 to 17:00 Europe/Berlin → monday to friday, 09:00 to 18",
        ),
        ("assistant: 70%, search: 30%", "assistant: 60%, search: 40%", "feature search 30% → 40%"),
        ("constants: rules", "constants: exporter", "constants rules → exporter"),
        ("cluster: eu-1", "cluster: eu-2", "external label cluster eu-1 → eu-2"),
        (
            "send: scraped",
            "send: everything",
            "scraped; asked at http://victoriametrics:8428 → every",
        ),
        (
            "now: ticket, soon: ticket",
            "now: page, soon: ticket",
            "severity policy office-hours now",
        ),
        ("ranker_queue_length", "ranker_queue", "engine ranker, requests_waiting gauge ranker_qu"),
        ("expect: {number: 4,", "expect: {number: 5,", "prompt sum What is 2 + 2?"),
        ("deadman: heartbeat", "deadman: local", "deadman heartbeat → local"),
        ("retires: 2027-03-31", "retires: 2027-06-30", "retires 2027-03-31 → 2027-06-30"),
    ],
)
def test_a_change_of_a_rich_inventory_becomes_a_sentence(old: str, new: str, sentence: str) -> None:
    assert old in EVERYTHING
    changed = EVERYTHING.replace(old, new, 1)
    assert sentence in only(read_text(EVERYTHING), read_text(changed))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("under 5s", "under 5000ms"),
        ("availability: 99.9%, latency: 95% under 5s", "latency: p95 < 5s, availability: 99.90%"),
        ("tier: 1", "tier: 1 # for now"),
        ("tier: 1", "tier: 1\n    limits: {kv_cache: 95% for 600s}"),
    ],
    ids=["another unit", "another order", "a comment", "the default, said"],
)
def test_what_means_the_same_is_no_change(old: str, new: str) -> None:
    assert changes(read_text(PROMISED), read_text(PROMISED.replace(old, new))) == ()


def test_files_that_are_only_written_differently_are_told() -> None:
    found = between(PROMISED, PROMISED.replace("under 5s", "under 5000ms"))
    assert text(found).startswith("nothing changes in meaning; ")


def test_things_that_change_alike_stand_together() -> None:
    found = only(read_text(DEMO), read_text(DEMO.replace("tier: 2", "tier: 1")))
    assert "agent (production), chat-hosted (production)\n    - tier 2 → 1" in found


def test_an_urgent_tier_says_which_tickets_become_pages() -> None:
    found = text(between(PROMISED.replace("tier: 1", "tier: 2"), PROMISED))
    assert "now page" in found.splitlines()[0]
    assert "ticket → page for chat (production): ModelAccuracyDropped, " in found
    assert "Look at these first" not in found


def test_a_less_urgent_tier_is_a_risk() -> None:
    found = text(between(PROMISED, PROMISED.replace("tier: 1", "tier: 3")))
    first = found.partition("Look at these first")[2].partition("\n\n")[0]
    assert "no longer page" in found.splitlines()[0]
    assert "page → ticket for chat (production): ModelAccuracyDropped, " in first


@pytest.mark.parametrize(
    ("change", "risk"),
    [
        (lambda one: replace(one, models=one.models[1:]), "removed: model chat (production)"),
        (lambda one: replace(one, budgets=()), "removed: budget chat-monthly"),
        (lambda one: replace(one, pools=()), "removed: GPU pool a100 (production)"),
        (
            lambda one: replace(one, models=(replace(CHAT, owner=""), *one.models[1:])),
            "model chat (production): owner Ada Park removed",
        ),
        (
            lambda one: replace(one, models=(replace(CHAT, probes=(), scores=()), *one.models[1:])),
            "model chat (production): score groundedness is judged removed",
        ),
        (
            lambda one: replace(
                one,
                receivers={k: v for k, v in one.receivers.items() if k != "tickets"},
                teams={**one.teams, "assist": replace(one.teams["assist"], ticket=("on-call",))},
            ),
            "team assist: tickets go to tickets → on-call",
        ),
        (
            lambda one: replace(
                one,
                receivers={
                    **one.receivers,
                    "on-call": replace(one.receivers["on-call"], settings={"url": "http://b"}),
                },
            ),
            "receiver on-call: url http://127.0.0.1:9406/on-call → http://b",
        ),
        (
            lambda one: replace(one, settings=replace(one.settings, deadman="")),
            "settings and defaults: deadman heartbeat removed",
        ),
    ],
    ids=["model", "budget", "pool", "owner", "score", "route", "receiver", "deadman"],
)
def test_what_is_lost_comes_first(change: Any, risk: str) -> None:
    found = only(fleet(), change(fleet()))
    assert risk in found.partition("Look at these first")[2].partition("\n\n")[0]


def test_an_alert_that_can_fire_for_nobody_any_more_comes_first() -> None:
    limited = f"{PROMISED}    limits: {{concurrency: 200}}\n"
    found = text(between(limited, PROMISED))
    first = found.partition("Look at these first")[2].partition("\n\n")[0]
    assert "ModelConcurrencyHigh can no longer fire: nothing in this inventory has a limit" in first
    assert "in use now: ModelConcurrencyHigh" in text(between(PROMISED, limited))


# Pages.


def test_the_order_of_the_file_says_nothing() -> None:
    old = fleet()
    turned = replace(
        old,
        models=old.models[::-1],
        teams=dict(reversed(list(old.teams.items()))),
        thresholds=old.thresholds[::-1],
    )
    assert changes(old, turned) == ()


HOSTILE = "</details><img src=x onerror=alert(1)> | `x` ``y` @ada #1 [a](b) **b** \u202eevil"


def test_words_of_users_mean_nothing_in_markdown() -> None:
    old = fleet()
    model = replace(CHAT, owner=HOSTILE, description=f"{HOSTILE}\n\n# Heading", version="`")
    new = replace(old, models=(model, *old.models[1:]))
    page = markdown(alone(old, new))
    assert "\u202e" not in page
    tokens = MarkdownIt().parse(page)
    html = {t.content.strip() for t in tokens if t.type == "html_block"}
    assert all(
        one == MARK or one.startswith("<details><summary>") or one == "</details>" for one in html
    )
    inline = [child for t in tokens for child in t.children or ()]
    assert {child.type for child in inline} <= {
        *("text", "code_inline", "strong_open", "strong_close", "softbreak")
    }
    assert [t.tag for t in tokens if t.type == "heading_open"] == ["h3"]
    code = [child.content for child in inline if child.type == "code_inline"]
    assert HOSTILE.replace("\u202e", "\\u202e") in code
    assert "`" in code
    assert not any("@ada" in child.content for child in inline if child.type == "text")


def test_a_comment_that_would_be_too_long_leaves_whole_sections_out() -> None:
    models = tuple(
        replace(CHAT, name=f"model-{number}", owner=f"{number} " + "x" * 200, description="y" * 200)
        for number in range(400)
    )
    page = markdown(alone(replace(fleet(), models=()), replace(fleet(), models=models)))
    assert len(page) < LONGEST_COMMENT
    assert page.count("<details>") == page.count("</details>")
    assert "400 models added" in page.splitlines()[1]
    assert "- and 340 more lines\n" in page


def test_sections_for_which_there_is_no_room_are_counted() -> None:
    page = markdown(alone(nothing("").inventory, read_text(EVERYTHING)), longest=3000)
    assert len(page) < 3000
    assert "**Models**" in page
    assert re.search(r"Left out, as .*: Settings and defaults \(\d+ lines\)", page)


def test_programs_get_the_same_as_people() -> None:
    found = json.loads(as_json(between(PROMISED, PROMISED.replace("99.9%", "99%"))))
    assert found["headline"] == "1 model changed; 1 promise loosened"
    (change,) = found["changes"]
    assert change == {
        "how": "changed",
        "kind": "model",
        "subjects": ["chat (production)"],
        "details": [
            {
                "what": "promise availability",
                "before": "99.9%",
                "after": "99%",
                "kind": "promise",
                "effect": "loosened",
            }
        ],
    }
    assert found["files"]["changed"]


def test_an_inventory_that_was_not_there_is_all_new() -> None:
    found = difference(nothing("old.yaml"), side(read_text(DEMO), definitions()))
    page = markdown(found)
    assert "5 models added; 2 GPU pools added; 3 budgets added; 3 teams added" in page
    assert "Look at these first" not in page
    assert (
        "- new: `vision (production)`: promise availability `99.9%`, owner `Mo Chen`, cards `2`"
        in page
    )


def test_a_model_with_another_name_is_one_gone_and_one_new() -> None:
    found = text(between(PROMISED, PROMISED.replace("name: chat", "name: talk")))
    assert found.startswith("1 model added, 1 removed\n\nLook at these first\n  - removed: model ")
    assert re.search(r"^Series: [\d,]+ as before$", found, re.MULTILINE)
