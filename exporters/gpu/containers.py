"""Names of Docker containers by id, where Docker can be asked; without it only ids are known."""

import logging
from importlib import import_module
from typing import Any

_LOG = logging.getLogger(__name__)
TIMEOUT_S = 2
MOST_NAMES = 1024


class ContainerNames:
    """Asks Docker once per container. A name is empty where Docker is not, or says nothing."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._client: Any = None
        self._usable = True

    def __call__(self, container: str) -> str:
        """The name of the container with this id."""
        if container not in self._names:
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            self._names[container] = self._ask(container)
        return self._names[container]

    def _ask(self, container: str) -> str:
        if not self._usable:
            return ""
        try:
            if self._client is None:
                self._client = import_module("docker").from_env(timeout=TIMEOUT_S)
            return str(self._client.containers.get(container).name)
        except Exception as problem:  # noqa: BLE001  # no library, no socket, no rights, no such container
            if self._client is None:
                self._usable = False
                _LOG.info("container names are unknown here: %s", problem)
            return ""
