"""Which programs of the stack are on this machine, where, and in which version?"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from modelwatch.problems import Unreachable

NAMES = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "amtool": ("amtool",),
}
"""Names that a program goes by: upstream's first, then Debian's."""

HOW_TO_INSTALL = (
    "install them with `apt-get install prometheus prometheus-alertmanager` (Debian, Ubuntu) or "
    "`brew install prometheus alertmanager` (macOS), or unpack the releases of "
    "https://prometheus.io/download/ into a folder on PATH"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that was found. `version` is its number, such as `2.42.0`, without suffixes."""

    name: str
    path: Path
    version: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def find(name: str, *, path: str | None = None) -> Program | None:
    """The program in the folders of `path` (default: PATH) under any of its names, if it runs."""
    for alias in NAMES[name]:
        if (found := shutil.which(alias, path=path)) and (version := version_of(found)):
            return Program(name=name, path=Path(found), version=version)
    return None


def require(*names: str, path: str | None = None) -> dict[str, Program]:
    """All of the programs by name.

    Raises:
        Unreachable: at least one is missing; says all that are, and how to install them.
    """
    found = {name: find(name, path=path) for name in names}
    missing = [name for name, program in found.items() if program is None]
    if missing:
        raise Unreachable(f"not on PATH: {', '.join(missing)}; {HOW_TO_INSTALL}")
    return {name: program for name, program in found.items() if program}


def version_of(program: str) -> str:
    """What `--version` says; alone in a line on stdout or, in older releases, stderr."""
    answer = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=20, check=False
    )
    said = re.search(r"(?i)version (\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return said[1] if said and answer.returncode == 0 else ""
