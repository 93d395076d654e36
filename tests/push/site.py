"""A Grafana with data sources, and what `push` and `annotate` say to it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.command import Said, run
from tests.grafana_resources import Json, State
from tests.grafana_server import TOKEN, GrafanaServer, running

MINIMAL = Path(__file__).parent.parent.parent / "examples" / "minimal.yaml"
PROMETHEUS: Json = {"uid": "p1", "name": "Metrics", "type": "prometheus", "isDefault": True}
LOKI: Json = {"uid": "l1", "name": "Logs", "type": "loki", "isDefault": False}
COST = "modelwatch-cost"
SAVE = "/api/dashboards/db"


class Site:
    """A Grafana, a folder for the files of whoever pushes, and an inventory in it."""

    def __init__(self, grafana: GrafanaServer, folder: Path) -> None:
        self.grafana = grafana
        self.state: State = grafana.state
        self.inventory = folder / "models.yaml"
        self.token = folder / "token"
        self.copies = folder / "copies"
        self.inventory.write_text(MINIMAL.read_text())
        self.token.write_text(f"{TOKEN}\n")

    def push(self, *options: str | Path) -> Said:
        return run("push", self.inventory, *self.common, "--keep-copies", self.copies, *options)

    def annotate(self, *options: str) -> Said:
        return run("annotate", *self.common, *options)

    @property
    def common(self) -> tuple[str | Path, ...]:
        return "--grafana", self.grafana.url, "--token-file", self.token

    def upgrade(self) -> None:
        """Lets every board be another one, as a new release or setting does."""
        text = self.inventory.read_text()
        self.inventory.write_text(f"settings: {{scrape_interval: 20s}}\n{text}")

    def person_saves(self, uid: str = COST, **changes: Any) -> Json:
        """Somebody changes a board by hand; what it is then."""
        now = self.state.boards[uid].newest.content
        self.state.save(uid, {**now, **changes}, by="dana")
        return self.state.boards[uid].newest.content

    def put(self, content: Json, folder: str, *, by: str = "dana", message: str = "") -> None:
        """A board that is there, whoever put it there."""
        self.state.folders.setdefault(folder, {"id": 1, "uid": folder, "title": folder.title()})
        self.state.save(content["uid"], content, by=by, message=message, folder=folder)

    def titles(self, uid: str = COST) -> list[str]:
        """The titles of the folders that a board is in."""
        found: list[str] = []
        where = self.state.boards[uid].folder
        while where:
            found.insert(0, self.state.folders[where]["title"])
            where = self.state.folders[where].get("parentUid", "")
        return found


@contextmanager
def grafana(folder: Path, **special: Any) -> Iterator[Site]:
    """A site; `special` is what is special about its Grafana."""
    prefix = special.pop("prefix", "")
    state = State(sources=[LOKI, PROMETHEUS], **special)
    with running(GrafanaServer(state=state, prefix=prefix)) as server:
        yield Site(server, folder)


def without_address(text: str) -> str:
    """The text with the port of the moment left out."""
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
