"""What is wrong around containers: releases, images, disk of the engine, secrets, open ports?"""

from collections.abc import Iterator
from pathlib import Path

import requests
from docker.errors import ImageNotFound

from compose import addresses, doctor
from compose.containers import environment, mounted_secrets
from compose.containers import stack as containers
from compose.containers.engine import Engine
from compose.doctor import Finding

OLDEST_ENGINE = (20, 10)
"""The first that knows `host-gateway`."""
OLDEST_COMPOSE = (1, 29)
PLUGIN = 2
LEAST_BYTES = 4 << 30
"""Room for the images, and for Prometheus to begin with."""


def releases(reached: Engine) -> Iterator[Finding]:
    """The engine and compose: those that the tests were run with, or newer."""
    for name, version, oldest in (
        ("the Docker engine", reached.version, OLDEST_ENGINE),
        ("compose", reached.compose_version, OLDEST_COMPOSE),
    ):
        if _numbers(version) < oldest:
            yield Finding(
                what=f"{name} is {version}",
                why=f"{'.'.join(map(str, oldest))} is the oldest that was tried",
                remedy="take a newer release",
            )
    if OLDEST_COMPOSE <= _numbers(reached.compose_version) < (PLUGIN, 0):
        yield Finding(
            what=f"compose is {reached.compose_version}",
            why="it works, and nobody mends it any more",
            remedy="install the plugin of Docker, `docker compose`",
            wrong=False,
        )


def images(reached: Engine, folder: Path) -> Iterator[Finding]:
    """Images that containers were made from and that are gone since."""
    project = containers.known(folder)
    for name, one in (containers.containers(reached, project) if project else {}).items():
        image = one.attrs["Config"]["Image"]
        try:
            reached.client.images.get(image)
        except ImageNotFound:
            yield Finding(
                what=f"the image {image} of {name} is not on this machine any more",
                why="the container runs, and cannot be made again",
                remedy="`modelwatch up` pulls or builds it",
            )


def disk(reached: Engine, *, least_bytes: int = LEAST_BYTES) -> Iterator[Finding]:
    """Room where the engine keeps images and volumes, where this user sees that folder."""
    root = Path(str(reached.client.info().get("DockerRootDir", "")))
    if root.is_dir():
        yield from doctor.disk(root, least_bytes=least_bytes)


def secret_files(inventory: Path, folder: Path) -> Iterator[Finding]:
    """Secrets that containers do not have, have of yesterday, or cannot read."""
    text = inventory.read_text(encoding="utf-8")
    found = addresses.derived(text, containers.exporter_addresses()).secrets
    for one in mounted_secrets.unreadable(folder, found, inventory.parent):
        yield Finding(
            what=f"{one.source} of {one.user} cannot be read",
            why="notifications or requests that need it fail",
            remedy="create it, readable for you, and reload",
        )
    for one in mounted_secrets.outdated(folder, found, inventory.parent):
        yield Finding(
            what=f"{one.source} of {one.user} changed after it was copied for the containers",
            why="they use the old one",
            remedy=f"modelwatch reload {inventory}",
        )
    secrets = folder / mounted_secrets.FOLDER
    for path in sorted(secrets.rglob("*")):
        needed = 0o5 if path.is_dir() else 0o4
        if path.stat().st_mode & needed != needed:
            yield Finding(
                what=f"the users in the containers cannot read {path}",
                why="a container sees the mode that a file has here",
                remedy="modelwatch reload, or chmod -R a+rX",
            )
    if secrets.is_dir() and secrets.stat().st_mode & 0o077:
        yield Finding(
            what=f"others on this machine can enter {secrets}",
            why="its files are readable by all, and only this folder keeps people out",
            remedy=f"chmod 700 {secrets}",
        )


def open_bindings(folder: Path) -> Iterator[Finding]:
    """Ports without a login that are open to the network."""
    variables = environment.read(folder)
    address = variables.get("BIND_ADDRESS", "")
    if address.startswith("127.") or address in {"", "::1", "localhost"}:
        return
    for name in ("PROMETHEUS_PORT", "ALERTMANAGER_PORT"):
        if _answers_anybody(f"http://{containers.reached_at(address)}:{variables[name]}/metrics"):
            yield Finding(
                what=f"port {variables[name]} ({name}) is open on {address} without a login",
                why="whoever reaches this machine reads everything and can silence alerts; "
                "Docker opens ports past the firewall",
                remedy=f"remove BIND_ADDRESS from {folder / environment.NAME} and run `up` again, "
                "with a proxy with TLS and users in front of 127.0.0.1",
            )


def _answers_anybody(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:2] if number.isdigit())
