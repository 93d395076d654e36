"""Noting deployments: seen on every board, and once, however often a pipeline says so."""

import pytest

from tests.grafana_resources import VIEWER, Json
from tests.grafana_server import TOKEN
from tests.push.site import Site, without_address

CHAT = ("--model", "chat", "--version", "1.4")
TEN = 1796119200_000  # 2026-12-01T10:00:00Z


def shown_on(content: Json, model: str, note: Json) -> bool:
    """Whether Grafana draws the note on the board: all tags of the query are on it."""
    (query,) = (each for each in content["annotations"]["list"] if "target" in each)
    wanted = {tag.replace("$model", model) for tag in query["target"]["tags"]}
    return wanted <= set(note["tags"])


def test_a_deployment_is_seen_on_every_board(site: Site) -> None:
    site.push()
    said = site.annotate(*CHAT, "new prompt", "--time", "2026-12-01T10:00:00Z")
    assert (said.code, said.out) == (0, "noted at 2026-12-01T10:00:00Z: new prompt\n")
    (note,) = site.state.notes
    assert note == {
        "id": note["id"],
        "time": TEN,
        "timeEnd": TEN,
        "tags": ["modelwatch", "deploy", "model:chat", "environment:production", "version:1.4"],
        "text": "new prompt",
    }
    for board in site.state.boards.values():
        assert shown_on(board.newest.content, "chat", note)


def test_the_board_of_one_model_shows_deployments_of_that_model_only(site: Site) -> None:
    site.push()
    site.annotate("--model", "search", "--version", "2")
    (note,) = site.state.notes
    shown = {
        uid: shown_on(board.newest.content, "chat", note)
        for uid, board in site.state.boards.items()
    }
    assert not shown.pop("modelwatch-model")
    assert all(shown.values())


def test_a_job_that_runs_again_notes_nothing_twice(site: Site) -> None:
    first = site.annotate(*CHAT)
    again = site.annotate(*CHAT)
    assert first.out.startswith("noted at 2")
    assert first.out.endswith(": chat 1.4 deployed to production\n")
    assert again.code == 0
    assert again.out == first.out.replace("noted at", "noted before, at")
    assert len(site.state.notes) == 1


def test_the_same_time_is_the_same_deployment(site: Site) -> None:
    for _ in range(2):
        site.annotate(*CHAT, "--time", "1796119200")
    site.annotate(*CHAT, "--time", "1796119201")
    assert [note["time"] for note in site.state.notes] == [TEN, TEN + 1000]


def test_other_models_environments_and_versions_are_other_deployments(site: Site) -> None:
    for options in (
        CHAT,
        (*CHAT, "--environment", "staging"),
        ("--model", "search", "--version", "1.4"),
        ("--model", "chat", "--version", "1.5"),
        CHAT,  # rolled back
    ):
        said = site.annotate(*options)
        assert said.out.startswith("noted at"), options
        for note in site.state.notes:  # time goes on
            note["time"] -= 60_000
            note["timeEnd"] -= 60_000
    assert len(site.state.notes) == 5


def test_another_text_is_another_deployment_of_the_same_version(site: Site) -> None:
    for text in ("new prompt", "new GPUs", "new GPUs"):
        assert site.annotate(*CHAT, text).code == 0
    assert [note["text"] for note in site.state.notes] == ["new prompt", "new GPUs"]


def test_an_end_completes_what_was_noted(site: Site) -> None:
    site.annotate(*CHAT, "--time", "2026-12-01T10:00:00+00:00")
    said = site.annotate(*CHAT, "--end", "2026-12-01T10:05:00+00:00")
    assert said.out.startswith("completed the note at 2026-12-01T10:00:00Z: chat 1.4 deployed")
    (note,) = site.state.notes
    assert note["timeEnd"] - note["time"] == 300_000
    changes = len(site.grafana.changes)
    assert site.annotate(*CHAT, "--end", "2026-12-01T10:05:00+00:00").code == 0
    assert len(site.grafana.changes) == changes


def test_beginning_and_end_can_be_noted_at_once(site: Site) -> None:
    site.annotate(*CHAT, "--time", "2026-12-01T10:00:00Z", "--end", str(TEN + 1000))
    (note,) = site.state.notes
    assert (note["time"], note["timeEnd"]) == (TEN, TEN + 1000)


def test_the_text_of_a_note_is_corrected_by_its_time(site: Site) -> None:
    at = ("--time", str(TEN))
    site.annotate(*CHAT, *at, "new promt")
    said = site.annotate(*CHAT, *at, "new prompt")
    assert said.out == "completed the note at 2026-12-01T10:00:00Z: new prompt\n"
    assert [note["text"] for note in site.state.notes] == ["new prompt"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--time", "yesterday"), "write it like 2026-12-01T14:05:00Z, or in seconds since 1970"),
        (("--end", "soon"), "write it like 2026-12-01T14:05:00Z, or in seconds since 1970"),
        (("--time", str(TEN), "--end", str(TEN - 1)), "--end is before its beginning"),
        (("--environment", ""), "write one name of at most 80 characters"),
        (("--environment", "x" * 81), "write one name of at most 80 characters"),
        (("--environment", "a\nb"), "write one name of at most 80 characters"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    site: Site, options: tuple[str, ...], told: str
) -> None:
    said = site.annotate(*CHAT, *options)
    assert said.code == 2
    assert told in said.err
    assert site.state.notes == []


def test_an_end_before_the_noted_beginning_is_wrong_usage(site: Site) -> None:
    site.annotate(*CHAT, "--time", str(TEN))
    said = site.annotate(*CHAT, "--end", str(TEN - 1))
    assert said.code == 2
    assert "--end is before it began, at 2026-12-01T10:00:00Z" in said.err


def test_a_viewer_may_not_note_anything(site: Site) -> None:
    site.grafana.tokens[TOKEN] = VIEWER
    said = site.annotate(*CHAT)
    assert said.code == 1
    assert "Permissions needed: annotations:create; give the service account" in said.err


def test_a_lost_answer_leaves_one_note_after_a_second_run(site: Site) -> None:
    """Whether a 502 means that the note was made, nobody knows: it is asked before the next."""
    site.grafana.fail("POST", "/api/annotations", 502, "", done=True)
    said = site.annotate(*CHAT)
    assert said.code == 1
    assert "Grafana says 502; run this again when it is well" in said.err
    assert site.annotate(*CHAT).out.startswith("noted before")
    assert len(site.state.notes) == 1


def test_no_token_is_shown(site: Site) -> None:
    site.grafana.fail("POST", "/api/annotations", 400, {"message": f"what is {TOKEN}?"})
    said = site.annotate(*CHAT)
    assert without_address(said.err) == "error: Grafana says 400: what is …?\n"
