"""Which model of the inventory a process is of.

What the inventory says under `processes` comes first, then the ports of the model's targets on this
host, then the name by which the engine knows the model, as a word of a command line. A process
that fits several models, or none, is `unattributed`: a guess would charge somebody for nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporters.gpu.processes import Process
from modelwatch.inventory import Inventory, Model

UNATTRIBUTED = "unattributed"
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})  # noqa: S104 - compared only
_WORD = re.compile(r"[\s=,:'\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """How a process of one model is known on this host."""

    model: str
    commands: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()


def claims(inventory: Inventory | None, environment: str, host: str) -> tuple[Claim, ...]:
    """One per model that runs in this environment."""
    if inventory is None:
        return ()
    return tuple(
        _claim(model, host) for model in inventory.models if model.environment == environment
    )


def _claim(model: Model, host: str) -> Claim:
    own = model.processes
    return Claim(
        model=model.name,
        commands=own.command if own else (),
        containers=own.container if own else (),
        pods=own.pod if own else (),
        ports=frozenset(_ports(model, host)),
        names=frozenset(source.engine_model for source in model.sources if source.engine_model),
    )


def _ports(model: Model, host: str) -> Iterable[int]:
    """Of targets and instances on this host. A port that several models share tells nothing."""
    short = host.partition(".")[0].lower()
    for source in model.sources:
        for target in (*source.targets, *source.instances):
            name, _, port = target.rpartition(":")
            if port.isdigit() and (name in _HERE or name.partition(".")[0].lower() == short):
                yield int(port)


def model_of(process: Process, known: Iterable[Claim], container_name: Callable[[str], str]) -> str:
    """The model's name, or `unattributed`. `container_name` finds the name of a container's id."""
    known = tuple(known)
    container = process.container
    named = container_name(container) if container and any(one.containers for one in known) else ""
    rules: tuple[Callable[[Claim], bool], ...] = (
        lambda claim: (
            any(fnmatchcase(line, text) for line in process.commands for text in claim.commands)
            or _fits(process.pod, claim.pods)
            or _fits(named, claim.containers)
            or _fits(container, claim.containers)
        ),
        lambda claim: bool(process.ports & claim.ports),
        lambda claim: bool(claim.names & _words(process)),
    )
    for rule in rules:
        found = {claim.model for claim in known if rule(claim)}
        if found:
            return found.pop() if len(found) == 1 else UNATTRIBUTED
    return UNATTRIBUTED


def _fits(text: str, patterns: Iterable[str]) -> bool:
    return bool(text) and any(fnmatchcase(text, pattern) for pattern in patterns)


def _words(process: Process) -> frozenset[str]:
    return frozenset(word for line in process.commands for word in _WORD.split(line))
