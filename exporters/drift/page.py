"""What stands on the page: counts in bins, and the baselines beside them."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporters.base.families import Distribution, Family
from exporters.drift.baseline_series import put as put_baseline
from exporters.drift.counting import Tally
from exporters.drift.ledger import Ledger
from exporters.drift.watching import TROUBLES, Watch
from modelwatch.catalogue import drift
from modelwatch.catalogue.metric import Layer, Metric

NAME = "drift"
METRICS = tuple(
    metric
    for metric in vars(drift).values()
    if isinstance(metric, Metric) and metric.layer is Layer.EXPOSED
)
OWN = tuple(
    metric
    for metric in METRICS
    if metric not in (drift.DRIFT_STATISTIC, drift.DRIFT_NOISE_FLOOR, drift.DRIFT_SAMPLES_BEHIND)
)
"""What the ledger has; the others are of its parts."""

Families = dict[Metric, Family]


@dataclass(frozen=True, slots=True)
class Counted:
    """Collects what the ledger holds; nothing is asked of anybody."""

    ledger: Ledger
    name: str = "ledger"

    def collect(self) -> Iterable[Family]:
        """Samples of this moment, which are on disk by the time that they are seen."""
        found = self.ledger.shown(self._families)
        writable = Family(drift.DRIFT_STATE_WRITABLE)
        writable.add(float(self.ledger.writable))
        return (*found, writable)

    def _families(self) -> list[Family]:
        families = {metric: Family(metric) for metric in OWN}
        for watch in self.ledger.watches.all():
            _put_watch(families, watch)
        for labels, number in self.ledger.rejected.items():
            families[drift.DRIFT_REJECTED_TOTAL].add(float(number), *labels)
        del families[drift.DRIFT_STATE_WRITABLE]
        parts = [list(part.families()) for part in self.ledger.parts]
        return [*families.values(), *(family for part in parts for family in part)]


def _put_watch(families: Families, watch: Watch) -> None:
    key = watch.watched.key
    for trouble in TROUBLES:
        families[drift.DRIFT_BASELINE_TROUBLE].add(float(watch.trouble == trouble), *key, trouble)
    if watch.watched.learn_s:
        made = watch.learning.progress if watch.learning else float(watch.counting is not None)
        families[drift.DRIFT_LEARNED].add(made, *key)
    if watch.learning:
        families[drift.DRIFT_LEARNED_OBSERVATIONS].add(watch.learning.rows, *key)
    if watch.sampling is not None:
        families[drift.DRIFT_SAMPLING].add(watch.sampling, *key)
    for tally in watch.tallies:
        _put_tally(families, key, tally)
    if watch.counting:
        put_baseline(families, key, watch.counting)


def _put_tally(families: Families, key: tuple[str, str], tally: Tally) -> None:
    for (name, predicted), counts in tally.counts.items():
        labels = (*key, name, predicted, tally.identity)
        shape = tally.shapes[name, predicted]
        for metric, number in (
            (drift.DRIFT_OBSERVATIONS_TOTAL, counts.observations),
            (drift.DRIFT_MISSING_TOTAL, counts.missing),
        ):
            families[metric].add(float(number), *labels)
        if shape.edges is None:
            families[drift.DRIFT_UNSEEN_TOTAL].add(float(counts.unseen), *labels)
            for word, number in shape.by_bin(counts.bins).items():
                families[drift.DRIFT_CATEGORIES_TOTAL].add(float(number), *labels, word)
        else:
            families[drift.DRIFT_OUT_OF_RANGE_TOTAL].add(float(counts.out_of_range), *labels)
            bins = Distribution(bounds=shape.edges, counts=tuple(counts.bins), sum=None)
            families[drift.DRIFT_VALUES].add(bins, *labels)
