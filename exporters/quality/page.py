"""What stands on the page: the counts under canonical names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporters.base.families import Distribution, Exemplar, Family
from exporters.quality.books import Books
from exporters.quality.ledger import Ledger
from exporters.quality.tally import BOUNDS, COUNTED, SCORE_BOUNDS, Bins, Key, Scored, ScoreKey
from modelwatch.catalogue import quality
from modelwatch.catalogue.exporters import EXPORTER_OVERFLOW_TOTAL
from modelwatch.catalogue.metric import Metric
from modelwatch.limits import EVALUATIONS_MISSED

NAME = "quality"
METRICS = tuple(metric for metric in vars(quality).values() if isinstance(metric, Metric))


@dataclass(frozen=True, slots=True)
class Counted:
    """Collects what the ledger holds; nothing is asked of anybody."""

    ledger: Ledger
    name: str = "ledger"

    def collect(self) -> Iterable[Family]:
        """Samples of this moment."""
        with self.ledger.reading() as books:
            families = _families(books, self.ledger.now())
        families[quality.QUALITY_STATE_WRITABLE].add(float(self.ledger.writable))
        families[quality.QUALITY_STATE_BYTES].add(self.ledger.bytes)
        return families.values()


def _families(books: Books, now: float) -> dict[Metric, Family]:
    families = {metric: Family(metric) for metric in (*METRICS, EXPORTER_OVERFLOW_TOTAL)}
    for key, number in _counters(books).items():
        families[COUNTED[key[0]]].add(0.0 if key in books.began else number, *key[1:])
    for key, bins in books.counts.bins.items():
        metric = COUNTED[key[0]]
        families[metric].add(_distribution(bins, BOUNDS[metric], new=key in books.began), *key[1:])
    groups: defaultdict[tuple[str, str, str], dict[str, Scored]] = defaultdict(dict)
    for (model, environment, score, version), scored in books.counts.scores.items():
        groups[model, environment, score][version] = scored
    for group, versions in groups.items():
        for version, scored in versions.items():
            _add_counts(families, (*group, version), scored, books.began)
        _add_evaluation(families, group, versions, now)
    for label, amount in books.names.overflow().items():
        families[EXPORTER_OVERFLOW_TOTAL].add(amount, NAME, label)
    return families


def _counters(books: Books) -> Mapping[Key, float]:
    """Every counter, those that are not on disk yet included."""
    counters: dict[Key, float] = dict(books.counts.counters)
    for key, number in books.waiting.counters.items():
        counters[key] = counters.get(key, 0.0) + number
    return counters


def _add_counts(
    families: Mapping[Metric, Family], key: ScoreKey, scored: Scored, began: Mapping[Key, float]
) -> None:
    model, environment, score, version = key
    new = (quality.QUALITY_DISTRIBUTION.name, *key) in began
    for verdict, number in (("good", scored.good), ("bad", scored.bad)):
        families[quality.QUALITY_JUDGEMENTS_TOTAL].add(
            0.0 if new else number, model, environment, score, verdict, version
        )
    families[quality.QUALITY_DISTRIBUTION].add(
        _distribution(scored.bins, SCORE_BOUNDS, new=new, exemplars=_exemplars(scored)), *key
    )
    if scored.newest_s:
        families[quality.QUALITY_LAST_EVALUATION].add(scored.newest_s, *key)


def _add_evaluation(
    families: Mapping[Metric, Family],
    group: tuple[str, str, str],
    versions: Mapping[str, Scored],
    now: float,
) -> None:
    """The last evaluation, which ends with the newest event of any version.

    A version that has no part in it has no mean, so that an old one does not hide a new one. When
    several evaluations did not come, there is none at all.
    """
    newest_s = max(scored.newest_s for scored in versions.values())
    evaluators: dict[tuple[str, str], float] = {}
    for version, scored in versions.items():
        if now - newest_s > EVALUATIONS_MISSED * scored.every_s:
            return
        mean, number = scored.mean(newest_s)
        if not number:
            continue
        families[quality.QUALITY_SCORE].add(mean, *group, version)
        families[quality.QUALITY_SAMPLES].add(number, *group, version)
        if scored.sampled is not None:
            families[quality.QUALITY_SAMPLING].add(scored.sampled, *group, version)
        evaluators |= {
            name: at for name, at in scored.evaluators.items() if newest_s - at < scored.every_s
        }
    for evaluator in evaluators:
        families[quality.QUALITY_EVALUATOR_INFO].add(1, *group, *evaluator)


def _distribution(
    bins: Bins,
    bounds: tuple[float, ...],
    *,
    new: bool,
    exemplars: Mapping[int, Exemplar] | None = None,
) -> Distribution:
    if new:
        return Distribution(bounds=bounds, counts=[0] * len(bins.counts), sum=0)
    return Distribution(
        bounds=bounds, counts=tuple(bins.counts), sum=bins.sum, exemplars=exemplars or {}
    )


def _exemplars(scored: Scored) -> dict[int, Exemplar]:
    return {
        bucket: Exemplar(labels={"trace_id": trace}, value=part, time_s=time_s)
        for bucket, (trace, part, time_s) in scored.exemplars.items()
    }
