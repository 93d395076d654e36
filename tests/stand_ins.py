"""Stand-ins for the images of the compose file, where no registry can be reached.

Debian's programs under the names of upstream's images. Debian builds Prometheus without the
receiver for OpenTelemetry, so this one flag is left out for a stand-in, and nothing else. Nothing
stands in for Grafana.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from docker import DockerClient

from compose.containers import pulling
from tests import images, real
from tests.exporters.sample import ROOT

FILE = ROOT / "compose" / "compose.yaml"
STACK: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
IMAGES: dict[str, str] = STACK["x-images"]
MISSING_IN_DEBIAN = "--web.enable-otlp-receiver"
TOOLS = {"prometheus": "promtool", "alertmanager": "amtool"}
LONG_TERM = {"victoriametrics": "wget", "vmalert": "wget"}
"""The storage, and with what its images are asked for their health."""

DEBIANS = {"victoriametrics": "victoria-metrics"}
"""What the program of an image is called there, if not like the image."""

LOCK = Path(tempfile.gettempdir(), "modelwatch-stand-ins")


def compose_command() -> list[str]:
    """Compose v2 as a plugin or as a program, else docker-compose 1."""
    beside = os.environ.get(real.THREE, "")
    for command in (
        ["docker", "compose"],
        [str(Path(beside, "docker-compose"))],
        ["docker-compose"],
    ):
        if shutil.which(command[0]):
            version = subprocess.run([*command, "version"], capture_output=True, check=False)
            if version.returncode == 0:
                return command
    return real.missing("neither docker compose nor docker-compose is installed")


@contextmanager
def present(engine: DockerClient, tools: Mapping[str, str] = TOOLS) -> Iterator[None]:
    """These images and ours are there; whoever uses stand-ins last removes them.

    They hide the real ones, so they must not stay.
    """
    images.base(engine)
    images.exporter(engine, IMAGES["exporter"], {"REVISION": pulling.sources()})
    with LOCK.with_suffix(".used").open("w") as used:
        fcntl.flock(used, fcntl.LOCK_SH)
        with LOCK.with_suffix(".made").open("w") as making:
            fcntl.flock(making, fcntl.LOCK_EX)
            for name in tools:
                _stand_in_for(name, engine)
        try:
            yield
        finally:
            if _is_last(used.fileno()):
                _remove_all(engine)


def _remove_all(engine: DockerClient) -> None:
    for name in (*TOOLS, *LONG_TERM):
        for image in engine.images.list(IMAGES[name]):
            if images.is_stand_in(image):
                engine.images.remove(IMAGES[name])


def _is_last(used: int) -> bool:
    try:
        fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stand_in_for(name: str, engine: DockerClient) -> None:
    if not images.available(engine, IMAGES[name]):
        return
    path = real.path_of_three()
    further = {}
    if name == "alertmanager":
        # Debian's reads its templates from here; upstream's carries them within.
        share = "/usr/share/prometheus/alertmanager"
        further = {share: Path(os.environ[real.THREE]).parents[1] / share.lstrip("/")}
    tool = {**TOOLS, **LONG_TERM}[name]
    programs = {one: real.program(DEBIANS.get(one, one), path) for one in (name, tool)}
    # Upstream's images of the storage have no folder for their data.
    folder = f"/{name}" if name in TOOLS else ""
    images.stand_in(engine, IMAGES[name], programs, folder, further)


def overrides(engine: DockerClient, folder: Path) -> list[Path]:
    """The compose file that stand-ins need beside the real one; none for real images.

    A second Prometheus has the flags of the first.
    """
    if not images.is_stand_in(engine.images.get(IMAGES["prometheus"])):
        return []
    command = STACK["services"]["prometheus"]["command"]
    kept = [flag for flag in command if flag != MISSING_IN_DEBIAN]
    assert len(kept) == len(command) - 1
    file = folder / "stand-in.yaml"
    services = {name: {"command": kept} for name in ("prometheus", "prometheus-b")}
    file.write_text(yaml.safe_dump({"services": services}))
    return [file]


def search_path(folder: Path) -> str:
    """A PATH on which `docker-compose` is the newest that is here."""
    command = compose_command()
    if len(command) > 1 or command == ["docker-compose"]:
        return os.environ["PATH"]
    (folder / "bin").mkdir()
    (folder / "bin" / "docker-compose").symlink_to(command[0])
    return os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
