"""Concept drift on error streams: found soon after it begins, not found where there is none."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from alerts.recorded.accuracy_stream import GROUPS
from modelwatch.catalogue.accuracy import STREAM, STREAM_BOUND, STREAM_CHANGE
from modelwatch.catalogue.labels import LABELS_TOTAL
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.promql import select
from modelwatch.rules import Record
from tests.alerts.staging import INVENTORY
from tests.promtool_rules import complaints
from tests.real import first_on

HOURS = 6
"""One sample of a stream stands for so many hours here, and for four minutes in the rules."""
SAMPLE_S = 240
DAY = 24 // HOURS

WORSE = f"({STREAM_CHANGE} > bool {STREAM_BOUND})"
TOLD = Metric(name="test:told:sum", help="Told.", unit="count", labels=(), layer=Layer.STACK)
(_GROUP,) = GROUPS
# In one group, whose rules are evaluated in order: of several promtool takes any first.
RECORDS = (replace(_GROUP, records=(*_GROUP.records, Record(metric=TOLD, expr=f"sum({WORSE})"))),)


def chance(seed: int) -> Random:
    """The same numbers each time."""
    return Random(seed)  # noqa: S311  # no secret


def stream(model: str, wrong: Iterable[int], labels: int) -> dict[str, str]:
    """A stream as it is recorded: how many of each sample's labels were wrong."""
    counts = list(wrong)
    of = {"model": model, "environment": "production", "stream": "labels"}
    return {
        select(STREAM, of, verdict="wrong"): _rates(counts),
        select(STREAM, of, verdict="right"): _rates([labels - count for count in counts]),
    }


def _rates(counts: list[int]) -> str:
    return " ".join(f"{count / SAMPLE_S:.12g}" for count in counts)


def unchanged(days: int, share: float, labels: int, random: Random) -> Iterator[int]:
    """The wrong ones of a stream in which nothing changes."""
    for _ in range(days * DAY):
        yield sum(random.random() < share for _ in range(labels))


def sea(days: int, change: int, labels: int, random: Random) -> Iterator[int]:
    """The wrong answers of a model of the first SEA concept when the second takes its place.

    Two features from 0 to 10 and a class that is their sum below a threshold, which moves from 8 to
    9.5; one label in twenty is turned. (W. N. Street and Y. Kim, KDD 2001.)
    """
    for sample in range(days * DAY):
        threshold = 8.0 if sample < change * DAY else 9.5
        yield sum(_is_wrong(threshold, random) for _ in range(labels))


def _is_wrong(threshold: float, random: Random) -> bool:
    total = random.uniform(0, 10) + random.uniform(0, 10)
    label = (total <= threshold) != (random.random() < 0.05)
    return (total <= 8.0) != label


def found_wrong(
    promtool: Path, folder: Path, series: dict[str, str], expected: dict[str, float], day: int
) -> str:
    return complaints(
        promtool,
        folder,
        INVENTORY,
        records=RECORDS,
        series=series,
        expected=expected,
        at_minutes=day * 24 * 60 - HOURS * 60,
        step_minutes=HOURS * 60,
    )


@pytest.mark.real
@first_on("on PATH")
def test_a_change_of_concept_is_found_within_a_day_of_800_labels(
    promtool: Path, tmp_path: Path
) -> None:
    series: dict[str, str] = {}
    for number in range(20):
        wrong = sea(12, 11, 800 // DAY, chance(number))
        series |= stream(f"sea{number}", wrong, 800 // DAY)
    before = f"sum_over_time({TOLD}[2d] offset 1d)"
    assert not found_wrong(promtool, tmp_path, series, {before: 0.0, f"sum({TOLD})": 20}, 12)


@pytest.mark.real
@first_on("on PATH")
def test_of_400_streams_without_a_change_eight_are_told_in_a_week_at_most(
    promtool: Path, tmp_path: Path
) -> None:
    series: dict[str, str] = {}
    for number in range(400):
        share, labels = (0.01, 0.05, 0.2, 0.5)[number % 4], (25, 50)[number % 2]
        wrong = unchanged(16, share, labels, chance(number))
        series |= stream(f"still{number}", wrong, labels)
    looks = {f"sum_over_time({TOLD}[7d]) <= bool 8": 1.0, f"count({WORSE})": 400.0}
    assert not found_wrong(promtool, tmp_path, series, looks, 16)


@pytest.mark.real
def test_what_became_better_is_no_concept_drift(promtool: Path, tmp_path: Path) -> None:
    wrong = [*unchanged(11, 0.4, 200, chance(1)), *unchanged(1, 0.1, 200, chance(2))]
    expected = {f"sum({TOLD})": 0.0, f"count({STREAM_CHANGE} < -0.2)": 1}
    assert not found_wrong(promtool, tmp_path, stream("better", wrong, 200), expected, 12)


@pytest.mark.real
def test_labels_of_two_replicas_are_one_stream(promtool: Path, tmp_path: Path) -> None:
    """Counted three times an hour for nine days, and worse on the last."""
    random = chance(7)
    steps = 9 * 24 * 3
    series: dict[str, str] = {}
    totals = {"one": [0, 0], "a": [0, 0], "b": [0, 0]}
    lines: dict[tuple[str, int], list[str]] = {
        (name, side): [] for name in totals for side in (0, 1)
    }
    for step in range(steps + 1):
        for _ in range(50):
            side = int(random.random() < (0.1 if step < 8 * 24 * 3 else 0.4))
            totals["one"][side] += 1
            totals[random.choice("ab")][side] += 1
        for (name, which), line in lines.items():
            line.append(str(totals[name][which]))
    for (name, which), line in lines.items():
        labels = {
            "model": "one" if name == "one" else "two",
            "environment": "production",
            "verdict": ("right", "wrong")[which],
            "instance": name,
        }
        series[select(LABELS_TOTAL, labels)] = " ".join(line)
    expected = {
        f"abs({select(metric, model='one')} - on () {select(metric, model='two')}) < bool 1e-9": 1.0
        for metric in (STREAM_CHANGE, STREAM_BOUND)
    }
    expected[f"sum({WORSE})"] = 2
    assert not complaints(
        promtool,
        tmp_path,
        INVENTORY,
        records=GROUPS,
        series=series,
        expected=expected,
        at_minutes=steps * 20,
        step_minutes=20,
    )
