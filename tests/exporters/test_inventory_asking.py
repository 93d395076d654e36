"""Prometheus as it should not be: slow, silent, wrong; and what the page says meanwhile."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from exporters.base.collecting import Page
from exporters.inventory.asking import MISSED, Asking, Questions
from exporters.inventory.pages import Budgets, Reached, Series
from exporters.inventory.prometheus import MAX_BYTES, Prometheus
from modelwatch.catalogue.exporters import EXPORTER_UP
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.spend import (
    CALENDAR_END,
    CALENDAR_FORECAST,
    CALENDAR_OBSERVED,
    CALENDAR_SPENT,
    CALENDAR_START,
    SERIES_PRESENT,
)
from modelwatch.problems import Unreachable
from tests.exporters.prometheus_server import server, until
from tests.exporters.test_inventory_spending import budget, moment

Answer = Callable[[BaseHTTPRequestHandler, str], None]
NOON = moment("2026-03-01T12:00Z")


def reply(
    handler: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, length: int | None = None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def vector(*rows: tuple[dict[str, str], str]) -> bytes:
    result = [{"metric": labels, "value": [NOON, value]} for labels, value in rows]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


@dataclass(slots=True)
class Script:
    """What the server answers, and what it was asked."""

    answer: Answer
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def prometheus_that(answer: Answer) -> Iterator[tuple[str, Script]]:
    script = Script(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            script.asked.append((form["query"], {**form, **dict(self.headers)}))
            try:
                script.answer(self, form["query"])
            except OSError:
                return  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            """Nothing: tests do not read it."""

    with server(Handler) as address:
        yield f"http://{address}", script


def empty(handler: BaseHTTPRequestHandler, _query: str) -> None:
    reply(handler, vector())


def spending(handler: BaseHTTPRequestHandler, query: str) -> None:
    """Every budget spent a cent per second in each sample, all the time."""
    labels = {"budget": "all"}
    if "sum_over_time" in query:
        reply(handler, vector((labels, "1.8")))
    elif "count_over_time" in query:
        reply(handler, vector((labels, "180")))
    else:
        reply(handler, vector(({}, "12")))


def broken(body: bytes, status: int = 200) -> Answer:
    return lambda handler, _query: reply(handler, body, status=status)


def moved(handler: BaseHTTPRequestHandler, _query: str) -> None:
    handler.send_response(307)
    handler.send_header("Location", "http://127.0.0.1:1/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def trickling(handler: BaseHTTPRequestHandler, _query: str) -> None:
    """A byte now and then: each comes long before a timeout of single reads."""
    handler.send_response(200)
    handler.end_headers()
    _drip(handler, b" ")


def trickling_head(handler: BaseHTTPRequestHandler, _query: str) -> None:
    """The same before there is anything to read."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    _drip(handler, b"X-More: 1\r\n")


def _drip(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
    for _ in range(400):
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(0.05)


def endless(handler: BaseHTTPRequestHandler, _query: str) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(2 * MAX_BYTES >> 20):
        handler.wfile.write(b" " * (1 << 20))


def truncated(handler: BaseHTTPRequestHandler, _query: str) -> None:
    reply(handler, vector()[:20], length=1000)


def hanging(release: threading.Event) -> Answer:
    def answer(_handler: BaseHTTPRequestHandler, _query: str) -> None:
        release.wait(20)

    return answer


BROKEN: dict[str, tuple[Answer, str]] = {
    "an error of the server": (broken(b"no", 500), "status 500"),
    "a refusal with its reason": (
        broken(b'{"status": "error", "error": "query timed out"}', 503),
        "status 503, query timed out",
    ),
    "a login page": (broken(b"<html>log in</html>"), "no query answers"),
    "a list": (broken(b"[1, 2]"), "no query answers"),
    "an error in a success": (broken(b'{"status": "error"}'), "no query answers"),
    "a matrix": (
        broken(b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'),
        "no query answers",
    ),
    "rows that are none": (
        broken(b'{"status": "success", "data": {"resultType": "vector", "result": [7, null]}}'),
        "no query answers",
    ),
    "values that are none": (broken(vector(({"budget": "all"}, "much"))), "no query answers"),
    "not UTF-8": (broken(b'{"status": "\xff"}'), "no query answers"),
    "depth": (broken(b"[" * 100_000), "no query answers"),
    "nothing": (broken(b""), "no query answers"),
    "another place": (moved, "status 307"),
    "half an answer": (truncated, "no query answers"),
    "a byte now and then": (trickling, "not in time"),
    "a header now and then": (trickling_head, "not in time"),
    "no end": (endless, "HTTPException"),
}


@pytest.mark.parametrize(("answer", "told"), BROKEN.values(), ids=BROKEN)
def test_an_answer_that_makes_no_sense_is_no_answer(answer: Answer, told: str) -> None:
    with prometheus_that(answer) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unreachable, match=told) as failure:
            Prometheus(url=url, timeout_s=0.5).query("up", NOON)
        assert time.monotonic() - began < 3
        assert url.removeprefix("http://") in str(failure.value)


def test_a_server_that_hangs_is_left_in_time() -> None:
    release = threading.Event()
    with prometheus_that(hanging(release)) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unreachable, match="not in time"):
            Prometheus(url=url, timeout_s=0.3).query("up", NOON)
        assert time.monotonic() - began < 3
        release.set()


