"""Options that say who we are to a server: what arrives there, and what is refused before."""

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from generator.connecting import Access, session
from modelwatch.problems import ModelwatchError
from tests.command import run
from tests.exporters.certificates import Authority
from tests.small_site import serving

MINIMAL = Path(__file__).parent.parent / "examples" / "minimal.yaml"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it got."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(self.headers.items())).encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def echo(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}/"


def headers(access: Access, url: str) -> dict[str, str]:
    answer = session(access).get(url, timeout=10)
    found: dict[str, str] = answer.json()
    return found


@pytest.fixture(name="written")
def _written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "file"
        path.write_text(text)
        return path

    return write


def test_a_token_arrives_whatever_netrc_says(
    written: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with echo() as url:
        found = headers(Access(token_file=written("glsa_abc\n")), url)
    assert found["Authorization"] == "Bearer glsa_abc"


def test_a_login_arrives_in_utf8(written: Callable[[str], Path]) -> None:
    with echo() as url:
        found = headers(Access(user="zoë", password_file=written("paß:wort\n")), url)
    assert base64.b64decode(found["Authorization"].split()[1]).decode() == "zoë:paß:wort"


def test_headers_of_a_file_are_on_each_request(written: Callable[[str], Path]) -> None:
    path = written("# tenant\nX-Scope-OrgID: team-a\n\nX-Empty:\n")
    with echo() as url:
        found = headers(Access(headers_file=path), url)
    assert found["X-Scope-OrgID"] == "team-a"
    assert found["X-Empty"] == ""


def test_a_server_of_an_authority_of_ones_own_sees_our_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, client = authority.sign("server", "IP:127.0.0.1"), authority.sign("client", "DNS:me")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.cert, server.key)
    context.load_verify_locations(authority.own.cert)
    context.verify_mode = ssl.CERT_REQUIRED
    with echo(context) as url:
        access = Access(ca_file=authority.own.cert, cert_file=client.cert, key_file=client.key)
        assert "User-Agent" in headers(access, url)
        with pytest.raises(requests.ConnectionError):
            headers(Access(ca_file=authority.own.cert), url)
        with pytest.raises(requests.exceptions.SSLError):
            headers(Access(), url)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines\n", "a\x07bell"])
def test_a_file_that_is_no_secret_is_refused_without_showing_it(
    written: Callable[[str], Path], text: str
) -> None:
    path = written(text)
    with pytest.raises(ModelwatchError) as refused:
        session(Access(token_file=path))
    assert str(refused.value) == f"{path} should hold one secret on one line, and nothing else"


def test_a_line_that_is_no_header_is_told_by_its_place(written: Callable[[str], Path]) -> None:
    path = written("X-Fine: yes\nsecret\n")
    with pytest.raises(ModelwatchError, match=rf"^{path}:2:1: no header; write 'Name: value'$"):
        session(Access(headers_file=path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelwatchError, match="is no text in UTF-8"):
        session(Access(token_file=path))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--user", "me"], "--user and --password-file belong together"),
        (["--password-file", MINIMAL], "--user and --password-file belong together"),
        (["--key-file", MINIMAL], "--key-file needs --cert-file"),
        (
            ["--token-file", MINIMAL, "--user", "me", "--password-file", MINIMAL],
            "say who you are with --token-file or with --user, not with both",
        ),
    ],
    ids=["no password", "no user", "no certificate", "two ways"],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    options: list[str | Path], told: str
) -> None:
    said = run("preview", MINIMAL, "-o", "never.html", *options)
    assert said.code == 2
    assert told in said.err
