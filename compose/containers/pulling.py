"""Images that the stack needs: pulled, or built from this repository, before it is started."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from docker.errors import ImageNotFound
from docker.utils.build import exclude_paths

from compose.containers import engine, environment
from compose.containers import stack as containers
from compose.containers.engine import Engine
from compose.containers.stack import Attached
from modelwatch.problems import ModelwatchError, Unreachable

ROOT = environment.FILE.parents[1]
DOCKERFILE = "compose/exporter.Dockerfile"
REVISION = "org.opencontainers.image.revision"


def provide(
    attached: Attached,
    services: Mapping[str, Mapping[str, Any]],
    say: Callable[[str], object],
    *,
    renew: bool = True,
) -> None:
    """Pull what is missing; build ours when it is missing or, to `renew` it, not of the sources.

    Raises:
        Unreachable: an image cannot be had; names it, and the ways around it.
    """
    for image, service in sorted({one["image"]: name for name, one in services.items()}.items()):
        if not image.startswith(containers.OURS):
            _pull(attached, image, service, say)
        elif not renew and _is_there(attached.engine, image):
            continue
        elif (revision := sources()) != _revision(attached.engine, image):
            _build(attached, image, service, revision, say)


def _is_there(reached: Engine, image: str) -> bool:
    try:
        reached.client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _pull(
    attached: Attached,
    image: str,
    service: str,
    say: Callable[[str], object],
) -> None:
    if _is_there(attached.engine, image):
        return
    say(f"pulling {image}")
    try:
        engine.shown(attached.command("pull", service), attached.variables)
    except Unreachable as failure:
        raise Unreachable(
            f"the image {image} of {service} cannot be pulled\n{failure}\n"
            f"leave it out (--without {service}), name it elsewhere in a compose file of yours "
            "(--file), or run without containers (--native)"
        ) from failure


def _build(
    attached: Attached,
    image: str,
    service: str,
    revision: str,
    say: Callable[[str], object],
) -> None:
    if not revision:
        if _is_there(attached.engine, image):
            return
        raise ModelwatchError(
            f"the image {image} is not on this machine, and is built from the sources, which are "
            "not part of an installed modelwatch; in a checkout of the same release run "
            f"`docker build --file {DOCKERFILE} --tag {image} .`, or use --native"
        )
    say(f"building {image}, which takes a minute the first time")
    builder = {} if _has_buildx() else {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
    arguments = ["build", f"--build-arg=REVISION={revision}", service]
    try:
        engine.shown(attached.command(*arguments), {**attached.variables, **builder})
    except Unreachable as failure:
        raise Unreachable(f"the image {image} cannot be built\n{failure}") from failure


def _has_buildx() -> bool:
    docker = shutil.which("docker")
    return (
        bool(docker)
        and not subprocess.run(
            [str(docker), "buildx", "version"], capture_output=True, check=False
        ).returncode
    )


def _revision(reached: Engine, image: str) -> str:
    try:
        labels: Mapping[str, str] = reached.client.images.get(image).labels
    except ImageNotFound:
        return "missing"
    return labels.get(REVISION, "unknown")


def sources() -> str:
    """A hash of everything that goes into the image; nothing where this is no checkout."""
    if not (ROOT / "pyproject.toml").exists():
        return ""
    ignored = (ROOT / f"{DOCKERFILE}.dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    found = hashlib.sha256()
    for name in sorted(exclude_paths(str(ROOT), patterns, DOCKERFILE)):
        file = ROOT / name
        if file.is_file():
            found.update(f"{name}\0{file.stat().st_size}\0".encode())
            found.update(file.read_bytes())
    return f"sources-{found.hexdigest()[:16]}"
