"""Evidently: a report as `save_json()` writes it, or the rows of a dataset with its descriptors.

Of a report: shares, the mean of a column, the share of true in one, and single numbers about a
model or a table. Each is one value of a whole dataset. Its tests are checks.
"""

from collections.abc import Iterator
from typing import Any

from exporters.quality import frames
from exporters.quality.events import Refused, Score
from exporters.quality.results import Format, Items, loaded, objects, scored, snake, text

_EVALUATOR = "evidently"
_STATISTICS = frozenset(
    {
        "ColumnCount",
        "MaxValue",
        "MedianValue",
        "MinValue",
        "QuantileValue",
        "RowCount",
        "StdValue",
        "SumValue",
        "ValueDrift",
    }
)
"""Numbers that describe data and judge nothing; distances from a baseline are drift."""

_OF_COLUMN = ("MeanValue", "UniqueValueCount")
"""Metrics whose value stands for the column itself."""


def _read(body: bytes) -> Items:
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{":
        yield from frames.scores(frames.rows(body), (), _EVALUATOR)
        return
    found = loaded(body)
    if not isinstance(found.get("metrics"), list):
        raise Refused("missing_field", "the file has no `metrics`: it is no report of save_json()")
    seen: dict[str, object] = {}
    for metric in objects(found["metrics"]):
        seen |= _values(metric)
    for number, (name, value) in enumerate(seen.items(), 1):
        yield number, scored(name, value, evaluator=_EVALUATOR)
    for number, test in enumerate(objects(found.get("tests")), len(seen) + 1):
        status = test.get("status")
        if status in ("SUCCESS", "FAIL"):  # others are of tests that could not run
            passed = float(status == "SUCCESS")
            yield number, Score(model="", score="", value=passed, evaluator=_EVALUATOR)
        else:
            yield number, Refused("not_a_number", "the test did not run to its end")


def _values(metric: dict[str, Any]) -> dict[str, object]:
    """Name and value; empty where the metric is no score."""
    config = metric.get("config")
    if not isinstance(config, dict):
        return {}
    kind = text(config.get("type")).rpartition(":")[2]
    column = snake(text(config.get("column")))
    value = metric.get("value")
    if kind in _STATISTICS or not kind:
        return {}
    if kind == "UniqueValueCount":
        return dict(_share_of_true(column, value))
    if isinstance(value, dict):
        share = value.get("share")
        name = snake(kind.removesuffix("Count"))
        return {} if share is None else {"_".join(filter(None, (name, "share", column))): share}
    name = column if kind in _OF_COLUMN else "_".join(filter(None, (snake(kind), column)))
    return {name: value}


def _share_of_true(column: str, value: object) -> Iterator[tuple[str, object]]:
    shares = value.get("shares") if isinstance(value, dict) else None
    if isinstance(shares, dict) and shares.keys() <= {"true", "false"}:
        yield column, shares.get("true", 0.0)


FORMAT = Format(title="Evidently", proved="0.7.23", read=_read)
