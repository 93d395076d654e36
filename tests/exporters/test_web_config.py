"""The same web configuration files are good and bad here and for Prometheus."""

import base64
import ssl
import subprocess
from pathlib import Path

import bcrypt
import pytest

from exporters.base.access import Users, is_token, read_token
from exporters.base.rate import RateLimit, seconds
from exporters.base.web_config import read
from modelwatch.problems import InventoryError, ModelwatchError
from tests.exporters.certificates import Authority

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    authority = Authority(made)
    authority.sign("server", "DNS:localhost,IP:127.0.0.1")
    authority.sign("other", "DNS:localhost")
    (made / "nothing.crt").write_text("nothing\n")
    return made


GOOD = {
    "nothing": "",
    "only words": "# later\n",
    "users": f"basic_auth_users:\n  prometheus: {HASH}\n  'a b': '{HASH.replace('2b', '2y')}'\n",
    "certificate and key": TLS,
    "everything about TLS": TLS
    + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.crt\n"
    "  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: false\n"
    "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
    "  curve_preferences: [X25519, CurveP256, CurveP384, CurveP521]\n",
    "a certificate if there is one": TLS
    + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: authority.crt\n",
    "a certificate that nobody looks at": TLS + "  client_auth_type: RequestClientCert\n",
    "old versions": TLS + "  min_version: TLS10\n",
    "headers": "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"
    "    X-Content-Type-Options: nosniff\n    Strict-Transport-Security: max-age=1\n"
    "    Content-Security-Policy: default-src 'none'\n    X-XSS-Protection: '1'\n",
    "versions without a certificate": "tls_server_config:\n  min_version: TLS13\n",
}

BAD = {
    "a list": ("[1]\n", "1:1: a web configuration is made of keys and values"),
    "an unknown key": (
        "basic_auth_user: {}\n",
        "1:1: unknown key 'basic_auth_user'; did you mean 'basic_auth_users'?",
    ),
    "an unknown key of TLS": (
        TLS + "  certfile: a\n",
        "4:3: unknown key 'certfile' in tls_server_config; did you mean 'cert_file'?",
    ),
    "a password as it is": (
        "basic_auth_users:\n  me: secret\n",
        "2:7: the password of 'me' is not hashed with bcrypt; make the hash with: "
        "htpasswd -nBC 10 me",
    ),
    "no key": (
        "tls_server_config:\n  cert_file: server.crt\n",
        "2:3: tls_server_config has no 'key_file'; add it",
    ),
    "no such file": (
        TLS.replace("server.crt", "gone.crt"),
        "2:14: cannot read {folder}/gone.crt: No such file or directory",
    ),
    "no certificate in the file": (
        TLS.replace("server.crt", "nothing.crt"),
        "2:14: there is no certificate in PEM form",
    ),
    "the key of another": (
        TLS.replace("server.key", "other.key"),
        "3:13: this key does not belong to the certificate",
    ),
    "a certificate for a key": (
        TLS.replace("server.key", "server.crt"),
        "3:13: there is no private key in PEM form that can be used",
    ),
    "an unknown version": (
        TLS + "  min_version: TLS14\n",
        "4:16: 'TLS14' is not known as 'min_version'; did you mean 'TLS13'?",
    ),
    "an unknown suite": (
        TLS + "  cipher_suites:\n    - TLS_NULL\n",
        "5:7: 'TLS_NULL' is not known in 'cipher_suites'; write one of",
    ),
    "an unknown curve": (
        TLS + "  curve_preferences: [Curve25519]\n",
        "4:23: 'Curve25519' is not known in 'curve_preferences'; did you mean",
    ),
    "an authority for nothing": (
        TLS + "  client_ca_file: authority.crt\n",
        "4:3: an authority for client certificates is given, but none is demanded",
    ),
    "an unknown way of authentication": (
        TLS + "  client_auth_type: Always\n",
        "4:21: 'Always' is not known as 'client_auth_type'; write NoClientCert,",
    ),
    "a header of somebody else": (
        "http_server_config:\n  headers:\n    Server: me\n",
        "3:5: unknown key 'Server' in http_server_config.headers; known here:",
    ),
    "a header with a wrong value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n",
        "3:22: X-Frame-Options is 'maybe'; write deny or sameorigin",
    ),
    "an interval that is none": (
        "rate_limit:\n  interval: often\n  burst: 3\n",
        "2:13: 'interval' is no duration; write it like 100ms or 1s",
    ),
    "a switch that is none": (
        "http_server_config:\n  http2: sometimes\n",
        "2:10: 'http2' is neither true nor false",
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_file_is_good_for_prometheus_as_well(
    text: str, folder: Path, promtool: Path
) -> None:
    file = folder / "web.yml"
    file.write_text(text)
    read(file)
    assert _promtool(promtool, file) == 0


@pytest.mark.real
@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_file_is_bad_for_prometheus_as_well(
    text: str, said: str, folder: Path, promtool: Path
) -> None:
    file = folder / "web.yml"
    file.write_text(text)
    with pytest.raises(InventoryError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}:{said.format(folder=folder)}")
    assert len(caught.value.problems) == 1
    assert _promtool(promtool, file) == 1


def _promtool(promtool: Path, file: Path) -> int:
    command = [str(promtool), "check", "web-config", str(file)]
    return subprocess.run(command, check=False, capture_output=True).returncode


OURS = {
    "a certificate of anybody": (
        "  client_auth_type: RequireAnyClientCert\n",
        "'RequireAnyClientCert' takes a certificate of anybody, which this server does not do",
    ),
    "only old versions": (
        "  max_version: TLS11\n",
        "TLS11 is too old to be safe, and not spoken here",
    ),
    "names of certificates that nobody demands": (
        "  client_allowed_sans: [a.example]\n",
        "names of client certificates are of no use where none is demanded",
    ),
}


@pytest.mark.parametrize(("text", "said"), OURS.values(), ids=OURS)
def test_what_would_not_be_safe_is_refused(text: str, said: str, folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text(TLS + text)
    with pytest.raises(InventoryError, match=said):
        read(file)


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        ("interval: 1m30s\n  burst: 2", True),
        ("interval: 0\n  burst: 2", False),
        ("burst: 2", False),
    ],
)
def test_a_rate_limit_is_read(text: str, limited: bool, folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text(f"rate_limit:\n  {text}\n")
    assert (read(file).rate is not None) is limited


def test_a_bucket_fills_up_again_and_no_further() -> None:
    now = [0.0]
    limit = RateLimit(10.0, 2, clock=lambda: now[0])
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    now[0] = 9.9
    assert not limit.allows()
    now[0] = 10.1
    assert limit.allows()
    assert not limit.allows()
    now[0] = 1000.0
    assert [limit.allows() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1m30s", 90),
        ("100ms", 0.1),
        ("1.5h", 5400),
        ("0", 0),
        ("5", None),
        ("", None),
        ("1 s", None),
    ],
)
def test_durations_are_those_of_go(text: str, wanted: float | None) -> None:
    found = seconds(text)
    assert found == (wanted if wanted is None else pytest.approx(wanted))


