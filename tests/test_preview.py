"""The command that draws boards without a Grafana: pages, what it says, and what it serves."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests

from compose.ports import free_port
from generator.definitions import definitions
from generator.preview import pictures
from modelwatch.catalogue.recorded import REQUESTS
from tests import preview_site
from tests.command import run
from tests.preview_site import Scripted
from tests.real import missing

MINIMAL = Path(__file__).parent.parent / "examples" / "minimal.yaml"
WORST = "</script><img src=x onerror=alert(1)>\"'{{x}}%{y}🙂"
LABELS = {"model": WORST, "environment": "production", "team": "assist", "le": "0.5"}
PANELS = sum(1 for board in definitions().boards for _ in board.panels())


class Page(HTMLParser):
    """Elements of a page, and its text without programs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.figures: dict[str, object] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if attributes.get("id") == "figures" and not self.figures:
            self.figures = json.loads(data)
        elif tag != "script":
            self.text.append(data)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [found[name] or "" for one, found in self.elements if one == tag and name in found]


def draw(url: str, output: Path, *options: str) -> Page:
    said = run("preview", MINIMAL, "--prometheus", url, "-o", output, *options)
    assert said.code == 0, said.err
    return Page(output.read_text(encoding="utf-8"))


@pytest.fixture(name="page", scope="module")
def _page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything is drawn, for a model with the worst of all names."""
    output = tmp_path_factory.mktemp("page") / "boards.html"
    with preview_site.scripted(Scripted(LABELS)) as url:
        draw(url, output)
    return output


def test_every_board_and_panel_is_on_the_page_once(page: Path) -> None:
    found = Page(page.read_text())
    boards = [board.uid for board in definitions().boards]
    assert found.attributes("section", "data-board") == boards
    assert found.attributes("a", "data-board") == boards
    classes = [one.split()[0] for one in found.attributes("div", "class")]
    assert classes.count("panel") == PANELS


def test_rows_are_collapsed_as_in_the_board(page: Path) -> None:
    found = Page(page.read_text())
    rows = [one for tag, one in found.elements if tag == "details" and one.get("class") == "row"]
    expected = [not row.collapsed for board in definitions().boards for row in board.rows]
    assert ["open" in row for row in rows] == expected


def test_every_chart_has_its_place(page: Path) -> None:
    found = Page(page.read_text())
    places = [
        attributes["id"]
        for tag, attributes in found.elements
        if tag == "div" and (attributes.get("class") or "").startswith("plot")
    ]
    assert places == list(found.figures)
    assert len(places) > 100


def test_the_page_needs_nothing_from_elsewhere(page: Path) -> None:
    found = Page(page.read_text())
    assert not found.attributes("script", "src")
    assert not any(tag in ("link", "img", "iframe") for tag, _ in found.elements)
    (policy,) = [
        content for content in found.attributes("meta", "content") if "default-src" in content
    ]
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_a_name_is_text_wherever_it_stands(page: Path) -> None:
    text = page.read_text()
    assert "<img" not in text.partition("<footer>")[0]
    assert WORST in " ".join(Page(text).text)


def test_links_to_a_model_lead_to_its_board_on_the_page(page: Path) -> None:
    found = Page(page.read_text())
    anchors = {f"#{one}" for one in found.attributes("section", "data-anchor")}
    links = found.attributes("a", "href")
    assert set(links) == anchors
    assert links.count("#modelwatch-model-1") > 10


def test_only_what_is_selected_is_asked_for(tmp_path: Path) -> None:
    api = Scripted(LABELS)
    with preview_site.scripted(api) as url:
        draw(url, tmp_path / "boards.html", "--environment", "production", "--since", "2h")
    asked = [query for query in api.queries if "environment=~" in query]
    assert asked
    assert all(re.search(r'environment=~"production(\||")', query) for query in asked)


def test_an_empty_prometheus_leaves_every_panel_empty_and_says_why(tmp_path: Path) -> None:
    with preview_site.scripted(Scripted({})) as url:
        said = run("preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "boards.html")
    assert said.code == 0
    assert f"{PANELS} panels, {PANELS} without data, 0 failed queries" in said.out
    text = (tmp_path / "boards.html").read_text()
    assert f"this Prometheus has no series {REQUESTS}" in text
    for board in definitions().boards:
        for _, panel in board.panels():
            assert f">{escape(panel.no_data)}<" in text


def test_a_query_that_fails_is_listed_and_makes_the_command_fail(tmp_path: Path) -> None:
    with preview_site.scripted(Scripted(LABELS, failing=str(REQUESTS))) as url:
        said = run("preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "boards.html")
    assert said.code == 1
    failed = int(re.findall(r"(\d+) failed queries", said.out)[0])
    assert failed > 3
    assert f"error: {failed} queries failed; the end of " in said.err
    text = (tmp_path / "boards.html").read_text()
    assert f"Failed queries: {failed}<" in text
    assert text.count("too &lt;many&gt; samples") == failed
    assert "query failed" in text


def test_nobody_at_the_address_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"http://name:secret@127.0.0.1:{free_port()}"
    said = run("preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "boards.html")
    assert said.code == 3
    assert said.err.startswith("error: no Prometheus answers at http://127.0.0.1:")
    assert "secret" not in said.err
    assert not (tmp_path / "boards.html").exists()


def test_another_kind_of_server_is_told(tmp_path: Path) -> None:
    with preview_site.scripted(Scripted({}, page="<html>hello</html>")) as url:
        said = run("preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "boards.html")
    assert said.code == 3
    assert "is no Prometheus: status 200" in said.err


def test_a_model_that_is_not_there_is_told_with_the_one_that_is(tmp_path: Path) -> None:
    with preview_site.scripted(Scripted({**LABELS, "model": "chat"})) as url:
        said = run(
            "preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "x.html", "--model", "chatt"
        )
    assert said.code == 1
    assert "has no model 'chatt'; did you mean 'chat'?" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say where to write with -o FILE, or --serve"),
        (["-o", "x.html", "--serve"], "say where to write with -o FILE, or --serve"),
        (["--serve", "--png", "x"], "--png needs -o FILE"),
        (["-o", "x.html", "--since", "yesterday"], "write a duration such as 30m, 6h or 7d"),
        (["-o", "x.html", "--since", "0h"], "write a duration such as 30m, 6h or 7d"),
        (["-o", "x.html", "--prometheus", "localhost:9090"], "begins with http:// or https://"),
    ],
)
def test_wrong_use_is_told(options: list[str], message: str) -> None:
    said = run("preview", MINIMAL, *options)
    assert said.code == 2
    assert message in said.err


def test_a_missing_plotly_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = run("preview", MINIMAL, "-o", "x.html")
    assert said.code == 1
    assert "pip install 'modelwatch[preview]'" in said.err


# A browser.


def chromium() -> str:
    found = next(filter(None, map(shutil.which, pictures.NAMES)), None)
    return found or missing("no Chromium on PATH")


def test_a_browser_draws_every_open_chart_without_a_complaint(page: Path, tmp_path: Path) -> None:
    command = pictures.command(chromium(), tmp_path / "profile", 2000)
    done = subprocess.run(
        [*command, "--enable-logging=stderr", "--dump-dom", f"{page.as_uri()}#modelwatch-fleet"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "CONSOLE" not in done.stderr
    drawn = int(re.findall(r'data-drawn="(\d+)"', done.stdout)[0])
    assert drawn > 10
    assert done.stdout.count('class="main-svg"') >= drawn
    assert "onerror" not in [name for _, found in Page(done.stdout).elements for name in found]


def test_a_picture_shows_something(page: Path, tmp_path: Path) -> None:
    chromium()
    for name, anchor in ("board", "modelwatch-fleet"), ("same", "modelwatch-fleet"):
        pictures.take(page, anchor, tmp_path / f"{name}.png", 1200)
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html>")
    pictures.take(blank, "", tmp_path / "blank.png", 1200)
    sizes = {path.stem: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert sizes["board"] > 5 * sizes["blank"]
    assert (tmp_path / "board.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# Serving.


@pytest.fixture(name="served")
def _served() -> Iterator[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with preview_site.scripted(Scripted(LABELS)) as url:
        command = [sys.executable, "-m", "generator", "preview", str(MINIMAL)]
        running = subprocess.Popen(
            [*command, "--prometheus", url, "--serve", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            assert running.stdout
            said = running.stdout.readline()
            yield re.findall(r"http://127\.0\.0\.1:\d+", said)[0]
        finally:
            running.send_signal(signal.SIGINT)
            _, complaints = running.communicate(timeout=30)
        assert running.returncode == 0, complaints


def test_a_served_board_is_drawn_for_what_its_address_says(served: str) -> None:
    start = requests.get(served, timeout=60)
    assert start.url.endswith("/d/modelwatch-fleet")
    asked = {"var-model": '"><b>', "var-environment": "production", "from": "now-3h"}
    reply = requests.get(f"{served}/d/modelwatch-model", params=asked, timeout=60)
    found = Page(reply.text)
    assert found.attributes("section", "data-board") == ["modelwatch-model"]
    assert '"><b>' not in reply.text.replace('selected>"><b>', "")
    assert "last 3h until " in "".join(found.text)
    assert found.attributes("script", "src") == ["/plotly.min.js"]
    assert any("var-environment=production" in link for link in found.attributes("a", "href"))
    hour = {"from": "1763683200000", "to": "1763686800000"}  # as links in notifications write it
    past = Page(requests.get(f"{served}/d/modelwatch-model", params=hour, timeout=60).text)
    assert "last 1h until 2025-11-21 01:00:00 UTC" in "".join(past.text)
    assert all(
        "from=1763683200000&to=1763686800000" in link for link in past.attributes("a", "href")
    )
    wrong = {"from": "1763686800000", "to": "1763683200000"}
    late = Page(requests.get(f"{served}/d/modelwatch-model", params=wrong, timeout=60).text)
    assert "until 2025-" not in "".join(late.text)  # it ends before it begins: the usual time
    script = requests.get(f"{served}/plotly.min.js", timeout=60)
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert requests.get(f"{served}/d/nothing", timeout=60).status_code == 404


# A real Prometheus.


@pytest.mark.real
def test_every_board_is_drawn_from_a_real_prometheus_without_a_failing_query(
    tmp_path: Path,
) -> None:
    with preview_site.filled(tmp_path) as url:
        said = run(
            "preview", MINIMAL, "--prometheus", url, "-o", tmp_path / "b.html", "--since", "1h"
        )
    assert said.code == 0, said.err
    assert ", 0 failed queries" in said.out
    empty = int(re.findall(r"(\d+) without data", said.out)[0])
    text = (tmp_path / "b.html").read_text()
    # One is empty as long as every declared model has requests, and one of each of two models
    # without a valid forecast.
    assert empty == 3
    assert "Models without requests" in text.partition("<footer>")[2].partition("<script")[0]
