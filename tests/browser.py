"""What a person sees: a page in headless Chromium, after its scripts ran, with a picture of it."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from generator.preview import pictures
from tests.real import missing

ARTEFACTS = Path(
    os.environ.get("ARTEFACTS") or Path(tempfile.gettempdir(), f"modelwatch-pictures-{os.getuid()}")
)
"""Where pictures are kept; a variable of the environment names another folder."""
_HIDDEN = ("script", "style", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as it stands. `complaints` are what its scripts wrote to the console."""

    url: str
    dom: str
    text: str
    links: tuple[str, ...]
    complaints: tuple[str, ...]
    picture: Path

    @property
    def drawn(self) -> int:
        """Charts of a board that were drawn, as its page counts them."""
        return int(re.findall(r'data-drawn="(\d+)"', self.dom)[0])

    @property
    def charts(self) -> int:
        """Drawings of our charting library that are in the page."""
        return len(re.findall(r'<div class="plot[^"]* js-plotly-plot"', self.dom))


class _Text(HTMLParser):
    """Words and links, without programs."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self._hidden = 0
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag == "a" and (href := dict(attrs).get("href")):
            self.links.append(href)

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def chromium() -> str:
    """Its path; a test that needs it is skipped where there is none."""
    found = next(filter(None, map(shutil.which, pictures.NAMES)), None)
    return found or missing("no Chromium on PATH")


def look(url: str, name: str, *, height: int = 1200) -> Seen:
    """Open the address as a person would; the picture is kept under this name."""
    program = chromium()
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    picture = ARTEFACTS / f"{name}.png"
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                *pictures.command(program, Path(profile), height),
                "--enable-logging=stderr",
                f"--screenshot={picture}",
                "--dump-dom",
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    page = _Text(done.stdout)
    return Seen(
        url=url,
        dom=done.stdout,
        text=" ".join(unescape(" ".join(page.words)).split()),
        links=tuple(page.links),
        complaints=tuple(re.findall(r"CONSOLE:\d+\] (.*)", done.stderr)),
        picture=picture,
    )
