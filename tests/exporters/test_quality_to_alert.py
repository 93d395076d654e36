"""From what evaluators send to the alerts: real exporters, a real Prometheus, every rule."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from alerts import answers, quality, retrieval
from exporters.base.exporter import Parts
from exporters.base.families import Family
from exporters.quality.doors import PATH
from generator import tree
from generator.build import build
from generator.definitions import definitions
from modelwatch.catalogue.exposed import REQUESTS_TOTAL
from modelwatch.catalogue.quality import QUALITY_JUDGEMENTS_TOTAL
from modelwatch.catalogue.recorded import (
    JUDGEMENTS,
    RERANKER_SCORE_MEAN,
    RETRIEVAL_EMPTY,
    RETRIEVAL_TOP_SCORE_MEAN,
    SCORE,
    SCORE_SAMPLES,
)
from modelwatch.catalogue.stack import ALERTS as FIRING
from modelwatch.promql import select, shortened
from modelwatch.reading import read
from tests import real
from tests.engine_pages import failures
from tests.exporters.prometheus_server import (
    backfill,
    free_address,
    prometheus,
    served,
    until,
    values,
)

Event = Mapping[str, object]

FASTER = 120
"""An hour in 30 seconds: that long a score must be low before anybody is told.

Prometheus takes five seconds to find its targets, in which every model is silent.
"""

FLEET = f"""\
settings: {{{{time_compression: {FASTER}, scrape_interval: 60s}}}}
receivers: {{{{hook: {{{{webhook: {{{{url_file: /etc/hook}}}}}}}}}}}}
teams: {{{{assist: {{{{page: hook}}}}}}}}
exporters: {{{{quality: {{{{targets: {{targets}}}}}}}}}}
defaults: {{{{team: assist, tier: 1, limits: {{{{silent: for 1h}}}}}}}}
models:
"""
MODEL = """\
  - name: {name}
    sources: [{{engine: modelwatch, targets: ["{requests}"]}}]
    {facts}
"""
GROUNDED = "quality: {{groundedness: {{good: above 0.7, evaluated_every: {every}}}}}"
JUDGED = GROUNDED.format(every="20m")
TOXIC = "quality: {toxicity: {good: below 0.2, evaluated_every: 20m}}"
PROMISED = f"slo: {{quality: {{objective: 99%, window: 7d}}}}\n    {JUDGED}"


def score(value: float, name: str = "groundedness", **more: object) -> Event:
    return {"score": name, "value": value, **more}


def flags(name: str, number: int) -> list[Event]:
    return [{"kind": "flag", "flag": name}] * number


def votes(up: int, down: int) -> list[Event]:
    numbers = {"up": up, "down": down}
    return [{"kind": "feedback", "vote": vote} for vote in numbers for _ in range(numbers[vote])]


def retrievals(hits: int, empty: int, top: float = 0.8, reranked: float = 0.8) -> list[Event]:
    found: Event = {"kind": "retrieval", "hits": 3, "top_score": top, "reranker_score": reranked}
    return [found] * hits + [{"kind": "retrieval", "hits": 0}] * empty


def stopped(number: int) -> list[Event]:
    return [{"kind": "guardrail", "guardrail": "pii", "action": "blocked"}] * number


GOOD = [score(0.9)] * 5
BEHAVIOUR: Mapping[str, tuple[str, Sequence[Event]]] = {
    "well": (
        PROMISED,
        [
            *GOOD,
            *flags("refusal", 1),
            *stopped(1),
            *votes(9, 1),
            *retrievals(9, 1),
            {"kind": "format", "valid": True},
            {"kind": "guardrail", "guardrail": "pii", "action": "passed"},
        ],
    ),
    "promised": (PROMISED, [score(0.9, verdict="bad")] * 5),
    "low": (JUDGED, [score(0.3)] * 5),
    "high": (TOXIC, [score(0.9, "toxicity")] * 5),
    "fallen-silent": (GROUNDED.format(every="5m"), []),
    "unheard": (JUDGED, []),
    "refusing": ("", flags("refusal", 20)),
    "stopped": ("", stopped(20)),
    "inventing": ("", flags("hallucination", 20)),
    "rude": ("", flags("toxicity", 20)),
    "disliked": ("", votes(3, 7)),
    "searching": ("", retrievals(5, 5)),
    "lost": ("limits: {retrieval_empty: off}", retrievals(2, 8)),
    "vague": ("", retrievals(10, 0, top=0.4)),
    "unsorted": ("", retrievals(10, 0, reranked=0.4)),
    "shared": (GROUNDED.format(every="1d"), []),
}
"""By model: what the inventory says of it, and what is sent a few times a second.