def test_a_server_that_is_not_there_is_told_without_its_login() -> None:
    with pytest.raises(Unreachable) as failure:
        Prometheus(url="http://me:hunter2@127.0.0.1:1/prometheus").query("up", NOON)
    assert str(failure.value) == "Prometheus at 127.0.0.1:1 did not answer: Connection refused"


def test_values_that_are_no_numbers_are_left_out() -> None:
    rows = vector(*(({"budget": name}, name) for name in ("NaN", "+Inf", "-Inf", "1e-6")))
    with prometheus_that(broken(rows)) as (url, _):
        (found,) = Prometheus(url=url).query("x", NOON)
    assert (found.labels, found.value) == ({"budget": "1e-6"}, 1e-6)


def test_the_token_is_read_anew_for_each_query(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with prometheus_that(empty) as (url, script):
        known = Prometheus(url=f"{url}/", token_file=token)
        for text in ("first\n", "second"):
            token.write_text(text)
            known.query("up", 1.5)
        assert [asked["Authorization"] for _, asked in script.asked] == [
            "Bearer first",
            "Bearer second",
        ]
        assert script.asked[0][1]["time"] == "1.500"


def test_a_token_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"cannot read .*token: No such file"):
        Prometheus(url="http://127.0.0.1:1", token_file=tmp_path / "token").query("up", NOON)


def test_a_token_is_not_quoted_by_an_error_about_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\nhunter2")
    with prometheus_that(empty) as (url, _), pytest.raises(Unreachable) as failure:
        Prometheus(url=url, token_file=tmp_path / "token").query("up", NOON)
    assert "hunter2" not in str(failure.value)


def test_a_login_of_the_address_is_sent_as_such() -> None:
    with prometheus_that(empty) as (url, script):
        Prometheus(url=url.replace("//", "//me:hunter%202@")).query("up", NOON)
        assert script.asked[0][1]["Authorization"] == "Basic bWU6aHVudGVyIDI="


def test_a_login_of_the_machine_does_not_take_the_place_of_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    (tmp_path / "token").write_text("mine")
    with prometheus_that(empty) as (url, script):
        Prometheus(url=url, token_file=tmp_path / "token").query("up", NOON)
        assert script.asked[0][1]["Authorization"] == "Bearer mine"


# Rounds.


def _asking(url: str, *, every_s: float = 60, timeout_s: float = 5) -> Asking:
    return Asking(
        prometheus=Prometheus(url=url, timeout_s=timeout_s),
        questions=Questions(budgets=(budget("all", "day"),), jobs=frozenset({"vllm"}), constants=7),
        every_s=every_s,
        clock=lambda: NOON,
    )


def _page(asking: Asking) -> dict[Metric, dict[tuple[str, ...], object]]:
    budgets = Budgets(asking=asking, budgets=asking.questions.budgets, clock=lambda: NOON)
    page = Page("inventory", (budgets, Series(asking=asking), Reached(asking=asking)))
    return {family.metric: dict(family.samples) for family in page.families(5)}


def _up(page: dict[Metric, dict[tuple[str, ...], object]], collector: str) -> object:
    return page[EXPORTER_UP]["inventory", collector]


def test_before_the_first_answer_only_the_calendar_is_known() -> None:
    page = _page(_asking("http://127.0.0.1:1"))
    labels = ("all", "production")
    assert page[CALENDAR_START] == {labels: moment("2026-03-01T00:00Z")}
    assert page[CALENDAR_END] == {labels: moment("2026-03-02T00:00Z")}
    assert page[CALENDAR_SPENT] == page[CALENDAR_FORECAST] == page[SERIES_PRESENT] == {}
    assert _up(page, "prometheus") == _up(page, "budgets") == 1


