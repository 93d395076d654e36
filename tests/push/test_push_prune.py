"""Removing boards that we no longer have: ours only, and never without a copy."""

import json

import pytest

from tests.push.site import COST, Site

OLD = "modelwatch-old"


def _pushed_once(site: Site, uid: str = OLD, folder: str = "modelwatch") -> None:
    """A board of an earlier release, as our own push left it."""
    message = f"modelwatch 0.0.9: board 0123456789abcdef in folder {folder} after version 0"
    content = {"uid": uid, "title": uid.title(), "tags": ["modelwatch", "old"]}
    site.put(content, folder, by="sa-1-modelwatch", message=message)


@pytest.fixture(autouse=True)
def _pushed(site: Site) -> None:
    site.push()


def test_a_board_that_we_no_longer_have_is_removed_with_a_copy(site: Site) -> None:
    _pushed_once(site)
    assert "nothing changed" in site.push().out, "only when it is asked for"
    said = site.push("--prune")
    assert said.code == 0, said.err
    copy = site.copies / "modelwatch-old-version-1.json"
    assert f"removed     modelwatch-old  Modelwatch-Old; what it was is in {copy}\n" in said.out
    assert json.loads(copy.read_text())["uid"] == OLD
    assert OLD not in site.state.boards
    assert len(site.state.boards) == 9
    assert "nothing changed" in site.push("--prune").out


def test_a_dry_run_says_what_would_be_removed(site: Site) -> None:
    _pushed_once(site)
    said = site.push("--prune", "--dry-run")
    assert said.code == 1
    assert "removed     modelwatch-old" in said.out
    assert OLD in site.state.boards
    assert not site.copies.exists()


def test_nothing_of_others_is_removed(site: Site) -> None:
    tagged = {"title": "Mine", "tags": ["modelwatch"]}
    site.put({"uid": "mine", **tagged}, "modelwatch")
    site.put({"uid": "modelwatch-mine", **tagged}, "modelwatch")
    _pushed_once(site, "modelwatch-there", "elsewhere")
    _pushed_once(site, "modelwatch-file")
    site.state.boards["modelwatch-file"].provisioned = True
    before = dict(site.state.boards)
    said = site.push("--prune")
    assert (said.code, said.err) == (0, "")
    assert site.state.boards == before


def test_what_a_person_changed_is_removed_only_with_force(site: Site) -> None:
    _pushed_once(site)
    changed = site.person_saves(OLD, title="My board")
    said = site.push("--prune")
    assert said.code == 1
    assert (
        "modelwatch-old: it is no longer one of ours to push, but a person changed it" in said.err
    )
    assert OLD in site.state.boards
    assert site.push("--prune", "--force").code == 0
    assert OLD not in site.state.boards
    copy = site.copies / "modelwatch-old-version-2.json"
    assert json.loads(copy.read_text()) == changed


def test_a_removal_whose_answer_was_lost_is_a_removal(site: Site) -> None:
    _pushed_once(site)
    path = f"/api/dashboards/uid/{OLD}"
    site.grafana.fail("DELETE", path, 502, "", headers={"Retry-After": "0"}, done=True)
    said = site.push("--prune")
    assert said.code == 0, said.err
    assert OLD not in site.state.boards


def test_a_removal_that_is_refused_is_told_and_a_second_run_does_it(site: Site) -> None:
    _pushed_once(site)
    site.grafana.fail("DELETE", f"/api/dashboards/uid/{OLD}", 403, {"message": "Access denied"})
    said = site.push("--prune")
    assert said.code == 1
    assert "modelwatch-old: Grafana says 403: Access denied; give the service account" in said.err
    assert site.push("--prune").code == 0
    assert OLD not in site.state.boards
    assert COST in site.state.boards
