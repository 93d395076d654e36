"""Is there a Docker engine on this machine, and a compose to drive it with?"""

import gc
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import docker
from docker import DockerClient
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import DockerException

from compose.addresses import is_here
from modelwatch.problems import Unreachable

COMPOSE = (("docker", "compose"), ("docker-compose",))
"""Version 2 as a plugin, then whatever goes by the older name."""

WITHIN_S = 60
_SOCKETS = ("unix://", "http+unix://", "npipe://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that answers, and the compose beside it."""

    client: DockerClient
    compose: tuple[str, ...]
    compose_version: str

    @property
    def version(self) -> str:
        """The engine's release."""
        return str(self.client.version()["Version"])


@contextmanager
def reached() -> Iterator[Engine]:
    """The engine that DOCKER_HOST names, or the one that `docker` itself talks to.

    Raises:
        Unreachable: there is none, it is of another machine, or compose is missing; says which.
    """
    with connected() as client:
        for command in COMPOSE:
            if version := _compose_version(command):
                yield Engine(client=client, compose=command, compose_version=version)
                return
        raise Unreachable("a Docker engine answers, but docker compose is not installed")


@contextmanager
def connected() -> Iterator[DockerClient]:
    """The engine alone, where compose is not needed.

    Raises:
        Unreachable: there is none, or it is of another machine; says which.
    """
    with closing(_connected()) as client:
        yield client


def call(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a program of Docker prints.

    Raises:
        Unreachable: it failed; with the end of what it said.
    """
    answer = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise Unreachable(failed(command, answer.stderr))
    return answer.stdout


def shown(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run what takes minutes: its progress is seen where somebody looks.

    Raises:
        Unreachable: it failed; with the end of what it said, where that was not seen.
    """
    seen = sys.stderr.isatty()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        output = sys.stderr if seen else said
        code = subprocess.call(
            command, env={**os.environ, **environment}, stdout=output, stderr=output
        )
        said.seek(0)
        if code:
            raise Unreachable(failed(command, said.read()))


def failed(command: Sequence[str], said: str, lines: int = 12) -> str:
    """The message for a program of Docker that ended badly."""
    end = "\n".join(f"    {line}" for line in said.strip().splitlines()[-lines:])
    words = " ".join(word for word in command if not word.startswith("-"))
    return f"{words} failed{':' * bool(end)}\n{end}".rstrip()


def _connected() -> DockerClient:
    address = _address()
    if not (address.startswith(_SOCKETS) or is_here(address)):
        raise Unreachable(
            f"the Docker engine at {address} is of another machine, which cannot mount files of "
            "this one"
        )
    with warnings.catch_warnings():
        # The library forgets to close its socket when nobody answers.
        warnings.simplefilter("ignore", ResourceWarning)
        client, failure = _tried(address)
        if client is None:
            gc.collect()
            raise Unreachable(_why_not(address, failure))
        return client


def _tried(address: str) -> tuple[DockerClient | None, str]:
    try:
        return docker.DockerClient(base_url=address, timeout=WITHIN_S), ""
    except DockerException as failure:
        return None, str(failure)


def _why_not(address: str, failure: str) -> str:
    if "PermissionError" in failure:
        return f"the Docker engine at {address} may not be used by this user"
    return f"no Docker engine answers at {address}"


def _address() -> str:
    """Where the engine is: DOCKER_HOST, else the context that the user has chosen."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return str(context.Host) if context and context.Host else DEFAULT_UNIX_SOCKET


def _compose_version(command: tuple[str, ...]) -> str:
    """Its number, or nothing where it does not run."""
    try:
        answer = subprocess.run(
            [*command, "version", "--short"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    found = re.search(r"\d+(\.\d+)+", answer.stdout)
    return found[0] if found and answer.returncode == 0 else ""
