"""When a question to a Grafana is asked again, and how long that may take."""

import socket
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generator.push.replies import Refused
from generator.push.server import Grafana, Patience
from modelwatch.problems import Unreachable
from tests.exporters.certificates import Authority
from tests.grafana_server import GrafanaServer, running
from tests.small_site import serving

HEALTH = "/api/health"
FINE = {"database": "ok", "version": "13.2.0", "commit": "0000000"}


@pytest.fixture(name="server")
def _server() -> Iterator[GrafanaServer]:
    with running() as found:
        yield found


class Asking:
    """A client whose waits are noted and take no time."""

    def __init__(self, url: str, left_s: float = 60) -> None:
        self.waits: list[float] = []
        patience = Patience(left_s=left_s, sleep=self.waits.append, chance=lambda: 0)
        self.grafana = Grafana(url=url, patience=patience)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_question_is_repeated_with_longer_and_longer_waits(
    server: GrafanaServer, status: int
) -> None:
    server.fail("GET", HEALTH, status, "", times=4)
    asking = Asking(server.url)
    assert asking.grafana.ask("GET", HEALTH) == FINE
    assert asking.waits == [0.5, 1, 2, 4]


def test_after_five_tries_it_is_told(server: GrafanaServer) -> None:
    server.fail("GET", HEALTH, 503, {"message": "database is locked"}, times=5)
    asking = Asking(server.url)
    with pytest.raises(Refused, match=r"^Grafana says 503: database is locked$"):
        asking.grafana.ask("GET", HEALTH)
    assert len(server.asked) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
def test_an_answer_that_stays_the_same_is_not_asked_for_again(
    server: GrafanaServer, status: int
) -> None:
    server.fail("GET", HEALTH, status, {"message": "no"})
    with pytest.raises(Refused, match=f"^Grafana says {status}: no$"):
        Asking(server.url).grafana.ask("GET", HEALTH)
    assert len(server.asked) == 1


def test_clients_do_not_come_back_in_step() -> None:
    waits = {Patience(chance=lambda part=part: part).before(3) for part in (0, 0.5, 1)}  # type: ignore[misc]  # bound per turn
    assert waits == {2, 2.5, 3}


def test_the_server_says_how_long_to_wait(server: GrafanaServer) -> None:
    server.fail("GET", HEALTH, 429, "", headers={"Retry-After": "7"})
    past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.fail("GET", HEALTH, 503, "", headers=past, after=1)
    server.fail("GET", HEALTH, 503, "", headers={"Retry-After": "soon"}, after=2)
    asking = Asking(server.url)
    assert asking.grafana.ask("GET", HEALTH) == FINE
    assert asking.waits == [7, 0, 2], "a date that has passed is now; nonsense is no answer"


def test_waits_are_bounded_over_all_questions(server: GrafanaServer) -> None:
    server.fail("GET", HEALTH, 429, "", headers={"Retry-After": "25"}, times=-1)
    asking = Asking(server.url)
    for _ in range(2):
        with pytest.raises(Refused):
            asking.grafana.ask("GET", HEALTH)
    assert asking.waits == [25, 25]


def test_a_change_that_may_have_arrived_is_made_once(server: GrafanaServer) -> None:
    server.fail("POST", "/api/annotations", 503, "")
    with pytest.raises(Refused):
        Asking(server.url).grafana.ask("POST", "/api/annotations", body={})
    assert len(server.asked) == 1


def test_a_change_that_was_turned_away_is_made_again(server: GrafanaServer) -> None:
    server.fail("POST", "/api/annotations", 429, "", times=2)
    server.fail("POST", "/api/annotations", 200, {"id": 1}, after=2)
    assert Asking(server.url).grafana.ask("POST", "/api/annotations", body={}) == {"id": 1}


def test_a_server_that_does_not_listen_is_tried_three_times() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        asking = Asking(f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"^no Grafana answers at http://127\.0\.0\.1:"):
            asking.grafana.version()
    assert asking.waits == [0.5, 1]


def test_an_address_that_is_none_is_not_tried_again() -> None:
    asking = Asking("http://nowhere.invalid:port")
    with pytest.raises(Unreachable, match=r"^no Grafana answers at http://nowhere\.invalid:port$"):
        asking.grafana.version()
    assert asking.waits == []


def test_a_certificate_that_is_not_trusted_is_told_at_once(tmp_path: Path) -> None:
    certificate = Authority(tmp_path).sign("server", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        asking = Asking(f"https://127.0.0.1:{port}")
        with pytest.raises(Unreachable, match="is not trusted; name its authority: --ca-file"):
            asking.grafana.version()
    assert asking.waits == []


def test_https_where_there_is_none_is_told(server: GrafanaServer) -> None:
    asking = Asking(server.url.replace("http:", "https:"))
    with pytest.raises(Unreachable, match=r"speaks no TLS that we do; is it http://\?$"):
        asking.grafana.version()
    assert asking.waits == []


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.push.server._TIMEOUT_S", (5, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asking = Asking(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"did not answer within 0\.1 seconds$"):
            asking.grafana.version()
    assert asking.waits == [0.5, 1]


def test_a_long_list_is_read_to_its_end(server: GrafanaServer) -> None:
    page = [{"uid": str(number)} for number in range(1000)]
    server.fail("GET", "/api/folders", 200, page)
    server.fail("GET", "/api/folders", 200, page[:1], after=1)
    assert len(Asking(server.url).grafana.every("/api/folders", {})) == 1001
