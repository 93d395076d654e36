"""What containers wrote, and go on writing."""

import queue
import threading
from collections.abc import Iterator, Mapping

from docker.models.containers import Container


def end(container: Container, lines: int) -> list[str]:
    """The last lines."""
    if not lines:
        return []
    return bytes(container.logs(tail=lines)).decode(errors="replace").splitlines()


def followed(found: Mapping[str, Container], lines: int = 0) -> Iterator[tuple[str, str]]:
    """The last lines and those written from now on, with the service, until all have ended."""
    said: queue.Queue[tuple[str, str] | None] = queue.Queue()
    for name, one in found.items():
        threading.Thread(target=_follow, args=(name, one, lines, said), daemon=True).start()
    for _ in found:
        while line := said.get():
            yield line


def _follow(
    name: str, container: Container, lines: int, said: "queue.Queue[tuple[str, str] | None]"
) -> None:
    """Pieces arrive as they were written, which need not be whole lines."""
    rest = b""
    for piece in container.logs(stream=True, follow=True, tail=lines):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            said.put((name, line.decode(errors="replace")))
    said.put(None)
