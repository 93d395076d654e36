"""TLS settings by the names that Go gives them, turned into a context of Python's ssl."""

import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
CIPHERS: Mapping[str, str] = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""What Go lists as secure (`tls.CipherSuites`), in the words of OpenSSL.

Suites of TLS 1.3 have no such word: all of them are always on, there as here.
"""


class NotUsable(Exception):  # noqa: N818  # reads as what happened
    """A certificate, key or authority that cannot be used; `key` is its key in the file."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """PEM text, in a file or as it is; a path counts before the text."""

    path: Path | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.path or self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is asked for, by Go's names."""

    cert: Pem
    key: Pem
    client_ca: Pem = Pem()
    verification: ssl.VerifyMode = ssl.CERT_NONE
    ciphers: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    oldest: str = "TLS12"
    newest: str = "TLS13"
    prefers_own: bool = True

    @property
    def pems(self) -> tuple[Pem, ...]:
        """Everything that is read."""
        return (self.cert, self.key, self.client_ca)


def context(settings: Settings) -> ssl.SSLContext:
    """A context for a server.

    Raises:
        NotUsable: a file cannot be read, is not what it should be, or certificate and key do not
            belong together.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    oldest = max(VERSIONS[settings.oldest], ssl.TLSVersion.TLSv1_2)
    if settings.ciphers:
        older = [CIPHERS[name] for name in settings.ciphers if CIPHERS[name]]
        if older:
            made.set_ciphers(":".join(older))
        else:
            oldest = ssl.TLSVersion.TLSv1_3  # no suite of TLS 1.2 is wanted
    made.minimum_version = oldest
    made.maximum_version = VERSIONS[settings.newest]
    if settings.prefers_own:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.curves:
        _set_curves(made, [CURVES[name] for name in settings.curves])
    _load_certificate(made, settings)
    made.verify_mode = settings.verification
    if settings.client_ca:
        _load_authority(made, settings.client_ca)
    elif settings.verification is not ssl.CERT_NONE:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return made


def _set_curves(made: ssl.SSLContext, names: list[str]) -> None:
    if set_groups := getattr(made, "set_groups", None):
        set_groups(":".join(names))
    else:
        made.set_ecdh_curve(names[0])


def _load_certificate(made: ssl.SSLContext, settings: Settings) -> None:
    with _as_file("cert", settings.cert) as cert, _as_file("key", settings.key) as key:
        try:
            # With no password given, the library would ask for one at the terminal.
            made.load_cert_chain(cert, key, password="")
        except (ssl.SSLError, OSError) as failure:
            raise _unusable(cert, key, str(getattr(failure, "reason", ""))) from failure


def _unusable(cert: str, key: str, reason: str) -> NotUsable:
    """What is wrong with the two; the library's own words are its source code's."""
    if reason == "KEY_VALUES_MISMATCH":
        return NotUsable("key", "this key does not belong to the certificate")
    if b"-----BEGIN CERTIFICATE" not in Path(cert).read_bytes():
        return NotUsable("cert", "there is no certificate in PEM form")
    if b"ENCRYPTED" in Path(key).read_bytes():
        return NotUsable("key", "the key has a password, which nobody is there to type")
    return NotUsable("key", "there is no private key in PEM form that can be used")


def _load_authority(made: ssl.SSLContext, authority: Pem) -> None:
    with _as_file("client_ca", authority) as path:
        try:
            made.load_verify_locations(path)
        except (ssl.SSLError, OSError) as failure:
            raise NotUsable("client_ca", "the client authority has no certificate") from failure


@contextmanager
def _as_file(key: str, pem: Pem) -> Iterator[str]:
    """The path under which the library finds the PEM; text never touches a disk on Linux."""
    if pem.path:
        try:
            with pem.path.open("rb"):
                pass
        except OSError as failure:
            raise NotUsable(key, f"cannot read {pem.path}: {failure.strerror}") from failure
        yield str(pem.path)
    elif hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create(key), "wb") as file:
            file.write(pem.text.encode())
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:  # readable for its owner only
            file.write(pem.text.encode())
            file.flush()
            yield file.name
