"""Which Prometheus the boards open with, and what is said when that is not clear."""

import pytest

from tests.push.site import LOKI, PROMETHEUS, Site

OTHER = {"uid": "p2", "name": "Second", "type": "prometheus", "isDefault": False}


def chosen(site: Site) -> list[object]:
    return [
        board.newest.content["templating"]["list"][0]["current"]
        for board in site.state.boards.values()
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"text": "Metrics", "value": "p1"}),
        (["--datasource", "default"], {"text": "Metrics", "value": "p1"}),
        (["--datasource", "Second"], {"text": "Second", "value": "p2"}),
        (["--datasource", "p2"], {"text": "Second", "value": "p2"}),
    ],
    ids=["no wish", "default", "name", "uid"],
)
def test_every_board_opens_with_the_one_that_was_chosen(
    site: Site, options: list[str], expected: object
) -> None:
    site.state.sources = [LOKI, PROMETHEUS, OTHER]
    said = site.push(*options)
    assert (said.code, said.err) == (0, "")
    assert chosen(site) == [expected] * 9


def test_another_choice_changes_the_boards(site: Site) -> None:
    site.state.sources = [LOKI, PROMETHEUS, OTHER]
    site.push()
    said = site.push("--datasource", "Second", "--dry-run")
    assert "    ~ drop-downs / datasource | current\n" in said.out
    assert "9 changed" in site.push("--datasource", "Second").out


def test_the_only_prometheus_is_taken_where_another_kind_is_the_default(site: Site) -> None:
    site.state.sources = [{**LOKI, "isDefault": True}, {**PROMETHEUS, "isDefault": False}]
    said = site.push()
    assert said.err == ""
    assert chosen(site)[0] == {"text": "Metrics", "value": "p1"}


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (
            [LOKI, {**PROMETHEUS, "isDefault": False}, OTHER],
            "warning: several data sources could be meant and none is the default; choose one with "
            "--datasource: Metrics (p1), Second (p2)\n",
        ),
        (
            [LOKI],
            "warning: there is no Prometheus data source; boards stay empty until there is one\n",
        ),
    ],
    ids=["several", "none"],
)
def test_what_is_not_clear_is_left_to_grafana_with_a_warning(
    site: Site, sources: list[dict[str, object]], told: str
) -> None:
    site.state.sources = sources
    said = site.push()
    assert (said.code, said.err) == (0, told)
    assert chosen(site) == [{}] * 9


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            "Metrix",
            "there is no data source 'Metrix'; did you mean 'Metrics'? There are: Metrics (p1)",
        ),
        ("zzz", "there is no data source 'zzz'; there are: Metrics (p1)"),
        ("Logs", "data source 'Logs' is of type loki; boards need a Prometheus: Metrics (p1)"),
    ],
)
def test_one_that_is_not_there_stops_everything(site: Site, asked: str, told: str) -> None:
    said = site.push("--datasource", asked)
    assert (said.code, said.err) == (1, f"error: {told}\n")
    assert site.grafana.changes == []


def test_a_default_that_is_no_prometheus_is_told_to_whoever_asks_for_it(site: Site) -> None:
    site.state.sources = [{**LOKI, "isDefault": True}, {**PROMETHEUS, "isDefault": False}]
    said = site.push("--datasource", "default")
    assert said.code == 1
    assert "the default data source is 'Logs', a loki; boards need a Prometheus" in said.err
