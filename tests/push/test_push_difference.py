"""What changes on a board, in the words of its panels."""

from generator.push.difference import difference, panels
from tests.grafana_resources import Json


def panel(title: str, expr: str, unit: str = "s", **more: object) -> Json:
    defaults = {"defaults": {"unit": unit}}
    return {
        "type": "stat",
        "title": title,
        "targets": [{"expr": expr}],
        "fieldConfig": defaults,
        **more,
    }


def board(*content: Json, **more: object) -> Json:
    return {"title": "Board", "panels": [{"type": "row", "title": "Row"}, *content], **more}


def test_the_same_board_has_no_difference_whatever_its_number() -> None:
    one = board(panel("A", "a"))
    assert list(difference({**one, "id": 7, "version": 3}, one)) == []


def test_panels_and_queries_are_named() -> None:
    before = board(panel("A", "a"), panel("B", "b"))
    after = board(panel("A", "a * 2"), panel("C", "c", "bytes"))
    assert list(difference(before, after)) == [
        "- Row / A | s | a",
        "+ Row / A | s | a * 2",
        "+ Row / C | bytes | c",
        "- Row / B | s | b",
    ]


def test_what_only_looks_different_is_said_by_its_settings() -> None:
    before = board(panel("A", "a", id=1), refresh="1m")
    after = board(panel("A", "a", id=2, gridPos={"x": 3}), refresh="5m")
    assert list(difference(before, after)) == ["~ board | refresh", "~ Row / A | gridPos, id"]


def test_panels_in_closed_rows_drop_downs_and_events_count_too() -> None:
    closed = {"type": "row", "title": "Detail", "panels": [panel("D", "d")]}
    before = board(closed, templating={"list": [{"name": "model", "query": "x"}]})
    event = {"name": "Deployments", "target": {"tags": ["deploy"]}}
    after = board(annotations={"list": [event]})
    assert list(difference(before, after)) == [
        '+ annotations / Deployments | {"tags": ["deploy"]}',
        "- drop-downs / model | x",
        "- Detail | -",
        "- Detail / D | s | d",
    ]
    assert panels(before) == 1
