"""Predictions of a model, its baseline, and what must be counted of them, bin by bin."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from compose.ports import free_port
from exporters.drift.baseline import Baseline, Categorical, Numeric, Score, ScoreOfClass, text
from exporters.drift.bins import Counts
from exporters.drift.declared import watched
from exporters.drift.ledger import Ledger
from generator.opening import inventory_at
from modelwatch.catalogue import drift
from modelwatch.catalogue.metric import Metric

MODEL, ENVIRONMENT = "fraud", "production"
EDGES = (10.0, 20.0, 40.0, 80.0)
COUNTRIES = ("DE", "FR", "PL")
CLASSES = ("fine", "fraud")
SCORES = tuple(step / 20 for step in range(1, 21))
BASELINE = Baseline(
    model=MODEL,
    version="1",
    created="2026-05-01T12:00:00Z",
    newest="2026-05-01T11:00:00Z",
    rows=500,
    features=(
        Numeric(
            name="amount",
            edges=EDGES,
            counts=(100, 100, 100, 100, 100),
            centres=(5.0, 15.0, 30.0, 60.0, 90.0),
            missing=0,
            low=0.0,
            high=100.0,
            mean=40.0,
            deviation=30.0,
        ),
        Categorical(name="country", values=COUNTRIES, counts=(300, 100, 100), other=0, missing=0),
        Score(
            name="score",
            edges=SCORES,
            classes=tuple(
                ScoreOfClass(predicted=name, counts=(12,) * 21, correct=(None,) * 21)
                for name in CLASSES
            ),
            missing=0,
        ),
    ),
)
INVENTORY = """\
teams:
  risk: {page: on-call}
receivers:
  on-call: {webhook: {url_file: secrets/url}}
models:
  - name: fraud
    team: risk
    sources:
      - {engine: vllm, targets: ["f:1"], model: f}
    drift:
      features: [amount, country, score]
      baseline: fraud.json
"""


def declare(folder: Path) -> Path:
    """Writes the inventory and the baseline; returns where the inventory is."""
    folder.joinpath("fraud.json").write_text(text(BASELINE))
    path = folder / "models.yaml"
    path.write_text(INVENTORY)
    return path


def ledger(folder: Path, inventory: Path) -> Ledger:
    """Counts in a folder."""
    folder.mkdir(exist_ok=True)
    return Ledger(folder, watched(inventory_at(str(inventory)), folder))


def prediction(number: int) -> Mapping[str, Any]:
    """One of many: every eleventh without an amount, every thirteenth from nowhere we know."""
    amount = None if number % 11 == 0 else (number * 37 % 1200) / 10
    country = "XX" if number % 13 == 0 else COUNTRIES[number % 3]
    return {
        "model": MODEL,
        "id": str(number),
        "features": {"amount": amount, "country": country},
        "score": (number * 7 % 1000) / 1000,
        "predicted": CLASSES[number % 5 == 0],
    }


def predictions(first: int, last: int) -> Iterator[Mapping[str, Any]]:
    return map(prediction, range(first, last))


def counted(*ledgers: Ledger) -> dict[tuple[str, str], Counts]:
    """What they have counted, in all, by feature and class."""
    found: dict[tuple[str, str], Counts] = {}
    for one in ledgers:
        tally = one.watches.find(MODEL, ENVIRONMENT).tally
        assert tally
        for key, counts in tally.counts.items():
            found[key] = found[key] + counts if key in found else counts
    return found


def observations(*ledgers: Ledger) -> int:
    return counted(*ledgers)["amount", ""].observations


def of(messages: int) -> dict[tuple[str, str], Counts]:
    """What must be counted of the first predictions, one value at a time."""
    amount, country = Counts(bins=[0] * 5), Counts(bins=[0] * 4)
    scores = {name: Counts(bins=[0] * 21) for name in CLASSES}
    for one in predictions(0, messages):
        value, word = one["features"]["amount"], one["features"]["country"]
        if value is None:
            amount.missing += 1
        else:
            amount.bins[sum(value > edge for edge in EDGES)] += 1
            amount.out_of_range += value > 100
        place = COUNTRIES.index(word) if word in COUNTRIES else 3
        country.bins[place] += 1
        country.unseen += place == 3
        scores[one["predicted"]].bins[sum(one["score"] > edge for edge in SCORES)] += 1
    by_class = {("score", name): counts for name, counts in scores.items()}
    return {("amount", ""): amount, ("country", ""): country, **by_class}


def on_pages(*pages: str) -> dict[tuple[str, str], Counts]:
    """What exporters show that they have counted, in all, by feature and class."""
    found = of(0)
    for page in pages:
        samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
        for key in found:
            own = [one for one in samples if _is_of(key, one.labels)]
            found[key] += _on_page(own) if own else Counts(bins=[0] * len(found[key].bins))
    return found


def _is_of(key: tuple[str, str], labels: Mapping[str, str]) -> bool:
    return (labels.get("feature_name"), labels.get("predicted")) == key


def _on_page(samples: Sequence[Sample]) -> Counts:
    def number(metric: Metric) -> int:
        return int(sum(one.value for one in samples if one.name == metric.name))

    bucket, category = f"{drift.DRIFT_VALUES.name}_bucket", drift.DRIFT_CATEGORIES_TOTAL.name
    upto = sorted((float(one.labels["le"]), one.value) for one in samples if one.name == bucket)
    words = {one.labels["bin"]: int(one.value) for one in samples if one.name == category}
    numbers = [0, *(int(value) for _, value in upto)]
    return Counts(
        bins=[words[name] for name in (*COUNTRIES, "other")]
        if words
        else [after - before for before, after in pairwise(numbers)],
        missing=number(drift.DRIFT_MISSING_TOTAL),
        unseen=number(drift.DRIFT_UNSEEN_TOTAL),
        out_of_range=number(drift.DRIFT_OUT_OF_RANGE_TOTAL),
    )


class Process:
    """An exporter as people run it, with a state folder that outlives it."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        self._folder, self._name, self._options = folder, name, options
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        program = Path(sys.executable).parent / "modelwatch"
        with (self._folder / f"{self._name}.log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(program, "exporter", "drift"),
                    *("--inventory", self._folder / "models.yaml"),
                    *("--state-dir", self._folder / self._name),
                    *("--listen", self.url.removeprefix("http://")),
                    *self._options,
                ],
                stderr=log,
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def page(self) -> str:
        """What it shows; nothing while it does not answer."""
        try:
            answer = requests.get(f"{self.url}/metrics", timeout=30)
        except requests.ConnectionError:
            return ""
        return answer.text if answer.ok else ""


def until(is_so: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)
