"""Certificates for tests, made by openssl: one authority, a server, clients."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests import real


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    cert: Path
    key: Path


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        real.program("openssl")
        self.folder = folder
        self.own = self._pair(name)
        subject = ("-days", "2", "-subj", f"/CN={name}")
        _openssl("req", "-x509", "-new", "-key", self.own.key, "-out", self.own.cert, *subject)

    def _pair(self, name: str) -> Pair:
        pair = Pair(cert=self.folder / f"{name}.crt", key=self.folder / f"{name}.key")
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pair.key)
        return pair

    def sign(self, name: str, names: str) -> Pair:
        """A certificate for `names`, such as `DNS:localhost,IP:127.0.0.1`."""
        pair = self._pair(name)
        request, extension = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extension.write_text(f"subjectAltName={names}\n")
        _openssl("req", "-new", "-key", pair.key, "-out", request, "-subj", f"/CN={name}")
        signed_by = ("-CA", self.own.cert, "-CAkey", self.own.key, "-CAcreateserial", "-days", "2")
        kind = ("-req", "-in", request, "-extfile", extension, "-out", pair.cert)
        _openssl("x509", *kind, *signed_by)
        return pair


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
