"""The web configuration file of Prometheus and its exporters: TLS, headers, users, rate limit.

Same keys and meaning as `--web.config.file` there. Different are: nothing older than TLS 1.2 is
spoken, a client certificate that nobody verifies cannot be demanded, and of several curves the
first is used where Python knows no list of them (before 3.15). `http2` is read and has no effect.
"""

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from exporters.base import rate, tls
from exporters.base.rate import RateLimit
from modelwatch.loading import load
from modelwatch.problems import InventoryError, ModelwatchError, Problem, Report
from modelwatch.schema_words import choices, close, short
from modelwatch.tree import Block, Items, Value, as_text

KEYS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
TLS_KEYS = (
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "curve_preferences",
    "prefer_server_cipher_suites",
)
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Headers that can be set, with the values each may have; none for any."""

_ENABLES_TLS = frozenset(
    ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type")
)
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
_VERIFICATION = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # asks, and takes every answer
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_BCRYPT = re.compile(r"\$2[abxy]?\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_TRUE, _FALSE = frozenset(("true", "yes", "on")), frozenset(("false", "no", "off"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What the file says; `files` are those whose change means reading it again."""

    context: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    rate: RateLimit | None = None
    files: tuple[Path, ...] = ()


def read(path: Path) -> WebConfig:
    """The configuration in a file; paths in it are relative to the file.

    Raises:
        InventoryError: something in it is wrong, with its place.
        ModelwatchError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
    if all(not line.strip() or line.lstrip().startswith(b"#") for line in content.splitlines()):
        return WebConfig(files=(path,))
    try:
        document = load(str(path), content)
    except InventoryError as error:
        raise InventoryError([_of_this_file(one) for one in error.problems]) from error
    reading = _Reading(report=document.report, folder=path.parent)
    found = reading.config(document.root)
    document.report.raise_if_any()
    return replace(found, files=(path, *found.files))


def _of_this_file(problem: Problem) -> Problem:
    """The problem without what is said of inventories, which are what is mostly read."""
    message = problem.message.replace("an inventory is", "a web configuration is")
    return replace(problem, message=message, advice="")


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One walk over the file; problems go into the report."""

    report: Report
    folder: Path

    def config(self, root: Block) -> WebConfig:
        self.known(root, KEYS, "")
        blocks = {key: self.block(root, key) for key in KEYS}
        context, sans, files = self.secure(blocks["tls_server_config"])
        return WebConfig(
            context=context,
            allowed_sans=sans,
            files=files,
            headers=self.headers(blocks["http_server_config"]),
            users=self.users(blocks["basic_auth_users"]),
            rate=self.rate(blocks["rate_limit"]),
        )

    def known(self, block: Block, known: Collection[str], where: str) -> None:
        for key in block:
            if key not in known:
                advice = close(key, known) or f"known here: {choices(known, 20)}"
                self.report.add(block.key_at(key), f"unknown key '{short(key)}'{where}", advice)

    def block(self, parent: Block, key: str) -> Block:
        value = parent.get(key)
        if value is not None and not isinstance(value, Block):
            self.report.add(parent.at(key), f"'{key}' is not a block of keys", "write `key: value`")
        return parent.block(key)

    def text(self, block: Block, key: str, *, secret: bool = False) -> str:
        value = block.get(key)
        if isinstance(value, Block | Items):
            self.report.add(block.at(key), f"'{key}' is not text", secret=secret)
        return as_text(value) if key in block else ""

    def texts(self, block: Block, key: str, known: Collection[str] = ()) -> tuple[str, ...]:
        """A list of text; each of it one of the known, where these are given."""
        value = block.get(key)
        if value is None:
            return ()
        if not isinstance(value, Items):
            self.report.add(block.at(key), f"'{key}' is not a list", "write `- ` before each entry")
            return ()
        for entry, place in value.placed():
            if known and as_text(entry) not in known:
                advice = close(as_text(entry), known) or f"write one of {choices(known, 20)}"
                self.report.add(place, f"'{short(entry)}' is not known in '{key}'", advice)
        return tuple(as_text(entry) for entry in value)

    def choice(self, block: Block, key: str, known: Collection[str], default: str) -> str:
        value = self.text(block, key) or default
        if value not in known:
            advice = close(value, known) or f"write {choices(filter(None, known))}"
            self.report.add(block.at(key), f"'{short(value)}' is not known as '{key}'", advice)
            return default
        return value

    def flag(self, block: Block, key: str, *, default: bool) -> bool:
        value = self.text(block, key).lower()
        if value and value not in _TRUE | _FALSE:
            self.report.add(block.at(key), f"'{key}' is neither true nor false")
        return value in _TRUE if value else default

    def headers(self, block: Block) -> dict[str, str]:
        self.known(block, ("http2", "headers"), " in http_server_config")
        self.flag(block, "http2", default=True)
        headers = self.block(block, "headers")
        self.known(headers, HEADERS, " in http_server_config.headers")
        found: dict[str, str] = {}
        for name, allowed in HEADERS.items():
            value = self.text(headers, name)
            if allowed and value and value.lower() not in allowed:
                self.report.add(headers.at(name), f"{name} is '{short(value)}'", _or(allowed))
            elif not _PRINTABLE.fullmatch(value):
                self.report.add(headers.at(name), f"{name} has characters that no header can have")
            elif value:
                found[name] = value
        return found

    def users(self, block: Block) -> dict[str, str]:
        for name, value in block.items():
            if ":" in name or not name:
                self.report.add(block.key_at(name), "a user name is not empty and has no colon")
            if not _BCRYPT.fullmatch(as_text(value)):
                self.report.add(
                    block.at(name),
                    f"the password of '{short(name)}' is not hashed with bcrypt",
                    f"make the hash with: htpasswd -nBC 10 {short(name)}",
                    secret=True,
                )
        return {name: as_text(value) for name, value in block.items()}

    def rate(self, block: Block) -> RateLimit | None:
        self.known(block, ("interval", "burst"), " in rate_limit")
        every_s = rate.seconds(self.text(block, "interval") or "0")
        if every_s is None:
            place = block.at("interval")
            self.report.add(place, "'interval' is no duration", "write it like 100ms or 1s")
        if not every_s:
            return None
        burst = self.text(block, "burst")
        if not burst.isdecimal() or int(burst) < 1:
            self.report.add(block.at("burst"), "without a 'burst' nothing would pass", "write 1")
            return None
        return rate.RateLimit(every_s, int(burst))

    def secure(
        self, block: Block
    ) -> tuple[ssl.SSLContext | None, frozenset[str], tuple[Path, ...]]:
        self.known(block, TLS_KEYS, " in tls_server_config")
        settings = self.settings(block)
        if not any(as_text(block.get(key)) for key in _ENABLES_TLS):
            return None, frozenset(), ()
        for key in ("cert", "key"):
            if not block.text(key) and not block.text(f"{key}_file"):
                self.report.add(block.place, f"tls_server_config has no '{key}_file'", "add it")
        sans = frozenset(self.texts(block, "client_allowed_sans"))
        if sans and settings.verification is not ssl.CERT_REQUIRED:
            self.report.add(
                block.key_at("client_allowed_sans"),
                "names of client certificates are of no use where none is demanded",
                "write `client_auth_type: RequireAndVerifyClientCert`",
            )
        files = tuple(pem.path for pem in settings.pems if pem.path)
        if self.report.found:
            return None, sans, files
        try:
            return tls.context(settings), sans, files
        except tls.NotUsable as problem:
            place = block.at(f"{problem.key}_file" if f"{problem.key}_file" in block else "cert")
            self.report.add(place, str(problem), secret=True)
            return None, sans, files

    def settings(self, block: Block) -> tls.Settings:
        return tls.Settings(
            cert=self.pem(block, "cert"),
            key=self.pem(block, "key"),
            client_ca=self.pem(block, "client_ca"),
            verification=self.verification(block),
            ciphers=self.texts(block, "cipher_suites", tls.CIPHERS),
            curves=self.texts(block, "curve_preferences", tls.CURVES),
            oldest=self.choice(block, "min_version", tls.VERSIONS, "TLS12"),
            newest=self.newest(block),
            prefers_own=self.flag(block, "prefer_server_cipher_suites", default=True),
        )

    def pem(self, block: Block, key: str) -> tls.Pem:
        """A PEM text or the file it is in; of both the file, as the others do."""
        file = self.text(block, f"{key}_file")
        text = self.text(block, key, secret=True)
        return tls.Pem(path=self.folder / file if file else None, text=text)

    def verification(self, block: Block) -> ssl.VerifyMode:
        value = self.text(block, "client_auth_type")
        if value in _UNVERIFIED:
            self.report.add(
                block.at("client_auth_type"),
                f"'{value}' takes a certificate of anybody, which this server does not do",
                "write RequireAndVerifyClientCert",
            )
            return ssl.CERT_REQUIRED
        found = _VERIFICATION[self.choice(block, "client_auth_type", _VERIFICATION, "")]
        has_authority = block.text("client_ca") or block.text("client_ca_file")
        if has_authority and value in ("", "NoClientCert"):
            self.report.add(
                block.key_at("client_ca_file" if "client_ca_file" in block else "client_ca"),
                "an authority for client certificates is given, but none is demanded",
                "write `client_auth_type: RequireAndVerifyClientCert`",
            )
        return found

    def newest(self, block: Block) -> str:
        value = self.choice(block, "max_version", tls.VERSIONS, "TLS13")
        if tls.VERSIONS[value] < ssl.TLSVersion.TLSv1_2:
            self.report.add(
                block.at("max_version"),
                f"{value} is too old to be safe, and not spoken here",
                "write TLS12 or TLS13",
            )
        return value


def _or(values: Collection[Value]) -> str:
    return f"write {' or '.join(map(as_text, values))}"
