"""Would the servers take this configuration? Asked of their own tools before anything is sent."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from docker import DockerClient

from compose import programs
from compose.addresses import SECRETS
from modelwatch.problems import ModelwatchError

_CHECKS = (
    ("promtool", ("check", "config"), "prometheus/prometheus.yml"),
    ("amtool", ("check-config",), "alertmanager/alertmanager.yml"),
)
WITHIN_S = 120.0
CHECKS = "modelwatch.checks"
"""Label of a container that only looks at a configuration."""

_MOUNTED = "/etc/"


def refuse_broken(config_dir: Path, *, path: str | None = None) -> tuple[str, ...]:
    """The tools that were not found, so that nobody asked them; `path` replaces PATH.

    Raises:
        ModelwatchError: a tool refuses the configuration; with its reason.
    """
    missing, reasons = [], []
    for name, arguments, file in _CHECKS:
        tool = programs.find(name, path=path)
        if tool is None:
            missing.append(name)
            continue
        answer = subprocess.run(
            [tool.path, *arguments, config_dir / file],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        if answer.returncode:
            said = (answer.stdout + answer.stderr).replace(f"{config_dir}/", "")
            reasons.append(f"{name} refuses {file}:\n{_indented(said)}")
    _refuse(reasons)
    return tuple(missing)


def refuse_broken_in(
    client: DockerClient, images: Mapping[str, str], config_dir: Path, secrets: Path
) -> None:
    """The same, with the tools in the images of the servers, which are of exactly their release.

    They look whether the files of secrets are there.

    Raises:
        ModelwatchError: a tool refuses the configuration; with its reason.
    """
    reasons = []
    for name, arguments, file in _CHECKS:
        service = file.partition("/")[0]
        place = f"{_MOUNTED}{service}"
        folders = {config_dir / service: place, secrets / service: SECRETS}
        code, said = _in_container(
            client, images[service], folders, [name, *arguments, f"{place}/{service}.yml"]
        )
        if code:
            reasons.append(f"{name} refuses {file}:\n{_indented(said.replace(_MOUNTED, ''))}")
    _refuse(reasons)


def _in_container(
    client: DockerClient, image: str, folders: Mapping[Path, str], command: Sequence[str]
) -> tuple[int, str]:
    """Exit code and output of a tool that sees these folders, and nothing else."""
    program, *arguments = command
    container = client.containers.create(
        image,
        entrypoint=[program],
        command=arguments,
        volumes={str(one): {"bind": place, "mode": "ro"} for one, place in folders.items()},
        labels={CHECKS: ",".join(map(str, folders))},
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        user="65534:65534",
    )
    try:
        container.start()
        ended = container.wait(timeout=WITHIN_S)
        return int(ended["StatusCode"]), bytes(container.logs()).decode(errors="replace")
    finally:
        container.remove(force=True, v=True)


def _refuse(reasons: Sequence[str]) -> None:
    if reasons:
        raise ModelwatchError("\n".join(["the new configuration is broken", *reasons]))


def _indented(text: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in text.splitlines() if line.strip())
