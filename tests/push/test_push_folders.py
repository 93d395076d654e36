"""Where boards go: folders found by title, made with a uid that never changes, never twice."""

import pytest

from generator.push.folders import stable_uid, titles
from modelwatch.problems import ModelwatchError
from tests.push.site import Site


def test_folders_are_made_one_in_the_other_with_stable_uids(site: Site) -> None:
    assert site.push("--folder", "AI/Models in use").code == 0
    assert site.titles() == ["AI", "Models in use"]
    assert list(site.state.folders) == [
        stable_uid(("AI",)),
        stable_uid(("AI", "Models in use")),
    ]


def test_a_folder_that_people_made_is_used_by_its_title(site: Site) -> None:
    site.state.folders["abc"] = {"id": 1, "uid": "abc", "title": "AI"}
    site.state.folders["def"] = {"id": 2, "uid": "def", "title": "Models", "parentUid": "abc"}
    site.state.folders["other"] = {"id": 3, "uid": "other", "title": "Models"}
    assert site.push("--folder", "AI/Models").code == 0
    assert {board.folder for board in site.state.boards.values()} == {"def"}
    assert len(site.state.folders) == 3


def test_a_folder_of_ours_may_be_renamed_and_moved(site: Site) -> None:
    site.push("--folder", "AI/Models")
    ours = stable_uid(("AI", "Models"))
    site.state.folders[ours] |= {"title": "LLMs", "parentUid": ""}
    said = site.push("--folder", "AI/Models")
    assert "nothing changed" in said.out
    assert len(site.state.folders) == 2


def test_two_folders_of_one_title_are_a_question(site: Site) -> None:
    for uid in ("abc", "def"):
        site.state.folders[uid] = {"id": 1, "uid": uid, "title": "AI"}
    said = site.push("--folder", "AI")
    assert said.code == 1
    assert "there are 2 folders 'AI' in Grafana; rename all but one" in said.err
    assert site.grafana.changes == []


def test_of_two_folders_of_one_title_ours_is_taken(site: Site) -> None:
    site.push("--folder", "AI")
    site.state.folders["abc"] = {"id": 9, "uid": "abc", "title": "AI"}
    assert "nothing changed" in site.push("--folder", "AI").out


def test_a_folder_that_somebody_makes_meanwhile_is_taken(site: Site) -> None:
    uid = stable_uid(("AI",))
    site.state.folders[uid] = {"id": 9, "uid": uid, "title": "Later"}
    site.grafana.fail("GET", f"/api/folders/{uid}", 404, {"message": "folder not found"})
    assert site.push("--folder", "AI").code == 0
    assert {board.folder for board in site.state.boards.values()} == {uid}


def test_a_folder_that_the_token_may_not_see_is_told(site: Site) -> None:
    uid = stable_uid(("AI",))
    site.state.folders[uid] = {"id": 9, "uid": uid, "title": "Hidden"}
    site.grafana.fail("GET", f"/api/folders/{uid}", 403, {"message": "Access denied"}, times=-1)
    said = site.push("--folder", "AI")
    assert said.code == 1
    assert (
        "a folder/dashboard with the same uid already exists; a folder that the token" in said.err
    )


@pytest.mark.parametrize("path", ["", "/", "AI/", "AI//Models", " / "])
def test_a_path_without_titles_is_refused(path: str) -> None:
    with pytest.raises(ModelwatchError, match="write it like AI/Models"):
        titles(path)


@pytest.mark.parametrize(
    "path",
    [("AI",), ("AI", "Models"), ("Künstliche Intelligenz", "模型"), ("x" * 300,), ("--",)],
)
def test_a_uid_is_one_that_grafana_takes(path: tuple[str, ...]) -> None:
    uid = stable_uid(path)
    assert len(uid) <= 40
    assert uid.replace("-", "").isalnum()
    assert uid.isascii()
    assert uid == uid.lower()


def test_titles_that_read_alike_get_different_uids() -> None:
    paths = [("A", "B"), ("A-B",), ("a", "b"), ("A/B",), ("A B",)]
    assert len({stable_uid(path) for path in paths}) == len(paths) - 1, "A/B is a path, no title"
