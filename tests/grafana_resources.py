"""Folders, dashboards, data sources and annotations, as Grafana's HTTP API documents them.

The state of `grafana_server`, and what each request does with it. Messages are Grafana's own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

VIEWER = frozenset({"dashboards:read", "folders:read", "annotations:read"})
EDITOR = VIEWER | {
    *("dashboards:create", "dashboards:write", "dashboards:delete"),
    *("folders:create", "folders:write", "folders:delete"),
    *("annotations:create", "annotations:write", "annotations:delete"),
}
ADMIN = EDITOR | {"datasources:read", "orgs:read"}


class Answered(Exception):  # noqa: N818  # reads as what happened
    """An answer that is no success."""

    def __init__(self, code: int, message: str, /, **more: object) -> None:
        super().__init__(message)
        self.code = code
        self.body: Json = {"message": message, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    params: Mapping[str, list[str]]
    body: Any
    permissions: frozenset[str]

    def one(self, name: str, default: str = "") -> str:
        return self.params.get(name, [default])[0]

    def need(self, permission: str) -> None:
        if permission not in self.permissions:
            raise Answered(
                403,
                "You'll need additional permissions to perform this action. Permissions needed: "
                f"{permission}",
                title="Access denied",
                accessErrorId="ACE0000000000",
            )

    def only(self, *names: str) -> None:
        """Grafana ignores what it does not know; here it is a mistake of ours."""
        given = self.body if isinstance(self.body, dict) else self.params
        unknown = given.keys() - set(names)
        assert not unknown, f"{self.method} {self.path} knows no {unknown}"


@dataclass(slots=True, kw_only=True)
class Saved:
    version: int
    message: str
    by: str
    content: Json


@dataclass(slots=True, kw_only=True)
class Dashboard:
    number: int
    folder: str
    history: list[Saved]
    provisioned: bool = False
    plugin: str = ""
    dynamic: bool = False

    @property
    def newest(self) -> Saved:
        return self.history[-1]


@dataclass(slots=True, kw_only=True)
class State:
    """What is in one organisation, and in which ways this Grafana is special."""

    version: str = "13.2.0"
    org: int = 1
    folders: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, Dashboard] = field(default_factory=dict)
    trash: set[str] = field(default_factory=set)
    sources: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    stored: Callable[[Json], Json] = dict
    history_is_a_list: bool = False
    titles_are_unique: bool = False
    min_refresh_s: int = 5
    numbers: int = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def save(self, uid: str, content: Json, *, by: str, message: str = "", folder: str = "") -> int:
        """What a person or program saves; its version."""
        board = self.boards.get(uid)
        if board is None:
            board = Dashboard(number=self.number(), folder=folder, history=[])
            self.boards[uid] = board
        version = board.newest.version + 1 if board.history else 1
        kept = {**self.stored(content), "id": board.number, "uid": uid, "version": version}
        board.history.append(Saved(version=version, message=message, by=by, content=kept))
        return version


Answer = Callable[..., Any]
ROUTES: dict[tuple[str, str], Answer] = {}


def route(method: str, path: str) -> Callable[[Answer], Answer]:
    """Adds what answers this method and pattern of a path."""

    def add(answer: Answer) -> Answer:
        ROUTES[method, path] = answer
        return answer

    return add


@route("GET", "/api/org")
def organisation(state: State, asked: Asked) -> Json:
    asked.need("orgs:read")
    return {"id": state.org, "name": "Main Org."}


@route("GET", "/api/datasources")
def sources(state: State, asked: Asked) -> list[Json]:
    asked.need("datasources:read")
    return state.sources


@route("GET", "/api/folders")
def folders_inside(state: State, asked: Asked) -> list[Json]:
    asked.need("folders:read")
    asked.only("parentUid", "limit", "page")
    parent = asked.one("parentUid")
    if parent and parent not in state.folders:
        raise Answered(404, "folder not found", status="not-found")
    found = [
        {key: each[key] for key in ("id", "uid", "title")}
        for each in state.folders.values()
        if each.get("parentUid", "") == parent
    ]
    return paged(found, asked)


@route("GET", "/api/folders/([^/]+)")
def folder(state: State, asked: Asked, uid: str) -> Json:
    asked.need("folders:read")
    if uid not in state.folders:
        raise Answered(404, "folder not found", status="not-found")
    return state.folders[uid]


@route("POST", "/api/folders")
def make_folder(state: State, asked: Asked) -> Json:
    asked.need("folders:create")
    asked.only("uid", "title", "parentUid")
    body = asked.body
    if not body.get("title"):
        raise Answered(400, "folder title cannot be empty")
    _check_uid(body["uid"])
    if body["uid"] in state.folders:
        raise Answered(409, "a folder/dashboard with the same uid already exists")
    if body.get("parentUid") and body["parentUid"] not in state.folders:
        raise Answered(404, "folder not found", status="not-found")
    state.folders[body["uid"]] = {"id": state.number(), **body, "version": 1}
    return state.folders[body["uid"]]


@route("GET", "/api/search")
def search(state: State, asked: Asked) -> list[Json]:
    asked.only("type", "tag", "folderUIDs", "limit", "page")
    assert asked.one("type") == "dash-db", "folders are not searched for"
    found = [
        {
            "id": board.number,
            "uid": uid,
            "title": board.newest.content["title"],
            "type": "dash-db",
            "tags": board.newest.content["tags"],
            "folderUid": board.folder,
        }
        for uid, board in state.boards.items()
        if board.folder in asked.params["folderUIDs"]
        and set(asked.params["tag"]) <= set(board.newest.content.get("tags", ()))
    ]
    return paged(found, asked)


@route("GET", "/api/dashboards/uid/([^/]+)")
def board(state: State, asked: Asked, uid: str) -> Json:
    asked.need("dashboards:read")
    found = _board(state, uid)
    if found.dynamic:
        raise Answered(
            406,
            "dashboard api version not supported, use /apis/dashboard.grafana.app/v2/namespaces/"
            f"default/dashboards/{uid} instead",
        )
    return {
        "dashboard": found.newest.content,
        "meta": {
            "type": "db",
            "canSave": "dashboards:write" in asked.permissions,
            "slug": uid,
            "url": f"/d/{uid}/{uid}",
            "version": found.newest.version,
            "createdBy": found.history[0].by,
            "updatedBy": found.newest.by,
            "isFolder": False,
            "folderUid": found.folder,
            "folderTitle": state.folders[found.folder]["title"] if found.folder else "Dashboards",
            "provisioned": found.provisioned,
        },
    }


@route("GET", "/api/dashboards/uid/([^/]+)/versions")
def versions(state: State, asked: Asked, uid: str) -> Json | list[Json]:
    asked.need("dashboards:write")
    asked.only("limit", "start")
    found = [
        {
            "id": each.version,
            "uid": uid,
            "version": each.version,
            "parentVersion": each.version - 1,
            "createdBy": each.by,
            "message": each.message,
        }
        for each in reversed(_board(state, uid).history)
    ][: int(asked.one("limit", "1000"))]
    return found if state.history_is_a_list else {"continueToken": "", "versions": found}


@route("POST", "/api/dashboards/db")
def save(state: State, asked: Asked) -> Json:
    asked.only("dashboard", "folderUid", "message", "overwrite")
    content, where, forced = (
        asked.body["dashboard"],
        asked.body["folderUid"],
        asked.body["overwrite"],
    )
    uid = content["uid"]
    known = state.boards.get(uid)
    if ("dashboards:write" if known else "dashboards:create") not in asked.permissions:
        raise Answered(403, "Access denied to save dashboard")
    _check_board(state, content, asked.body["message"])
    if where not in state.folders:
        raise Answered(400, "folder not found")
    if known and known.provisioned:
        raise Answered(400, "Cannot save provisioned dashboard")
    if known and content["version"] != known.newest.version and not forced:
        said = "The dashboard has been changed by someone else"
        raise Answered(412, said, status="version-mismatch")
    if known and known.plugin and not forced:
        raise Answered(
            412, f"The dashboard belongs to plugin {known.plugin}.", status="plugin-dashboard"
        )
    if state.titles_are_unique and _same_title(state, uid, content["title"], where):
        said = "A dashboard with the same name in the folder already exists"
        raise Answered(412, said, status="name-exists")
    version = state.save(
        uid, content, by="sa-1-modelwatch", message=asked.body["message"], folder=where
    )
    state.boards[uid].folder = where
    return {"uid": uid, "version": version, "status": "success", "url": f"/d/{uid}", "slug": uid}


@route("DELETE", "/api/dashboards/uid/([^/]+)")
def delete(state: State, asked: Asked, uid: str) -> Json:
    asked.need("dashboards:delete")
    found = _board(state, uid)
    if found.provisioned:
        raise Answered(400, "provisioned dashboard cannot be deleted")
    del state.boards[uid]
    return {"title": uid, "message": f"Dashboard {uid} deleted", "uid": uid}


@route("GET", "/api/annotations")
def notes(state: State, asked: Asked) -> list[Json]:
    asked.need("annotations:read")
    asked.only("tags", "type", "from", "to", "limit")
    since, until = int(asked.one("from", "0")), int(asked.one("to", "9" * 15))
    found = [
        note
        for note in state.notes
        if set(asked.params.get("tags", ())) <= set(note["tags"])
        and note["time"] <= until
        and note["timeEnd"] >= since
    ]
    found.sort(key=lambda note: int(note["timeEnd"]), reverse=True)
    return found[: int(asked.one("limit", "100"))]


@route("POST", "/api/annotations")
def note(state: State, asked: Asked) -> Json:
    asked.need("annotations:create")
    asked.only("time", "timeEnd", "tags", "text")
    if not asked.body.get("text"):
        raise Answered(400, "Failed to save annotation", error="text field should not be empty")
    made = {"id": state.number(), "timeEnd": asked.body["time"], **asked.body}
    state.notes.append(made)
    return {"message": "Annotation added", "id": made["id"]}


@route("PATCH", r"/api/annotations/(\d+)")
def change_note(state: State, asked: Asked, number: str) -> Json:
    asked.need("annotations:write")
    asked.only("time", "timeEnd", "tags", "text")
    for each in state.notes:
        if each["id"] == int(number):
            each.update(asked.body)
            return {"message": "Annotation patched"}
    raise Answered(404, "Could not find annotation to update")


def paged(found: list[Json], asked: Asked) -> list[Json]:
    size, page = int(asked.one("limit", "1000")), int(asked.one("page", "1"))
    return found[(page - 1) * size : page * size]


def _board(state: State, uid: str) -> Dashboard:
    if uid not in state.boards:
        raise Answered(404, "Dashboard not found", status="not-found")
    return state.boards[uid]


def _check_board(state: State, content: Json, message: str) -> None:
    assert content["id"] is None, "numbers differ from Grafana to Grafana"
    if not content.get("title"):
        raise Answered(400, "Dashboard title cannot be empty", status="empty-name")
    _check_uid(content["uid"])
    if len(message) > 500:
        raise Answered(400, "message too long, max 500 characters")
    if content["uid"] in state.trash:
        raise Answered(400, "A dashboard with the same uid already exists")
    if 0 < _seconds(content.get("refresh", "")) < state.min_refresh_s:
        raise Answered(400, "Dashboard refresh interval is too low")


def _seconds(refresh: str) -> int:
    found = re.fullmatch(r"(\d+)([smh])", refresh)
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0


def _check_uid(uid: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", uid):
        raise Answered(400, "uid contains illegal characters")
    if len(uid) > 40:
        raise Answered(400, "uid too long, max 40 characters")


def _same_title(state: State, uid: str, title: str, where: str) -> bool:
    return any(
        other != uid and each.folder == where and each.newest.content["title"] == title
        for other, each in state.boards.items()
    )
