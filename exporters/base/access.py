"""Who may: users with passwords, and the token that opens doors which accept data."""

import base64
import binascii
import hashlib
import hmac
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import bcrypt
from tornado.httputil import HTTPHeaders

from exporters.base.crew import Crew
from exporters.base.exporter import Door
from exporters.base.intake import Refused
from exporters.base.web_config import WebConfig, read
from modelwatch.problems import ModelwatchError

REMEMBERED = 100
"""Passwords that were right lately; each user of a scraper needs one."""
SHORTEST_TOKEN = 16
"""Characters; anything shorter can be guessed."""

_LONGEST_PASSWORD = 72
"""Bytes that bcrypt looks at; the reference implementations refuse longer ones."""


class Users:
    """Basic authentication against bcrypt hashes by user name.

    A check takes as long as the hash was made to take, so it belongs in a thread; for one that was
    right before, it takes no time. An unknown name takes as long as a wrong password.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self.hashes = {name: text.encode() for name, text in hashes.items()}
        cost = max((int(text.split("$")[2]) for text in hashes.values()), default=4)
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(cost))
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def known(self, authorization: str) -> bool:
        """Whether this header was right before; at once."""
        mark = self._mark(authorization)
        with self._lock:
            if mark not in self._right:
                return False
            self._right.move_to_end(mark)
            return True

    def check(self, authorization: str) -> bool:
        """Whether this header names a user with the right password; slow, on purpose."""
        found = _name_and_password(authorization)
        if found is None:
            return False
        name, password = found
        wanted = self.hashes.get(name, self._nobody)
        if not bcrypt.checkpw(password[:_LONGEST_PASSWORD], wanted):
            return False
        if name not in self.hashes or len(password) > _LONGEST_PASSWORD:
            return False
        mark = self._mark(authorization)
        with self._lock:
            self._right[mark] = None
            while len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return True

    def _mark(self, authorization: str) -> bytes:
        """What is remembered instead of the password: worth nothing outside this process."""
        return hmac.digest(self._key, authorization.encode("latin-1", "replace"), hashlib.sha256)


def _name_and_password(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode("utf-8"), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def is_token(authorization: str, token: bytes) -> bool:
    """Whether the header carries the token; takes the same time for every wrong one."""
    scheme, _, given = authorization.partition(" ")
    # Both are hashed first: the comparison would tell their lengths otherwise.
    known = hashlib.sha256(token).digest()
    likely = hashlib.sha256(given.strip().encode("latin-1", "replace")).digest()
    return hmac.compare_digest(known, likely) and scheme.lower() == "bearer"


def read_token(path: Path) -> bytes:
    """The token in a file, without white space around it.

    Raises:
        ModelwatchError: it cannot be read, or is no token.
    """
    try:
        token = path.read_bytes().strip()
    except OSError as failure:
        raise ModelwatchError(f"cannot read the token file {path}: {failure.strerror}") from failure
    if len(token) < SHORTEST_TOKEN:
        raise ModelwatchError(
            f"the token in {path} has fewer than {SHORTEST_TOKEN} characters; "
            f"write one with: openssl rand -hex 32 > {path}"
        )
    if not token.isascii() or not token.decode("ascii").isprintable() or b" " in token:
        raise ModelwatchError(f"the token in {path} must be one line of plain ASCII characters")
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Everything that says who may; replaced as a whole when one of its files has changed."""

    web: WebConfig = field(default_factory=WebConfig)
    users: Users | None = None
    token: bytes | None = None

    async def admit(
        self, door: Door | None, headers: HTTPHeaders, names: frozenset[str], crew: Crew
    ) -> None:
        """Let a request pass; `names` are those in the client's certificate.

        A door that accepts data opens with the token alone where there is one, so that whoever may
        read the page may not write.

        Raises:
            Refused: it may not.
        """
        if self.web.rate is not None and not self.web.rate.allows():
            raise Refused(429, "rate", "more requests than the configuration allows; try later")
        authorization = headers.get("Authorization", "")
        if self.web.allowed_sans and not self.web.allowed_sans & names:
            raise Refused(403, "forbidden", "the client certificate has none of the allowed names")
        if door is not None and door.accepts:
            if self.token is not None:
                if not is_token(authorization, self.token):
                    raise Refused(401, "unauthorized", "send `Authorization: Bearer` and the token")
                return
            if "Origin" in headers:
                # Only the address protects this door, and any page in a browser here shares it.
                raise Refused(403, "forbidden", "browsers may not send data here without a token")
        if self.users is None or self.users.known(authorization):
            return
        users = self.users
        if not authorization or not await crew.run(lambda: users.check(authorization)):
            raise Refused(401, "unauthorized", "send a user name and the right password")

    def challenge(self, door: Door | None) -> str:
        """What a client is asked for, as the header says it."""
        if door is not None and door.accepts and self.token is not None:
            return "Bearer"
        return 'Basic realm="modelwatch", charset="UTF-8"'


def read_guard(web_config: Path | None, token_file: Path | None, before: Guard) -> Guard:
    """Read all files again; passwords that were right stay known while the users are the same.

    Raises:
        ModelwatchError: one of them cannot be used.
    """
    web = read(web_config) if web_config else WebConfig()
    users = before.users if dict(web.users) == dict(before.web.users) else Users(web.users)
    return Guard(
        web=web,
        users=users if web.users else None,
        token=read_token(token_file) if token_file else None,
    )


def names_in_certificate(socket: object) -> frozenset[str]:
    """Every name in the certificate that the other side has shown and that was verified."""
    certificate = socket.getpeercert() if isinstance(socket, ssl.SSLSocket) else None
    names = (certificate or {}).get("subjectAltName", ())
    return frozenset(str(value) for pair in names for value in pair[1:])
