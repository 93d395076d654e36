"""The image of the exporters, built and run in a real Docker engine as it is meant to be run."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.models.containers import Container
from docker.models.images import Image

from exporters.base import healthy
from modelwatch.catalogue.exporters import EXPORTER_BUILD_INFO
from tests import images
from tests.exporters.sample import ROOT, TOKEN, until

pytestmark = [pytest.mark.real, pytest.mark.docker]

TAG = "modelwatch-exporter:test"
INVENTORY = "/etc/modelwatch/models.yaml"
TOKEN_FILE = "/etc/modelwatch/token"  # noqa: S105  # a path
SECOND = 1_000_000_000

ARGUMENTS = {
    "gpu": (),
    "probe": (),
    "quality": ("--token-file", TOKEN_FILE),
    "drift": ("--token-file", TOKEN_FILE),
    "inventory": (),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    yield from images.engine()


@pytest.fixture(scope="module")
def base(engine: DockerClient) -> Image:
    return images.base(engine)


@pytest.fixture(scope="module")
def image(engine: DockerClient, base: Image) -> Image:
    """Stays under its tag, so that what has not changed is not built again."""
    del base
    return images.exporter(engine, TAG, {"VERSION": "1.2.3", "REVISION": "abc"})


class Running:
    """One exporter in a container that may do nothing but what it must."""

    def __init__(self, container: Container, port: int) -> None:
        self.container, self.port = container, port

    @property
    def facts(self) -> dict[str, Any]:
        self.container.reload()
        facts: dict[str, Any] = self.container.attrs
        return facts

    @property
    def log(self) -> str:
        return self.container.logs().decode()

    def health(self) -> str:
        return str(self.facts["State"]["Health"]["Status"])

    def page(self) -> str:
        (published,) = self.facts["NetworkSettings"]["Ports"][f"{self.port}/tcp"]
        url = f"http://127.0.0.1:{published['HostPort']}/metrics"
        answer = requests.get(url, timeout=10)
        answer.raise_for_status()
        return answer.text

    def run(self, program: str) -> tuple[int | None, str]:
        """Exit code and output of a Python program beside the exporter."""
        code, output = self.container.exec_run(["python", "-c", program])
        assert isinstance(output, bytes)
        return code, output.decode()


@pytest.fixture
def start(engine: DockerClient, image: Image, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    (tmp_path / "token").write_text(TOKEN)
    mounts = {
        str(ROOT / "examples" / "everything.yaml"): {"bind": INVENTORY, "mode": "ro"},
        str(tmp_path / "token"): {"bind": TOKEN_FILE, "mode": "ro"},
    }
    started: list[Container] = []

    def begin(name: str, port: int, **settings: Any) -> Running:
        listen = ("--inventory", INVENTORY, "--listen", f":{port}")
        container = engine.containers.run(
            image,
            [name, *listen, *ARGUMENTS[name]],
            detach=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit="256m",
            pids_limit=256,
            ports={f"{port}/tcp": ("127.0.0.1", 0)},
            volumes=mounts,
            # Only how often it asks is ours: what it asks, and how, is the image's.
            healthcheck={"interval": SECOND, "timeout": 2 * SECOND, "retries": 1},
            **settings,
        )
        started.append(container)
        return Running(container, port)

    yield begin
    for container in started:
        container.remove(force=True, v=True)


def test_the_image_says_what_it_is_and_how_it_runs(image: Image) -> None:
    config = image.attrs["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["modelwatch", "exporter"]
    assert set(config["Volumes"]) == {"/var/lib/modelwatch"}
    assert set(config["ExposedPorts"]) == {f"{port}/tcp" for port in healthy.PORTS.values()}
    labels = {
        key.removeprefix("org.opencontainers.image."): value for key, value in image.labels.items()
    }
    assert labels["title"] == "modelwatch exporter"
    assert labels["licenses"] == "Apache-2.0"
    assert (labels["version"], labels["revision"]) == ("1.2.3", "abc")


def test_the_image_is_small_and_has_nothing_that_installs(
    engine: DockerClient, image: Image, base: Image
) -> None:
    assert image.attrs["Size"] - base.attrs["Size"] < 40e6
    program = (
        "import pathlib, sysconfig\n"
        "folder = pathlib.Path(sysconfig.get_path('purelib'))\n"
        "print(*sorted(found.name for found in folder.iterdir()))\n"
    )
    said = engine.containers.run(image, ["-c", program], entrypoint="python", remove=True)
    installed = said.decode().split()
    assert {"modelwatch", "exporters", "tornado"} <= set(installed)
    assert not {"pip", "setuptools", "hatchling", "tests", "pytest"} & set(installed)


def test_without_a_name_it_lists_the_exporters(engine: DockerClient, image: Image) -> None:
    said = engine.containers.run(image, remove=True).decode()
    for name in ARGUMENTS:
        assert re.search(rf"^  {name} ", said, re.MULTILINE)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_exporter_runs_locked_in_and_ends_at_once(
    start: Callable[..., Running], name: str
) -> None:
    exporter = start(name, healthy.PORTS[name])
    assert until(lambda: exporter.health() == "healthy", 30), exporter.log
    assert f'{EXPORTER_BUILD_INFO}{{exporter="{name}",' in exporter.page()
    began = time.monotonic()
    exporter.container.stop(timeout=10)
    took_s = time.monotonic() - began
    assert exporter.facts["State"]["ExitCode"] == 0, exporter.log
    assert took_s < 2
    assert "Traceback" not in exporter.log


def test_it_writes_nowhere_but_into_its_volume(start: Callable[..., Running]) -> None:
    exporter = start("quality", 9467)
    assert until(lambda: exporter.health() == "healthy", 30), exporter.log
    code, said = exporter.run("open('/tmp/x', 'w')")
    assert code == 1
    assert "Read-only file system" in said
    code, said = exporter.run(
        "import os\n"
        "print(os.getuid(), oct(os.stat('/var/lib/modelwatch/quality').st_mode)[-3:])\n"
        "open('/var/lib/modelwatch/x', 'w')\n"
    )
    assert (code, said) == (0, "65532 700\n")
    code, said = exporter.run("print(open('/proc/1/status').read())")
    assert re.search(r"^CapBnd:\s+0+$", said, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", said, re.MULTILINE)


def test_any_user_and_port_beside_other_processes_is_found_healthy(
    start: Callable[..., Running],
) -> None:
    exporter = start("gpu", 12_345, user="4321:4321", init=True, pid_mode="host")
    assert until(lambda: exporter.health() == "healthy", 30), exporter.log


def test_an_exporter_that_hangs_is_found_unhealthy(start: Callable[..., Running]) -> None:
    exporter = start("inventory", 9468)
    assert until(lambda: exporter.health() == "healthy", 30), exporter.log
    exporter.container.kill("SIGSTOP")
    assert until(lambda: exporter.health() == "unhealthy", 30)
    exporter.container.kill("SIGCONT")
    assert until(lambda: exporter.health() == "healthy", 30)
