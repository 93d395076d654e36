"""Where this exporter stands: the host, and which pool of the inventory its cards are of."""

import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from modelwatch.defaults import ENVIRONMENT
from modelwatch.inventory import Inventory, Pool
from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

POOL = "default"
ENGINE = "modelwatch_gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The labels of every card here, and how many of them there should be, where that is known."""

    environment: str = ENVIRONMENT
    pool: str = POOL
    host: str
    expected: int | None = None


def place(
    inventory: Inventory | None, *, host: str = "", pool: str = "", environment: str = ""
) -> Place:
    """What the options say, else the inventory, else defaults.

    Raises:
        Unreachable: the pool that was asked for is not in the inventory.
    """
    host = host or socket.gethostname()
    found = _pool(inventory, host, pool, environment) if inventory else None
    if found is None:
        return Place(
            environment=environment or ENVIRONMENT, pool=pool or POOL, host=host, expected=None
        )
    return Place(
        environment=found.environment, pool=found.name, host=host, expected=_expected(found)
    )


def _pool(inventory: Inventory, host: str, name: str, environment: str) -> Pool | None:
    pools = [one for one in inventory.pools if environment in {"", one.environment}]
    if name:
        named = [one for one in pools if one.name == name]
        if not named:
            raise Unreachable(f"--pool {name}: {_known(inventory.pools)}")
        return named[0]
    listed = [one for one in pools if _short(host) in {_short(other) for other in one.hosts}]
    if listed:
        return listed[0]
    # Without lists of hosts, the one pool that is read from this exporter must be the one.
    ours = [one for one in pools if not one.hosts and _ours(one)]
    if len(ours) == 1:
        return ours[0]
    _LOG.warning("no pool of the inventory lists the host %s; name one with --pool", host)
    return None


def _expected(pool: Pool) -> int | None:
    """Cards of each host, which the inventory says only where all of them have as many."""
    hosts = len(pool.hosts) or len(_ours(pool))
    return pool.cards // hosts if pool.cards and hosts and pool.cards % hosts == 0 else None


def _ours(pool: Pool) -> list[str]:
    """Targets of this exporter in the pool."""
    return [
        target for source in pool.sources if source.engine == ENGINE for target in source.targets
    ]


def _short(host: str) -> str:
    return host.partition(".")[0].lower()


def _known(pools: Iterable[Pool]) -> str:
    names = ", ".join(sorted({one.name for one in pools}))
    return f"the inventory's pools are {names}" if names else "the inventory has no pools"