def test_what_was_answered_is_on_the_page() -> None:
    with prometheus_that(spending) as (url, _):
        asking = _asking(url)
        asking.round()
    page, labels = _page(asking), ("all", "production")
    assert page[CALENDAR_SPENT] == {labels: pytest.approx(1.8 * 240)}
    assert page[CALENDAR_OBSERVED] == {labels: 1}
    # The week before was not seen whole: the rate of the period goes on.
    assert page[CALENDAR_FORECAST] == {labels: pytest.approx(2 * 1.8 * 240)}
    assert page[SERIES_PRESENT] == {
        ("constants",): 7,
        ("alerts",): 24,
        ("recorded",): 12,
        ("total",): 43,
    }


def test_a_page_says_at_once_that_prometheus_is_gone_and_forgets_its_answers_later() -> None:
    with prometheus_that(spending) as (url, script):
        asking = _asking(url, every_s=0.3)
        asking.round()
        script.answer = broken(b"no", 500)
        asking.round()
        page = _page(asking)
        assert _up(page, "prometheus") == 0
        assert _up(page, "budgets") == 1
        assert page[CALENDAR_SPENT]
        until(lambda: not _page(asking)[CALENDAR_SPENT], "old answers to disappear", 10)
        page = _page(asking)
        assert page[CALENDAR_FORECAST] == page[SERIES_PRESENT] == {}
        assert page[CALENDAR_START]
        script.answer = spending
        asking.round()
        page = _page(asking)
        assert page[CALENDAR_SPENT]
        assert _up(page, "prometheus") == 1


def test_answers_outlive_the_rounds_that_they_may_miss() -> None:
    with prometheus_that(spending) as (url, _):
        asking = _asking(url, every_s=100)
        asking.round()
    answers = asking.answers()
    assert answers
    asking.every_s = (time.monotonic() - answers.began) / MISSED / 2
    assert asking.answers() is None


def test_what_was_spent_yesterday_is_not_shown_today() -> None:
    with prometheus_that(spending) as (url, _):
        asking = _asking(url)
        asking.round()
    tomorrow = Budgets(
        asking=asking, budgets=asking.questions.budgets, clock=lambda: NOON + 12 * 3600
    )
    found = {family.metric: family.samples for family in tomorrow.collect()}
    assert found[CALENDAR_SPENT] == {}
    assert found[CALENDAR_START] == {("all", "production"): moment("2026-03-02T00:00Z")}


def test_rounds_go_on_by_themselves_and_end_at_once() -> None:
    with prometheus_that(spending) as (url, script):
        asking = _asking(url, every_s=0.05)
        asking.start()
        until(lambda: len(script.asked) > 30, "several rounds", 10)
        began = time.monotonic()
        asking.stop()
        assert time.monotonic() - began < 0.5
        asked = -1
        while asked != len(script.asked):  # the round under way may finish
            asked = len(script.asked)
            time.sleep(0.2)


def test_one_that_did_not_answer_is_asked_again_before_an_interval_is_over() -> None:
    with prometheus_that(broken(b"", 503)) as (url, script):
        asking = _asking(url, every_s=1000)
        asking.start()
        try:
            until(lambda: asking.problem() is not None, "a first round in vain")
            script.answer = empty
            until(lambda: asking.problem() is None, "a second round", 20)
        finally:
            asking.stop()


def test_a_hanging_prometheus_never_holds_up_a_page() -> None:
    release = threading.Event()
    with prometheus_that(hanging(release)) as (url, script):
        asking = _asking(url, timeout_s=10)
        asking.start()
        until(lambda: bool(script.asked), "a query that hangs", 10)
        began = time.monotonic()
        page = _page(asking)
        assert time.monotonic() - began < 1
        assert page[CALENDAR_START]
        asking.stop()
        release.set()


def test_new_questions_are_asked_at_once() -> None:
    with prometheus_that(spending) as (url, script):
        asking = _asking(url, every_s=1000)
        asking.start()
        until(lambda: asking.answers() is not None, "a first round", 10)
        asking.ask(Questions(budgets=(budget("other", "month"),)))
        until(lambda: any("other" in query for query, _ in script.asked), "a second round", 10)
        asking.stop()


def test_a_bug_in_a_round_costs_that_round_only(caplog: pytest.LogCaptureFixture) -> None:
    with prometheus_that(spending) as (url, _):
        asking = _asking(url, every_s=0.05)
        asking.questions = Questions(budgets=(budget("all", "day", "No/Where"),))
        asking.start()
        until(lambda: asking.problem() is not None, "the bug", 10)
        asking.ask(Questions(budgets=(budget("all", "day"),)))
        until(lambda: asking.answers() is not None, "a sound round", 10)
        asking.stop()
    assert asking.problem() is None
    assert "asking Prometheus failed" in caplog.text
