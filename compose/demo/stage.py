"""What the demo plays on: simulated servers, an inbox, and an inventory that points at them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from compose import programs, waiting
from compose.fleet.serve import NEXT, PAGES
from compose.native import exporters, processes
from compose.native.processes import Process
from compose.ports import Ports, free_port, is_free
from modelwatch.inventory import Inventory, Receiver, Settings, Source
from modelwatch.problems import Unreachable

HELPERS = "helpers.json"
START_WITHIN_S = 20.0
CONTROL = "MODELWATCH_FLEET_CONTROL"
"""Environment variable by which the simulated cards learn of incidents."""


def own_addresses(settings: Settings, ports: Ports, path: str | None = None) -> Settings:
    """The settings with the servers on these ports, and the Alertmanager release that is here."""
    alertmanager = programs.require("alertmanager", path=path)["alertmanager"]
    return replace(
        settings,
        prometheus_url=f"http://127.0.0.1:{ports.prometheus}",
        alertmanager_url=f"http://127.0.0.1:{ports.alertmanager}",
        alertmanagers=(f"127.0.0.1:{ports.alertmanager}",),
        alertmanager_version=".".join(alertmanager.version.split(".")[:2]),
    )


def localised(
    inventory: Inventory, ports: Ports, inbox_url: str, path: str | None = None
) -> Inventory:
    """The inventory with every address on this machine and every receiver in our inbox.

    Teams have no working hours: a compressed day has no evening, so tickets come at once.
    """
    settings = own_addresses(inventory.settings, ports, path)
    receivers = {
        name: Receiver(name=name, kind="webhook", settings={"url": f"{inbox_url}/{name}"})
        for name in inventory.receivers
    }
    return replace(
        inventory,
        settings=replace(settings, runbook_url=f"{inbox_url}/runbooks"),
        receivers=receivers,
        teams={name: replace(team, hours=None) for name, team in inventory.teams.items()},
    )


def page_ports(inventory: Inventory) -> dict[str, int]:
    """The loopback ports that the inventory expects simulated pages on, by page.

    A second target of an engine is the server of a next version.

    Raises:
        Unreachable: another program listens on one of them.
    """
    found: dict[str, int] = {}
    for source in _sources(inventory):
        for target in source.targets:
            host, _, port = target.rpartition(":")
            if source.engine not in PAGES or host != "127.0.0.1" or int(port) in found.values():
                continue
            following = f"{source.engine}{NEXT}"
            if source.engine not in found:
                found[source.engine] = int(port)
            elif following in PAGES:
                found.setdefault(following, int(port))
    taken = [f"{engine} {port}" for engine, port in found.items() if not is_free(port)]
    if taken:
        raise Unreachable(
            f"ports in use by other programs: {', '.join(taken)}; end these programs "
            "(or an earlier demo: `make demo-stop`) or change the targets in the inventory"
        )
    return dict(sorted(found.items()))


def start(
    data_dir: Path, pages: Mapping[str, int], inbox_port: int, inventory: Inventory
) -> list[Process]:
    """The simulated servers and the inbox; remembered before anything else can fail."""
    mark = f"--mark={data_dir}"
    python, home = exporters.python()
    numbered = [f"--port={name}={port}" for name, port in pages.items()]
    factor = inventory.settings.time_compression
    listening = exporters.addresses(inventory)
    sent = [
        f"--{what}=http://{listening[name]}/v1/{path}"
        for name, what, path in (
            ("quality", "scores", "scores"),
            ("drift", "observations", "observe"),
        )
        if name in listening
    ]
    helpers = [
        processes.spawn(
            "the simulated fleet",
            [*python, "compose.fleet", f"--compression={factor}", *numbered, *sent, mark],
            mark=mark,
            log=data_dir / "logs" / "fleet.log",
            environment=home,
        ),
        processes.spawn(
            "the inbox",
            [
                *(*python, "compose.demo.webhook", f"--port={inbox_port}"),
                *(f"--runbooks={data_dir / 'config' / 'runbooks'}", mark),
            ],
            mark=mark,
            log=data_dir / "logs" / "inbox.log",
            environment=home,
        ),
    ]
    _remember(data_dir, helpers)
    urls = [
        f"http://127.0.0.1:{pages['control']}/incident",
        f"http://127.0.0.1:{inbox_port}/notifications",
    ]
    waiting.until(
        lambda: all(waiting.answers(url) for url in urls),
        "the simulated fleet",
        START_WITHIN_S,
        helpers,
    )
    return helpers


def _remember(data_dir: Path, helpers: Iterable[Process]) -> None:
    text = json.dumps([asdict(one) for one in helpers], default=str)
    (data_dir / HELPERS).write_text(text, encoding="utf-8")


def start_exporters(
    data_dir: Path,
    inventory: Inventory,
    control_url: str,
    ports: Ports,
    helpers: Sequence[Process],
) -> list[Process]:
    """Our own exporters beside the helpers, as they run anywhere; only the cards are simulated."""
    options = {
        "gpu": ["--library=compose.fleet.cards"],
        "inventory": [f"--prometheus-url=http://127.0.0.1:{ports.prometheus}"],
    }
    started = exporters.spawn(inventory, data_dir, options, {CONTROL: control_url})
    _remember(data_dir, (*helpers, *started))
    urls = [f"http://{listen}/-/ready" for listen in exporters.addresses(inventory).values()]
    waiting.until(
        lambda: all(waiting.answers(url) for url in urls), "the exporters", START_WITHIN_S, started
    )
    return started


def known_helpers(data_dir: Path) -> list[Process]:
    """Those that an earlier demo in this folder started."""
    file = data_dir / HELPERS
    return [Process.known(one) for one in json.loads(file.read_text())] if file.exists() else []


def _sources(inventory: Inventory) -> Iterator[Source]:
    for model in inventory.models:
        yield from model.sources
    for pool in inventory.pools:
        yield from pool.sources
    yield from inventory.stack_sources


def free(port: int) -> int:
    """The port, or another one if it is taken."""
    return port if is_free(port) else free_port()
