"""A native stack with series, a silence and counts, for tests of backup and restore."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from compose.native import boards
from compose.native import stack as native
from compose.native.stack import Stack
from generator.stack import data_dir
from modelwatch.catalogue.quality import FEEDBACK_TOTAL
from tests import small_site
from tests.command import Said, run
from tests.exporters.sample import free_port
from tests.small_site import eventually

SERIES = "shelf_running"
PAGE = f'# TYPE {SERIES} gauge\n{SERIES}{{m="chat"}} 42\n'
ARCHIVE = "backup.tar.gz"


class Site:
    """An inventory in `folder`, which is where the commands are typed."""

    def __init__(self, folder: Path, page: int) -> None:
        self.folder, self.inventory = folder, folder / "models.yaml"
        (folder / "url").write_text("http://127.0.0.1:1/hook")
        text = small_site.TEXT.format(folder=folder, page=page)
        self.inventory.write_text(text + small_site.exporter("quality", free_port()))

    @property
    def data(self) -> Path:
        return data_dir(str(self.inventory))

    @property
    def stack(self) -> Stack:
        found = native.state(self.data)
        assert found
        return found

    @property
    def archive(self) -> Path:
        return self.folder / ARCHIVE

    @property
    def prometheus_url(self) -> str:
        return self.stack.prometheus_url

    @property
    def alertmanager_url(self) -> str:
        return self.stack.alertmanager_url

    @property
    def token(self) -> str:
        """Nobody asks for it on loopback."""
        return ""

    @property
    def quality(self) -> str:
        return next(url for process, url in self.stack.urls if "quality" in process.name)

    def up(self) -> Said:
        said = run("up", self.inventory, "--native")
        assert said.code == 0, said.err
        return said

    def down(self) -> None:
        run("down", self.inventory)

    def backup(self, *options: str) -> Said:
        return run("backup", self.inventory, "-o", self.archive, *options)

    def restore(self, *options: str) -> Said:
        return run("restore", self.inventory, self.archive, *options)

    def delete_data(self) -> None:
        self.down()
        shutil.rmtree(self.data)

    def killed(self, script: str, *command: object) -> int:
        """The code of a command in a process of its own, whose parts the script replaces."""
        text = f"{script}\nfrom generator.cli import main\nmain()"
        path = os.pathsep.join(sys.path)
        done = subprocess.run(
            [sys.executable, "-c", text, *map(str, command)],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        print(done.stdout, done.stderr)  # noqa: T201  # shown when the test fails
        return done.returncode

    def feedback(self, number: int) -> None:
        """Returns when it is on the page, where new series stand at zero at first."""
        wanted = self.feedback_counted() + number
        event = {"model": "chat", "environment": "production", "kind": "feedback", "vote": "up"}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(number):
            answer = requests.post(
                f"{self.quality}/v1/scores", json=event, headers=headers, timeout=10
            )
            assert answer.ok, answer.text
        eventually(lambda: self.feedback_counted() == wanted, 240)

    def feedback_counted(self) -> float:
        page = requests.get(f"{self.quality}/metrics", timeout=10).text
        rows = [row for row in page.splitlines() if row.startswith(f"{FEEDBACK_TOTAL.name}{{")]
        return sum(float(row.rpartition(" ")[2]) for row in rows)

    def silence(self, name: str, value: str, days: int = 1) -> str:
        now = datetime.now(UTC)
        answer = requests.post(
            f"{self.alertmanager_url}/api/v2/silences",
            json={
                "matchers": [{"name": name, "value": value, "isRegex": False, "isEqual": True}],
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(days=days)).isoformat(),
                "createdBy": "a test",
                "comment": "planned",
            },
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["silenceID"])

    def silences(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.alertmanager_url}/api/v2/silences", timeout=10)
        return sorted(answer.json(), key=lambda one: str(one["id"]))

    def states(self, *models: str) -> dict[str, str]:
        """What Alertmanager does with an alert of each model that begins now."""
        url = f"{self.alertmanager_url}/api/v2/alerts"
        alerts = [{"labels": {"alertname": "Test", "model": model}} for model in models]
        requests.post(url, json=alerts, timeout=10).raise_for_status()

        def found() -> dict[str, str]:
            listed = requests.get(url, timeout=10).json()
            return {
                one["labels"]["model"]: one["status"]["state"]
                for one in listed
                if one["labels"]["alertname"] == "Test"
            }

        eventually(lambda: found().keys() == {*models} and "unprocessed" not in found().values())
        return found()

    def samples(self, until: float, query: str = SERIES) -> list[tuple[float, str]]:
        """Every sample as it was scraped, up to the time."""
        answer = requests.get(
            f"{self.prometheus_url}/api/v1/query",
            params={"query": f"{query}[1h]", "time": str(until)},
            timeout=10,
        )
        result = answer.json()["data"]["result"]
        return [tuple(value) for value in result[0]["values"]] if result else []


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Runs, has been scraped, and is ended afterwards; leaves the usual ports to others."""
    with small_site.page(PAGE) as page, pytest.MonkeyPatch.context() as patch:
        for module in (native, boards):
            patch.setattr(module, "is_free", lambda _: False)
        made = Site(folder, page)
        try:
            made.up()
            eventually(lambda: len(made.samples(time.time())) > 3, 240)
            yield made
        finally:
            made.down()


def manifest(archive: Path) -> dict[str, Any]:
    """As any tar shows it."""
    listed = subprocess.run(
        ["tar", "-xzOf", archive, "modelwatch-backup.json"], capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(listed.stdout)
    return found
