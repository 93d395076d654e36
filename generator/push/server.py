"""A Grafana over its HTTP API: what it answers, how it refuses, and when a question is repeated."""

import base64
import binascii
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from modelwatch.problems import ModelwatchError, Unreachable

Json = dict[str, Any]

_OLDEST = 11
_TIMEOUT_S = (5, 30)
"""To connect, and between two parts of an answer."""
_PASSING = (429, 502, 503, 504)
_TRIES = 5
_FIRST_WAIT_S = 0.5
_SHOWN = 300
_PAGE = 1000
Parameters = Mapping[str, str | int | list[str]]
_OURS = ("Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "User-Agent")


class Refused(ModelwatchError):  # noqa: N818  # reads as what happened
    """Grafana answered that it does not do this."""

    def __init__(self, status: int, said: str, kind: str = "") -> None:
        super().__init__(f"Grafana says {status}: {said}" if said else f"Grafana says {status}")
        self.status = status
        self.said = said
        self.kind = kind
        """Of status 412, which precondition failed: `version-mismatch`, `name-exists`, ..."""


class NotKnown(Refused):
    """It does not know who we are; nothing that is asked later will go better."""


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
        return float(_FIRST_WAIT_S * 2**tried * (1 + self.chance() / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grafana:
    """One organisation of a Grafana. Its address may have a path, a name and a password."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    patience: Patience = field(default_factory=Patience)

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
        tried = 0
        while True:
            try:
                reply = self.session.request(
                    method,
                    f"{_base(self.url)}{path}",
                    params=params,
                    json=body,
                    timeout=_TIMEOUT_S,
                    # A token must not follow to where we were not sent; a POST would become a GET.
                    allow_redirects=False,
                )
            except (requests.RequestException, ValueError) as failure:
                tried += 1
                lasting = isinstance(failure, requests.exceptions.SSLError)
                waits = again and not lasting and tried < _TRIES
                if waits and self.patience.wait(self.patience.before(tried)):
                    continue
                # The failure's own words may hold the password of the address.
                raise Unreachable(self._silence(failure)) from failure
            tried += 1
            if reply.status_code in _PASSING and (again or reply.status_code == 429):
                wait = _asked_to_wait(reply)
                seconds = self.patience.before(tried) if wait is None else wait
                if tried < _TRIES and self.patience.wait(seconds):
                    continue
            return self._content(reply)

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
        if isinstance(failure, requests.exceptions.SSLError):
            return f"the certificate of {self.shown} is not trusted; name its authority: --ca-file"
        if isinstance(failure, requests.ReadTimeout):
            return f"{self.shown} did not answer within {_TIMEOUT_S[1]} seconds"
        return f"no Grafana answers at {self.shown}"

    def _content(self, reply: requests.Response) -> Any:
        status = reply.status_code
        if 300 <= status < 400:
            raise Unreachable(self._elsewhere(reply))
        try:
            content = reply.json()
        except ValueError:
            content = None
        if reply.ok and content is not None:
            return content
        if content is None and status < 500 and status not in (401, 403, 404, 429):
            raise Unreachable(
                f"what answers at {self.shown} is a page and no Grafana API (status {status}); if "
                "a proxy wants to know who asks, say so with --headers-file"
            )
        said, kind = "", ""
        if isinstance(content, dict):
            said = _without(_secrets(reply), str(content.get("message") or ""))[:_SHOWN]
            kind = str(content.get("status") or "")
        if status == 401:
            raise NotKnown(status, said)
        if status == 429 and (wait := _asked_to_wait(reply)):
            said = f"too many requests; run it again in {wait:.0f} seconds"
        raise Refused(status, said or _unsaid(status), kind)

    def _elsewhere(self, reply: requests.Response) -> str:
        target = reply.headers.get("Location", "")
        parts = urlsplit(target)
        if "login" in parts.path or "auth" in parts.path:
            return (
                f"{self.shown} sends us to a login; it does not take the token, or a proxy before "
                "it wants to know who asks: --headers-file"
            )
        if not parts.netloc:
            parts = urlsplit(self.shown)._replace(path=parts.path)
        path = parts.path.partition("/api/")[0]
        better = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
        return f"{self.shown} sends us to another address; use --grafana {better}"


def _base(url: str) -> str:
    """The address without what people copy with it: `/?orgId=1`."""
    return urlsplit(url)._replace(query="", fragment="").geturl().rstrip("/")


def _asked_to_wait(reply: requests.Response) -> float | None:
    """Seconds that the server asks us to wait; None when it does not say."""
    said = reply.headers.get("Retry-After")
    try:
        return Retry().parse_retry_after(said) if said else None
    except InvalidHeader:
        return None


def _unsaid(status: int) -> str:
    return "too many requests" if status == 429 else ""


def _secrets(reply: requests.Response) -> Iterator[str]:
    """What a server could repeat of what we said about ourselves."""
    for name, value in reply.request.headers.items():
        if name in _OURS:
            continue
        word = (value if isinstance(value, str) else value.decode("latin-1")).split(" ")[-1]
        yield word
        if name == "Authorization":
            try:
                yield base64.b64decode(word, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                continue


def _without(secrets: Iterator[str], text: str) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return text
