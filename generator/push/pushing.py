"""Boards into a folder, one after the other: each ends well, or with the reason why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from generator.grafana import TAG
from generator.push import difference
from generator.push.advice import advice
from generator.push.boards import Present, Step, judge, look, save
from generator.push.folders import Folder
from generator.push.replies import NotKnown, Refused
from generator.push.server import Grafana, Json

_PREFIX = "modelwatch-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Where boards go and what may be done for it.

    `keep` writes a copy of a board and says where; it is called before the board is lost.
    """

    grafana: Grafana
    folder: Folder
    keep: Callable[[str, Present], str]
    force: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to a board, or would; `refusal` says why nothing did."""

    uid: str
    title: str
    step: Step | Literal["removed", "refused"]
    refusal: str = ""
    copy: str = ""
    changes: tuple[str, ...] = ()


def push(task: Task, wanted: Mapping[str, Json]) -> Iterator[Outcome]:
    """Each board, when it is done.

    Raises:
        NotKnown: Grafana no longer knows who we are.
        Unreachable: it no longer answers.
    """
    for uid, content in wanted.items():
        try:
            yield _pushed(task, content)
        except NotKnown:
            raise
        except Refused as refusal:
            yield _refused(uid, str(content["title"]), advice(refusal))


def prune(task: Task, wanted: Sequence[str]) -> Iterator[Outcome]:
    """Boards that we put into the folder once and no longer have; raises like `push`."""
    if not task.folder.exists:
        return
    for found in _tagged(task):
        uid, title = str(found["uid"]), str(found["title"])
        if uid in wanted or not uid.startswith(_PREFIX):
            continue
        try:
            yield from _pruned(task, uid, title)
        except NotKnown:
            raise
        except Refused as refusal:
            yield _refused(uid, title, advice(refusal))


def _pushed(task: Task, wanted: Json) -> Outcome:
    uid, title, folder = str(wanted["uid"]), str(wanted["title"]), task.folder.uid
    present = look(task.grafana, uid)
    verdict = judge(wanted, folder, present, force=task.force)
    if verdict.step == "unchanged" and not verdict.refusal:
        return Outcome(uid=uid, title=title, step="unchanged")
    changes = _changes(wanted, folder, present) if task.dry else ()
    if verdict.refusal:
        return _refused(uid, title, verdict.refusal, changes)
    if task.dry:
        return Outcome(uid=uid, title=title, step=verdict.step, changes=changes)
    lost = present if verdict.step == "overwritten" else None
    copy = task.keep(uid, lost) if lost else ""
    done = save(task.grafana, wanted, folder, present, verdict.step)
    if done.refusal:
        return _refused(uid, title, done.refusal)
    return Outcome(uid=uid, title=title, step=done.step, copy=copy)


def _changes(wanted: Json, folder: str, present: Present | None) -> tuple[str, ...]:
    if present is None:
        return (f"+ {difference.panels(wanted)} panels",)
    if present.content is None:
        return ()
    moved = (f"~ from the folder '{present.folder_title}'",) if present.folder != folder else ()
    return (*moved, *difference.difference(present.content, wanted))


def _pruned(task: Task, uid: str, title: str) -> Iterator[Outcome]:
    present = look(task.grafana, uid)
    if present is None or present.folder != task.folder.uid or not present.once_ours:
        return
    if present.provisioned:
        return
    if not present.mark and not task.force:
        yield _refused(
            uid,
            title,
            "it is no longer one of ours to push, but a person changed it; --force keeps a copy of "
            "it in a file and removes it",
        )
        return
    copy = ""
    if not task.dry:
        copy = task.keep(uid, present)
        _delete(task.grafana, uid)
    yield Outcome(uid=uid, title=title, step="removed", copy=copy)


def _delete(grafana: Grafana, uid: str) -> None:
    try:
        grafana.ask("DELETE", f"/api/dashboards/uid/{uid}")
    except Refused as refusal:
        if refusal.status != 404:  # else our own request, whose answer was lost, removed it
            raise


def _tagged(task: Task) -> list[Json]:
    return task.grafana.every(
        "/api/search", {"type": "dash-db", "tag": TAG, "folderUIDs": task.folder.uid}
    )


def _refused(uid: str, title: str, why: str, changes: tuple[str, ...] = ()) -> Outcome:
    return Outcome(uid=uid, title=title, step="refused", refusal=why, changes=changes)
