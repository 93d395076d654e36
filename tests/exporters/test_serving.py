"""What a scraper, a person and a sender of data get from a running exporter."""

import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
import requests
from tornado.httputil import HTTPHeaders

from exporters.base import page
from exporters.base.intake import REASONS
from tests.exporters.certificates import Authority
from tests.exporters.sample import TOKEN, Sample, free_port, running, until

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with running(tmp_path_factory.mktemp("state")) as started:
        yield started


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_the_landing_page_says_what_this_is_and_leads_on(sample: Sample) -> None:
    answer = requests.get(f"{sample.url}/", timeout=5)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Sample &lt;exporter&gt;</h1>" in answer.text
    assert '<a href="/metrics">' in answer.text
    assert "POST /v1/things" in answer.text


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_it_is_healthy_and_ready(sample: Sample, path: str) -> None:
    assert requests.get(f"{sample.url}{path}", timeout=5).text == f"{path[3:]}\n"


FORMS = {
    "nothing": ("", "text/plain; version=0.0.4; charset=utf-8"),
    "anything": ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
    "Prometheus 2.42": (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ),
    "Prometheus 3": (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ),
}


@pytest.mark.parametrize(("accept", "kind"), FORMS.values(), ids=FORMS)
def test_the_page_comes_in_the_form_that_is_asked_for(
    sample: Sample, accept: str, kind: str
) -> None:
    answer = requests.get(f"{sample.url}/metrics", headers={"Accept": accept}, timeout=5)
    assert answer.headers["Content-Type"] == kind
    assert answer.text.endswith("# EOF\n") == ("openmetrics" in kind)
    assert "sample_models 0.0\n" in answer.text


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
    ],
)
def test_the_page_is_packed_for_those_who_can_unpack(
    sample: Sample, accepted: str, packed: bool
) -> None:
    answer = requests.get(
        f"{sample.url}/metrics", headers={"Accept-Encoding": accepted}, timeout=5, stream=True
    )
    body = answer.raw.read(decode_content=False)
    assert (answer.headers.get("Content-Encoding") == "gzip") is packed
    assert b"sample_models" in (gzip.decompress(body) if packed else body)


def test_head_says_what_get_would_say_without_a_body(sample: Sample) -> None:
    for path in ("/", "/metrics", "/-/healthy"):
        asked = requests.head(f"{sample.url}{path}", timeout=5)
        answered = requests.get(f"{sample.url}{path}", timeout=5)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["Content-Type"] == answered.headers["Content-Type"]


def test_a_connection_serves_one_request_after_the_other(sample: Sample) -> None:
    with requests.Session() as session:
        for path in ("/metrics", "/nothing", "/-/healthy", "/metrics"):
            answer = session.get(f"{sample.url}{path}", timeout=5)
            assert answer.headers.get("Connection") != "close"


@pytest.mark.parametrize(
    ("said", "deadline_s"),
    [
        ("10", 9.5),
        ("1", 0.8),
        ("0.1", 0.08),
        ("600", 120),
        ("-1", 8),
        ("x", 8),
        ("nan", 8),
        ("", 8),
    ],
)
def test_the_page_keeps_a_reserve_of_what_the_scraper_gives(said: str, deadline_s: float) -> None:
    headers = HTTPHeaders({"X-Prometheus-Scrape-Timeout-Seconds": said})
    assert page.wanted(headers).deadline_s == pytest.approx(deadline_s)


def test_a_page_comes_without_what_hangs_and_health_does_not_wait(tmp_path: Path) -> None:
    with running(tmp_path, "--hang", "60") as sample:
        pages: list[requests.Response] = []

        def scrape() -> None:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
            pages.append(requests.get(f"{sample.url}/metrics", headers=headers, timeout=5))

        threads = [threading.Thread(target=scrape) for _ in range(10)]
        for thread in threads:
            thread.start()
        assert sample.health_s() < 1
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in pages} == {200}
        assert 'exporter_up{collector="sample",exporter="sample"} 0.0' in pages[0].text
        assert "sample_models" not in pages[0].text


def test_a_door_takes_what_is_right_packed_or_not(sample: Sample) -> None:
    body = json.dumps({"a": 1}).encode()
    plain = requests.post(f"{sample.url}/v1/things", body, headers=JSON, timeout=5)
    headers = {**JSON, "Content-Encoding": "gzip"}
    packed = requests.post(
        f"{sample.url}/v1/things", gzip.compress(body), headers=headers, timeout=5
    )
    assert plain.json() == packed.json() == {"bytes": len(body)}


