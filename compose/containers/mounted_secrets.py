"""Secrets as containers can read them: those that the stack makes, and copies of yours.

A container runs as another user, to which a file of mode 0600 is closed. So copies that all may
read lie in a folder that only you may enter.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import compose
from compose.addresses import SECRETS, Secret, seen_from_containers

MAKER = Path(compose.__path__[0]) / "secrets.sh"
FOLDER = "secrets"


def prepare(data_dir: Path, secrets: Iterable[Secret], beside: Path) -> None:
    """Make what is missing, and copy those that can be read; see `unreadable`."""
    folder = data_dir / FOLDER
    _make(folder)
    for one in secrets:
        here, there = _source(one, beside), folder / one.folder / one.name
        if _readable(here):
            shutil.copyfile(here, there)
            if one.folder == "alertmanager":
                _readdress(there)
    _make(folder)


def unreadable(data_dir: Path, secrets: Iterable[Secret], beside: Path) -> Iterator[Secret]:
    """Those of which there is neither a file that we can read nor a copy."""
    for one in secrets:
        there = data_dir / FOLDER / one.folder / one.name
        if not (_readable(_source(one, beside)) or (_is_mounted(one) and there.exists())):
            yield one


def outdated(data_dir: Path, secrets: Iterable[Secret], beside: Path) -> Iterator[Secret]:
    """Those that changed after they were copied."""
    for one in secrets:
        here, there = _source(one, beside), data_dir / FOLDER / one.folder / one.name
        if _readable(here) and there.exists() and here.stat().st_mtime > there.stat().st_mtime:
            yield one


def _make(folder: Path) -> None:
    subprocess.run(["sh", MAKER, folder], check=True, capture_output=True)


def _source(one: Secret, beside: Path) -> Path:
    """Relative paths are taken from the folder of the inventory."""
    return beside / one.source


def _is_mounted(one: Secret) -> bool:
    """Whether the inventory names the path in the container: the file was put there by hand."""
    return one.source == f"{SECRETS}/{one.name}"


def _readable(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError:
        return False
    return True


def _readdress(file: Path) -> None:
    """A secret address can be one of this machine as well."""
    text = file.read_text(encoding="utf-8", errors="replace")
    if re.match("https?://", text):
        file.write_text(seen_from_containers(text), encoding="utf-8")
