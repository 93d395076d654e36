"""How many series an inventory needs is known before anything runs, and can be limited."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from generator.build import build
from generator.definitions import definitions
from generator.inventory_series import constants, predicted
from generator.listing import series
from generator.opening import inventory_at
from generator.series import Prediction, predict
from modelwatch.inventory import Inventory
from modelwatch.problems import InventoryError
from tests.inventory_texts import MODEL, ROOT, TOP, read_text

ANOTHER = (
    '  - {name: other, team: assist, sources: [{engine: vllm, targets: ["g2:8000"], model: y}]}\n'
)
GPUS = (
    "gpus:\n  - {pool: a, team: assist, environment: production, cards: CARDS,"
    ' sources: [{engine: dcgm_exporter, targets: ["g:9400"]}]}\n'
)
BUDGET = "budgets: [{name: all, team: assist, amount: 10 USD per month}]\n"


def prediction(text: str) -> Prediction:
    return predict(read_text(text), definitions())


def of_chat(more: str) -> int:
    return prediction(MODEL + more).models["chat", "production"]


@pytest.mark.parametrize("name", ["demo", "minimal", "everything"])
def test_the_list_adds_up_to_what_is_predicted(name: str) -> None:
    found = inventory_at(str(ROOT / f"examples/{name}.yaml"))
    rows = series(found, definitions())
    counts = {(row["model"], row["environment"]): row["series"] for row in rows}
    total = counts.pop(("(total)", ""))
    assert total == sum(counts.values()) == predict(found, definitions()).total
    assert set(counts) == {*(model.key for model in found.models), ("(fleet)", "")}
    assert all(count > 0 for count in counts.values())


def test_what_is_predicted_is_a_series_that_alerts_can_read() -> None:
    found = inventory_at(str(ROOT / "examples/demo.yaml"))
    total = predict(found, definitions()).total
    (row,) = predicted(total)
    text = build(found, definitions())["prometheus/rules/inventory.yml"]
    assert f"record: {row.metric}, expr: vector({total})" in text


@pytest.mark.parametrize("name", ["demo", "minimal", "everything"])
def test_the_constants_alone_are_fewer_than_predicted(name: str) -> None:
    found = inventory_at(str(ROOT / f"examples/{name}.yaml"))
    written = build(found, definitions())["prometheus/rules/inventory.yml"]
    count = sum(len(group["rules"]) for group in yaml.safe_load(written)["groups"])
    assert count == len(constants(found, definitions().engines_of(found))) + 1
    assert count < predict(found, definitions()).total


@pytest.mark.parametrize(
    "more",
    [
        "    slo: {availability: 99.9%}\n",
        "    slo: {latency: 95% under 5s}\n",
        "    limits: {latency: p95 > 1s for 5m}\n",
        "    quality: {truth: {good: above 0.7}}\n",
        "    kpi: {clicks: {drop: 20%}}\n",
        "    kpi: {clicks: {drop: 20%, events: clicks_total, opportunities: views_total}}\n",
        "    features: [search]\n",
        "    price: {input: 1 USD per million tokens}\n",
        "    drift: {features: [length]}\n",
    ],
    ids=lambda text: text.strip(),
)
def test_whatever_a_model_is_given_to_watch_is_counted(more: str) -> None:
    assert of_chat(more) > of_chat("")


def test_a_second_model_of_a_kind_needs_as_many_and_changes_nothing_else() -> None:
    one, two = prediction(MODEL), prediction(MODEL + ANOTHER)
    assert two.models["other", "production"] == two.models["chat", "production"]
    assert two.models["chat", "production"] == one.models["chat", "production"]
    assert two.fleet == one.fleet


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (MODEL, MODEL + GPUS.replace("CARDS", "1")),
        (MODEL + GPUS.replace("CARDS", "1"), MODEL + GPUS.replace("CARDS", "8")),
        (
            MODEL + "    price: {input: 1 USD per million tokens}\n",
            MODEL + "    price: {input: 1 USD per million tokens}\n" + BUDGET,
        ),
    ],
    ids=["a pool", "more cards", "a budget"],
)
def test_pools_cards_and_budgets_are_counted_for_the_fleet(less: str, more: str) -> None:
    assert prediction(more).fleet > prediction(less).fleet
    assert prediction(more).total > prediction(less).total


# The limit.


LIMITED: list[tuple[str, Callable[[str], str], tuple[int, int]]] = [
    ("a block", lambda limit: f"settings:\n  series_limit: {limit}\n{MODEL}", (2, 3)),
    ("one line", lambda limit: f"settings: {{series_limit: {limit}}}\n{MODEL}", (1, 12)),
    ("quoted", lambda limit: f'settings: {{"series_limit": {limit}}}\n{MODEL}', (1, 12)),
    (
        "named by a comment before",
        lambda limit: f"# series_limit: how many\nsettings:\n  series_limit: {limit}\n{MODEL}",
        (3, 3),
    ),
    (
        "named by a text before",
        lambda limit: (
            f"{MODEL}    description: no series_limit\nsettings: {{series_limit: {limit}}}\n"
        ),
        (10, 12),
    ),
    (
        "with a byte order mark",
        lambda limit: f"\ufeffsettings: {{series_limit: {limit}}}\n{TOP}{MODEL.removeprefix(TOP)}",
        (1, 12),
    ),
]


@pytest.mark.parametrize(
    ("text", "place"),
    [(text, place) for _, text, place in LIMITED],
    ids=[name for name, _, _ in LIMITED],
)
def test_too_many_series_are_an_error_at_the_limit(
    tmp_path: Path, text: Callable[[str], str], place: tuple[int, int]
) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text("10"), encoding="utf-8")
    with pytest.raises(InventoryError) as told:
        inventory_at(str(path))
    (problem,) = told.value.problems
    assert (problem.line, problem.column) == place
    total = predict(_without_limit(path, text), definitions()).total
    assert problem.message == f"up to {total} series are needed, series_limit allows 10"
    assert "most are of 'chat'" in problem.advice
    assert "series_limit: 10" in problem.source.replace('"', "")


def _without_limit(path: Path, text: Callable[[str], str]) -> Inventory:
    path.write_text(text("1000000"), encoding="utf-8")
    return inventory_at(str(path))


@pytest.mark.parametrize(("spare", "fine"), [(0, True), (-1, False)])
def test_the_limit_itself_is_allowed(tmp_path: Path, spare: int, fine: bool) -> None:
    total = prediction(MODEL).total
    path = tmp_path / "models.yaml"
    path.write_text(f"settings: {{series_limit: {total + spare}}}\n{MODEL}", encoding="utf-8")
    if fine:
        assert inventory_at(str(path)).settings.series_limit == total
        return
    with pytest.raises(InventoryError, match=f"series_limit allows {total - 1}"):
        inventory_at(str(path))
