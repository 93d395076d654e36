"""Runbooks and explanations: the facts of this fleet, for every alert."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from generator.definitions import Definitions
from generator.explain import explain, readable
from generator.inventory_series import constants
from generator.proofs import concerns
from generator.runbooks import LISTED, files
from generator.selectors import selectors
from modelwatch import resolved
from modelwatch.discovery import constants_named
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from modelwatch.rules import Alert
from tests.fleets import ENGINES, fleet

TOPICS: Mapping[str, tuple[Alert, ...]] = {
    topic: tuple(alerts) for topic, alerts in constants_named("alerts", "ALERTS").items()
}
NAMES = [alert.name for alerts in TOPICS.values() for alert in alerts]
DEFINITIONS = Definitions(engines=ENGINES, records=(), alerts=TOPICS, boards=())


def written(inventory: Inventory) -> dict[str, str]:
    known = resolved.fleet(constants(inventory, ENGINES))
    return files(inventory, concerns(TOPICS, inventory, known), ENGINES)


@pytest.fixture(name="pages", scope="module")
def _pages() -> dict[str, str]:
    return written(fleet())


def test_every_alert_has_a_page_and_a_line_in_the_index(pages: dict[str, str]) -> None:
    assert set(pages) == {"README.md", *(f"{name}.md" for name in NAMES)}
    assert all(f"[{name}]({name}.md)" in pages["README.md"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_chapters_and_no_unfilled_placeholder(
    pages: dict[str, str], name: str
) -> None:
    page = pages[f"{name}.md"]
    for chapter in ("What it means", "When it can lie", "First checks", "Whom it concerns"):
        assert f"\n## {chapter}\n" in page
    assert not re.search(r"\{\{[^}]*\$", page)


def test_a_page_names_owner_team_limit_and_the_way_to_the_board(pages: dict[str, str]) -> None:
    page = pages["ModelFirstTokenSlow.md"]
    row = next(line for line in page.splitlines() if line.startswith("| chat "))
    assert "| Ada Park | assist | 1 | page | p95 > 1s | 5m |" in row
    assert "/d/modelwatch-model?var-model=chat&var-environment=production&" in row
    assert "- Team assist: #assist" in page
    assert "Switch traffic to chat-hosted before restarting replicas." in page


def test_a_page_gives_the_checks_of_the_engines_in_use_only(pages: dict[str, str]) -> None:
    page = pages["ModelLatencyHigh.md"]
    assert "Look at the queue of triton." in page
    assert "Look at the queue of vllm." not in page


def test_a_page_says_for_which_models_the_alert_is_blind_and_why(pages: dict[str, str]) -> None:
    page = pages["ModelKvCacheFull.md"]
    assert "**vision, production**: no kv_cache_usage (it keeps none)" in page


def test_a_page_of_an_alert_that_nobody_uses_says_so(pages: dict[str, str]) -> None:
    assert "Nobody here: nothing in this inventory" in pages["ModelInterTokenBurn1h.md"]


def test_a_page_of_a_large_fleet_stays_readable() -> None:
    inventory = fleet()
    chat = inventory.models[0]
    twins = tuple(replace(chat, name=f"chat-{number}") for number in range(2 * LISTED))
    page = written(replace(inventory, models=(*inventory.models, *twins)))["ModelFirstTokenSlow.md"]
    rows = [line for line in page.splitlines() if line.startswith("| chat")]
    assert len(rows) == LISTED
    assert "more; `modelwatch explain ModelFirstTokenSlow INVENTORY --model NAME` tells" in page
    assert page.count("Switch traffic to chat-hosted before restarting replicas.") == LISTED


def test_tables_hold_any_text(pages: dict[str, str]) -> None:
    for page in pages.values():
        rows = [line for line in page.splitlines() if line.startswith("| ")]
        for header, rule in itertools.pairwise(rows):
            if rule.startswith("| ---"):
                assert header.count("|") == rule.count("|")


def test_an_explanation_puts_the_numbers_of_the_model_into_the_expression() -> None:
    text = explain("ModelFirstTokenSlow", "chat", fleet(), DEFINITIONS)
    assert "For chat, production (p95 > 1s): page, when this holds for 5m" in text
    assert 'time_to_first_token_seconds:quantile5m{model="chat",environment="production"}\n' in text
    assert "> 1\n" in text
    assert re.search(r"requests:rate5m\{[^}]+\} \* 300 >= 50\n", text)
    assert "What to do\n   1. " in text


def test_an_explanation_without_a_model_shows_the_rule() -> None:
    text = explain("ModelLatencyHigh", None, fleet(), DEFINITIONS)
    assert "The rule, when this holds for 2m" in text
    assert "The rule, when this holds for 5m" in text
    assert 'model:threshold:value{signal="request_duration",hold="5m"}' in text


def test_durations_of_an_explanation_are_those_that_run() -> None:
    text = explain("ModelFirstTokenSlow", "chat", fleet(time_compression=20), DEFINITIONS)
    assert "* 15 >= 50" in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", [None, "chat"])
def test_every_alert_can_be_explained(name: str, model: str | None) -> None:
    text = explain(name, model, fleet(), DEFINITIONS)
    assert text.startswith(f"{name}: ")
    assert "\x00" not in text
    assert not re.search(r"\$(labels|value|hold)", text)
    assert "seconds(" not in text.replace("_seconds", "")


@pytest.mark.parametrize(
    ("alert", "model", "advice"),
    [
        ("ModelLatencyHig", None, "did you mean ModelLatencyHigh?"),
        ("ModelLatencyHigh", "caht", "did you mean chat?"),
        ("Nonsense", None, "there is no alert Nonsense"),
    ],
)
def test_a_name_that_is_not_known_is_told_with_the_closest_one(
    alert: str, model: str | None, advice: str
) -> None:
    with pytest.raises(ModelwatchError, match=re.escape(advice)):
        explain(alert, model, fleet(), DEFINITIONS)


def test_an_alert_that_does_not_concern_the_model_says_so() -> None:
    text = explain("ModelLatencyHigh", "summarize", fleet(), DEFINITIONS)
    assert "It never fires here: summarize has no limit or promise of its kind." in text


def test_placeholders_become_words() -> None:
    text = "{{ $labels.model }} lost {{ $value | humanizePercentage }}"
    assert readable(text) == "<model> lost <value>"


def test_selectors_are_found_with_any_text_in_their_strings() -> None:
    found = list(selectors('rate(a:b{x="}",y=~"p|q",z!="",w="a\\"b"}[5m]) > on (x) c and "d{e}"'))
    assert [part.name for part in found] == ["rate", "a:b", "m", "on", "x", "c", "and"]
    assert found[1].where == {"x": "}", "y": "~p|q", "z": "!", "w": 'a"b'}
