"""The rules of Grafana's dashboard linter, asked of our boards without its Go program.

Left out on purpose: the four rules on drop-downs and selectors named `job` and `instance`. Our key
is the model; recorded series have neither label. Rules on Loki do not apply.
"""

import re
from collections.abc import Iterator

import promql_parser as promql
import pytest

from modelwatch.board import Board
from tests.board_files import Json, boards, panels, substituted, written

EVERY = pytest.mark.parametrize("board", boards(), ids=[board.uid for board in boards()])
TITLED = {"stat", "table", "timeseries"}
RATED = {"timeseries", "table", "stat", "state-timeline", "heatmap", "bargauge", "piechart"}
BUILT_IN_UNITS = {
    "bool_yes_no",
    "bytes",
    "celsius",
    "currencyUSD",
    "d",
    "eps",
    "none",
    "ops",
    "percentunit",
    "reqps",
    "s",
    "short",
    "string",
    "watt",
}
OWN_UNITS = re.compile(r"(count|suffix):\S+")
"""Units that Grafana makes up from their name; the linter knows none of these."""


def variables(content: Json, kind: str) -> list[Json]:
    return [each for each in content["templating"]["list"] if each["type"] == kind]


def targets(content: Json) -> Iterator[tuple[Json, Json]]:
    for panel in panels(content):
        for target in panel["targets"]:
            yield panel, target


@EVERY
def test_template_datasource(board: Board) -> None:
    (source,) = variables(written(board), "datasource")
    assert (source["name"], source["label"]) == ("datasource", "Data source")
    assert source["query"] == "prometheus"


@EVERY
def test_template_label_promql(board: Board) -> None:
    for variable in variables(written(board), "query"):
        found = re.fullmatch(r"label_values\((.+), [a-z_]+\)", variable["query"])
        assert found, variable["query"]
        promql.parse(substituted(found[1]))
        assert variable["definition"] == variable["query"]


@EVERY
def test_template_on_time_change_reload(board: Board) -> None:
    assert all(each["refresh"] == 2 for each in variables(written(board), "query"))


@EVERY
def test_panel_datasource(board: Board) -> None:
    for panel, target in targets(written(board)):
        assert panel["datasource"]["uid"] == target["datasource"]["uid"] == "${datasource}"


@EVERY
def test_panel_title_description(board: Board) -> None:
    for panel in panels(written(board)):
        assert panel["type"] not in TITLED or (panel["title"] and panel["description"])


@EVERY
def test_panel_units(board: Board) -> None:
    for panel in panels(written(board)):
        shown = [panel["fieldConfig"]["defaults"]["unit"]]
        for override in panel["fieldConfig"]["overrides"]:
            shown += [each["value"] for each in override["properties"] if each["id"] == "unit"]
        for unit in shown:
            assert unit in BUILT_IN_UNITS or OWN_UNITS.fullmatch(unit), (panel["title"], unit)


@EVERY
def test_panel_no_targets(board: Board) -> None:
    assert all(panel["targets"] for panel in panels(written(board)))


@EVERY
def test_target_promql(board: Board) -> None:
    for _, target in targets(written(board)):
        promql.parse(substituted(target["expr"]))


@EVERY
def test_target_rate_interval(board: Board) -> None:
    for panel, target in targets(written(board)):
        assert panel["type"] in RATED
        for window in re.findall(r"\b(?:rate|irate|increase)\([^[]*\[([^]]+)\]", target["expr"]):
            assert window == "$__rate_interval", target["expr"]


@EVERY
def test_target_counter_agg(board: Board) -> None:
    for _, target in targets(written(board)):
        expr = re.sub(r"\b(?:rate|irate|increase)\([^()]*\)", "", target["expr"])
        assert not re.search(r"(?<![:\w])\w+_total\b(?!:)", expr), target["expr"]


@EVERY
def test_targets_of_a_panel_have_unique_letters(board: Board) -> None:
    for panel in panels(written(board)):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


@EVERY
def test_uneditable_dashboard(board: Board) -> None:
    assert written(board)["editable"] is False
