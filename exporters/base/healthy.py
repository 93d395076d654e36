"""Asks the exporter of this container whether it is healthy; for the container's health check.

    python -m exporters.base.healthy [URL]

Without an address: that of the exporter beside us, which its command line tells. It need not be
process 1: an init may come before it, and with `--pid host` all processes of the host are there.
"""

import contextlib
import http.client
import re
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

PORTS = {"gpu": 9465, "probe": 9466, "quality": 9467, "inventory": 9468, "drift": 9469}
"""Where each listens by default. Importing them all would take longer than asking."""
WITHIN_S = 2.0

_LISTEN = re.compile(r"--listen[=\n](\S*):(\d+)")
_EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  # told apart


def healthy(url: str) -> bool:
    """Whether it says so. Its certificate is not looked at: this machine asks itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=WITHIN_S, context=context) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False
    except (OSError, http.client.HTTPException):
        return _wants_certificate(url, context)


def _wants_certificate(url: str, context: ssl.SSLContext) -> bool:
    """Whether it is there, and only wants to see a certificate first, which we have not.

    It says so after the handshake. We send nothing meanwhile: a server that ends a connection with
    something unread resets it, and what it said last can be lost with that.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return False
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), WITHIN_S) as bare,
            context.wrap_socket(bare) as ours,
        ):
            ours.recv(1)
    except ssl.SSLError as failure:
        return failure.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    except OSError:
        return False
    return False


def address(command: Sequence[str]) -> str | None:
    """Where an exporter that was started like this listens, as `host:port`."""
    if "exporter" not in command[:-1]:
        return None
    name, *options = command[command.index("exporter") + 1 :]
    if found := _LISTEN.findall("\n".join(options)):
        host, port = found[-1]
        return f"{_EVERY_ADDRESS.get(host, host)}:{port}"
    return f"127.0.0.1:{PORTS[name]}" if name in PORTS else None


def _beside() -> Iterator[str]:
    """Addresses of the exporters among the processes that have the same file systems as we."""
    own = _file_systems(Path("/proc/self"))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            command = (process / "cmdline").read_text(errors="replace").split("\0")
            if (found := address(command)) and _file_systems(process) == own:
                yield found


def _file_systems(process: Path) -> str:
    return str((process / "ns" / "mnt").readlink())


def main(arguments: list[str]) -> int:
    """0 when it is healthy, 1 when it is not."""
    urls = arguments or [
        f"{scheme}://{found}/-/healthy" for found in set(_beside()) for scheme in ("http", "https")
    ]
    return 0 if any(map(healthy, urls)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
