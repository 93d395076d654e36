"""Boards as Grafana loads them: whole, stable, readable, and linked to each other."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from generator.board_digest import digest
from generator.board_layout import layout, panel_id
from generator.board_reference import reference
from generator.grafana import dashboard
from modelwatch.board import Board, Panel, Row
from modelwatch.discovery import constants_named
from modelwatch.problems import DefinitionError
from tests.board_files import (
    BUILT_IN,
    SCRAPE_INTERVAL,
    Json,
    boards,
    panels,
    queries,
    used_variables,
    written,
)

SCHEMA = json.loads(Path(__file__).with_name("grafana.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EVERY = pytest.mark.parametrize("board", boards(), ids=[board.uid for board in boards()])
QUERIES_WHEN_OPENED = 40
PANELS_WHEN_OPENED = 25
FIRST_SCREEN = 20
CLICKED = re.compile(r"var-(\w+)=\$\{__(?:field\.labels|data\.fields)\.(\w+)\}")


def test_the_schema_itself_is_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@EVERY
def test_a_board_is_classic_grafana_json(board: Board) -> None:
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in VALIDATOR.iter_errors(written(board))
    ]
    assert not problems


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("schemaVersion",), 12, id="schema of a dead Grafana"),
        pytest.param(("rows",), [], id="rows of Grafana 4"),
        pytest.param(("graphTooltip",), 0, id="crosshair not shared"),
        pytest.param(("panels", 1, "datasource"), "Prometheus", id="data source by name"),
        pytest.param(("panels", 1, "span"), 3, id="width of Grafana 4"),
        pytest.param(("panels", 1, "type"), "graph", id="panel type that is gone"),
        pytest.param(("panels", 1, "gridPos", "w"), 25, id="wider than the grid"),
        pytest.param(("panels", 1, "interval"), None, id="null"),
        pytest.param(
            ("panels", 1, "fieldConfig", "defaults", "thresholds", "steps", 0, "value"),
            "null",
            id="the word null",
        ),
        pytest.param(("templating", "list", 0, "current"), None, id="no current data source"),
    ],
)
def test_the_schema_refuses(path: tuple[str | int, ...], value: object) -> None:
    """A schema that lets everything pass proves nothing about the boards."""
    content = written(boards()[0])
    node: Json = content
    for step in path[:-1]:
        node = node[step]  # type: ignore[index]  # a path through dicts and lists
    node[path[-1]] = value  # type: ignore[index]  # the same
    assert list(VALIDATOR.iter_errors(content))


@EVERY
def test_a_board_is_the_same_every_time_it_is_written(board: Board) -> None:
    first, second = (dashboard(board, scrape_interval=SCRAPE_INTERVAL) for _ in range(2))
    assert first == second
    assert first.endswith("}\n")
    assert not re.search(r"20\d\d-\d\d", first)


def test_uids_and_titles_are_unique() -> None:
    for names in ([b.uid for b in boards()], [b.title for b in boards()]):
        assert len(set(names)) == len(names)


def test_the_file_of_a_board_has_the_name_of_its_uid() -> None:
    for name, board in constants_named("dashboards", "BOARD").items():
        assert board.uid == f"modelwatch-{name}"


@EVERY
def test_panel_ids_are_unique_also_inside_closed_rows(board: Board) -> None:
    content = written(board)
    ids = [panel["id"] for panel in panels(content)]
    ids += [row["id"] for row in content["panels"] if row["type"] == "row"]
    assert len(set(ids)) == len(ids)


def test_an_id_comes_from_the_path_and_never_moves() -> None:
    """Links to single panels in chats and runbooks must survive an insertion."""
    board = boards()[0]
    first, *others = board.rows
    moved = replace(board, rows=(*others, first))
    assert _ids(board) == _ids(moved)
    assert panel_id("modelwatch-fleet", "Is it fine", "Requests") == 324_501


def _ids(board: Board) -> dict[str, int]:
    return {
        f"{placed.row.title}/{panel.title}": place.id
        for placed in layout(board)
        for panel, place in placed.panels
    }


def test_two_panels_of_one_name_in_a_row_are_refused() -> None:
    panel = boards()[0].rows[0].panels[0]
    twice = replace(boards()[0], rows=(Row(title="Twice", panels=(panel, panel)),))
    with pytest.raises(DefinitionError, match="rename"):
        dashboard(twice, scrape_interval=SCRAPE_INTERVAL)


@EVERY
def test_panels_fill_the_width_and_never_overlap(board: Board) -> None:
    content = written(board)
    opened = [panel for panel in content["panels"] if panel["type"] != "row"]
    closed = [row["panels"] for row in content["panels"] if row.get("collapsed")]
    for group in (opened, *closed):
        cells = [cell for panel in group for cell in _cells(panel["gridPos"])]
        assert len(set(cells)) == len(cells), "overlap"
        for y, row in itertools.groupby(sorted(group, key=_y), key=_y):
            assert sum(panel["gridPos"]["w"] for panel in row) == 24, f"a gap at {y}"


def _y(panel: Json) -> int:
    return int(panel["gridPos"]["y"])


def _cells(grid: dict[str, int]) -> list[tuple[int, int]]:
    return [
        (x, y)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]


@EVERY
def test_rows_stand_one_below_the_other(board: Board) -> None:
    top = 0
    for item in written(board)["panels"]:
        assert item["gridPos"]["y"] >= top - 1 or item["type"] != "row"
        if item["type"] == "row":
            assert item["gridPos"]["y"] >= top
        top = max(top, item["gridPos"]["y"] + item["gridPos"]["h"])


@EVERY
def test_opening_a_board_asks_few_queries(board: Board) -> None:
    opened = [panel for row, panel in board.panels() if not row.collapsed]
    assert sum(len(panel.drawn) for panel in opened) <= QUERIES_WHEN_OPENED
    assert len(opened) <= PANELS_WHEN_OPENED


@EVERY
def test_the_first_screen_says_whether_it_is_fine(board: Board) -> None:
    first = layout(board)[0]
    assert not first.row.collapsed
    assert all(place.y < FIRST_SCREEN for _, place in first.panels)
    assert any(panel.type == "stat" for panel, _ in first.panels)


@EVERY
def test_every_board_and_panel_asks_a_question(board: Board) -> None:
    assert board.question.endswith("?")
    for _, panel in board.panels():
        assert "?" in panel.question, panel.title
        assert panel.title[0].isupper()
        assert not panel.title.endswith((".", "?")), "a title is a noun"
        assert panel.no_data


@EVERY
def test_red_is_kept_for_a_breach(board: Board) -> None:
    """A mere series is never red: only failures, pages and what is over its limit."""
    for _, panel in board.panels():
        for line in panel.drawn:
            assert line.color != "red" or re.search("fail|dropped", line.expr), panel.title
            assert not line.objective or line.color is None, "a promise is grey"
        for name, color in panel.colors.items():
            assert color != "red" or name in ("server_error", "page"), name


@EVERY
def test_a_promise_is_drawn_grey_and_dashed(board: Board) -> None:
    for definition, panel in zip(
        [panel for _, panel in board.panels()], panels(written(board)), strict=True
    ):
        overrides = {
            override["matcher"]["options"]: {each["id"] for each in override["properties"]}
            for override in panel["fieldConfig"]["overrides"]
            if override["matcher"]["id"] == "byFrameRefID"
        }
        for line, target in zip(definition.drawn, panel["targets"], strict=True):
            if line.objective and panel["type"] == "timeseries":
                assert {"color", "custom.lineStyle"} <= overrides[target["refId"]]


def test_drop_downs_stand_in_the_same_order_on_every_board() -> None:
    expected = ["datasource", "environment", "team", "model"]
    for board in boards():
        names = [variable["name"] for variable in written(board)["templating"]["list"]]
        assert names[:4] == expected
        assert len(set(names)) == len(names)


@EVERY
def test_all_models_means_those_of_the_chosen_team(board: Board) -> None:
    """Series carry no team: with a pattern for `All`, choosing a team would change nothing."""
    (model,) = (
        variable for variable in written(board)["templating"]["list"] if variable["name"] == "model"
    )
    assert '{environment=~"$environment",team=~"$team"}' in model["query"]
    assert "allValue" not in model


@EVERY
def test_links_lead_to_boards_that_exist_and_keep_time_and_choice(board: Board) -> None:
    known = {each.uid: each for each in boards()}
    for panel in panels(written(board)):
        for link in _links(panel):
            uid = re.match(r"/d/([a-z-]+)\?", link["url"])
            assert uid, link["url"]
            target = known[uid[1]]
            names = {variable.name for variable in target.drop_downs}
            assert "${__url_time_range}" in link["url"]
            assert "${datasource:queryparam}" in link["url"]
            assert "environment" in link["url"]
            for variable, label in CLICKED.findall(link["url"]):
                assert variable in names
                assert variable == label
            own = {variable.name for variable in board.drop_downs} | {"datasource"}
            passed = {name for name in used_variables(link["url"]) if not name.startswith("__")}
            assert passed <= own


def _links(panel: Json) -> list[Json]:
    found = list(panel["fieldConfig"]["defaults"].get("links", ()))
    for override in panel["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            found += each["value"] if each["id"] == "links" else []
    return found


def test_every_alert_names_a_board_that_exists() -> None:
    known = {board.uid for board in boards()}
    alerts = itertools.chain.from_iterable(constants_named("alerts", "ALERTS").values())
    assert {alert.board for alert in alerts} <= known


@EVERY
def test_every_query_waits_at_least_one_scrape(board: Board) -> None:
    for panel in panels(written(board)):
        assert panel["interval"] == SCRAPE_INTERVAL


def test_a_demo_with_compressed_time_asks_for_compressed_windows() -> None:
    (fleet,) = (board for board in boards() if board.uid == "modelwatch-fleet")
    text = dashboard(fleet, scrape_interval="5s", time_compression=20)
    assert "* 4320" in text, "a day in 72 minutes"
    assert "* 86400" not in text
    assert '"interval": "5s"' in text


def test_the_data_source_is_chosen_by_the_grafana_it_opens_in() -> None:
    board = boards()[0]
    assert written(board)["templating"]["list"][0]["current"] == {}
    pinned = json.loads(
        dashboard(board, scrape_interval="15s", datasource_uid="abc", datasource_regex="^Fleet")
    )
    assert pinned["templating"]["list"][0]["current"] == {"text": "abc", "value": "abc"}
    assert pinned["templating"]["list"][0]["regex"] == "^Fleet"


def test_a_panel_whose_signal_is_missing_says_why() -> None:
    (model,) = (board for board in boards() if board.uid == "modelwatch-model")
    (panel,) = (panel for _, panel in model.panels() if panel.title == "Time to first token")
    reason = panel.drawn[-1]
    assert 'signal=~"time_to_first_token"' in reason.expr
    assert reason.expr.endswith("* NaN"), "a value would pass for a measurement"
    assert "{{reason}}" in reason.legend


def test_signals_of_panels_are_signals_that_engines_can_lack() -> None:
    supply = pytest.importorskip("modelwatch.supply")
    for board in boards():
        for _, panel in board.panels():
            assert set(panel.signals) <= set(supply.SIGNALS), panel.title


def test_boards_show_versions_and_firing_alerts_as_events() -> None:
    for board in boards():
        names = [event["name"] for event in written(board)["annotations"]["list"]]
        assert names[0] == "Annotations & Alerts", "events sent to Grafana itself"
        assert "Version changes" in names
        if board.uid != "modelwatch-stack":  # its panels are the alerts
            assert "Firing alerts" in names


def test_the_digest_has_one_line_per_query() -> None:
    choices = sum(bool(each.choices) for board in boards() for each in board.drop_downs)
    lines = digest(boards()).splitlines()
    assert len(lines) == len(tuple(queries())) + choices
    for line in lines:
        assert re.fullmatch(r"modelwatch-[a-z]+ / [^|]+ / [^|]+ \| \S+ \| .+", line), line


def test_the_reference_tells_every_question() -> None:
    page = reference(boards())
    for board in boards():
        assert f"## {board.title}\n" in page
        for _, panel in board.panels():
            assert panel.question in page


def test_built_in_variables_are_the_only_ones_without_a_drop_down() -> None:
    for board in boards():
        known = {variable.name for variable in board.drop_downs} | {"datasource", *BUILT_IN}
        used = used_variables(json.dumps(written(board))) - known
        assert used <= {"__all", "__data", "__field"}, used


def test_a_panel_without_signals_draws_only_its_own_lines() -> None:
    panel: Panel = boards()[0].rows[0].panels[0]
    assert panel.drawn == panel.lines


def test_boards_show_deployments_of_the_selected_model() -> None:
    for board in boards():
        (event,) = (each for each in written(board)["annotations"]["list"] if "target" in each)
        of_one = ["model:$model"] if board.uid == "modelwatch-model" else []
        assert event["name"] == "Deployments"
        assert event["target"]["tags"] == ["modelwatch", "deploy", *of_one]
