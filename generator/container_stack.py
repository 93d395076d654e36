"""`up` and `reload` with containers: generate for their addresses, check, bring up, reload.

One inventory serves both ways. Containers see a copy of it with other addresses; mistakes are told
at the file that people edit.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from compose import addresses, checked
from compose.addresses import Derived
from compose.containers import environment, health, mounted_secrets, pulling
from compose.containers import logs as container_logs
from compose.containers import stack as containers
from compose.containers.engine import Engine
from compose.containers.stack import Attached, Project
from compose.locks import alone
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Inventory, RemoteWrite, Settings, Source
from modelwatch.problems import ModelwatchError

INVENTORY = "inventory"
CONFIG = "config"


def up(
    reached: Engine,
    inventory: str,
    folder: Path,
    chosen: Mapping[str, tuple[str, ...]],
    *,
    foreground: bool = False,
    renew: bool = True,
) -> None:
    """Bring the stack up; what is not `chosen` anew stays as it was while something runs.

    With `renew` the image of our exporters is built again when it is not of these sources.

    In the foreground its logs follow, and everything ends with them.
    """
    known = containers.known(folder)
    old = known if known and containers.containers(reached, known) else None
    kept = {key: getattr(old, key, ()) for key in ("profiles", "without", "files")}
    project = Project(
        data_dir=folder.resolve(),
        inventory=str(Path(inventory).resolve()),
        **{key: chosen.get(key) or kept[key] for key in kept},
    )
    _say(f"Docker {reached.version} and compose {reached.compose_version}: running in containers")
    project = start(reached, project, renew=renew)
    _tell(reached, project)
    if not foreground:
        click.echo(f"end it with: modelwatch down {inventory}")
        return
    try:
        for name, line in container_logs.followed(containers.containers(reached, project), 10):
            click.echo(f"{name}: {line}", err=True)
    finally:
        containers.stop(folder)


def start(reached: Engine, project: Project, *, renew: bool) -> Project:
    """Bring up what is missing or changed, and reload what runs; return when all are healthy.

    Raises:
        InventoryError: the inventory has mistakes.
        ModelwatchError: the configuration is refused; what ran before goes on with the old one.
        Unreachable: an image cannot be had, or a container does not become healthy.
    """
    inventory_at(project.inventory)
    source = Path(project.inventory)
    found = addresses.derived(source.read_text("utf-8"), containers.exporter_addresses())
    if "gpu" in found.services and "gpu" not in project.profiles:
        project = replace(project, profiles=(*project.profiles, "gpu"))
    with alone(project.data_dir):
        project.data_dir.chmod(0o700)  # other people of this machine have no business here
        before = containers.started(reached, project)
        mounted_secrets.prepare(project.data_dir, found.secrets, source.parent)
        attached = _attached(reached, project)
        services = containers.services(attached, found.services)
        pulling.provide(attached, services, _say, renew=renew)
        attached = _attached(reached, project)  # that took a while: ports may be taken by now
        _generate(attached, services, found.text, runs=bool(before))
        containers.remember(project)
        containers.remove_unwanted(attached, services)
        health.bring_up(attached, services, _say)
        after = containers.started(reached, project)
        containers.reload([name for name, at in after.items() if before.get(name) == at], attached)
    _note(found, source.parent, project.data_dir)
    return project


def _tell(reached: Engine, project: Project) -> None:
    """Where everything is, and how it is looked at."""
    found = containers.containers(reached, project)
    for name, one in found.items():
        click.echo(f"{name:20}{containers.published(one) or 'not published'}")
    if "grafana" in found:
        file = project.data_dir / mounted_secrets.FOLDER / "grafana-admin-password"
        click.echo(f"Grafana's user is admin; its first password is in {file}")
    click.echo(f"by hand: {containers.by_hand(project, reached.compose)} ps")


def _attached(reached: Engine, project: Project) -> Attached:
    """The project with its variables as they are now."""
    held = containers.held_ports(reached, project)
    variables = environment.chosen(project.data_dir, _own(project), held)
    environment.write(project.data_dir, variables)
    return Attached(engine=reached, project=project, variables=variables)


def _own(project: Project) -> dict[str, str]:
    """The variables that are not for people to choose."""
    folder = project.data_dir
    return {
        "MODELWATCH_CONFIG": str(folder / CONFIG),
        "MODELWATCH_INVENTORY_DIR": str(folder / INVENTORY),
        "MODELWATCH_INVENTORY": Path(project.inventory).name,
        "MODELWATCH_SECRETS": str(folder / mounted_secrets.FOLDER),
    }


def _generate(
    attached: Attached, services: Mapping[str, Mapping[str, Any]], text: str, *, runs: bool
) -> None:
    """Write what the servers' own tools accept; what they refuse never reaches what is mounted."""
    project, images = attached.project, {name: one["image"] for name, one in services.items()}
    trial = Path(tempfile.mkdtemp(prefix="config-", dir=project.data_dir))
    try:
        copy = trial / Path(project.inventory).name
        copy.write_text(text, encoding="utf-8")
        fleet = inventory_at(str(copy))
        fleet = replace(
            fleet,
            settings=_settings(fleet.settings, attached.variables, images),
            stack_sources=(*fleet.stack_sources, *beside(fleet, images)),
        )
        _write(fleet, trial / CONFIG)
        secrets = project.data_dir / mounted_secrets.FOLDER
        checked.refuse_broken_in(attached.engine.client, images, trial / CONFIG, secrets)
        _write(fleet, project.data_dir / CONFIG)
        mounted = project.data_dir / INVENTORY
        mounted.mkdir(exist_ok=True)
        copy.replace(mounted / copy.name)
        _open_to_readers(mounted)
    except ModelwatchError as failure:
        if runs:
            raise ModelwatchError(f"{failure}\nwhat runs keeps the old one") from failure
        raise
    finally:
        shutil.rmtree(trial)


