"""Stands in for Grafana, which no package of Debian brings: a real one was NOT run in our tests.

It follows what Grafana documents: `grafana --version`; `grafana server --homepath --config`; the
defaults below its home must be there; settings from the file, then from GF_ variables, with
`$__file{}` read; provisioning read at the start; `/api/health` open, everything else for users.
"""

import sys
from pathlib import Path

VERSION = "13.2.0"
_SCRIPT = Path(__file__).parent / "grafana_stand_in_program.py"
WRAPPER = """#!/bin/sh
# As in Grafana's packages: a command that adds the system's settings, which must not be used.
exec {home}/bin/grafana "$@" --config=/etc/grafana/grafana.ini
"""


def program(file: Path, version: str = VERSION) -> Path:
    """The stand-in as a program of this name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    body = _SCRIPT.read_text(encoding="utf-8").replace('"VERSION"', repr(version))
    file.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
    file.chmod(0o755)
    return file


def home(folder: Path) -> Path:
    """A folder with what Grafana looks for in its home."""
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "defaults.ini").write_text("[server]\nhttp_port = 3000\n")
    return folder


def release(root: Path, version: str = VERSION) -> Path:
    """An unpacked release; the folder for PATH."""
    return program(home(root / "grafana-13") / "bin" / "grafana", version).parent


def package(root: Path, version: str = VERSION) -> Path:
    """As .deb and .rpm install it, below `root`."""
    place = home(root / "usr" / "share" / "grafana")
    program(place / "bin" / "grafana", version)
    command = root / "usr" / "sbin" / "grafana"
    command.parent.mkdir()
    command.write_text(WRAPPER.format(home=place))
    command.chmod(0o755)
    return command.parent


def brewed(root: Path, version: str = VERSION) -> Path:
    """As Homebrew installs it: a link to a program that has its home in `share`."""
    cellar = root / "Cellar" / "grafana" / "13.2.0"
    home(cellar / "share" / "grafana")
    command = root / "bin" / "grafana"
    command.parent.mkdir()
    command.symlink_to(program(cellar / "bin" / "grafana", version))
    return command.parent
