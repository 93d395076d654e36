"""How long the stack takes to come up, and from the cause of an incident to its notification.

Each act is a fresh stack of the demo with incidents that do not touch each other. The drop of a KPI
is not here: it needs weeks of history.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.measured import table
from compose.demo import playing, scene
from compose.demo.playing import Times
from compose.demo.story import Teller
from generator import stack
from generator.opening import inventory_at

DEMO = Path("examples/demo.yaml")

ACTS = (
    ("vision-slow", "chat-errors", "rate-limited", "gpu-lost", "card-xid"),
    ("vision-down", "provider-errors", "summarize-silent", "chat-regression", "agent-runaway"),
    ("retrieval-empty", "summarize-archive"),
    ("quality-drop", "card-lost"),
    ("judge-silent",),
    ("chat-queue",),
    ("chat-crowded",),
    ("chat-silent",),
)
SINCE_UP = ("started and ready", "every target answers", "every model is measured")


def run() -> None:
    """Play every act and print both tables."""
    ups: list[tuple[float, ...]] = []
    played: list[Times] = []
    for names in ACTS:
        with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as folder:
            up, times = _act(Path(folder), names)
        ups.append(up)
        played += times
    print(table(["from nothing", "median", "longest"], [*_spread(ups)]))
    print()
    print("\n".join(playing.times(played)))


def _act(folder: Path, names: tuple[str, ...]) -> tuple[tuple[float, ...], tuple[Times, ...]]:
    """Seconds until it was up, answered and measured; and what became of the incidents."""
    inventory = inventory_at(str(DEMO))
    began = time.monotonic()
    try:
        stage = scene.set_up(inventory, stack.write, folder, teller=Teller(say=lambda _: None))
        up = time.monotonic() - began
        scene.await_answers(stage)
        answers = time.monotonic() - began
        scene.await_measured(stage, inventory)
        measured = time.monotonic() - began
        playing.calm(stage)
        return (up, answers, measured), playing.play(stage, names, watch="0m").played
    finally:
        scene.tear_down(folder)


def _spread(ups: list[tuple[float, ...]]) -> list[list[str]]:
    ordered = [sorted(column) for column in zip(*ups, strict=True)]
    return [
        [what, f"{column[len(column) // 2]:.1f} s", f"{column[-1]:.1f} s"]
        for what, column in zip(SINCE_UP, ordered, strict=True)
    ]
