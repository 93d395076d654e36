"""Steps of a backup that are not left halfway, however impatient somebody is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whoever wants to end this command waits until the servers run again."""
    late: list[int] = []
    before = {
        number: signal.signal(number, lambda got, _: late.append(got))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
        for asked in late[:1]:
            signal.raise_signal(asked)
