"""Bringing containers up, and waiting until each is healthy or one is not going to be."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from typing import IO

from docker.models.containers import Container

from compose.containers import engine
from compose.containers import stack as containers
from compose.containers.stack import Attached
from modelwatch.problems import Unreachable

WITHIN_S = 300.0
RESTARTS = 3
"""As often as one may end by itself before it is given up: it would go on for ever."""

_LOOK_EVERY_S = 0.5
_LAST_LINES = 8
_LOG_WITHIN_S = 5.0


def bring_up(attached: Attached, wanted: Collection[str], say: Callable[[str], object]) -> None:
    """Create and start what is missing or changed; tell each that becomes healthy.

    Raises:
        Unreachable: compose failed, or one ended, is unhealthy or takes too long; with its log.
            What was started is left to be looked at.
    """
    command = attached.command("up", "--detach", "--no-build", *wanted)
    began = time.monotonic()
    before = _found(attached)
    told, old = _healthy(before), {str(one.id): _restarts(one) for one in before.values()}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
        subprocess.Popen(
            command, env={**os.environ, **attached.variables}, stdout=output, stderr=output
        ) as up,
    ):
        try:
            while True:
                code, found = up.poll(), _found(attached)
                healthy = _healthy(found)
                for name in sorted(name for name, one in healthy.items() if told.get(name) != one):
                    say(f"{name:20}healthy after {time.monotonic() - began:.0f} s")
                told |= healthy
                if code == 0 and healthy.keys() >= set(wanted):
                    return
                for name, one in found.items():
                    # What is there from before may be replaced, as long as compose is at work.
                    if name in wanted and (code is not None or one.id not in old):
                        _refuse_ill(name, one, old.get(str(one.id), 0))
                if code:
                    said = _text(output)
                    _refuse_named(found, said)
                    raise Unreachable(engine.failed(command, said))
                if time.monotonic() - began > WITHIN_S:
                    raise _late(found, set(wanted) - healthy.keys())
                time.sleep(_LOOK_EVERY_S)
        finally:
            up.terminate()


def _found(attached: Attached) -> dict[str, Container]:
    return containers.containers(attached.engine, attached.project)


def _healthy(found: Mapping[str, Container]) -> dict[str, str]:
    """The id of each that is healthy, by service."""
    ready = {name: one for name, one in found.items() if containers.condition(one) == "ready"}
    return {name: str(one.id) for name, one in ready.items()}


def _restarts(one: Container) -> int:
    return int(one.attrs["RestartCount"])


def _refuse_ill(name: str, one: Container, earlier: int) -> None:
    if (restarts := _restarts(one) - earlier) >= RESTARTS:
        raise Unreachable(_told(name, f"ended by itself {restarts} times", one))
    if (how := containers.condition(one)) == "unhealthy":
        raise Unreachable(_told(name, f"is {how}", one))


def _refuse_named(found: Mapping[str, Container], said: str) -> None:
    """Compose says last whom it waited for in vain; the log of that container says why."""
    last = said.strip().rpartition("\n")[2]
    for name, one in found.items():
        if str(one.name) in last or str(one.id)[:12] in last:
            raise Unreachable(_told(name, "is not going to be healthy", one))


def _late(found: Mapping[str, Container], missing: Collection[str]) -> Unreachable:
    name = min(missing)
    how = f"was not healthy after {WITHIN_S:.0f} s"
    return Unreachable(_told(name, how, found[name]) if name in found else f"{name} {how}")


def _told(name: str, how: str, one: Container) -> str:
    end = "\n".join(f"    {line}" for line in _last_words(one))
    return f"{name} {how}; the end of its log says:\n{end}"


def _last_words(one: Container) -> list[str]:
    """The end of its log, which the engine may have a moment after the end itself."""
    deadline = time.monotonic() + _LOG_WITHIN_S
    while True:
        said = one.logs(tail=_LAST_LINES).decode(errors="replace").splitlines()
        if said or time.monotonic() > deadline:
            return said
        time.sleep(_LOOK_EVERY_S)


def _text(output: IO[str]) -> str:
    output.seek(0)
    return output.read()