def _settings(
    settings: Settings, variables: Mapping[str, str], images: Mapping[str, str]
) -> Settings:
    """The settings with the servers where containers find them, and Grafana where people do."""
    alertmanagers = [name for name in images if name.startswith("alertmanager")]
    release = re.search(r":v?(\d+\.\d+)", images["alertmanager"])
    return replace(
        settings,
        prometheus_url="http://prometheus:9090",
        alertmanager_url="http://alertmanager:9093",
        alertmanagers=tuple(f"{name}:9093" for name in sorted(alertmanagers)),
        alertmanager_version=release[1] if release else settings.alertmanager_version,
        remote_write=(*settings.remote_write, *long_term(settings, images)),
        grafana_url=f"http://localhost:{variables['GRAFANA_PORT']}"
        if addresses.is_here(settings.grafana_url)
        else settings.grafana_url,
    )


def long_term(settings: Settings, images: Mapping[str, str]) -> Iterator[RemoteWrite]:
    """The storage of profile longterm, unless the inventory names it; vmalert records there."""
    here = "http://victoriametrics:8428"
    named = any(one.url.startswith(f"{here}/") for one in settings.remote_write)
    if "victoriametrics" in images and not named:
        yield RemoteWrite(url=f"{here}/api/v1/write", send="scraped", query_url=here)


def beside(fleet: Inventory, images: Mapping[str, str]) -> Iterator[Source]:
    """What profiles add, to be scraped like the rest, unless the inventory says how."""
    named = {source.engine for source in fleet.stack_sources}
    for job, port in (("prometheus", 9090), ("victoriametrics", 8428), ("vmalert", 8880)):
        services = sorted(name for name in images if name.removesuffix("-b") == job)
        if services and services != ["prometheus"] and job not in named:
            yield Source(engine=job, targets=tuple(f"{name}:{port}" for name in services))


def _write(fleet: Inventory, folder: Path) -> None:
    tree.write(folder, build(fleet, definitions()))
    _open_to_readers(folder)


def _open_to_readers(folder: Path) -> None:
    """Containers run as other users; whatever the umask is, they must be able to read."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _note(found: Derived, beside: Path, data_dir: Path) -> None:
    if found.hosts:
        _say(
            f"note: {', '.join(found.hosts)}: containers reach this machine as {addresses.HOST}, "
            "so these servers must not listen on loopback only"
        )
    for path in found.discovered:
        _say(f"note: {path}: containers do not see it; mount its folder with a compose --file")
    for one in mounted_secrets.unreadable(data_dir, found.secrets, beside):
        _say(f"note: {one.source} of {one.user} cannot be read: what needs it will fail")


def _say(text: str) -> None:
    click.echo(text, err=True)
