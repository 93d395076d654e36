"""`kill -9` of Prometheus while it scrapes: what is lost, what is told, how long it takes."""

import time
from pathlib import Path

import pytest

from compose import answers
from modelwatch.promql import select
from tests import real
from tests.exporters.prometheus_server import api
from tests.faults.pages import Counted, counting
from tests.faults.site import (
    COMPRESSION,
    HEAD,
    Site,
    alertmanager_alerts,
    eventually,
    healthy_again,
    kill,
    measured,
    model,
    site,
    supervised,
    watch,
)
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers]

GROUP_INTERVAL_S = 2 * 60 / COMPRESSION
"""After which a group of alerts that changed is told again."""

HELD = "ALERTS_FOR_STATE"
EXPECTED = {("ModelEndpointDown", "firing")}


def fires(where: Site, name: str) -> bool:
    return any(one["alertname"] == name for one in answers.firing(where.prometheus))


def stored(where: Site) -> set[int]:
    """The numbers of the pages that Prometheus has kept."""
    series = api(where.prometheus, "query", query="shelf_pages_total[1h]")["result"]
    return {int(value) for one in series for _, value in one["values"]}


def kill_during_a_scrape(where: Site, book: Counted) -> float:
    """The moment; it dies with half of a page in its hands."""
    moments: list[float] = []
    book.during = lambda: moments.append(kill(where.process("Prometheus")))
    eventually(lambda: moments, "a scrape")
    return moments[0]


def more_scrapes(book: Counted) -> None:
    before = len(book.served)
    eventually(lambda: len(book.served) > before + 4, "more scrapes")


def survived(folder: Path, path: str, kills: int) -> None:
    book = Counted()
    with serving(counting(book, 'm="chat"')) as port:
        text = f"{HEAD}models:\n{model('chat', port)}{model('mute', 1)}"
        with site(folder, text, path) as where, supervised(where) as said:
            eventually(lambda: where.told("ModelEndpointDown"), "the alert to be told")
            seconds = []
            for _ in range(kills):
                more_scrapes(book)
                killed = kill_during_a_scrape(where, book)
                seconds.append(healthy_again(killed, where.prometheus))
            started = time.time()
            more_scrapes(book)
            eventually(lambda: fires(where, "ModelEndpointDown"), "the alert to fire again")
            eventually(lambda: resent(where, started), "Alertmanager to hear of it again")
            watch(2 * GROUP_INTERVAL_S)
            (told,) = where.told()
            assert (told.status, told.labels["model"]) == ("firing", "mute")
            assert len(said) == kills
            lost = set(book.served) - stored(where) - {book.asked, book.asked - 1}
            assert not lost
            measured("Prometheus ready again", ", ".join(f"{one:.1f} s" for one in seconds))
            measured("pages served, asked for, lost", (len(book.served), book.asked, len(lost)))


def resent(where: Site, since: float) -> bool:
    """Whether Prometheus sent the alert after that moment; it does at least once a minute."""
    (alert,) = alertmanager_alerts(where.stack.alertmanager_url, "ModelEndpointDown")
    return str(alert["updatedAt"]) > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))


@real.first_on("on PATH")
def test_a_kill_loses_no_scrape_that_was_served_and_tells_nothing_twice(
    tmp_path: Path, native_path: str
) -> None:
    survived(tmp_path, native_path, kills=1)


@pytest.mark.slow
def test_many_kills_lose_no_more(tmp_path: Path, native_path: str) -> None:
    survived(tmp_path, native_path, kills=6)


@pytest.mark.slow
def test_an_alert_of_minutes_fires_at_once_after_a_kill(tmp_path: Path, native_path: str) -> None:
    """In real time: Alertmanager forgets an alert that is not sent again for four minutes.

    Prometheus by itself would start every hold below ten minutes anew, so that an alert which holds
    for longer than those four would be resolved by a restart, and told again.
    """
    text = HEAD.replace(f"time_compression: {COMPRESSION}", "time_compression: 1")
    text = f"{text}models:\n{model('mute', 1)}"
    with site(tmp_path, text, native_path) as where, supervised(where):
        eventually(lambda: fires(where, "ModelEndpointDown"), "the alert to fire", 400)
        before = active_since(where)
        killed = kill(where.process("Prometheus"))
        healthy_again(killed, where.prometheus)
        eventually(lambda: fires(where, "ModelEndpointDown"), "the alert to fire again", 400)
        assert active_since(where) == before
        measured("the alert fires again after", f"{time.monotonic() - killed:.0f} s")


def active_since(where: Site) -> float:
    """Since when the condition holds, as Prometheus keeps it for a restart."""
    (kept,) = answers.query(where.prometheus, select(HELD, alertname="ModelEndpointDown"))
    return kept.value
