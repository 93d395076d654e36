"""The captured result files, and ways to read them."""

from pathlib import Path

from exporters.quality.declared import Anything
from exporters.quality.events import Event, Refused
from exporters.quality.results import Told, formats, items
from tests.exporters.quality_ledgers import Books

FOLDER = Path(__file__).parent / "results"
CAPTURES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".json", ".jsonl", ".csv"))
TAKEN = 1_795_300_000.0
"""A day after the captures were taken."""

CHAT = Told(model="chat")
LIBRARIES = sorted(formats().keys() - {"feedback"})


def format_of(path: Path) -> str:
    return path.name.partition("-")[0]


def found(path: Path, told: Told = CHAT) -> list[tuple[int, Event | Refused]]:
    return list(items(format_of(path), path.read_bytes(), told))


def read(name: str, body: str | bytes, told: Told = CHAT) -> list[Event | Refused]:
    sent = body if isinstance(body, bytes) else body.encode()
    return [event for _, event in items(name, sent, told)]


def books(folder: Path) -> Books:
    ours = Books(folder, Anything())
    ours.clock.now = TAKEN
    return ours
