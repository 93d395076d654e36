"""Pushing boards: once is enough, nobody's work is lost, and nothing else is touched."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwatch import __version__
from tests.grafana_resources import Json
from tests.push.site import COST, SAVE, Site, grafana, without_address


def test_the_first_push_makes_the_folder_and_every_board(site: Site) -> None:
    said = site.push()
    assert said.code == 0, said.err
    assert len(site.state.boards) == 9
    assert site.titles() == ["modelwatch"]
    assert "new         modelwatch-cost  Cost and tokens\n" in said.out
    assert without_address(said.out).endswith(
        "http://HOST, folder modelwatch, data source Metrics (p1): 9 new\n"
        "next: open http://HOST/dashboards/f/modelwatch\n"
    )
    message = site.state.boards[COST].newest.message
    assert message.startswith(f"modelwatch {__version__}: board ")
    assert message.endswith(" in folder modelwatch after version 0")


def test_the_second_push_changes_nothing_and_says_so(site: Site) -> None:
    site.push()
    before = len(site.grafana.changes)
    said = site.push()
    assert said.code == 0
    assert site.grafana.changes[before:] == []
    assert without_address(said.out) == (
        "http://HOST, folder modelwatch, data source Metrics (p1): 9 boards, nothing changed\n"
    )


def test_a_new_release_of_a_board_replaces_ours_without_a_question(site: Site) -> None:
    site.push()
    site.upgrade()
    said = site.push()
    assert said.code == 0, said.err
    assert "9 changed" in said.out
    assert [each.version for each in site.state.boards[COST].history] == [1, 2]
    assert "nothing changed" in site.push().out


def test_a_dry_run_changes_nothing_and_ends_with_1_when_it_would(site: Site) -> None:
    said = site.push("--dry-run")
    assert said.code == 1
    assert site.grafana.changes == []
    assert site.state.folders == {}
    assert "new         modelwatch-cost  Cost and tokens\n    + " in said.out
    assert said.err == "error: nothing was changed; without --dry-run this would be\n"
    site.push()
    said = site.push("--dry-run")
    assert (said.code, said.err) == (0, "")


def test_a_dry_run_names_what_changes_on_a_board(site: Site) -> None:
    site.push()
    site.upgrade()
    said = site.push("--dry-run")
    assert "changed     modelwatch-cost  Cost and tokens\n" in said.out
    assert "    ~ What is spent / Spend, last day | interval\n" in said.out


# What a person changed.


def test_a_board_that_a_person_changed_is_not_overwritten(site: Site) -> None:
    site.push()
    changed = site.person_saves(title="My costs")
    site.upgrade()
    said = site.push()
    assert said.code == 1
    assert site.state.boards[COST].newest.content == changed
    assert said.err == (
        "modelwatch-cost: a person (dana) changed it since our last push; --force keeps a copy of "
        "it in a file and replaces it\n"
        "error: 1 of 9 boards were not pushed\n"
    )
    assert "8 changed" in said.out


def test_a_dry_run_says_what_a_person_changed(site: Site) -> None:
    site.push()
    site.person_saves(title="My costs")
    said = site.push("--dry-run")
    assert said.code == 1
    assert "replaces it\n    ~ board | title\nerror: 1 of 9 boards would not be pushed" in said.err


def test_force_keeps_a_copy_of_what_it_overwrites(site: Site) -> None:
    site.push()
    changed = site.person_saves(title="My costs")
    said = site.push("--force")
    assert said.code == 0, said.err
    copy = site.copies / "modelwatch-cost-version-2.json"
    assert json.loads(copy.read_text()) == changed
    assert f"overwritten modelwatch-cost  Cost and tokens; what it was is in {copy}\n" in said.out
    assert site.state.boards[COST].newest.content["title"] == "Cost and tokens"
    assert "nothing changed" in site.push("--force").out


def test_two_copies_of_the_same_version_do_not_replace_each_other(site: Site) -> None:
    site.copies.mkdir()
    first = site.copies / "modelwatch-cost-version-2.json"
    first.write_text("of another Grafana")
    site.push()
    changed = site.person_saves(title="My costs")
    site.push("--force")
    assert first.read_text() == "of another Grafana"
    second = site.copies / "modelwatch-cost-version-2-2.json"
    assert json.loads(second.read_text()) == changed


def test_without_a_place_for_the_copy_nothing_is_overwritten(site: Site) -> None:
    site.push()
    changed = site.person_saves(title="My costs")
    said = site.push("--force", "--keep-copies", site.token / "no-folder")
    assert said.code == 1
    assert "modelwatch-cost stays as it is" in said.err
    assert site.state.boards[COST].newest.content == changed


def test_a_tool_that_keeps_our_message_does_not_pass_for_us(site: Site) -> None:
    """As `kubectl edit` does, or whoever else saves a board as a resource."""
    site.push()
    ours = site.state.boards[COST].newest
    changed = {**ours.content, "title": "My costs"}
    site.state.save(COST, changed, by="dana", message=ours.message)
    said = site.push()
    assert "a person (dana) changed it since our last push" in said.err
    assert site.push("--force").code == 0
    assert "nothing changed" in site.push().out


def test_force_does_not_overwrite_what_was_saved_after_the_copy(site: Site) -> None:
    site.push()
    site.person_saves(title="My costs")
    conflict = {"message": "The dashboard has been changed", "status": "version-mismatch"}
    site.grafana.fail("POST", SAVE, 412, conflict)
    said = site.push("--force")
    assert said.code == 1
    assert "somebody saved it while we did" in said.err
    assert site.state.boards[COST].newest.content["title"] == "My costs"


def test_a_change_that_a_person_took_back_is_no_change(site: Site) -> None:
    site.push()
    site.person_saves(title="My costs")
    site.person_saves(title="Cost and tokens")
    said = site.push()
    assert said.code == 0, said.err
    assert "1 adopted" in said.out
    assert "nothing changed" in site.push().out


def _as_some_grafanas_store_it(content: Json) -> Json:
    """Other defaults, other keys, and some it does not know left out."""
    kept = {key: value for key, value in content.items() if key not in ("liveNow", "preload")}
    return {**kept, "schemaVersion": 42, "iteration": 7, "panels": kept["panels"][:1]}


def test_what_a_grafana_makes_of_a_board_is_no_change_of_a_person(tmp_path: Path) -> None:
    with grafana(tmp_path, stored=_as_some_grafanas_store_it) as site:
        site.push()
        assert "nothing changed" in site.push().out
        assert site.push("--dry-run").out.count("\n") == 1
        site.upgrade()
        assert "9 changed" in site.push().out
        site.person_saves(title="My costs")
        assert "a person (dana) changed it" in site.push().err


def test_the_history_is_read_in_the_form_of_older_releases_too(tmp_path: Path) -> None:
    with grafana(tmp_path, history_is_a_list=True) as site:
        site.push()
        assert "nothing changed" in site.push().out


def test_without_the_history_a_board_that_differs_is_left_alone(site: Site) -> None:
    site.push()
    site.grafana.fail("GET", f"/api/dashboards/uid/{COST}/versions", 403, {}, times=-1)
    assert "nothing changed" in site.push().out, "the same board is no question of history"
    site.upgrade()
    said = site.push()
    assert said.code == 1
    assert "its history, which says who changed it, cannot be read; --force keeps" in said.err


# What was there before us.


def _ours(site: Site) -> Json:
    site.push()
    content = site.state.boards.pop(COST).newest.content
    return dict(content)


def test_the_same_board_imported_by_hand_is_adopted(site: Site) -> None:
    site.put(_ours(site), "modelwatch")
    said = site.push()
    assert "1 adopted, 8 unchanged" in said.out
    site.upgrade()
    assert site.push().code == 0


def test_another_board_of_our_uid_is_left_alone(site: Site) -> None:
    theirs = {"uid": COST, "title": "Costs of us all", "tags": []}
    site.put(theirs, "finance")
    said = site.push()
    assert said.code == 1
    assert (
        "modelwatch-cost: a board with this uid is there already, in the folder 'Finance', and not "
        "from us; --force keeps" in said.err
    )
    assert site.state.boards[COST].newest.content["title"] == "Costs of us all"
    assert site.state.boards[COST].folder == "finance"


def test_a_board_that_a_person_moved_stays_where_it_is(site: Site) -> None:
    site.push()
    site.state.folders["ops"] = {"id": 99, "uid": "ops", "title": "Ops"}
    site.state.boards[COST].folder = "ops"
    said = site.push()
    assert "a person moved it to the folder 'Ops'; --force" in said.err
    assert site.titles() == ["Ops"]
    assert site.push("--force").code == 0
    assert site.titles() == ["modelwatch"]


def test_boards_follow_to_another_folder(site: Site) -> None:
    site.push()
    said = site.push("--folder", "AI/Models")
    assert said.code == 0, said.err
    assert "9 changed" in said.out
    assert site.titles() == ["AI", "Models"]
    assert "nothing changed" in site.push("--folder", "AI/Models").out


# What only Grafana can refuse.


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda site: setattr(site.state.boards[COST], "provisioned", True),
            "Grafana reads it from a file (provisioning) and lets nobody else save it; remove",
            id="provisioned",
        ),
        pytest.param(
            lambda site: setattr(site.state.boards[COST], "dynamic", True),
            "a person saved it in the format of dynamic dashboards (v2), of which no copy can",
            id="saved in the new format",
        ),
        pytest.param(
            lambda site: setattr(site.state.boards[COST], "plugin", "costs-app"),
            "The dashboard belongs to plugin costs-app.; a plugin of this Grafana owns the board",
            id="of a plugin",
        ),
        pytest.param(
            lambda site: (site.state.boards.pop(COST), site.state.trash.add(COST)),
            "A dashboard with the same uid already exists; a board that the token does not see",
            id="in the trash",
        ),
    ],
)
def test_a_board_that_cannot_be_saved_is_told_and_the_others_are(
    site: Site, spoil: Callable[[Site], object], told: str
) -> None:
    site.push()
    spoil(site)
    site.upgrade()
    said = site.push()
    assert said.code == 1
    assert said.err.startswith(f"{COST}: ")
    assert told in said.err
    assert "1 refused, 8 changed" in said.out
    assert told in site.push("--force").err, "nor by force"


def test_a_title_that_is_taken_in_the_folder_is_told(tmp_path: Path) -> None:
    with grafana(tmp_path, titles_are_unique=True) as site:
        site.put({"uid": "other", "title": "Cost and tokens", "tags": []}, "modelwatch")
        site.state.folders["modelwatch"]["title"] = "modelwatch"
        said = site.push()
        assert "another board of this title is in the folder; rename or move it" in said.err
        site.person_saves("other", title="Costs")
        assert site.push().code == 0


def test_a_grafana_that_allows_no_short_refresh_is_told(tmp_path: Path) -> None:
    with grafana(tmp_path, min_refresh_s=90) as site:
        said = site.push()
        assert said.code == 1
        assert "Dashboard refresh interval is too low; this Grafana allows no board" in said.err
        site.state.min_refresh_s = 5
        assert site.push().code == 0


def test_who_saves_between_our_look_and_our_save_wins(site: Site) -> None:
    site.push()
    site.upgrade()
    site.grafana.fail(
        "POST",
        SAVE,
        412,
        {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"},
    )
    said = site.push()
    assert said.code == 1
    assert "modelwatch-cost: somebody saved it while we did; run this again" in said.err
    assert site.push().code == 0
