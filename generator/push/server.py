"""A Grafana over its HTTP API: what is asked, how, and when it is asked again."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from generator.push import replies
from generator.push.replies import Refused
from modelwatch.problems import ModelwatchError, Unreachable

Json = dict[str, Any]

_OLDEST = 11
_TIMEOUT_S = (5, 30)
"""To connect, and between two parts of an answer."""
_PASSING = (429, 502, 503, 504)
_TRIES = 5
_TRIES_TO_REACH = 3
_FIRST_WAIT_S = 0.5
_PAGE = 1000
Parameters = Mapping[str, str | int | list[str]]


@dataclass(slots=True, kw_only=True)
class Patience:
    """Seconds that may be spent on waiting, in all, until a Grafana can answer again."""

    left_s: float = 60
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def wait(self, seconds: float) -> bool:
        """Whether it was worth waiting that long, and we did."""
        if seconds > self.left_s:
            return False
        self.left_s -= seconds
        self.sleep(seconds)
        return True

    def before(self, tried: int) -> float:
        """How long to wait when a server does not say: twice as long each time, and never in step.

        Many clients that a failing server sent away together must not come back together.
        """
        return float(_FIRST_WAIT_S * 2 ** (tried - 1) * (1 + self.chance() / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grafana:
    """One organisation of a Grafana. Its address may have a path, a name and a password."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    patience: Patience = field(default_factory=Patience)
    name: str = "Grafana"
    """What it is called in messages: a Mimir is asked in the same way."""

    @property
    def shown(self) -> str:
        """The address as it may be printed, without a name, password or query."""
        parts = urlsplit(self.url)
        netloc = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))

    def version(self) -> str:
        """Its version; empty where that is hidden.

        Raises:
            ModelwatchError: it is too old.
            Unreachable: no Grafana answers.
        """
        try:
            health = self.ask("GET", "/api/health")
        except Refused as refusal:
            raise Unreachable(
                f"what answers at {self.shown} is no Grafana (status {refusal.status}); is the "
                "path of its address missing or wrong?"
            ) from refusal
        if not isinstance(health, dict) or "database" not in health:
            raise Unreachable(f"what answers at {self.shown} is no Grafana")
        version = str(health.get("version", ""))
        major = version.partition(".")[0]
        if major.isdigit() and int(major) < _OLDEST:
            raise ModelwatchError(
                f"{self.shown} is Grafana {version}; the boards need Grafana {_OLDEST} or later"
            )
        return version

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: Json | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """What Grafana answers.

        A question is asked again when the answer is that the server cannot answer now. One that
        changes something and may have arrived is not, unless it is `repeatable`: does the same
        when done twice.

        Raises:
            Refused: it does not do this.
            NotKnown: it does not know who we are.
            Unreachable: no Grafana answers.
        """
        again = method != "POST" if repeatable is None else repeatable
        reply = self.reply(method, path, again=again, params=params, json=body)
        return replies.read(reply, self.shown)

    def reply(self, method: str, path: str, *, again: bool, **content: Any) -> requests.Response:
        """The last answer to a question, whatever it says; asked again if that does no harm.

        Raises:
            Unreachable: nothing answers.
        """
        tried = 0
        while True:
            tried += 1
            try:
                reply = self._send(method, path, content)
            except (requests.RequestException, ValueError) as failure:
                if again and _may_pass(failure) and tried < _TRIES_TO_REACH and self._wait(tried):
                    continue
                # The failure's own words may hold the password of the address.
                raise Unreachable(self._silence(failure)) from failure
            passing = reply.status_code in _PASSING and (again or reply.status_code == 429)
            if passing and tried < _TRIES and self._wait(tried, replies.asked_to_wait(reply)):
                continue
            return reply

    def _send(self, method: str, path: str, content: Mapping[str, Any]) -> requests.Response:
        return self.session.request(
            method,
            f"{_base(self.url)}{path}",
            timeout=_TIMEOUT_S,
            # A token must not follow to where we were not sent, and a POST would become a GET.
            allow_redirects=False,
            **content,
        )

    def _wait(self, tried: int, asked: float | None = None) -> bool:
        return self.patience.wait(self.patience.before(tried) if asked is None else asked)

    def every(self, path: str, params: Parameters) -> list[Json]:
        """Everything on a list that Grafana gives in pages; raises like `ask`."""
        found: list[Json] = []
        page = 1
        while True:
            some = self.ask("GET", path, params={**params, "limit": _PAGE, "page": page})
            found += some
            if len(some) < _PAGE:
                return found
            page += 1

    def _silence(self, failure: Exception) -> str:
        if "CERTIFICATE_VERIFY_FAILED" in str(failure):
            return f"the certificate of {self.shown} is not trusted; name its authority: --ca-file"
        if isinstance(failure, requests.exceptions.SSLError):
            return f"what answers at {self.shown} speaks no TLS that we do; is it http://?"
        if isinstance(failure, requests.ReadTimeout):
            return f"{self.shown} did not answer within {_TIMEOUT_S[1]} seconds"
        return f"no {self.name} answers at {self.shown}"


def _base(url: str) -> str:
    """The address without what people copy with it: `/?orgId=1`."""
    return urlsplit(url)._replace(query="", fragment="").geturl().rstrip("/")


def _may_pass(failure: Exception) -> bool:
    lost = isinstance(failure, requests.ConnectionError | requests.Timeout)
    return lost and not isinstance(failure, requests.exceptions.SSLError)
