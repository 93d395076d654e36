"""The folder that boards go to: found by its title, or made with a uid that never changes."""

import hashlib
import re
from dataclasses import dataclass

from generator.push.replies import Refused
from generator.push.server import Grafana, Json
from modelwatch.problems import ModelwatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder, and the titles that lead to it."""

    uid: str
    titles: tuple[str, ...]
    exists: bool = True

    def __str__(self) -> str:
        return " / ".join(self.titles)


def titles(path: str) -> tuple[str, ...]:
    """The titles in `AI/Models`.

    Raises:
        ModelwatchError: one of them is empty.
    """
    found = tuple(title.strip() for title in path.split("/"))
    if not all(found):
        raise ModelwatchError(f"'{path}' is no path of folders; write it like AI/Models")
    return found


def find(grafana: Grafana, path: tuple[str, ...]) -> Folder:
    """The folder at this path, which may not exist yet.

    Raises:
        ModelwatchError: two folders in the same place have this title.
    """
    parent, exists = "", True
    for depth in range(1, len(path) + 1):
        here = path[:depth]
        found = _there(grafana, here, parent) if exists else None
        exists = found is not None
        parent = found or stable_uid(here)
    return Folder(uid=parent, titles=path, exists=exists)


def make(grafana: Grafana, path: tuple[str, ...]) -> Folder:
    """The folder at this path, made where it is missing; raises like `find`."""
    parent = ""
    for depth in range(1, len(path) + 1):
        here = path[:depth]
        parent = _there(grafana, here, parent) or _made(grafana, here, parent)
    return Folder(uid=parent, titles=path)


def stable_uid(path: tuple[str, ...]) -> str:
    """The uid of a folder that we make: readable, at most 40 characters, the same every time."""
    if path == ("modelwatch",):
        return "modelwatch"
    readable = re.sub(r"[^a-z0-9]+", "-", "-".join(path).lower()).strip("-")[:20]
    digest = hashlib.sha256("/".join(path).encode()).hexdigest()[:8]
    return "-".join(part for part in ("modelwatch", readable.rstrip("-"), digest) if part)


def _there(grafana: Grafana, path: tuple[str, ...], parent: str) -> str | None:
    """The uid of the folder of this title, or of the one that we made and somebody renamed."""
    ours = stable_uid(path)
    named = [each["uid"] for each in _inside(grafana, parent) if each["title"] == path[-1]]
    if ours in named:
        return ours
    if len(named) > 1:
        raise ModelwatchError(
            f"there are {len(named)} folders '{'/'.join(path)}' in Grafana; rename all but one"
        )
    if named:
        return str(named[0])
    try:
        grafana.ask("GET", f"/api/folders/{ours}")
    except Refused as refusal:
        # Without a folder of this uid nobody can be permitted to read it: some answer 403.
        if refusal.status in (403, 404):
            return None
        raise
    return ours


def _inside(grafana: Grafana, parent: str) -> list[Json]:
    return grafana.every("/api/folders", {"parentUid": parent} if parent else {})


def _made(grafana: Grafana, path: tuple[str, ...], parent: str) -> str:
    wanted = {"uid": stable_uid(path), "title": path[-1]}
    if parent:
        wanted["parentUid"] = parent
    try:
        made = grafana.ask("POST", "/api/folders", body=wanted, repeatable=True)
    except Refused as refusal:
        # Somebody, perhaps our own request before its answer was lost, made it meanwhile.
        if refusal.status in (409, 412) and (found := _there(grafana, path, parent)):
            return found
        raise
    return str(made["uid"])
