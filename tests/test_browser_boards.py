"""Every board as `modelwatch preview --serve` shows it, in headless Chromium.

It is drawn from a real Prometheus with an hour of every series that our boards read.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from generator.definitions import definitions
from tests import preview_site
from tests.browser import Seen, chromium, look

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

MINIMAL = Path(__file__).parent.parent / "examples" / "minimal.yaml"
BOARDS = definitions().boards


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chromium()
    with preview_site.filled(tmp_path_factory.mktemp("filled")) as url:
        command = [sys.executable, "-m", "generator", "preview", str(MINIMAL)]
        running = subprocess.Popen(
            [*command, "--prometheus", url, "--serve", "127.0.0.1:0", "--since", "1h"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert running.stdout
            yield re.findall(r"http://127\.0\.0\.1:\d+", running.stdout.readline())[0]
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)


def complete(seen: Seen) -> None:
    """No script failed, no query failed, and every chart that has a place was drawn."""
    assert not seen.complaints
    assert "Failed queries" not in seen.text
    assert seen.drawn == seen.charts > 0


@pytest.mark.parametrize("uid", [board.uid for board in BOARDS])
def test_a_board_shows_its_rows_panels_and_charts(served: str, uid: str) -> None:
    board = next(one for one in BOARDS if one.uid == uid)
    seen = look(f"{served}/d/{uid}", f"board-{uid}", height=2200)
    complete(seen)
    assert board.question in seen.text
    for row in board.rows:
        assert row.title in seen.text
        for panel in row.panels:
            assert panel.title in seen.text
    assert {urlsplit(link).path for link in seen.links} >= {f"/d/{one.uid}" for one in BOARDS}


def test_a_person_gets_from_the_fleet_to_a_model_and_on(served: str) -> None:
    fleet = look(f"{served}/", "walk-1-fleet")
    assert "Fleet overview" in fleet.text
    to_model = next(link for link in fleet.links if re.search(r"-model\?.*var-model=\w", link))
    chosen = parse_qs(urlsplit(to_model).query)["var-model"][0]
    model = look(urljoin(fleet.url, to_model), "walk-2-model")
    complete(model)
    assert f'<option value="{chosen}" selected' in model.dom
    to_cost = next(link for link in model.links if link.startswith("/d/modelwatch-cost?"))
    cost = look(urljoin(model.url, to_cost), "walk-3-cost")
    complete(cost)
    assert f'<option value="{chosen}" selected' in cost.dom
