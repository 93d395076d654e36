"""One board in a Grafana: what is there, whose it is, and whether it may be replaced.

Each save leaves a line in the board's history. Ours names what we saved, so whoever saves after us,
by hand or by a program, shows there: nothing has to be compared with what a Grafana made of it.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Literal

from generator.push.replies import Refused
from generator.push.server import Grafana, Json
from modelwatch import __version__

_MARK = re.compile(r"modelwatch \S+: board ([0-9a-f]{16}) in folder (\S+) after version (\d+)")
_GIVEN_BY_GRAFANA = ("id", "iteration", "version")
_REMEDY = "--force keeps a copy of it in a file and replaces it"
_NO_COPY = (
    "a person saved it in the format of dynamic dashboards (v2), of which no copy can be kept "
    "here; export what you need of it, delete it, and run this again"
)
_PROVISIONED = (
    "Grafana reads it from a file (provisioning) and lets nobody else save it; remove that file, "
    "or do not push to this Grafana"
)
Step = Literal["new", "unchanged", "adopted", "changed", "overwritten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a save of ours says: a digest of what was saved, and the folder's uid."""

    digest: str
    folder: str

    def message(self, version: int) -> str:
        """The line for the history, of a save that follows this version."""
        what = f"board {self.digest} in folder {self.folder}"
        return f"modelwatch {__version__}: {what} after version {version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A board that is there. `content` is None where this API does not give it.

    `mark` is of the newest save, if that was ours. `history` is False where it cannot be read.
    """

    content: Json | None
    version: int = 0
    folder: str = ""
    folder_title: str = ""
    provisioned: bool = False
    history: bool = True
    mark: Mark | None = None
    once_ours: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be done with a board; `refusal` says why nothing is."""

    step: Step = "unchanged"
    refusal: str = ""


def mark_of(content: Json, folder: str) -> Mark:
    """The mark of a board that is saved in this folder."""
    text = _canonical(content)
    return Mark(digest=hashlib.sha256(text.encode()).hexdigest()[:16], folder=folder)


def look(grafana: Grafana, uid: str) -> Present | None:
    """The board of this uid, if there is one that we may see."""
    try:
        found = grafana.ask("GET", f"/api/dashboards/uid/{uid}")
    except Refused as refusal:
        if refusal.status == 404:
            return None
        if refusal.status == 406:
            return Present(content=None)
        raise
    content, meta = found["dashboard"], found["meta"]
    return _with_history(
        grafana,
        uid,
        Present(
            content=content,
            version=int(content.get("version", 0)),
            folder=str(meta.get("folderUid", "")),
            folder_title=str(meta.get("folderTitle", "")),
            provisioned=bool(meta.get("provisioned")),
        ),
    )


def judge(wanted: Json, folder: str, present: Present | None, *, force: bool) -> Verdict:
    """What is to be done so that the wanted board is in this folder, without harm to others."""
    if present is None:
        return Verdict(step="new")
    if present.content is None or present.provisioned:
        return Verdict(refusal=_PROVISIONED if present.provisioned else _NO_COPY)
    if present.folder == folder and (step := _same(wanted, folder, present)):
        return Verdict(step=step)
    if present.mark and present.folder in (present.mark.folder, folder):
        return Verdict(step="changed")
    if force:
        return Verdict(step="overwritten")
    return Verdict(refusal=f"{_whose(present, folder)}; {_REMEDY}")


def save(
    grafana: Grafana, wanted: Json, folder: str, present: Present | None, step: Step
) -> Verdict:
    """Save the board, unless somebody changed it since we looked.

    Raises:
        Refused: Grafana does not take it.
    """
    mark = mark_of(wanted, folder)
    version = present.version if present else 0
    body: Json = {
        # The version proves that nobody saved in between, and makes a repeated save harmless.
        "dashboard": {**wanted, "id": None, "version": version},
        "folderUid": folder,
        "message": mark.message(version),
        "overwrite": False,
    }
    try:
        answer = grafana.ask("POST", "/api/dashboards/db", body=body, repeatable=True)
    except Refused as refusal:
        if refusal.status not in (400, 409, 412):
            raise
        now = look(grafana, wanted["uid"])
        if now and now.mark == mark and now.folder == folder:
            return Verdict(step=step)  # our own save, whose answer was lost
        if refusal.kind == "version-mismatch" or refusal.status == 409:
            return Verdict(
                refusal="somebody saved it while we did; run this again to see what they changed"
            )
        raise
    if answer.get("status") != "success":
        return Verdict(refusal=f"Grafana took it and did not save it: {answer.get('message')}")
    return Verdict(step=step)


def _with_history(grafana: Grafana, uid: str, present: Present) -> Present:
    try:
        answer = grafana.ask("GET", f"/api/dashboards/uid/{uid}/versions", params={"limit": 20})
    except Refused as refusal:
        if refusal.status in (403, 404):
            return replace(present, history=False)
        raise
    versions = answer["versions"] if isinstance(answer, dict) else answer
    newest = max(versions, key=_order, default=None)
    if newest is None or int(newest["version"]) != present.version:
        return replace(present, history=False)
    return replace(
        present,
        mark=_mark(newest),
        once_ours=any(_MARK.fullmatch(_message(each)) for each in versions),
        by=str(newest.get("createdBy", "")),
    )


def _mark(newest: Json) -> Mark | None:
    """The mark of the newest save, unless that only kept the message of an earlier one of ours.

    Tools that edit a board as a resource do so. A save that changes nothing may keep the version.
    """
    found = _MARK.fullmatch(_message(newest))
    if not found or int(newest["version"]) - int(found[3]) not in (0, 1):
        return None
    return Mark(digest=found[1], folder=found[2])


def _order(version: Json) -> tuple[int, int]:
    return int(version["version"]), int(version.get("id", 0))


def _message(version: Json) -> str:
    return str(version.get("message", ""))


def _same(wanted: Json, folder: str, present: Present) -> Step | None:
    if present.mark == mark_of(wanted, folder):
        return "unchanged"
    if present.content and _canonical(present.content) == _canonical(wanted):
        # Imported by hand, say. Without a mark the next change of ours would be refused.
        return "adopted" if present.history else "unchanged"
    return None


def _whose(present: Present, folder: str) -> str:
    if present.mark:
        return f"a person moved it to the folder '{present.folder_title}'"
    if not present.history:
        return "it differs, and its history, which says who changed it, cannot be read"
    if present.once_ours:
        who = f" ({present.by})" if present.by else ""
        return f"a person{who} changed it since our last push"
    where = "" if present.folder == folder else f", in the folder '{present.folder_title}'"
    return f"a board with this uid is there already{where}, and not from us"


def _canonical(content: Json) -> str:
    """The same text for the same board, whatever number and version a Grafana gave it."""
    kept = {key: value for key, value in content.items() if key not in _GIVEN_BY_GRAFANA}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))
