"""A Docker engine for tests, the image of the exporters, and stand-ins for images of others."""

import gc
import io
import os
import re
import subprocess
import tarfile
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import docker
import pytest
from docker import DockerClient
from docker.errors import BuildError, DockerException
from docker.models.images import Image
from docker.utils import build

from tests import real
from tests.exporters.sample import ROOT

WHY_NOT = "NO_DOCKER"
"""Says why there can be no engine, where somebody has tried to start one."""
DOCKERFILE = "compose/exporter.Dockerfile"
STAND_IN = "stand-in"
"""Label of an image that is not what its name says."""
NOBODY = 65534


def engine() -> Iterator[DockerClient]:
    """A client of the engine; skips the test where there is none."""
    if reason := os.environ.get(WHY_NOT):
        pytest.skip(reason)
    with warnings.catch_warnings():
        # The library forgets to close its socket when nobody answers.
        warnings.simplefilter("ignore", ResourceWarning)
        client, failure = _connected()
        gc.collect()
    if client is None:
        real.missing(f"no Docker engine answers: {failure}")
    with closing(client):
        yield client


def _connected() -> tuple[DockerClient | None, str]:
    try:
        return docker.from_env(timeout=120), ""
    except DockerException as failure:
        return None, str(failure)


def available(engine: DockerClient, name: str) -> str:
    """Nothing, when the image is there or could be pulled; otherwise why it is not."""
    try:
        if not engine.images.list(name):
            engine.images.pull(name)
    except DockerException as failure:
        return f"{name} is not there, and cannot be pulled: {failure}"
    return ""


def base(engine: DockerClient) -> Image:
    """What ours is built from."""
    (name,) = set(re.findall(r"^FROM (\S+)", (ROOT / DOCKERFILE).read_text(), re.MULTILINE))
    if why_not := available(engine, name):
        real.missing(why_not)
    return engine.images.get(name)


def exporter(engine: DockerClient, tag: str, arguments: Mapping[str, str]) -> Image:
    """Our own image, built from what the builder may see of this checkout."""
    ignored = (ROOT / f"{DOCKERFILE}.dockerignore").read_text().splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    files = build.exclude_paths(str(ROOT), patterns, DOCKERFILE)
    context = io.BytesIO()
    build.create_archive(str(ROOT), files=sorted(files), fileobj=context)
    try:
        built, _log = engine.images.build(
            fileobj=context,
            custom_context=True,
            dockerfile=DOCKERFILE,
            tag=tag,
            buildargs=dict(arguments),
            rm=True,
            forcerm=True,
        )
    except BuildError as failure:
        log = "".join(str(line.get("stream", "")) for line in failure.build_log)
        pytest.fail(f"{failure}\n{log[-3000:]}")
    return built


def stand_in(
    engine: DockerClient,
    name: str,
    programs: Mapping[str, Path],
    folder: str,
    further: Mapping[str, Path],
) -> None:
    """An image under another's name: programs of this machine, their libraries, nothing else.

    `programs` are by the name that they have in the image, the first is what it runs; `folder`
    belongs to the user that it runs as, if there is one; `further` are files and folders by their
    path in it.
    """
    with tempfile.NamedTemporaryFile() as file:
        with tarfile.open(file.name, mode="w") as archive:
            _add_folder(archive, "tmp", owner=0, mode=0o1777)
            if folder:
                _add_folder(archive, folder.lstrip("/"), owner=NOBODY, mode=0o755)
            _add_text(archive, "etc/passwd", f"nobody:x:{NOBODY}:{NOBODY}::/:/bin/false\n")
            _add_text(archive, "etc/nsswitch.conf", "hosts: files dns\n")
            for inside, program in programs.items():
                archive.add(program.resolve(), f"bin/{inside}")
            for library in sorted({one for path in programs.values() for one in _libraries(path)}):
                archive.add(Path(library).resolve(), library.lstrip("/"))
            for inside, place in further.items():
                archive.add(place, inside.lstrip("/"))
        repository, _, tag = name.rpartition(":")
        engine.api.import_image_from_file(
            file.name,
            repository=repository,
            tag=tag,
            changes=[
                f"LABEL {STAND_IN}=true",
                f"USER {NOBODY}",
                *([f"WORKDIR {folder}", f"VOLUME {folder}"] if folder else []),
                f'ENTRYPOINT ["/bin/{next(iter(programs))}"]',
            ],
        )


def is_stand_in(image: Image) -> bool:
    return STAND_IN in image.labels


def _libraries(program: Path) -> list[str]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", told)


def _add_folder(archive: tarfile.TarFile, path: str, *, owner: int, mode: int) -> None:
    folder = tarfile.TarInfo(path)
    folder.type, folder.mode = tarfile.DIRTYPE, mode
    folder.uid = folder.gid = owner
    archive.addfile(folder)


def _add_text(archive: tarfile.TarFile, path: str, text: str) -> None:
    file = tarfile.TarInfo(path)
    file.size = len(text)
    archive.addfile(file, io.BytesIO(text.encode()))
