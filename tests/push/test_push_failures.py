"""A Grafana that fails, or is none: a clear message, no secret, and a second run that completes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import run
from tests.grafana_resources import EDITOR, VIEWER
from tests.grafana_server import LOGIN, TOKEN
from tests.push.site import COST, MINIMAL, SAVE, Site, grafana, without_address


def test_half_of_the_boards_failed_and_a_second_run_saves_the_others(site: Site) -> None:
    site.grafana.fail("POST", SAVE, 500, {"message": "Failed to save dashboard"}, after=5, times=4)
    said = site.push()
    assert said.code == 1
    assert len(site.state.boards) == 5
    assert said.err.count("Grafana says 500: Failed to save dashboard; run this again when") == 4
    assert "5 new, 4 refused" in said.out
    said = site.push()
    assert said.code == 0
    assert "5 unchanged, 4 new" in said.out


def test_a_grafana_that_goes_away_is_told_with_what_is_done(site: Site) -> None:
    site.grafana.fail("POST", SAVE, 302, "", headers={"Location": "/login"}, after=5, times=-1)
    said = site.push()
    assert said.code == 3
    assert "sends us to a login" in said.err
    assert said.err.endswith("; 5 of 9 boards are done, run this again for the others\n")


def test_an_answer_that_was_lost_is_no_conflict(site: Site) -> None:
    site.grafana.fail(
        "POST", SAVE, 504, "Gateway Time-out", headers={"Retry-After": "0"}, done=True
    )
    said = site.push()
    assert said.code == 0, said.err
    assert "9 new" in said.out
    assert len(site.state.boards[COST].history) == 1


def test_a_folder_that_was_made_although_the_answer_was_lost_is_taken(site: Site) -> None:
    site.grafana.fail("POST", "/api/folders", 502, "", headers={"Retry-After": "0"}, done=True)
    assert site.push("--folder", "AI").code == 0
    assert site.titles() == ["AI"]


def test_a_limit_of_requests_is_waited_for(site: Site) -> None:
    site.grafana.fail("POST", SAVE, 429, {}, headers={"Retry-After": "0"}, times=3)
    said = site.push()
    assert said.code == 0, said.err
    assert "9 new" in said.out


def test_a_wait_that_takes_too_long_is_told(site: Site) -> None:
    site.grafana.fail("POST", SAVE, 429, "", headers={"Retry-After": "3600"}, times=-1, after=6)
    said = site.push()
    assert said.code == 1
    assert "too many requests, come back in 3600 seconds; it limits how much is asked" in said.err
    assert len(site.state.boards) == 6


@pytest.mark.parametrize(
    ("permissions", "told"),
    [
        (VIEWER, "Permissions needed: folders:create; give the service account the role Editor"),
        (
            VIEWER | {"folders:create"},
            "modelwatch-cost: Grafana says 403: Access denied to save dashboard; give the service",
        ),
        (EDITOR - {"folders:read"}, "Permissions needed: folders:read; give the service account"),
    ],
    ids=["viewer", "no boards", "no look at folders"],
)
def test_a_permission_that_is_missing_is_named(
    site: Site, permissions: frozenset[str], told: str
) -> None:
    site.grafana.tokens[TOKEN] = permissions
    said = site.push()
    assert said.code == 1
    assert told in said.err
    site.grafana.tokens[TOKEN] = EDITOR
    assert site.push().code == 0


def test_an_editor_may_push_and_is_told_what_was_not_checked(site: Site) -> None:
    site.grafana.tokens[TOKEN] = EDITOR
    said = site.push()
    assert said.code == 0
    assert said.err == (
        "warning: the token may not list data sources (datasources:read); boards open with the "
        "default one, Prometheus or not\n"
    )
    assert site.push("--datasource", "p1").code == 0
    variable = site.state.boards[COST].newest.content["templating"]["list"][0]
    assert variable["current"] == {"text": "p1", "value": "p1"}


@pytest.mark.parametrize(
    ("status", "said_by_grafana", "told"),
    [
        (403, "Quota reached", "no more boards or folders fit into this organisation"),
        (400, "folder not found", "somebody deleted the folder meanwhile; run this again"),
        (404, "Dashboard not found", "somebody deleted it meanwhile; run this again"),
        (422, "invalid alert", "modelwatch-cost: Grafana says 422: invalid alert\n"),
        (202, "sent to the gitops listener", "Grafana took it and did not save it: sent to the"),
    ],
)
def test_one_board_that_is_refused_does_not_stop_the_others(
    site: Site, status: int, said_by_grafana: str, told: str
) -> None:
    body = {"message": said_by_grafana, "status": "pending"}
    site.grafana.fail("POST", SAVE, status, body)
    said = site.push()
    assert said.code == 1
    assert told in said.err
    assert "1 refused, 8 new" in said.out
    assert "1 new, 8 unchanged" in site.push().out


def test_a_token_that_ends_in_the_middle_stops_the_run(site: Site) -> None:
    site.grafana.fail("POST", SAVE, 401, {"message": "Invalid API key"}, after=5, times=-1)
    said = site.push()
    assert said.code == 1
    assert said.err.startswith("error: Grafana says 401: Invalid API key; it does not accept")
    assert len(site.grafana.changes) == 7, "the folder, five boards and the one that failed"


def test_a_wrong_token_is_told_without_showing_it(site: Site) -> None:
    site.token.write_text("glsa_wrong")
    said = site.push()
    assert said.code == 1
    assert "Grafana says 401: Invalid API key; it does not accept the token" in said.err
    assert "glsa" not in said.out + said.err


def test_without_a_token_it_says_how_to_name_one(site: Site) -> None:
    said = run("push", site.inventory, "--grafana", site.grafana.url)
    assert said.code == 1
    assert "name a file with a token of a service account, --token-file" in said.err


def test_a_name_and_password_do_as_well(site: Site, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("geheim")
    site.grafana.users["admin"] = "geheim"
    login = ("--user", "admin", "--password-file", password)
    said = run("push", site.inventory, "--grafana", site.grafana.url, *login)
    assert said.code == 0, said.err


def test_the_organisation_is_named_and_checked(site: Site) -> None:
    assert site.push("--org", "1").code == 0
    assert site.grafana.headers[-1]["X-Grafana-Org-Id"] == "1"
    site.grafana.tokens[TOKEN] = EDITOR
    assert site.push("--org", "1").code == 0, "an Editor may not look which one it is"
    said = site.push("--org", "2")
    assert "API key does not belong to the requested organization" in said.err


def test_a_token_of_another_organisation_changes_nothing_there(site: Site) -> None:
    """Some releases ignore the header when a token asks."""
    site.grafana.fail("GET", "/api/org", 200, {"id": 7, "name": "Sales"})
    said = site.push("--org", "1")
    assert said.code == 1
    assert "belongs to organisation 7 (Sales), not to 1" in said.err
    assert site.grafana.changes == []


# What is no Grafana, or not the right one.


def test_a_grafana_below_a_path_is_reached_by_it(tmp_path: Path) -> None:
    with grafana(tmp_path, prefix="/grafana") as site:
        assert site.push().code == 0
        site.grafana.url += "/?orgId=1"
        assert "nothing changed" in site.push().out
        site.grafana.url = site.grafana.url.replace("/grafana/?orgId=1", "")
        said = site.push()
        assert said.code == 3
        assert without_address(said.err) == (
            "error: what answers at http://HOST is no Grafana (status 404); is the path of its "
            "address missing or wrong?\n"
        )


def test_an_old_grafana_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with grafana(tmp_path, version="10.4.2") as site:
        said = site.push()
        assert said.code == 1
        assert "is Grafana 10.4.2; the boards need Grafana 11 or later" in said.err
        assert site.grafana.changes == []


def test_a_grafana_that_hides_its_version_is_taken(tmp_path: Path) -> None:
    with grafana(tmp_path, version="") as site:
        assert site.push().code == 0


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (200, {}, "is a page and no Grafana API (status 200); if a proxy wants to know who asks"),
        (302, {"Location": "https://login.example.com/oauth2/start?rd=1"}, "sends us to a login"),
        (302, {"Location": "/login"}, "sends us to a login"),
        (
            301,
            {"Location": "https://grafana.example.com/api/health"},
            "sends us to another address; use --grafana https://grafana.example.com",
        ),
        (
            308,
            {"Location": "/grafana/api/health"},
            "sends us to another address; use --grafana http://HOST/grafana",
        ),
    ],
    ids=["login page", "login of a proxy", "login of Grafana", "https", "path"],
)
def test_what_stands_before_a_grafana_is_told(
    site: Site, status: int, headers: dict[str, str], told: str
) -> None:
    site.grafana.fail("GET", "/api/health", status, LOGIN, headers=headers)
    said = site.push()
    assert said.code == 3
    assert told in without_address(said.err)
    assert site.grafana.changes == []


def test_a_server_that_is_no_grafana_is_told(site: Site) -> None:
    site.grafana.fail("GET", "/api/health", 200, ["fine"])
    assert "is no Grafana\n" in site.push().err


def test_a_server_that_is_not_there_is_told() -> None:
    said = run("push", MINIMAL, "--grafana", "http://me:geheim@127.0.0.1:9/")
    assert (said.code, said.err) == (3, "error: no Grafana answers at http://127.0.0.1:9\n")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda site: site.grafana.fail("POST", SAVE, 500, {"message": f"no {TOKEN}"}, times=-1),
        lambda site: site.grafana.fail("GET", "/api/folders", 403, {"message": f"Bearer {TOKEN}"}),
        lambda site: site.grafana.fail("GET", "/api/health", 200, f"<p>{TOKEN}</p>"),
        lambda site: site.grafana.fail(
            "GET", "/api/health", 503, f"<p>{TOKEN}</p>", times=-1, headers={"Retry-After": "0"}
        ),
        lambda site: site.grafana.fail(
            "GET",
            "/api/health",
            302,
            "",
            headers={"Location": f"https://x/{TOKEN}@y/api/?t={TOKEN}"},
        ),
        lambda site: site.token.write_text(f"{TOKEN}\nand more"),
    ],
)
def test_no_secret_is_shown_whatever_fails(site: Site, spoil: Callable[[Site], object]) -> None:
    spoil(site)
    said = site.push()
    assert said.code in (1, 3)
    assert TOKEN not in said.out + said.err
