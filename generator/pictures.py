"""Retakes the pictures of the boards in the docs: the demo on the real stack, in five minutes.

    python -m generator.pictures [FOLDER]

The fleet of the demo runs on the real Prometheus and Alertmanager until the boards are full; the
preview draws them and Chromium takes the pictures. Ports are free ones: nothing is in the way.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from compose.demo import scene
from compose.demo.scene import Scene
from compose.demo.story import Teller
from compose.ports import free_port
from generator.asking import Prometheus
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.preview import drawing
from generator.preview import pictures as taking
from generator.preview.page import height_of
from generator.stack import write
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError

INVENTORY = Path("examples/demo.yaml")
FOLDER = Path("docs/pictures")
FILL_S = 260
"""Seconds until the pictures are taken."""
HAPPENS = (
    (90, "begins", "vision-slow"),
    (120, "begins", "chat-queue"),
    (150, "begins", "rate-limited"),
    (180, "ends", "vision-slow"),
    (200, "ends", "chat-queue"),
    (220, "ends", "rate-limited"),
)
"""What happens meanwhile, and after how many seconds: the docs show boards that say something."""
SINCE = "4m"
MODEL = "chat"
SCALE = 0.66
"""Of 1600 pixels: to be read in a page, and no file over 300 KB."""

_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    teller = Teller(say=lambda text: print(text, flush=True))  # noqa: T201  # it is a command
    taking.browser()
    with tempfile.TemporaryDirectory(prefix="modelwatch-") as place:
        inventory = _moved(INVENTORY, Path(place))
        data_dir = Path(place) / "stack"
        try:
            playing = scene.set_up(inventory, write, data_dir, teller=teller, usual_ports=False)
            _fill(playing, teller)
            _take(playing, inventory, folder, Path(place), teller)
        finally:
            scene.tear_down(data_dir)


def _moved(path: Path, place: Path) -> Inventory:
    """The inventory with every port of this machine exchanged for a free one."""
    ports: dict[str, str] = {}
    text = _PORT.sub(
        lambda found: ports.setdefault(found[0], str(free_port())), path.read_text("utf-8")
    )
    (place / path.name).write_text(text, encoding="utf-8")
    shutil.copytree(path.parent / "baselines", place / "baselines")
    return inventory_at(str(place / path.name))


def _fill(playing: Scene, teller: Teller) -> None:
    scene.await_answers(playing)
    teller.step("every target answers")
    began = time.monotonic()
    for after, word, incident in HAPPENS:
        time.sleep(max(0.0, began + after - time.monotonic()))
        change = playing.begin if word == "begins" else playing.end
        change(incident)
        teller.step(f"{incident} {word}")
    time.sleep(max(0.0, began + FILL_S - time.monotonic()))


def _take(playing: Scene, inventory: Inventory, folder: Path, place: Path, teller: Teller) -> None:
    """All models on each board, but one on that which shows one. All pictures are new, or none."""
    every, one = place / "every.html", place / "one.html"
    teller.step(_draw(playing, inventory, every, ()))
    _draw(playing, inventory, one, (MODEL,))
    taken = []
    for board in definitions().boards:
        page, anchor = (every, board.uid) if board.model.everything else (one, f"{board.uid}-1")
        taken.append(place / f"{board.uid}.png")
        taking.take(page, anchor, taken[-1], height_of(board), SCALE)
        teller.step(f"{taken[-1].name}, {taken[-1].stat().st_size // 1000} KB")
    folder.mkdir(parents=True, exist_ok=True)
    for picture in taken:
        shutil.copy(picture, folder)
    teller.step(f"{len(taken)} pictures are in {folder}")


def _draw(playing: Scene, inventory: Inventory, page: Path, models: tuple[str, ...]) -> str:
    """Write the page of all boards; what there is to say about it.

    Raises:
        ModelwatchError: a query failed.
    """
    drawn = drawing.draw(
        definitions().boards,
        {"model": models},
        Prometheus(url=playing.stack.prometheus_url),
        inventory.settings,
        SINCE,
    )
    if drawn.failed:
        raise ModelwatchError(f"{drawn.failed} queries failed: no picture is taken")
    page.write_text(drawn.html, encoding="utf-8")
    return f"{drawn.panels} panels are drawn, {drawn.empty} of them without data"


if __name__ == "__main__":
    main()
