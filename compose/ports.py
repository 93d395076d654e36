"""Loopback ports: those of the servers, and which ones are free."""

import socket
import time
from dataclasses import dataclass

FREE_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Loopback ports of the two servers, and of whoever shows the boards."""

    prometheus: int = 9090
    alertmanager: int = 9093
    boards: int = 3000

    @property
    def boards_url(self) -> str:
        """Where the boards are shown, if anybody shows them."""
        return f"http://127.0.0.1:{self.boards}"


def is_free(port: int) -> bool:
    """Whether nothing listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def becomes_free(port: int) -> bool:
    """A process that just ended can hold its port for a moment longer."""
    deadline = time.monotonic() + FREE_WITHIN_S
    while not (free := is_free(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return free
