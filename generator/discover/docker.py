"""The containers of a Docker engine: by image, command and environment."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests
from docker.errors import DockerException

from generator.definitions import definitions
from generator.discover import Knowledge, World
from generator.discover.found import Found, Hardware, Place, Sighting
from generator.discover.images import Recognised, of_image, recognised
from generator.discover.names import cut
from modelwatch.problems import Unreachable


def _look(_: str, world: World) -> Found:
    try:
        with world.docker() as client:
            running = [one.attrs for one in client.containers.list(ignore_removed=True)]
    except (DockerException, requests.RequestException) as failure:
        raise Unreachable("the Docker engine does not say which containers run") from failure
    return found_in(running)


def found_in(containers: Sequence[Mapping[str, Any]]) -> Found:
    """The engines among containers, as the Docker API describes them."""
    sightings, remarks = [], []
    for container in sorted(containers, key=lambda one: str(one.get("Name", ""))):
        config = container.get("Config") or {}
        image = str(config.get("Image", ""))
        command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        found = recognised(image, command, dict(_variables(config)))
        name = str(container.get("Name", "")).lstrip("/")
        if found is None:
            continue
        if not found.image.engine:
            remarks.append(f"container {cut(name)}: {found.image.instead}")
            continue
        sightings.append(_sighting(container, name, image, found))
    count = f"{len(containers)} running container{'s' * (len(containers) != 1)}"
    return Found(
        sightings=tuple(sightings),
        remarks=tuple(remarks),
        looked_for=f"engines among {count}",
    )


def _variables(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for pair in config.get("Env") or ():
        name, _, value = str(pair).partition("=")
        yield name, value


def _sighting(container: Mapping[str, Any], name: str, image: str, found: Recognised) -> Sighting:
    engine = definitions().engines[found.image.engine]
    labels = (container.get("Config") or {}).get("Labels") or {}
    target, how = _target(container, found.port or engine.port)
    is_model = engine.kind == "model"
    return Sighting(
        engine=engine.name,
        model=found.model if engine.model_label and is_model else "",
        called=(found.model or str(labels.get("com.docker.compose.service", "")) or name)
        if not engine.model_label
        else "",
        environment=str(labels.get("environment", "")),
        place=Place(targets=(target,)) if target else Place(),
        why=f"container {cut(name)}, {of_image(found, image)}; {how}",
        remarks=found.remarks,
        hardware=None if is_model else Hardware(),
    )


def _target(container: Mapping[str, Any], port: int) -> tuple[str, str]:
    """Where the port is reached: published on this machine, or in the container's network."""
    network = container.get("NetworkSettings") or {}
    published = (network.get("Ports") or {}).get(f"{port}/tcp") or ()
    for binding in published:
        address = str(binding.get("HostIp", ""))
        host = "localhost" if address in ("", "0.0.0.0", "::") else address  # noqa: S104 - read
        host = f"[{host}]" if ":" in host else host
        if str(binding.get("HostPort", "")).isdigit():
            return f"{host}:{binding['HostPort']}", f"port {port} is published"
    if (container.get("HostConfig") or {}).get("NetworkMode") == "host":
        return f"localhost:{port}", "it uses the network of this machine"
    for each in (network.get("Networks") or {}).values():
        address = str((each or {}).get("IPAddress", ""))
        if re.fullmatch(r"[0-9.]+", address):
            return f"{address}:{port}", f"port {port} is not published, so the address may change"
    return "", "no address"


KNOWLEDGE = Knowledge(
    name="docker",
    rank=3,
    look=_look,
)
