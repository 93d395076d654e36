"""What labels say, on the page."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from exporters.base.families import OTHER, Distribution, Family
from exporters.base.receipts import NotWritable
from exporters.drift.labels.calibration import Calibration
from exporters.drift.labels.counting import DAY_S, DELAYS, NOBODY, numbers_of
from exporters.drift.labels.store import Store
from exporters.drift.labels.subjects import Names, Subject
from modelwatch import buckets
from modelwatch.catalogue import labels as catalogue
from modelwatch.catalogue.metric import Layer, Metric

METRICS = tuple(
    metric
    for metric in vars(catalogue).values()
    if isinstance(metric, Metric) and metric.layer is Layer.EXPOSED
)
VERDICTS = ("right", "wrong")

_Families = Mapping[Metric, Family]
_COUNTERS = {
    "corrected": catalogue.LABELS_CORRECTED_TOTAL,
    "duplicates": catalogue.LABELS_DUPLICATES_TOTAL,
}


def families(store: Store) -> Iterable[Family]:
    """Samples of this moment; of counts none while they cannot be read."""
    found = {metric: Family(metric) for metric in METRICS}
    for subject in store.subjects:
        if subject.calibration:
            _add_calibration(found, subject, subject.calibration)
    try:
        with store.reading() as tables:
            _add_counted(found, tables, store.subjects)
    except NotWritable:
        pass  # said by the gauge below
    found[catalogue.LABELS_WRITABLE].add(float(not store.trouble))
    return found.values()


def _add_calibration(families: _Families, subject: Subject, known: Calibration) -> None:
    of_model = (*subject.key, known.baseline)
    families[catalogue.BASELINE_ACCURACY].add(known.accuracy, *of_model)
    families[catalogue.BASELINE_LABELS].add(known.labels, *of_model)
    for predicted, shares in known.shares.items():
        labels = (*subject.key, known.feature, predicted, known.baseline)
        for edge, share in zip((*known.edges, float("inf")), shares, strict=True):
            families[catalogue.CALIBRATED].add(share, *labels, buckets.le(edge))


def _add_counted(
    families: _Families, tables: sqlite3.Connection, subjects: Iterable[Subject]
) -> None:
    numbers = {
        (model, environment): (number, newest)
        for number, model, environment, newest in tables.execute("SELECT * FROM subjects")
    }
    counted: defaultdict[int, dict[tuple[str, str], float]] = defaultdict(dict)
    for number, name, part, value in tables.execute("SELECT * FROM counters"):
        counted[number][name, part] = value
    for subject in subjects:
        number, newest = numbers.get(subject.key, (-1, None))
        _add_counters(families, subject.key, counted.pop(number, {}))
        if newest is not None:
            families[catalogue.LABELS_NEWEST].add(newest, *subject.key)
        _add_days(families, tables, subject, number)
        _add_confusion(families, tables, subject, number)
    _add_rejected(families, (OTHER, OTHER), counted[NOBODY])
    families[catalogue.PREDICTIONS_FORGOTTEN_TOTAL].add(counted[NOBODY].get(("forgotten", ""), 0))
    first, last = numbers_of(tables)
    families[catalogue.PREDICTIONS_REMEMBERED].add(last - first + 1)


def _add_counters(
    families: _Families, key: tuple[str, str], counted: Mapping[tuple[str, str], float]
) -> None:
    """Counters of a model, at zero before the first label: it is then seen as a rise."""
    for verdict in VERDICTS:
        families[catalogue.LABELS_TOTAL].add(counted.get(("labels", verdict), 0), *key, verdict)
    for name, metric in _COUNTERS.items():
        families[metric].add(counted.get((name, ""), 0), *key)
    delays = [counted.get(("delay", str(place)), 0) for place in range(len(DELAYS) + 1)]
    families[catalogue.LABEL_DELAY].add(
        Distribution(bounds=DELAYS, counts=delays, sum=counted.get(("delay_sum", ""), 0)), *key
    )
    _add_rejected(families, key, counted)


def _add_rejected(
    families: _Families, key: tuple[str, str], counted: Mapping[tuple[str, str], float]
) -> None:
    reasons = {part: value for (name, part), value in counted.items() if name == "rejected"}
    for reason, value in {"unmatched": 0.0, **reasons}.items():
        families[catalogue.LABELS_REJECTED_TOTAL].add(value, *key, reason)


def _add_days(
    families: _Families, tables: sqlite3.Connection, subject: Subject, number: int
) -> None:
    """Of predictions that were observed; where none were, of those that came with their label."""
    for _, day, predictions, expected, scored, label_expected, label_scored in tables.execute(
        "SELECT * FROM days WHERE subject = ?", (number,)
    ):
        cohort = (*subject.key, _date(day))
        families[catalogue.COHORT_END].add((day + 1) * DAY_S, *cohort)
        if predictions:
            families[catalogue.COHORT_PREDICTIONS].add(predictions, *cohort)
        if scored or label_scored:
            families[catalogue.COHORT_EXPECTED].add(expected if scored else label_expected, *cohort)
            families[catalogue.COHORT_SCORED].add(scored or label_scored, *cohort)


def _add_confusion(
    families: _Families, tables: sqlite3.Connection, subject: Subject, number: int
) -> None:
    """Cells by the classes of this baseline: what another one named is other by now."""
    cells: Counter[tuple[str, ...]] = Counter()
    named = Names(subject.classes, ())
    for day, predicted, label, verdict, labels in tables.execute(
        "SELECT day, predicted, label, verdict, labels FROM confusion "
        "WHERE subject = ? AND labels > 0 ORDER BY day",
        (number,),
    ):
        cells[*subject.key, _date(day), named(predicted), named(label), verdict] += labels
    families[catalogue.COHORT_LABELS].samples.update(cells)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d")