Of `fallen-silent` one batch is sent and then no more, of `unheard` none ever; `shared` is about
what two replicas say together.
"""

EXPECTED = {
    "ModelQualityBurn1d": "promised",
    "ModelScoreLow": "low",
    "ModelScoreHigh": "high",
    "ModelEvaluatorSilent": "fallen-silent",
    "ModelEvaluationMissing": "unheard",
    "ModelRefusalsHigh": "refusing",
    "ModelGuardrailsHigh": "stopped",
    "ModelHallucinationsHigh": "inventing",
    "ModelToxicityHigh": "rude",
    "ModelThumbsDownHigh": "disliked",
    "ModelRetrievalEmpty": "searching",
    "ModelRetrievalHitsLost": "lost",
    "ModelRetrievalScoreDropped": "vague",
    "ModelRerankerScoreDropped": "unsorted",
    "ExporterStateNotWritable": "",
}
"""Each alert fires for one model, or for the exporter that cannot write; for nothing else."""

OF_A_BUSY_MACHINE = {"ModelEndpointDown"}
"""With hours in seconds a page must answer in half of one, which is no matter of answers."""

A_WEEK_AGO = {RETRIEVAL_EMPTY: 0.05, RETRIEVAL_TOP_SCORE_MEAN: 0.8, RERANKER_SCORE_MEAN: 0.8}
"""Recorded of every model that searches."""

EXPORTERS = ("first", "second", "broken")
REQUESTS_PER_S = 200
SEND_EVERY_S = 0.2


@dataclass(slots=True)
class Sender:
    """Sends what every model's evaluators say: one batch to each replica in turn.

    `refused` are answers that do not say that all of a batch was taken.
    """

    replicas: Sequence[str]
    refused: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def send(self, turn: int, events: Iterable[Event]) -> None:
        """As JSON to the first replica, as lines of JSON to the second."""
        url = f"http://{self.replicas[turn % 2]}{PATH}"
        listed = list(events)
        if turn % 2:
            body = "\n".join(json.dumps(event) for event in listed)
            kind = "application/x-ndjson"
        else:
            body, kind = json.dumps({"scores": listed}), "application/json"
        reply = requests.post(url, body, headers={"content-type": kind}, timeout=10)
        if reply.status_code != 200 or reply.json()["accepted"] != len(listed):
            self.refused.append(reply.text)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Until the end of the context."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(20)

    def _run(self) -> None:
        batch = [{"model": name, **one} for name, (_, sent) in BEHAVIOUR.items() for one in sent]
        turn = 0
        while not self._ended.wait(SEND_EVERY_S):
            self.send(turn, batch)
            turn += 1


@dataclass(slots=True)
class Answering:
    """The models' own page: all of them answer, as many requests as ever."""

    name: str = "requests"
    began: float = field(default_factory=time.monotonic)

    def collect(self) -> Iterable[Family]:
        """Requests so far."""
        family = Family(REQUESTS_TOTAL)
        for name in BEHAVIOUR:
            number = REQUESTS_PER_S * (time.monotonic() - self.began)
            family.add(number, name, "production", "success", "")
        return (family,)


@contextmanager
def exporter(folder: Path, name: str) -> Iterator[str]:
    """Host and port of the real program, once it listens."""
    address, log = free_address(), folder / f"{name}.log"
    command = (sys.executable, "-m", "generator", "exporter", "quality", "--listen", address)
    options = ("--inventory", folder / "exporter.yaml", "--state-dir", folder / name)
    with log.open("w") as written:
        process = subprocess.Popen([*command, *options], stdout=written, stderr=written)
        try:
            until(lambda: address in log.read_text(), f"the exporter, see {log}")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def inventory(requests_from: str, targets: Sequence[str]) -> str:
    return FLEET.format(targets=json.dumps(targets)) + "".join(
        MODEL.format(name=name, requests=requests_from, facts=facts)
        for name, (facts, _) in BEHAVIOUR.items()
    )


