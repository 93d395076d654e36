"""An inventory for this machine as containers must read it: other addresses, the same lines.

To a container `127.0.0.1` is itself. So what is on this machine becomes `host.docker.internal`, one
of our exporters becomes its service, and a secret file becomes the copy that is mounted. Only these
places change in the text: comments and line numbers stay, so a message still points at its mistake.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import yaml

HOST = "host.docker.internal"
"""How containers call the machine that they run on; compose.yaml makes it known to them."""

SECRETS = "/etc/modelwatch"
"""Where secrets of receivers, probes and storages are mounted."""

_LOOPBACK = r"(?:127(?:\.\d+){3}|localhost|0\.0\.0\.0|\[::1?\])"
_TARGET = re.compile(rf"{_LOOPBACK}(?=:\d+$)")
_URL = re.compile(rf"(?<=://){_LOOPBACK}(?=[:/?#]|$)")
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:-]*[A-Za-z0-9_./]")
_ANCHOR = re.compile(r"&\S+\s+")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Nodes with their places only: the values were read, and refused, by our own loader before."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A file that a receiver or probe names: its path here, and its name among what is mounted."""

    user: str
    source: str
    folder: str
    name: str


@dataclass(slots=True, kw_only=True)
class Derived:
    """The text, and what was found on the way.

    `hosts` are addresses of servers on this machine, as they were written; `discovered` are files
    of targets that only this machine sees; `services` are exporters of ours that are to run.
    """

    text: str
    hosts: dict[str, None] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    discovered: dict[str, None] = field(default_factory=dict)
    services: dict[str, None] = field(default_factory=dict)


def derived(text: str, services: Mapping[str, str]) -> Derived:
    """The inventory for containers; `services` has the address of each exporter's container."""
    text = text.removeprefix("\ufeff")
    found = Derived(text=text)
    edits: dict[tuple[int, int], str] = {}
    for path, node, source in _scalars(yaml.compose(text, Loader=_LOADER), (), ""):
        if (new := _moved(path, node.value, source, services, found)) != node.value:
            place = (node.start_mark.index, node.end_mark.index)
            edits[place] = _written(new, text[slice(*place)])
    for (start, end), new in sorted(edits.items(), reverse=True):
        found.text = found.text[:start] + new + found.text[end:]
    return found


def is_here(url: str) -> bool:
    """Whether the address is one of this machine."""
    return bool(_URL.search(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"))


def seen_from_containers(url: str) -> str:
    """The address as a container must ask for it."""
    return _URL.sub(HOST, url, count=1)


def _scalars(
    node: yaml.Node | None, path: Path, engine: str
) -> Iterator[tuple[Path, yaml.ScalarNode, str]]:
    """Every value with the keys that lead to it, and the engine of the block around it."""
    if isinstance(node, yaml.MappingNode):
        keys = {key.value: value for key, value in node.value}
        named = getattr(keys.get("engine"), "value", engine)
        for key, value in keys.items():
            yield from _scalars(value, (*path, key), str(named))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(value, path, engine)
    elif isinstance(node, yaml.ScalarNode):
        yield path, node, engine


def _moved(path: Path, value: str, engine: str, services: Mapping[str, str], found: Derived) -> str:
    """The value as containers must read it; most stay."""
    moved = value
    match path:
        case (*_, "targets"):
            moved = _target(path, value, engine, services, found)
        case ("receivers", _, _, "smarthost"):
            moved = _on_host(_TARGET, value, found)
        case (
            ("receivers", _, _, "url" | "api_url")
            | (*_, "probes", _, "url")
            | ("settings", "remote_write", "url")
        ):
            moved = _on_host(_URL, value, found)
        case ("receivers", name, _, key) if key.endswith("_file"):
            moved = _secret(f"receiver {name}", value, "alertmanager", found)
        case ("settings", "remote_write", "url" | "query_url"):
            return _on_host(_URL, value, found)
        case ("settings", "remote_write", key) if key.endswith("_file"):
            return _secret("remote write", value, "prometheus", found)
        case (*_, "probes", name, "key_file" | "ca_file"):
            moved = _secret(f"probe {name}", value, "probe", found)
        case ("settings", "remote_write", key) if key.endswith("_file"):
            moved = _secret("remote_write", value, "prometheus", found)
    if path[-1:] == ("file_sd",):
        found.discovered[value] = None
    return moved


def _target(
    path: Path, value: str, engine: str, services: Mapping[str, str], found: Derived
) -> str:
    """Pools name the GPU exporter of their cards themselves."""
    name = "gpu" if engine == "modelwatch_gpu" else path[1] if path[0] == "exporters" else ""
    own = services.get(name)
    if own and (_TARGET.match(value) or value == own):
        found.services[name] = None
        return own
    return _on_host(_TARGET, value, found)


def _on_host(address: re.Pattern[str], value: str, found: Derived) -> str:
    if not address.search(value):
        return value
    found.hosts[value] = None
    return address.sub(HOST, value, count=1)


def _secret(user: str, value: str, folder: str, found: Derived) -> str:
    """Two files of one name get two names."""
    base = PurePosixPath(value).name
    taken = {one.name: one.source for one in found.secrets if one.folder == folder}
    name, number = base, 1
    while taken.get(name, value) != value:
        number += 1
        name = f"{number}-{base}"
    found.secrets.append(Secret(user=user, source=value, folder=folder, name=name))
    return f"{SECRETS}/{name}"


def _written(new: str, old: str) -> str:
    """The new value in the place of the old one: with its anchor and its number of lines."""
    anchor = found[0] if (found := _ANCHOR.match(old)) else ""
    text = new if _PLAIN.fullmatch(new) and "\n" not in old else json.dumps(new)
    return f"{anchor}{text}" + "\n" * old.count("\n")
