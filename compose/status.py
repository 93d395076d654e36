"""What runs, answers and fires, and what is declared but silent?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import requests

from compose import answers
from compose.native.processes import Process
from compose.native.servers import ready
from compose.native.stack import Stack
from modelwatch.catalogue.exporters import EXPORTER_UP
from modelwatch.catalogue.metric import MODEL
from modelwatch.catalogue.recorded import KPI, REQUESTS, RUNNING, SCORE, TOKENS
from modelwatch.inventory import Inventory
from modelwatch.problems import Unreachable
from modelwatch.promql import total

MEASURED = (REQUESTS, RUNNING, TOKENS, SCORE, KPI)
"""A model is silent when nothing of it is recorded under any of these names."""

QUIET = "none"
"""Severity of the heartbeat, which always fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process or container of the stack.

    `state` is ready, or in words what it is instead; `log` is where one reads why.
    """

    name: str
    url: str
    pid: int
    state: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that `status` tells; `silent` is None where no inventory says what is declared.

    `unanswered` is why Prometheus told nothing: then the lists after it are empty.
    """

    prometheus_url: str
    servers: tuple[Server, ...] = ()
    unanswered: str = ""
    targets: int = 0
    down: tuple[Mapping[str, str], ...] = ()
    rule_errors: tuple[str, ...] = ()
    firing: tuple[Mapping[str, str], ...] = ()
    models: int = 0
    silent: tuple[Mapping[str, str], ...] | None = None
    failing_collectors: tuple[Mapping[str, str], ...] = ()

    @property
    def well(self) -> bool:
        """Whether nobody has anything to do."""
        return not (
            self.unanswered
            or any(server.state != "ready" for server in self.servers)
            or self.down
            or not self.targets
            or self.rule_errors
            or self.firing
            or self.silent
            or self.failing_collectors
        )


def look(
    url: str, *, servers: tuple[Server, ...] = (), inventory: Inventory | None = None
) -> Status:
    """Ask Prometheus, and tell what it says beside the servers of its stack, where one is known.

    Raises:
        Unreachable: nothing answers at all.
    """
    try:
        return _asked(url, servers, inventory)
    except Unreachable as failure:
        if not any(server.state == "ready" for server in servers):
            raise
        return Status(prometheus_url=url, servers=servers, unanswered=str(failure))


def _asked(url: str, servers: tuple[Server, ...], inventory: Inventory | None) -> Status:
    targets = answers.targets(url)
    declared = _declared(inventory) if inventory else []
    heard = _heard(url)
    return Status(
        prometheus_url=url,
        servers=servers,
        targets=len(targets),
        down=tuple(one for one in targets if one["health"] != "up"),
        rule_errors=tuple(answers.rule_errors(url)),
        firing=tuple(
            dict(labels) for labels in answers.firing(url) if labels.get("severity", QUIET) != QUIET
        ),
        models=len(declared),
        silent=tuple(dict(zip(MODEL, key, strict=True)) for key in declared if key not in heard)
        if inventory
        else None,
        failing_collectors=tuple(
            {name: one.labels.get(name, "") for name in ("exporter", "collector", "instance")}
            for one in answers.query(url, f"{EXPORTER_UP} == 0")
        ),
    )


def of_processes(stack: Stack) -> tuple[Server, ...]:
    """The processes of a stack, each asked."""
    return tuple(
        Server(
            name=process.name,
            url=url,
            pid=process.pid,
            state=("ready" if _ready(process, url) else "not ready") if process.alive else "ended",
            log=str(process.log),
        )
        for process, url in stack.urls
    )


def _ready(process: Process, url: str) -> bool:
    try:
        return ready(process, url)
    except requests.RequestException:
        return False


def _declared(inventory: Inventory) -> list[tuple[str, str]]:
    """Models that something should measure."""
    return [model.key for model in inventory.models if model.sources]


def _heard(url: str) -> set[tuple[str, str]]:
    expr = " or ".join(f"({total(metric)})" for metric in MEASURED)
    return {
        (one.labels.get("model", ""), one.labels.get("environment", ""))
        for one in answers.query(url, expr)
    }


def text(status: Status) -> str:
    """The status as lines to read."""
    lines = [
        f"{server.name.removeprefix('the '):20}{server.url or 'not published':24}{server.state}"
        + ("" if server.state == "ready" else f", see {server.log}")
        for server in status.servers
    ] or [f"{'Prometheus':20}{status.prometheus_url}"]
    if status.unanswered:
        return "\n".join([*lines, status.unanswered])
    up = status.targets - len(status.down)
    lines += [_line("targets", f"{up} of {status.targets} up")]
    lines += [
        _line("  down", f"{one['job']} at {one['instance']}: {one['error'] or 'not scraped yet'}")
        for one in status.down
    ]
    lines += [_line("rules", "failing" if status.rule_errors else "no errors")]
    lines += [_line("  fails", one) for one in status.rule_errors]
    lines += [_line("firing", _by_severity(status.firing) or "nothing")]
    lines += [_line(f"  {one['severity']}", _alert(one)) for one in status.firing]
    if status.silent is not None:
        heard = status.models - len(status.silent)
        lines += [_line("models", f"{heard} of {status.models} have series")]
        lines += [
            _line("  silent", f"{one['model']} ({one['environment']})") for one in status.silent
        ]
    failing = status.failing_collectors
    lines += [_line("collectors", f"{len(failing)} fail" if failing else "none fails")]
    lines += [
        _line("  fails", f"{one['collector']} of the {one['exporter']} exporter, {one['instance']}")
        for one in failing
    ]
    return "\n".join(lines)


def _line(what: str, said: str) -> str:
    return f"{what:20}{said}"


def _by_severity(alerts: Iterable[Mapping[str, str]]) -> str:
    severities = [one["severity"] for one in alerts]
    return ", ".join(f"{severities.count(one)} {one}" for one in sorted(set(severities)))


def _alert(labels: Mapping[str, str]) -> str:
    about = [labels[name] for name in ("model", "pool", "budget", "instance") if labels.get(name)]
    return " ".join([labels["alertname"], *about[:1]])
