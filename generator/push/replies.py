"""What a Grafana answered: its content, its refusal, or that it is no Grafana at all."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from modelwatch.problems import ModelwatchError, Unreachable

_SHOWN = 300
_NOT_SECRET = {
    *("accept", "accept-encoding", "connection", "content-length", "content-type", "user-agent"),
    "x-grafana-org-id",
}
_LOGIN = re.compile(r"/(log-?in|sign-?in|auth|oauth2?|sso|saml)\b")


class Refused(ModelwatchError):  # noqa: N818  # reads as what happened
    """Grafana, or whoever was asked, answered that it does not do this."""

    def __init__(self, status: int, said: str, kind: str = "", who: str = "Grafana") -> None:
        super().__init__(f"{who} says {status}: {said}" if said else f"{who} says {status}")
        self.status = status
        self.said = said
        self.kind = kind
        """Of status 412, which precondition failed: `version-mismatch`, `name-exists`, ..."""


class NotKnown(Refused):
    """It does not know who we are; nothing that is asked later will go better."""


def read(reply: requests.Response, shown: str) -> Any:
    """What a Grafana at the address that is shown answered.

    Raises:
        Refused: it does not do this.
        NotKnown: it does not know who we are.
        Unreachable: it is no Grafana.
    """
    status = reply.status_code
    if 300 <= status < 400:
        raise Unreachable(_without(_secrets(reply), _elsewhere(reply, shown)))
    try:
        content = reply.json()
    except ValueError:
        content = None
    if reply.ok and content is not None:
        return content
    if content is None and status < 500 and status not in (401, 403, 404, 429):
        raise Unreachable(
            f"what answers at {shown} is a page and no Grafana API (status {status}); if "
            "a proxy wants to know who asks, say so with --headers-file"
        )
    said, kind = _unsaid(reply), ""
    if isinstance(content, dict):
        said = shown_words(reply, str(content.get("message") or said))
        kind = str(content.get("status") or "")
    raise (NotKnown if status == 401 else Refused)(status, said, kind)


def shown_words(reply: requests.Response, words: str) -> str:
    """What a server said, without what we told it in secret, and no longer than is read."""
    return _without(_secrets(reply), words)[:_SHOWN]


def _elsewhere(reply: requests.Response, shown: str) -> str:
    target = reply.headers.get("Location", "")
    parts = urlsplit(target)
    if _LOGIN.search(parts.path):
        return (
            f"{shown} sends us to a login; it does not take the token, or a proxy before "
            "it wants to know who asks: --headers-file"
        )
    if not parts.netloc:
        parts = urlsplit(shown)._replace(path=parts.path)
    path = parts.path.partition("/api/")[0]
    better = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
    return f"{shown} sends us to another address; use --grafana {better}"


def asked_to_wait(reply: requests.Response) -> float | None:
    """Seconds that the server asks us to wait; None when it does not say."""
    said = reply.headers.get("Retry-After")
    try:
        return Retry().parse_retry_after(said) if said else None
    except InvalidHeader:
        return None


def _unsaid(reply: requests.Response) -> str:
    """What a status without Grafana's own words means."""
    if reply.status_code == 429:
        wait = asked_to_wait(reply)
        return f"too many requests, come back in {wait:.0f} seconds" if wait else ""
    if reply.status_code in (401, 403):
        return "not in Grafana's words, so perhaps a proxy before it wants to know who asks"
    return ""


def _secrets(reply: requests.Response) -> Iterator[str]:
    """What a server could repeat of what we said about ourselves."""
    for name, value in reply.request.headers.items():
        if name.lower() in _NOT_SECRET:
            continue
        secret = (value if isinstance(value, str) else value.decode("latin-1")).split(" ")[-1]
        yield secret
        if name == "Authorization":
            try:
                yield base64.b64decode(secret, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                continue


def _without(secrets: Iterator[str], text: str) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return text