def written(folder: Path, text: str, path: str) -> None:
    """All that Prometheus needs: its files, and what was recorded a week ago."""
    known = definitions()
    tree.write(folder, build(read("models.yaml", text.encode(), known.engines), known))
    # Six hours without any evaluation would take three minutes.
    rules = folder / "prometheus" / "rules" / "alerts-quality.yml"
    held, hold = rules.read_text(), f"for: {shortened('6h', FASTER)}\n"
    assert held.count(hold) == 1
    rules.write_text(held.replace(hold, "for: 15s\n"))
    week_s, day_s, now = 7 * 86_400 / FASTER, 86_400 / FASTER, time.time()
    lines = (
        f'{metric}{{model="{name}",environment="production"}} {value} {now - week_s + offset}\n'
        for metric, value in A_WEEK_AGO.items()
        for name in ("well", "searching", "lost", "vague", "unsorted")
        for offset in range(-int(day_s) - 60, 300, 5)
    )
    backfill(lines, folder / "prometheus", path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two replicas of the exporter, one that cannot write, and the Prometheus that scrapes them."""

    url: str
    sender: Sender

    def was_scraped(self) -> bool:
        """Whether what comes next is a rise, whichever exporter it is sent to."""
        counted = select(str(QUALITY_JUDGEMENTS_TOTAL), model="shared", verdict="good")
        seen = values(self.url, f"count_over_time({counted}[1h]) > 1")
        return len(seen) == len(EXPORTERS)

    def fired(self) -> set[tuple[str, str]]:
        """Every alert that fires or did, and the model it is about."""
        ever = f"max_over_time({select(FIRING, alertstate='firing')}[1h])"
        rows = map(dict, values(self.url, f"group by (alertname, model) ({ever})"))
        return {(row["alertname"], row.get("model", "")) for row in rows}

    def ours(self) -> set[tuple[str, str]]:
        """Those about answers."""
        return {alert for alert in self.fired() if alert[0] in EXPECTED}

    def shared(self, metric: object, **labels: str) -> float | None:
        """A recorded value of the model that both replicas are told about."""
        found = values(self.url, select(str(metric), model="shared", **labels))
        return next(iter(found.values()), None)

    def judged(self, verdict: str) -> float:
        """The most judgements in five minutes of that model, compressed as all windows are.

        The rate of a burst is up to half too high, as if more had come before the first scrape.
        """
        rates = select(JUDGEMENTS, model="shared", verdict=verdict)
        (most,) = values(self.url, f"max_over_time({rates}[1h])").values()
        return most * 300 / FASTER


@pytest.fixture(name="site")
def _site(tmp_path: Path, search_path: str) -> Iterator[Site]:
    (tmp_path / "broken" / "snapshot").mkdir(parents=True)  # where it wants to read a file
    with ExitStack() as stack:
        page = stack.enter_context(served("requests", Parts(collectors=(Answering(),))))
        (tmp_path / "exporter.yaml").write_text(inventory(page, ["quality:9467"]))
        targets = [stack.enter_context(exporter(tmp_path, name)) for name in EXPORTERS]
        sender = Sender(targets[:2])
        stack.enter_context(sender.sending())
        sender.send(0, [{"model": "fallen-silent", **score(0.9)}])
        written(tmp_path, inventory(page, targets), search_path)
        folder = tmp_path / "prometheus"
        url = stack.enter_context(prometheus(folder, search_path, configured=True))
        yield Site(url=url, sender=sender)


@pytest.mark.real
@pytest.mark.servers
@real.first_on("on PATH")
def test_each_alert_about_answers_fires_from_a_real_page_for_the_model_it_is_about(
    site: Site,
) -> None:
    expected = set(EXPECTED.items())
    until(site.was_scraped, "a first look at the pages")
    bad, good = ({"model": "shared", **score(value)} for value in (0.6, 0.9))
    site.sender.send(0, [bad] * 40 + [good] * 50)
    site.sender.send(1, [good] * 50)

    ended = time.monotonic() + 120
    until(lambda: site.ours() >= expected or time.monotonic() > ended, "alerts", 150)
    assert site.ours() == expected
    assert {alert for alert, model in site.fired() if model == "well"} <= OF_A_BUSY_MACHINE
    assert failures(site.url) == []
    assert site.sender.refused == []
    # Replicas count what each was told: judgements are added, means weighted by what is behind.
    until(lambda: site.shared(SCORE_SAMPLES) == 140, "a scrape of both replicas")
    until(lambda: site.shared(SCORE) == pytest.approx(114 / 140), "the mean of both replicas")
    assert 0.9 * 40 < site.judged("bad") < 1.6 * 40
    assert 0.9 * 100 < site.judged("good") < 1.6 * 100


def test_every_alert_about_answers_is_seen_to_fire() -> None:
    subjects = (quality.ALERTS, answers.ALERTS, retrieval.ALERTS)
    # Told only of what is still bad when the faster window has ended, three days from now.
    slower = {"ModelQualityBurn3d"}
    assert {alert.name for alerts in subjects for alert in alerts} <= EXPECTED.keys() | slower
