"""Prometheus, Alertmanager, Grafana and our exporters as containers: up, reload, down.

`compose.yaml` says what they are and compose runs them; what is only to be looked at, reloaded or
waited for is asked of the engine. `containers.json` in the data folder says how they were started,
and `compose.env` with which variables, so that compose can be typed by hand as well.
"""

import json
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from docker.models.containers import Container
from docker.models.volumes import Volume

from compose.containers import engine, environment
from compose.containers.engine import Engine
from compose.native import servers
from compose.status import Server
from modelwatch.problems import ModelwatchError

STATE = "containers.json"
OURS = "modelwatch-exporter"
"""Name of the image that is built from this repository."""

_LISTEN = re.compile(r"--listen=:(\d+)")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # told apart
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """How a stack was started. `files` are compose files of yours, on top of ours."""

    data_dir: Path
    inventory: str
    profiles: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the compose project."""
        return "modelwatch-" + re.sub(r"[^a-z0-9_-]", "-", self.data_dir.name.lower())

    def command(self, compose: Sequence[str], *arguments: str) -> list[str]:
        """Compose with the files and variables of this stack; as it can be typed by hand."""
        return [
            *compose,
            f"--env-file={self.data_dir / environment.NAME}",
            f"--project-name={self.name}",
            *(f"--file={file}" for file in (environment.FILE, *self.files)),
            *(f"--profile={profile}" for profile in self.profiles),
            *arguments,
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A project, the engine that runs it, and the variables of its files."""

    engine: Engine
    project: Project
    variables: Mapping[str, str]

    def command(self, *arguments: str) -> list[str]:
        """The compose command for it."""
        return self.project.command(self.engine.compose, *arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A project of which there are containers, and the variables that it was started with."""

    project: Project
    servers: tuple[Server, ...]
    variables: dict[str, str]

    @property
    def data_dir(self) -> Path:
        """Where its files are."""
        return self.project.data_dir

    @property
    def inventory(self) -> str:
        """The absolute path of what it is for."""
        return self.project.inventory

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers."""
        return self._url("PROMETHEUS_PORT")

    @property
    def alertmanager_url(self) -> str:
        """Where Alertmanager answers."""
        return self._url("ALERTMANAGER_PORT")

    def _url(self, port: str) -> str:
        address = self.variables.get("BIND_ADDRESS", "")
        return f"http://{reached_at(address)}:{self.variables[port]}"


def known(data_dir: Path) -> Project | None:
    """How the stack in the data folder was started."""
    try:
        found = json.loads((data_dir / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Project(
        data_dir=data_dir.resolve(),
        inventory=found["inventory"],
        **{key: tuple(found[key]) for key in ("profiles", "without", "files")},
    )


def remember(project: Project) -> None:
    """Write how the stack is started."""
    text = json.dumps(asdict(project), indent=2, default=str)
    (project.data_dir / STATE).write_text(f"{text}\n", encoding="utf-8")


def state(data_dir: Path) -> Running | None:
    """The containers of the stack in the data folder, if there are any.

    Raises:
        Unreachable: a stack was started, and the engine does not answer.
    """
    project = known(data_dir)
    if project is None:
        return None
    with engine.reached() as reached:
        found = containers(reached, project)
    if not found:
        return None
    return Running(
        project=project,
        servers=tuple(_server(name, one) for name, one in found.items()),
        variables=environment.read(data_dir),
    )


def containers(reached: Engine, project: Project) -> dict[str, Container]:
    """Every container by its service, also those that ended."""
    label = f"{_PROJECT}={project.name}"
    found = reached.client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return {one.labels[_SERVICE]: one for one in sorted(found, key=lambda one: str(one.name))}


def exporter_addresses() -> dict[str, str]:
    """Where containers reach each exporter that compose.yaml has."""
    services = yaml.safe_load(environment.FILE.read_text(encoding="utf-8"))["services"]
    return {
        name: f"{name}:{port[1]}"
        for name, service in services.items()
        for argument in service.get("command", ())
        if service.get("image", "").startswith(OURS) and (port := _LISTEN.match(argument))
    }


def services(attached: Attached, exporters: Iterable[str]) -> dict[str, Any]:
    """What is to run, as compose itself reads its files: of our exporters those that are wanted.

    Raises:
        Unreachable: compose refuses the files.
        ModelwatchError: a service that is to be left out is not there.
    """
    project = attached.project
    text = engine.call(attached.command("config"), attached.variables)
    found = yaml.safe_load(text)["services"]
    wanted = {*exporters, *(found.keys() - exporter_addresses())} - {*project.without}
    if unknown := {*project.without} - found.keys():
        raise ModelwatchError(
            f"there is no service '{min(unknown)}' to leave out; there are: "
            f"{', '.join(sorted(found))}"
        )
    enabled = {*project.profiles}
    return {
        name: one
        for name, one in found.items()
        if name in wanted and ("profiles" not in one or enabled & {*one["profiles"]})
    }


def remove_unwanted(attached: Attached, wanted: Iterable[str]) -> None:
    """End containers of services that are no longer to run."""
    for name, one in containers(attached.engine, attached.project).items():
        if name not in wanted:
            one.remove(force=True)


def started(reached: Engine, project: Project) -> dict[str, str]:
    """Which containers run, and since when."""
    return {
        name: f"{one.id} {one.attrs['State']['StartedAt']}"
        for name, one in containers(reached, project).items()
        if one.status == "running"
    }


def reload(names: Iterable[str], attached: Attached) -> None:
    """Let those of the services that have a configuration read it again.

    Raises:
        ModelwatchError: one refused it, with its reason, and keeps the old one.
    """
    found = containers(attached.engine, attached.project)
    for name in names:
        url = published(found[name])
        if name.startswith("alertmanager"):
            servers.reload_alertmanager(url)
        elif name.startswith("prometheus"):
            servers.await_reload(
                url,
                hang_up=partial(found[name].kill, "SIGHUP"),
                said=partial(_said, found[name], time.time()),
                see=f"docker logs {found[name].name}",
            )


def held_ports(reached: Engine, project: Project) -> set[str]:
    """The ports of this machine that its containers listen on."""
    found = containers(reached, project).values()
    bound = [one for container in found for one in container.ports.values()]
    return {one["HostPort"] for ports in bound for one in ports or ()}


def published(container: Container) -> str:
    """Where this machine reaches it; empty when it does not."""
    ports = [one for bound in container.ports.values() for one in bound or ()]
    return f"http://{reached_at(ports[0]['HostIp'])}:{ports[0]['HostPort']}" if ports else ""


def _said(container: Container, since: float) -> bytes:
    return bytes(container.logs(since=since))


def reached_at(address: str) -> str:
    """How this machine asks what listens on the address."""
    return "127.0.0.1" if address in _EVERYWHERE else address


def stop(data_dir: Path, *, volumes: bool = False) -> bool:
    """End and remove the containers; with `volumes` their data too. False when there were none."""
    project = known(data_dir) or _forgotten(data_dir)
    with engine.reached() as reached:
        found = bool(containers(reached, project))
        arguments = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
        engine.shown(project.command(reached.compose, *arguments), environment.read(data_dir))
        for one in _volumes(reached, project) if volumes else ():
            one.remove()  # of profiles that are not named any more
    (data_dir / STATE).unlink(missing_ok=True)
    return found


def volumes_of(data_dir: Path) -> list[str]:
    """The names of the volumes that hold the data of the stack."""
    with engine.reached() as reached:
        return sorted(str(one.name) for one in _volumes(reached, _forgotten(data_dir)))


def _volumes(reached: Engine, project: Project) -> list[Volume]:
    return reached.client.volumes.list(filters={"label": f"{_PROJECT}={project.name}"})


def _forgotten(data_dir: Path) -> Project:
    """The project of a data folder after its end."""
    return Project(data_dir=data_dir.resolve(), inventory="")


def by_hand(project: Project, compose: Sequence[str]) -> str:
    """The beginning of a compose command for this stack, for a shell."""
    return shlex.join(project.command(compose))


def condition(container: Container) -> str:
    """How it is, in words: ready when it is healthy."""
    found = container.attrs["State"]
    if found["Status"] == "exited":
        return f"ended with {found['ExitCode']}"
    if found["Status"] != "running":
        return str(found["Status"])
    health = found.get("Health", {}).get("Status", "healthy")
    words = {"healthy": "ready", "starting": "not ready"}
    return words.get(health, str(health))


def _server(name: str, container: Container) -> Server:
    return Server(
        name=name,
        url=published(container),
        pid=int(container.attrs["State"].get("Pid", 0)),
        state=condition(container),
        log=f"docker logs {container.name}",
    )