def test_a_door_takes_a_body_up_to_its_limit_exactly(sample: Sample) -> None:
    body = b"[1" + b" " * ((1 << 20) - 3) + b"]"
    answer = requests.post(f"{sample.url}/v1/things", body, headers=JSON, timeout=5)
    assert answer.json() == {"bytes": 1 << 20}
    chunks = iter([body[:1000], body[1000:]])
    answer = requests.post(f"{sample.url}/v1/things", chunks, headers=JSON, timeout=5)
    assert answer.json() == {"bytes": 1 << 20}
    answer = requests.post(f"{sample.url}/v1/things", body + b" ", headers=JSON, timeout=5)
    assert answer.json() == {"error": "the body is larger than 1048576 bytes"}


def test_a_door_sees_fields_and_headers_but_no_password(sample: Sample) -> None:
    answer = requests.get(
        f"{sample.url}/v1/echo?target=a%20b&empty=", auth=("me", "secret"), timeout=5
    ).json()
    assert answer["query"] == {"target": "a b", "empty": ""}
    assert "user-agent" in answer["headers"]
    assert "authorization" not in answer["headers"]


def test_every_reason_is_there_from_the_start(sample: Sample) -> None:
    for reason in REASONS:
        assert sample.rejected(reason) >= 0


def test_health_and_not_readiness_while_it_starts(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    slow = Sample(tmp_path, "--start-takes", "1.5", "--listen", address)
    url = f"http://{address}"
    try:
        assert until(lambda: _status(f"{url}/-/healthy") == 200)
        assert _status(f"{url}/-/ready") == 503
        assert _status(f"{url}/metrics") == 503
        assert until(lambda: _status(f"{url}/-/ready") == 200)
        assert _status(f"{url}/metrics") == 200
    finally:
        slow.end()
        slow.end_reading()


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def test_data_is_taken_with_the_token_only_once_there_is_one(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    with running(tmp_path / "state", "--token-file", token) as sample:
        url = f"{sample.url}/v1/things"
        assert requests.post(url, b"{}", headers=JSON, timeout=5).status_code == 401
        wrong = requests.post(url, b"{}", headers={**JSON, "Authorization": "Bearer x"}, timeout=5)
        assert wrong.headers["WWW-Authenticate"] == "Bearer"
        right = {**JSON, "Authorization": f"Bearer {TOKEN}"}
        assert requests.post(url, b"{}", headers=right, timeout=5).status_code == 200
        assert sample.rejected("unauthorized") == 2
        assert sample.samples()


def test_only_clients_with_an_allowed_name_are_served(authority: Authority, tmp_path: Path) -> None:
    server = authority.sign("own", "IP:127.0.0.1")
    friend = authority.sign("friend", "DNS:friend.example")
    other = authority.sign("other", "DNS:other.example")
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
        f"  client_ca_file: {authority.own.cert}\n  client_auth_type: RequireAndVerifyClientCert\n"
        "  client_allowed_sans: [friend.example]\n"
    )
    ca = str(authority.own.cert)
    with running(tmp_path / "state", "--web-config", web) as sample:
        url = f"{sample.url}/metrics"
        served = requests.get(url, verify=ca, cert=(str(friend.cert), str(friend.key)), timeout=5)
        assert served.status_code == 200
        refused = requests.get(url, verify=ca, cert=(str(other.cert), str(other.key)), timeout=5)
        assert refused.status_code == 403
        with pytest.raises((requests.ConnectionError, ssl.SSLError)):
            requests.get(url, verify=ca, timeout=5)


def test_more_requests_than_allowed_are_refused_but_for_health(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("rate_limit: {interval: 1m, burst: 3}\n")
    with running(tmp_path / "state", "--web-config", web) as sample:
        codes = [_status(f"{sample.url}/metrics") for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        assert sample.health_s() < 1


def test_a_hundred_wrong_passwords_do_not_keep_health_waiting(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    web.write_text(f"basic_auth_users:\n  me: {hashed}\n")
    with running(tmp_path / "state", "--web-config", web) as sample:
        url = f"{sample.url}/metrics"
        codes: list[int] = []

        def guess(number: int) -> None:
            codes.append(requests.get(url, auth=("me", str(number)), timeout=30).status_code)

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        assert sample.health_s() < 1
        for thread in threads:
            thread.join()
        assert set(codes) <= {401, 503}
        assert requests.get(url, auth=("me", "secret"), timeout=5).status_code == 200
        began = time.monotonic()
        assert requests.get(url, auth=("me", "secret"), timeout=5).status_code == 200
        assert time.monotonic() - began < 0.1
