"""The command line with the exporters of this folder beside the bundled ones.

With QUICK in the environment nobody waits long for slow requests, so that tests need not either.
"""

import os
from pathlib import Path

import exporters
from exporters.base import connections, exchange, reloading
from generator.cli import main

exporters.__path__.append(str(Path(__file__).parent))

if "QUICK" in os.environ:
    connections.FIRST_BYTE_WITHIN_S = connections.HEADER_WITHIN_S = connections.IDLE_S = 1.0
    exchange.BODY_WITHIN_S = 1.0
    exchange.ANSWER_READ_WITHIN_S = 1.0
    reloading.LOOK_EVERY_S = 0.1

if __name__ == "__main__":
    main(prog_name="modelwatch")
