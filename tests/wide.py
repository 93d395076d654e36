"""The servers of profiles `ha` and `longterm` as processes here, with the flags of compose.yaml."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compose import waiting
from compose.native import processes
from compose.native.processes import Process
from compose.ports import free_port
from tests import real
from tests.faults.site import eventually
from tests.stand_ins import MISSING_IN_DEBIAN, STACK

PROGRAMS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "victoriametrics": "victoria-metrics",
    "vmalert": "vmalert",
}
_HEALTH = {"victoriametrics": "/health", "vmalert": "/health"}
_LISTEN = {"victoriametrics": "-httpListenAddr", "vmalert": "-httpListenAddr"}
_DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")


@dataclass(slots=True, kw_only=True)
class Wide:
    """What runs, by the name of its service, and where each listens on loopback."""

    folder: Path
    path: str
    ports: Mapping[str, int]
    peers: Mapping[str, int]
    running: dict[str, Process] = field(default_factory=dict)

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"

    def start(self, name: str, *further: str) -> None:
        """Start one of them, and wait until it is ready; `further` flags win."""
        kind = name.removesuffix("-b")
        program = real.program(PROGRAMS[kind], self.path)
        mark = f"{_LISTEN.get(kind, '--web.listen-address')}={self.address(name)}"
        chosen = {flag.partition("=")[0]: flag for flag in (*self._flags(name), *further, mark)}
        rules = [flag for flag in self._flags(name) if flag.startswith("-rule=")]
        self.running[name] = processes.spawn(
            name,
            [program, *rules, *(flag for flag in chosen.values() if flag not in rules)],
            mark=mark,
            log=self.folder / f"{name}.log",
        )
        health = f"{self.url(name)}{_HEALTH.get(kind, '/-/ready')}"
        eventually(lambda: waiting.answers(health), f"{name}, see {self.running[name].log}")

    def _flags(self, name: str) -> Iterator[str]:
        """Those of the service, with paths and addresses of this machine."""
        kind = name.removesuffix("-b")
        places = {
            f"/etc/{kind}": str(self.folder / "config" / kind),
            "/etc/prometheus": str(self.folder / "config" / "prometheus"),
            "path=/": f"path={self.folder}/{name}/",
            "Path=/": f"Path={self.folder}/{name}/",
            "/run/secrets/": f"{self.folder}/secrets/",
            "0.0.0.0:9094": f"127.0.0.1:{self.peers.get(name, 0)}",
            "alertmanager:9094": f"127.0.0.1:{self.peers.get('alertmanager', 0)}",
            "victoriametrics:8428": self.address("victoriametrics"),
        }
        for flag in STACK["services"][name]["command"]:
            if flag != MISSING_IN_DEBIAN:
                text = _DEFAULT.sub(r"\1", flag)
                for there, here in places.items():
                    text = text.replace(there, here)
                yield text


@contextmanager
def wide(folder: Path, path: str, names: Sequence[str]) -> Iterator[Wide]:
    """Ports for the services, of which none runs yet; all that run are ended afterwards."""
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "victoriametrics-key").write_text("key")
    found = Wide(
        folder=folder,
        path=path,
        ports={name: free_port() for name in (*names, "victoriametrics")},
        peers={name: free_port() for name in names if name.startswith("alertmanager")},
    )
    try:
        yield found
    finally:
        for process in found.running.values():
            processes.stop(process)