def test_all_problems_are_told_at_once(folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text("a: 1\nbasic_auth_users: {b: c, d: e}\n")
    with pytest.raises(InventoryError) as caught:
        read(file)
    assert len(caught.value.problems) == 3


def test_no_message_shows_a_password(folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text("basic_auth_users:\n  me: hunter2\n")
    with pytest.raises(InventoryError) as caught:
        read(file)
    assert "hunter2" not in repr(caught.value.problems)


def test_certificate_and_key_can_stand_in_the_file_itself(folder: Path) -> None:
    file = folder / "web.yml"
    parts = {name: (folder / f"server.{end}").read_text() for name, end in _ENDS.items()}
    indented = {name: text.replace("\n", "\n    ") for name, text in parts.items()}
    file.write_text(
        "tls_server_config:\n"
        + "".join(f"  {name}: |\n    {text}\n" for name, text in indented.items())
    )
    assert read(file).context


_ENDS = {"cert": "crt", "key": "key"}


def test_versions_suites_and_curves_are_as_written(folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text(GOOD["everything about TLS"])
    context = read(file).context
    assert context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.maximum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    older = [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert older == ["ECDHE-ECDSA-AES128-GCM-SHA256"]


def test_suites_of_tls_13_alone_leave_tls_12_out(folder: Path) -> None:
    file = folder / "web.yml"
    file.write_text(TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n")
    context = read(file).context
    assert context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3


def _header(name: str, password: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def test_only_the_right_password_of_a_known_user_opens() -> None:
    users = Users({"me": HASH})
    assert users.check(_header("me", "secret"))
    assert not users.check(_header("me", "secreT"))
    assert not users.check(_header("you", "secret"))
    assert not users.check(_header("", ""))
    assert not users.check(_header("me", "secret", "Bearer"))
    assert not users.check("Basic ????")
    assert not users.check("")


def test_a_right_password_is_remembered_and_a_wrong_one_never() -> None:
    users = Users({"me": HASH})
    right, wrong = _header("me", "secret"), _header("me", "guess")
    assert not users.known(right)
    users.check(right)
    users.check(wrong)
    assert users.known(right)
    assert not users.known(wrong)


def test_a_password_beyond_what_bcrypt_looks_at_is_wrong() -> None:
    long = "x" * 72
    users = Users({"me": bcrypt.hashpw(long.encode(), bcrypt.gensalt(4)).decode()})
    assert users.check(_header("me", long))
    assert not users.check(_header("me", long + "y"))


@pytest.mark.parametrize(
    ("header", "right"),
    [
        ("Bearer 0123456789abcdef", True),
        ("bearer 0123456789abcdef", True),
        ("Bearer 0123456789abcdeF", False),
        ("Bearer 0123456789abcdef0", False),
        ("Bearer ", False),
        ("Basic 0123456789abcdef", False),
        ("0123456789abcdef", False),
        ("", False),
    ],
)
def test_only_the_token_is_the_token(header: str, right: bool) -> None:
    assert is_token(header, b"0123456789abcdef") is right


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "fewer than 16 characters"),
        (b"short\n", "fewer than 16 characters"),
        (b"0123456789 abcdef", "one line of plain ASCII"),
        (b"0123456789abcdef\nsecond", "one line of plain ASCII"),
        ("é".encode() * 10, "one line of plain ASCII"),
    ],
)
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ModelwatchError, match=said):
        read_token(file)
