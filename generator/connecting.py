"""How a server is reached: who we say we are, whom we trust, what each request carries.

Secrets come from files only, and no message shows what is in them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from generator.text_files import text_of
from modelwatch import __version__
from modelwatch.problems import ModelwatchError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~\w-]+)[ \t]*:[ \t]*([\t -~]*?)[ \t]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the options of `access_options` say. Of login and token there is one at most."""

    user: str = ""
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    headers_file: Path | None = None

    @property
    def mistake(self) -> str:
        """What contradicts itself; empty when nothing does."""
        if self.token_file and self.user:
            return "say who you are with --token-file or with --user, not with both"
        if bool(self.user) != bool(self.password_file):
            return "--user and --password-file belong together"
        if self.key_file and not self.cert_file:
            return "--key-file needs --cert-file"
        return ""


class _Bearer(AuthBase):
    """Sends a token. As a mere header it would lose against a `.netrc`."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _Session(requests.Session):
    """Trusts the authorities that it was told, also where `REQUESTS_CA_BUNDLE` is set."""

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """What a request is sent with."""
        told = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, told, cert)


def web_address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Callback of options that take the address of a server.

    Raises:
        click.BadParameter: it is none.
    """
    if value is not None and not re.match(r"https?://[^/]", value):
        raise click.BadParameter("write an address that begins with http:// or https://")
    return value


_OPTIONS = (
    click.option("--user", default="", metavar="NAME", help="Log in by this name."),
    click.option("--password-file", type=_FILE, help="File with the password of --user."),
    click.option("--token-file", type=_FILE, help="File with a bearer token."),
    click.option("--ca-file", type=_FILE, help="Trust the certificates of these authorities only."),
    click.option("--cert-file", type=_FILE, help="Certificate to show to the server."),
    click.option("--key-file", type=_FILE, help="Its key, if that is a file of its own."),
    click.option(
        "--headers-file",
        type=_FILE,
        help="File with headers for each request, a 'Name: value' per line: X-Scope-OrgID, say.",
    ),
)


def access_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of `Access`, which it takes as the argument `access`."""

    @wraps(command)
    def with_access(*arguments: Any, **options: Any) -> None:
        names = Access.__dataclass_fields__
        access = Access(**{name: options.pop(name) for name in names})
        if access.mistake:
            raise click.UsageError(access.mistake)
        command(*arguments, access=access, **options)

    for option in reversed(_OPTIONS):
        option(with_access)
    return with_access


def session(access: Access | None = None) -> requests.Session:
    """A session that does what the access says.

    Raises:
        ModelwatchError: a file cannot be read, or does not hold what it should.
    """
    access = access or Access()
    made = _Session()
    made.headers["User-Agent"] = f"modelwatch/{__version__}"
    if access.user and access.password_file:
        secret = _secret(access.password_file)
        made.auth = HTTPBasicAuth(access.user.encode(), secret.encode())
    if access.token_file:
        made.auth = _Bearer(_secret(access.token_file))
    if access.ca_file:
        made.verify = str(access.ca_file)
    if access.cert_file:
        own = str(access.cert_file)
        made.cert = (own, str(access.key_file)) if access.key_file else own
    if access.headers_file:
        made.headers.update(_headers(access.headers_file))
    return made


def _secret(path: Path) -> str:
    secret = text_of(path).rstrip("\r\n")
    if not secret or not secret.isprintable():
        raise ModelwatchError(f"{path} should hold one secret on one line, and nothing else")
    return secret


def _headers(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _HEADER.fullmatch(line)
        if not found:
            raise ModelwatchError(f"{path}:{number}:1: no header; write 'Name: value'")
        yield found[1], found[2]
