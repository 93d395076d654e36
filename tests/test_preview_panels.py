"""Every kind of panel, drawn from answers that are written here."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from generator.asking import Period, Series
from generator.preview import marks
from generator.preview.answers import Answer, Asked, Event
from generator.preview.charts import figure
from generator.preview.colors import HEX
from modelwatch.board import Annotation, Color, Line, Link, Panel, Step

States = Mapping[str, tuple[str, Color]]
PERIOD = Period(start=0, end=600)
WORST = "<b>%{y}</b>\"'&{{model}} 🙂"
PANEL = Panel(title="Title", question="Why?", lines=(), unit="s")


def series(values: list[float], start: float = 0, /, **labels: str) -> Series:
    times = tuple(start + 60.0 * number for number in range(len(values)))
    return Series(labels=labels, times=times, values=tuple(map(float, values)))


def asked(panel: Panel, *answers: tuple[Line, list[Series]]) -> Asked:
    return Asked(
        panel=replace(panel, lines=tuple(line for line, _ in answers)),
        answers=tuple(
            Answer(line=line, query=line.expr, series=tuple(found), step_s=60)
            for line, found in answers
        ),
    )


def drawn(panel: Asked, events: tuple[Event, ...] = ()) -> Any:
    chart = figure(panel, PERIOD, events)
    assert chart is not None
    return chart.to_plotly_json()


def measured(**labels: str) -> tuple[Line, list[Series]]:
    return Line(query="a", legend="{{model}}"), [series([0.1, 0.2, 0.3], **labels)]


def test_a_promise_is_a_dashed_grey_line_and_a_measurement_is_not() -> None:
    promise = Line(query="b", legend="promise", objective=True), [series([0.4, 0.4])]
    measurement, line = drawn(asked(PANEL, measured(model="chat"), promise))["data"]
    assert (line["line"]["dash"], line["line"]["color"]) == ("dash", HEX["grey"])
    assert "dash" not in measurement["line"]
    assert measurement["line"]["color"] != HEX["grey"]


def test_values_and_their_axis_share_a_unit_that_fits_the_largest() -> None:
    chart = drawn(asked(PANEL, measured(model="chat")))
    assert chart["layout"]["yaxis"]["ticksuffix"] == " ms"
    assert list(chart["data"][0]["y"]) == [100, 200, 300]


def test_a_line_of_another_unit_has_an_axis_of_its_own() -> None:
    other = Line(query="b", legend="share", unit="percentunit"), [series([0.5])]
    chart = drawn(asked(PANEL, measured(model="chat"), other))
    assert chart["data"][1]["yaxis"] == "y2"
    assert chart["layout"]["yaxis2"]["ticksuffix"] == "%"


def test_missing_samples_leave_a_hole() -> None:
    found = Series(labels={}, times=(0, 60, 300), values=(1, 2, 3))
    chart = drawn(asked(PANEL, (Line(query="a"), [found])))
    assert list(chart["data"][0]["y"]) == [1, 2, None, 3]


def test_thresholds_are_dashed_lines_in_their_colour_and_colour_the_series() -> None:
    panel = replace(PANEL, steps=(Step(color="green"), Step(color="red", at=0.25)))
    chart = drawn(asked(panel, measured(model="chat")))
    (shape,) = chart["layout"]["shapes"]
    assert (shape["y0"], shape["line"]["color"], shape["line"]["dash"]) == (250, HEX["red"], "dash")
    assert chart["data"][0]["line"]["color"] == HEX["red"]


def test_events_are_upright_lines_unless_they_began_before() -> None:
    note = Annotation(name="Alerts", query="a", title="", text="", color="red")
    event = Event(annotation=note, at=120, title="", text="", before=False)
    chart = drawn(asked(PANEL, measured(model="chat")), (event, replace(event, before=True)))
    assert [shape["x0"] for shape in chart["layout"]["shapes"]] == [120_000]


def test_stacked_series_are_stacked_and_a_promise_over_them_is_not() -> None:
    promise = Line(query="b", objective=True), [series([1, 1])]
    panel = replace(PANEL, stacked=True)
    measurement, line = drawn(asked(panel, measured(model="chat"), promise))["data"]
    assert measurement["stackgroup"] == "A"
    assert not line.get("stackgroup")


def test_the_limits_of_a_panel_are_those_of_its_axis() -> None:
    panel = replace(PANEL, unit="percentunit", minimum=0, maximum=1)
    axis = drawn(asked(panel, measured(model="chat")))["layout"]["yaxis"]
    assert axis["autorangeoptions"] == {"minallowed": 0, "maxallowed": 100}


def test_a_name_has_the_same_colour_in_two_panels_and_another_has_another() -> None:
    first = drawn(asked(PANEL, measured(model="chat"), measured(model="vision")))["data"]
    second = drawn(asked(PANEL, measured(model="vision")))["data"]
    assert first[1]["line"]["color"] == second[0]["line"]["color"]
    assert first[0]["line"]["color"] != first[1]["line"]["color"]


@pytest.mark.parametrize("kind", ["timeseries", "bargauge", "piechart", "state-timeline"])
def test_names_are_escaped_in_every_chart(kind: Any) -> None:
    states: States = {"0.1": (WORST, "green")} if kind == "state-timeline" else {}
    panel = replace(PANEL, type=kind, states=states)
    text = str(drawn(asked(panel, measured(model=WORST))))
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_a_state_can_be_no_variable_of_plotly() -> None:
    panel = replace(PANEL, type="state-timeline", states={"1": ("%{y}", "green")})
    (bar,) = drawn(asked(panel, (Line(query="a"), [series([1])])))["data"]
    assert bar["hovertemplate"].count("%{y}") == 1


def test_a_heat_map_counts_what_fell_into_each_bucket() -> None:
    found = [series([3, 5], le="+Inf"), series([1, 2], le="0.1"), series([3, 4], le="0.5")]
    panel = replace(PANEL, type="heatmap")
    (cells,) = drawn(asked(panel, (Line(query="a", legend="{{le}}"), found)))["data"]
    assert list(cells["y"]) == ["≤ 100 ms", "≤ 500 ms", "more"]
    assert [list(row) for row in cells["z"]] == [[1, 2], [2, 2], [None, 1]]


def test_a_state_timeline_has_a_bar_per_stretch_in_the_state_s_colour() -> None:
    states: States = {"0": ("fine", "green"), "2": ("paging", "red")}
    panel = replace(PANEL, type="state-timeline", states=states)
    line = Line(query="a", legend="{{model}}")
    bars = drawn(asked(panel, (line, [series([0, 0, 2, 0], model="chat")])))["data"]
    fine, paging = bars
    assert (fine["name"], fine["marker"]["color"]) == ("fine", HEX["green"])
    assert (list(fine["base"]), list(fine["x"])) == ([0, 180_000], [120_000, 60_000])
    assert (paging["name"], list(paging["base"])) == ("paging", [120_000])


def test_bars_and_pies_show_the_newest_values_with_their_units() -> None:
    panel = replace(PANEL, type="bargauge", steps=(Step(color="green"), Step(color="red", at=0.2)))
    (bar,) = drawn(asked(panel, measured(model="chat")))["data"]
    assert (list(bar["x"]), list(bar["text"])) == ([0.3], ["300 ms"])
    assert list(bar["marker"]["color"]) == [HEX["red"]]
    (pie,) = drawn(asked(replace(PANEL, type="piechart"), measured(model="chat")))["data"]
    assert (list(pie["labels"]), list(pie["values"])) == (["chat  300 ms"], [0.3])


def test_a_stat_has_its_newest_number_in_its_colour_over_a_line() -> None:
    panel = replace(PANEL, type="stat", steps=(Step(color="green"), Step(color="red", at=0.25)))
    found = asked(panel, measured(model="chat"))
    assert f'style="color:{HEX["red"]}">300 ms<' in marks.stat(found)
    assert list(drawn(found)["data"][0]["y"]) == [0.1, 0.2, 0.3]


def test_a_stat_of_states_is_a_word_without_a_line() -> None:
    panel = replace(PANEL, type="stat", states={"2": ("paging", "red")})
    found = asked(panel, (Line(query="a"), [series([0, 2])]))
    assert ">paging<" in marks.stat(found)
    assert figure(found, PERIOD) is None


def test_names_stand_beside_the_numbers_of_several_series() -> None:
    found = asked(replace(PANEL, type="stat"), measured(model=WORST), measured(model="chat"))
    text = marks.stat(found)
    assert "&lt;b&gt;%{y}&lt;/b&gt;&quot;" in text
    assert ">chat<" in text


# Tables.


TABLE = Panel(
    title="Models",
    question="Which?",
    type="table",
    lines=(),
    columns=("model", "team"),
    sort_by="p95",
    links=(Link(title="Open", board="one", labels=("model",)),),
)
WHO = Line(query="a"), [series([1], model="chat", team="x"), series([1], model=WORST, team="y")]


def cells(panel: Panel, *answers: tuple[Line, list[Series]]) -> list[marks.Cells]:
    return marks.rows_of(asked(panel, *answers))


def nowhere(uid: str, labels: Any) -> str | None:
    del uid, labels
    return None


def test_rows_of_all_lines_are_merged_and_sorted_with_the_missing_last() -> None:
    p95 = (
        Line(query="b", column="p95", unit="s"),
        [
            series([0.1], model="chat"),
            series([math.nan], model="quiet"),
            series([0.3], model=WORST),
        ],
    )
    rows = cells(TABLE, WHO, p95)
    assert [row["model"] for row in rows] == [WORST, "chat", "quiet"]
    assert rows[1] == {"model": "chat", "team": "x", "p95": 0.1}


def test_a_cell_shows_its_own_unit_state_and_colour() -> None:
    p95 = Line(query="b", column="p95", unit="s", steps=(Step(color="green"),))
    health = Line(query="c", column="Health", states={"2": ("paging", "red")})
    text = marks.table(
        asked(
            TABLE,
            WHO,
            (p95, [series([0.1], model="chat")]),
            (health, [series([2], model="chat")]),
        ),
        nowhere,
    )
    assert f"background:{HEX['green']}33" in text
    assert ">100 ms</td>" in text
    assert f"background:{HEX['red']}33" in text
    assert ">paging</td>" in text


def test_a_table_links_to_the_model_of_the_row_and_escapes_its_name() -> None:
    text = marks.table(asked(TABLE, WHO), lambda uid, labels: f'/{uid}?"{labels["model"]}')
    assert '<a href="/one?&quot;chat" title="Open">chat</a>' in text
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_a_link_to_nowhere_is_plain_text() -> None:
    assert "<a" not in marks.table(asked(TABLE, WHO), nowhere)


def test_a_chart_has_a_link_per_model_on_it() -> None:
    panel = replace(PANEL, links=TABLE.links)
    found = asked(panel, measured(model="chat"), measured(model=WORST), measured())
    text = marks.links(found, lambda uid, labels: f"/{uid}/{labels['model']}")
    assert text.count("<a ") == 2
    assert '<a href="/one/chat">Open: chat</a>' in text
    assert "<b>" not in text


def test_an_empty_panel_says_so_in_its_own_words_with_the_reasons() -> None:
    panel = replace(PANEL, no_data="no <traffic>", signals=("queue_duration",))
    reason = Line(query="b", legend="{{model}}: {{reason}}")
    found = Asked(
        panel=panel,
        answers=(
            Answer(
                line=reason,
                query="b",
                series=(series([math.nan], model="chat", reason="TGI has <none>"),),
            ),
        ),
    )
    assert found.empty
    text = marks.nothing(found)
    assert "no &lt;traffic&gt;" in text
    assert "chat: TGI has &lt;none&gt;" in text
