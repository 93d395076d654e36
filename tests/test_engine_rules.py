"""How engines are joined to the inventory, and how many rules that takes."""

from pathlib import Path

import pytest

from generator.engine_rules import GROUP_SIZE, groups
from modelwatch.engine import Counter, Engine
from modelwatch.problems import DefinitionError
from tests.engine_cases import CASES, Case, on_job
from tests.engine_pages import ENGINES, inventory, model, rules
from tests.rule_cases import outcome_of


@pytest.mark.real
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_series_are_recorded_under_the_names_of_the_inventory(
    case: Case, promtool: Path, tmp_path: Path
) -> None:
    rule_file = rules(case.fleet, case.engines)
    assert outcome_of(promtool, tmp_path, rule_file, case.scraped, case.recorded) == ""


def test_rules_do_not_grow_with_models() -> None:
    one = inventory([model("chat", "production", on_job("vllm"))])
    many = inventory(
        [
            model(f"chat-{number}", "production", on_job("vllm", f"j{number}"))
            for number in range(99)
        ]
    )
    assert groups(one, ENGINES) == groups(many, ENGINES)


def test_groups_are_small_enough_for_every_ruler() -> None:
    everything = inventory(
        [
            model(name, "production", on_job(name))
            for name in ENGINES
            if ENGINES[name].kind == "model"
        ]
    )
    assert all(len(group.records) <= GROUP_SIZE for group in groups(everything, ENGINES))


def test_only_engines_in_use_have_rules() -> None:
    fleet = inventory([model("chat", "production", on_job("tgi"))])
    assert {group.name for group in groups(fleet, ENGINES)} == {"modelwatch-engine-tgi"}


def test_an_unknown_engine_is_a_definition_error() -> None:
    with pytest.raises(DefinitionError, match="no engine is called typo"):
        groups(inventory([model("chat", "production", on_job("typo"))]), ENGINES)


def test_a_signal_with_two_rows_for_one_series_is_a_definition_error() -> None:
    twice = Engine(
        name="twice",
        title="Twice",
        versions=(),
        port=1,
        rows=(Counter(signal="cost", names=("a",)), Counter(signal="cost", names=("b",))),
    )
    fleet = inventory([model("chat", "production", on_job("twice"))])
    with pytest.raises(DefinitionError, match="two rows for the same series"):
        groups(fleet, {"twice": twice})
