"""The data of the stack in containers: the named volume of each service.

A server's files are reached by a short-lived container of our own image, which has the volume, the
user of the server and nothing else. It makes links and swaps folders inside; bytes come and go by
the engine, which gives files that it unpacks the owner that their header names.
"""

import io
import json
import re
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docker import DockerClient
from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import LogConfig

from compose import waiting
from compose.backup import archive
from compose.backup.archive import CHUNK, Content, File
from compose.backup.folder import FROZEN, STAGED
from compose.backup.procedure import STATE
from compose.backup.signals import undisturbed
from compose.containers import engine
from compose.containers import stack as containers
from compose.locks import alone
from modelwatch.problems import ModelwatchError, Unreachable

AT = PurePosixPath("/volume")
EXPORTERS_AT = "/var/lib/modelwatch"
"""Where the volume of one of our exporters is; inside is a folder of its name."""
LABEL = "modelwatch.backup"
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
WATCHING = ("prometheus", "alertmanager")
HEALTHY_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The volume of a service; `inside` is the folder of it that has the data, or a dot."""

    part: str
    container: Container
    name: str
    user: str
    inside: str

    @property
    def owner(self) -> tuple[int, int]:
        """User and group that its files belong to."""
        user, _, group = self.user.partition(":")
        if not (user.isdigit() and (group or "0").isdigit()):
            raise ModelwatchError(f"{self.part} runs as '{self.user}', which is not a number")
        return int(user), int(group or "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """All volumes of a project; `image` is ours, of the exporters that run there."""

    client: DockerClient
    volumes: Mapping[str, Volume]
    image: str
    project: str
    data_dir: Path

    @property
    def kind(self) -> str:
        """What the manifest calls it."""
        return "containers"

    def versions(self) -> Mapping[str, str]:
        """As the names of the images say."""
        images = {
            part: one.container.attrs["Config"]["Image"] for part, one in self.volumes.items()
        }
        found = {part: re.search(r":v?(\d+(?:\.\d+)+)", image) for part, image in images.items()}
        return {part: number[1] for part, number in found.items() if number}

    def freeze(self) -> float:
        """Each server stands still while links are made; exporters go on."""
        self.forget()
        watching = [part for part in self.volumes if part.startswith(WATCHING)]
        pause_s = self._frozen(watching)
        for part, volume in self.volumes.items():
            if part.startswith(STATE):
                self._run(volume, "freeze")
            elif part not in watching:
                self._frozen([part])
        return pause_s

    def listing(self) -> Iterator[File]:
        """Every file of the copies, as the short-lived container counts and sums them."""
        for volume in self.volumes.values():
            for line in self._run(volume, "list").splitlines():
                path, size, sha256 = json.loads(line)
                yield File(part=volume.part, path=path, size=size, sha256=sha256)

    def content(self, files: Sequence[File]) -> Content:
        """As the engine streams them."""
        known = {one.name: one for one in files}
        for volume in self.volumes.values():
            if not any(one.part == volume.part for one in files):
                continue
            with self._beside(volume, "list") as container:
                stream, _ = container.get_archive(str(AT / FROZEN), chunk_size=CHUNK)
                with tarfile.open(fileobj=_Streamed(stream), mode="r|") as found:
                    for member in found:
                        name = f"{volume.part}/{member.name.partition('/')[2]}"
                        if member.isfile():
                            yield known[name], _pieces(found, member)

    def has_data(self, part: str) -> bool | None:
        """Every service that has a volume is a place."""
        if part not in self.volumes:
            return None
        return bool(json.loads(self._run(self.volumes[part], "has-data")))

    def room(self) -> int | None:
        """The engine does not say."""
        return None

    def stage(self, part: str, content: Content) -> None:
        """The engine unpacks it into the volume, also where nothing else can be written."""
        volume = self.volumes[part]
        owner = volume.owner
        with self._beside(volume, "list") as container:
            container.put_archive(str(AT), archive.packed(_members(volume, content, owner)))

    def replace(self, parts: Sequence[str]) -> bool:
        """Everything ends, is swapped and starts; when it does not start the old data is back."""
        volumes = [self.volumes[part] for part in parts]
        before = [one for one in volumes if _runs(one)]
        with undisturbed(), alone(self.data_dir):
            try:
                _stop(before)
                for volume in volumes:
                    self._run(volume, "swap")
                _start(before)
                _await_healthy(before)
            except (ModelwatchError, DockerException) as failure:
                _stop(before)
                for volume in volumes:
                    self._run(volume, "undo")
                _start(before)
                raise ModelwatchError(
                    f"the data of the backup cannot be used, the old is back: {failure}"
                ) from failure
        return bool(before)

    def forget(self) -> None:
        """Nothing is left in the volumes beside the data, and no container of a killed command."""
        label: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={self.project}"}
        for left in self.client.containers.list(all=True, filters=label):
            left.remove(force=True, v=True)
        for volume in self.volumes.values():
            self._run(volume, "forget")

    def _frozen(self, parts: Sequence[str]) -> float:
        """Seconds that those which ran stood still, until the last was ready again."""
        volumes = [self.volumes[part] for part in parts]
        before = [one for one in volumes if _runs(one)]
        began = time.monotonic()
        with alone(self.data_dir):
            try:
                _stop(before)
                for volume in volumes:
                    self._run(volume, "freeze")
            finally:
                with undisturbed():
                    _start(before)
        if not before:
            return 0.0
        waiting.until(lambda: all(map(_ready, before)), "the servers", HEALTHY_WITHIN_S, ())
        pause_s = time.monotonic() - began
        _await_healthy(before)
        return pause_s

    def _run(self, volume: Volume, what: str) -> str:
        """One step of `compose.backup.folder` on the volume; returns what it prints."""
        with self._beside(volume, what) as container:
            container.start()
            code = container.wait()["StatusCode"]
            if code:
                said = container.logs(stdout=False).decode(errors="replace").strip()
                raise ModelwatchError(f"{what} of the volume {volume.name} failed: {said}")
            return bytes(container.logs(stderr=False)).decode()

    @contextmanager
    def _beside(self, volume: Volume, what: str) -> Iterator[Container]:
        """A container that has the volume, and no rights, network or files that it could change."""
        command = ["-m", "compose.backup.folder", what, str(AT), volume.inside]
        container = self.client.containers.create(
            self.image,
            command,
            entrypoint=["python"],
            user=volume.user,
            volumes={volume.name: {"bind": str(AT), "mode": "rw"}},
            tmpfs={EXPORTERS_AT: ""},
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            log_config=LogConfig(type=LogConfig.types.JSON),
            labels={LABEL: self.project},
        )
        try:
            yield container
        finally:
            container.remove(force=True, v=True)


@contextmanager
def reached(data_dir: Path, project: str = "") -> Iterator[Volumes]:
    """The volumes of the stack of the data folder, or of a project that was started by hand.

    Raises:
        Unreachable: no engine answers, or there are no containers.
    """
    known = containers.known(data_dir)
    name = project or (known.name if known else "")
    with engine.reached() as here, _told():
        label: dict[str, str | list[str] | bool] = {"label": f"{PROJECT}={name}"}
        found = here.client.containers.list(all=True, filters=label) if name else []
        if not found:
            where = f"the project {project}" if project else str(data_dir)
            raise Unreachable(f"there are no containers of {where}; bring it up first")
        volumes = {one.part: one for at in found for one in _volumes(at)}
        ours = [one.container for part, one in volumes.items() if part.startswith(STATE)]
        if not ours:
            raise ModelwatchError("none of our exporters is in a container: their image is used")
        yield Volumes(
            client=here.client,
            volumes=dict(sorted(volumes.items())),
            image=ours[0].attrs["Image"],
            project=name,
            data_dir=data_dir,
        )


@contextmanager
def _told() -> Iterator[None]:
    """Whatever the engine cannot do, in words."""
    try:
        yield
    except DockerException as failure:
        raise Unreachable(f"the Docker engine failed: {failure}") from failure


def _volumes(container: Container) -> Iterator[Volume]:
    service = container.labels[SERVICE]
    for mount in container.attrs["Mounts"]:
        if mount["Type"] == "volume":
            own = mount["Destination"] == EXPORTERS_AT
            yield Volume(
                part=f"{STATE}{service}" if own else service,
                container=container,
                name=mount["Name"],
                user=container.attrs["Config"]["User"],
                inside=service if own else ".",
            )


def _runs(volume: Volume) -> bool:
    volume.container.reload()
    return str(volume.container.status) == "running"


def _stop(volumes: Sequence[Volume]) -> None:
    """Prometheus before Alertmanager: it always has somebody to tell."""
    for one in sorted(volumes, key=lambda one: one.part, reverse=True):
        one.container.stop()


def _start(volumes: Sequence[Volume]) -> None:
    for one in sorted(volumes, key=lambda one: one.part):
        one.container.start()


def _await_healthy(volumes: Sequence[Volume]) -> None:
    waiting.until(
        lambda: all(map(_healthy, volumes)), "the containers to be healthy", HEALTHY_WITHIN_S, ()
    )


def _healthy(volume: Volume) -> bool:
    volume.container.reload()
    return containers.condition(volume.container) == "ready"


def _ready(volume: Volume) -> bool:
    """Asked of the server itself where this machine reaches it: the engine asks only sometimes."""
    volume.container.reload()
    url = containers.published(volume.container)
    if url and volume.part.startswith(WATCHING):
        return waiting.answers(f"{url}/-/ready")
    return _healthy(volume)


def _members(
    volume: Volume, content: Content, owner: tuple[int, int]
) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
    """Files with the folders above them, which the engine would make for root alone."""
    made: set[str] = set()
    for file, data in content:
        path = PurePosixPath(STAGED, "new", volume.inside, file.path)
        for folder in reversed(path.parents[:-1]):
            if str(folder) not in made:
                made.add(str(folder))
                yield _header(str(folder), 0, owner, tarfile.DIRTYPE), iter(())
        yield _header(str(path), file.size, owner, tarfile.REGTYPE), iter(data)


def _header(name: str, size: int, owner: tuple[int, int], kind: bytes) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.type = size, kind
    header.mode = 0o700 if kind == tarfile.DIRTYPE else 0o600
    header.uid, header.gid = owner
    header.mtime = int(time.time())
    return header


def _pieces(found: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    data = found.extractfile(member)
    while data and (piece := data.read(CHUNK)):
        yield piece


class _Streamed(io.RawIOBase):
    """Pieces as they come, for who reads a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while not self._rest and (piece := next(self._pieces, b"")):
            self._rest = piece
        found, self._rest = self._rest[:size], self._rest[size:]
        return found
