"""The variables of compose.yaml as one stack has them, in a file that people can edit."""

import itertools
import os
import re
import shlex
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import compose
from compose.addresses import is_here
from compose.ports import free_port, is_free

FILE = Path(compose.__path__[0]) / "compose.yaml"
NAME = "compose.env"

_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+):-([^}]*)\}")
_LINE = re.compile(r"^([A-Z0-9_]+)=(.*)$", re.MULTILINE)
_HEAD = """\
# Written by `modelwatch up`. Every variable of compose/.env.example may stand here, and stays; so
# does one that is set in the environment of `up`. Paths and free ports are written anew.
"""


def chosen(folder: Path, own: Mapping[str, str], held: Collection[str]) -> dict[str, str]:
    """The variables of the stack in `folder`: `own`, the environment's, the known, then defaults.

    Ports that it has `held` up to now stay; others that are taken give way to free ones.
    """
    defaults = variables()
    known = read(folder)
    found: dict[str, str] = {}
    for name, default in defaults.items():
        set_here = own.get(name) or os.environ.get(name)
        if set_here:
            found[name] = set_here
        elif name.endswith("_PORT"):
            usual = [known[name], default] if name in known else [default]
            wanted = [port for port in usual if port in held or is_free(int(port))]
            found[name] = _unused(wanted, found.values())
        elif name in known and not (name.endswith("_URL") and is_here(known[name])):
            found[name] = known[name]
    for name in defaults:
        if name.endswith("_URL"):
            port = found[name.removesuffix("_URL") + "_PORT"]
            found.setdefault(name, f"http://localhost:{port}")
    found.setdefault("GPU_HOST", socket.gethostname())
    return found


def variables() -> dict[str, str]:
    """Every variable of compose.yaml with its default."""
    return dict(_VARIABLE.findall(FILE.read_text(encoding="utf-8")))


def read(folder: Path) -> dict[str, str]:
    """The variables as they were written, by us or by hand."""
    file = folder / NAME
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return {name: "".join(shlex.split(value)) for name, value in _LINE.findall(text)}


def write(folder: Path, found: Mapping[str, str]) -> None:
    """The file for `--env-file`."""
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in found.items())
    (folder / NAME).write_text(f"{_HEAD}{''.join(lines)}", encoding="utf-8")


def _unused(wanted: Iterable[str], taken: Collection[str]) -> str:
    """The first that is wanted, or any that is free."""
    free = (str(free_port()) for _ in itertools.count())
    return next(port for port in itertools.chain(wanted, free) if port not in taken)
