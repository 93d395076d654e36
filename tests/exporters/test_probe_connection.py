"""Names, connections and certificates that fail: one outcome for each, within the deadline."""

import socket
import threading
import time
from pathlib import Path

import pytest

from exporters.probe.measuring import measure
from tests.exporters.misbehaving import STALL, certificates, context, server, whole
from tests.exporters.probing import ANSWER, KEY, PARIS, probe


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    return certificates(tmp_path_factory.mktemp("certificates"))


def test_a_certificate_of_our_own_authority_is_trusted_and_its_end_known(
    pairs: dict[str, tuple[Path, Path]],
) -> None:
    with server(whole(ANSWER), tls=context(pairs["good"])) as running:
        asked = probe(running.url, stream=False, ca_file=str(pairs["good"][0]))
        shown = measure(asked, PARIS, key=KEY)
    assert shown.outcome == "success"
    assert list(shown.phases_s) == ["dns", "connect", "tls", "first_byte", "body"]
    assert shown.certificate_expires_s is not None
    assert shown.certificate_expires_s == pytest.approx(time.time() + 2 * 86400, abs=300)


UNTRUSTED = {
    "self-signed": ("good", ""),
    "expired": ("expired", "expired"),
    "of another host": ("of another host", "of another host"),
    "of an authority whose file is missing": ("good", "missing"),
}


@pytest.mark.parametrize(("own", "trusted"), UNTRUSTED.values(), ids=UNTRUSTED)
def test_a_certificate_is_not_trusted_that_is(
    own: str, trusted: str, pairs: dict[str, tuple[Path, Path]]
) -> None:
    ca_file = str(pairs[trusted][0]) if trusted in pairs else trusted and "/missing.pem"
    with server(whole(ANSWER), tls=context(pairs[own])) as running:
        shown = measure(probe(running.url, ca_file=ca_file), PARIS, key=KEY)
        assert running.received == []
    assert shown.outcome == "tls_error"


def test_a_server_that_speaks_no_tls_is_a_tls_error() -> None:
    with server([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as running:
        url = running.url.replace("http:", "https:")
        assert measure(probe(url), PARIS, key=KEY).outcome == "tls_error"


def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    with server([STALL]) as running:
        url = running.url.replace("http:", "https:")
        shown = measure(probe(url, seconds="0.3"), PARIS, key=KEY)
    assert (shown.outcome, list(shown.phases_s)) == ("timeout", ["dns", "connect"])


def test_a_port_without_server_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shown = measure(probe(f"http://127.0.0.1:{port}"), PARIS, key=KEY)
    assert (shown.outcome, list(shown.phases_s)) == ("connect_error", ["dns"])


def test_an_unknown_name_is_a_name_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    shown = measure(probe("http://gpu1.example:8000"), PARIS, key=KEY)
    assert (shown.outcome, shown.phases_s) == ("dns_error", {})


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"], ids=["empty part", "too long"])
def test_a_name_that_cannot_be_is_a_name_error(host: str) -> None:
    assert measure(probe(f"http://{host}:80"), PARIS, key=KEY).outcome == "dns_error"


def test_a_resolver_that_hangs_does_not_outlive_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(5) and [])
    shown = measure(probe("http://gpu1.example:8000", seconds="0.2"), PARIS, key=KEY)
    over.set()
    assert (shown.outcome, shown.phases_s) == ("timeout", {})
    assert shown.duration_s < 1


def test_an_address_that_refuses_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()
    with server(whole(ANSWER)) as running:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in (closed, running.listener.getsockname())
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        shown = measure(probe("http://gpu1.example", stream=False), PARIS, key=KEY)
    assert shown.outcome == "success"
