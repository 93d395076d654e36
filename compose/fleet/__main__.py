"""`python -m compose.fleet`: serve the demo fleet until the process is ended."""

import argparse
from pathlib import Path

from compose.fleet.audience import Audience
from compose.fleet.judge import Judge
from compose.fleet.sending import send_in_background
from compose.fleet.serve import LOOPBACK, PORTS, serve_forever
from compose.fleet.traffic import World


def _port(text: str) -> tuple[str, int]:
    name, _, port = text.partition("=")
    if name not in PORTS or not port.isdigit():
        raise argparse.ArgumentTypeError(
            f"write NAME=PORT, where NAME is one of {', '.join(PORTS)}"
        )
    return name, int(port)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m compose.fleet", description=__doc__)
    parser.add_argument("--compression", type=float, default=1.0, help="how much faster days pass")
    parser.add_argument("--port", type=_port, action="append", help="NAME=PORT, once per page")
    parser.add_argument("--scores", metavar="URL", help="where scores and votes are sent")
    parser.add_argument("--observations", metavar="URL", help="where questions are described")
    parser.add_argument("--token-file", type=Path, help="the token that goes with both")
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--mark", help="told apart from others by this; not used otherwise")
    chosen = parser.parse_args()
    world = World(compression=chosen.compression)
    token = chosen.token_file.read_text().strip() if chosen.token_file else ""
    for source, url in ((Judge, chosen.scores), (Audience, chosen.observations)):
        if url:
            send_in_background(source(world), url, token)
    serve_forever(world, dict(chosen.port or PORTS.items()), chosen.host)


if __name__ == "__main__":
    main()
