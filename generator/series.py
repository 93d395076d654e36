"""How many series an inventory will need, computed from the catalogue before anything runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod

from generator import engine_rules
from generator.definitions import Definitions
from generator.inventory_series import constants, with_a_past
from modelwatch import catalogue, limits
from modelwatch.catalogue.accuracy import COHORTS
from modelwatch.catalogue.drift import (
    DRIFT,
    DRIFT_FLOOR,
    DRIFT_SAMPLES,
    MOST_BINS,
    PREDICTED,
    WINDOWS,
)
from modelwatch.catalogue.forecast import DETECTORS
from modelwatch.catalogue.labels import FEW_CLASSES, MOST_CLASSES, MOST_COHORTS
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.catalogue.own_past import (
    OWN_PAST_CDF,
    OWN_PAST_SAMPLES,
    OWN_PAST_USUAL,
    OWN_PAST_USUAL_SAMPLES,
    REFERENCES,
    RETRIEVAL_SCORES,
    SCORES,
)
from modelwatch.catalogue.recorded import ENGINE_BUCKETS, LIMIT
from modelwatch.inventory import Inventory, Model
from modelwatch.rules import Constant
from modelwatch.supply import supply

SCORE_BOUNDARIES = 25
"""Boundaries assumed for the distribution of a score."""

_BUCKETS_OF = {metric.name: signal for signal, metric in ENGINE_BUCKETS.items()}
_OF_THE_PAST = {OWN_PAST_SAMPLES, OWN_PAST_CDF, OWN_PAST_USUAL, OWN_PAST_USUAL_SAMPLES}
_OF_MODELS = {Layer.ENGINE, Layer.MODEL, Layer.SLO}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Series at the most: of each model, of the rest of the fleet, and in all.

    Counted are the series that modelwatch adds: constants, recorded series and `ALERTS`. What the
    engines expose is theirs and is bounded by the sample limit of each scrape.
    """

    models: Mapping[tuple[str, str], int]
    fleet: int

    @property
    def total(self) -> int:
        """All series."""
        return self.fleet + sum(self.models.values())


def predict(inventory: Inventory, definitions: Definitions) -> Prediction:
    """Count the series of every model and of what belongs to no model."""
    engines = definitions.engines_of(inventory)
    recorded = _recorded(inventory, definitions)
    of_models = tuple(
        metric for metric in recorded if metric.layer in _OF_MODELS and "model" in metric.labels
    )
    rows = constants(inventory, engines)
    own = Counter(_owner(row) for row in rows)
    models = {
        model.key: own[model.key] + _of_model(model, inventory, definitions, of_models)
        for model in inventory.models
    }
    cards = sum(max(pool.cards, 1) for pool in inventory.pools)
    per_card = sum(metric.layer is Layer.GPU for metric in recorded)
    per_budget = sum(metric.layer is Layer.BUDGET for metric in recorded)
    fleet = (
        sum(count for owner, count in own.items() if owner not in models)
        + cards * per_card
        + len(inventory.budgets) * per_budget * 2
    )
    return Prediction(models=models, fleet=fleet)


def _owner(row: Constant) -> tuple[str, str] | None:
    if "model" not in row.labels:
        return None
    return (row.labels["model"], row.labels["environment"])


def _recorded(inventory: Inventory, definitions: Definitions) -> tuple[Metric, ...]:
    groups = (
        *definitions.records,
        *engine_rules.groups(inventory, definitions.engines_of(inventory)),
    )
    return tuple(dict.fromkeys(record.metric for group in groups for record in group.records))


def _of_model(
    model: Model, inventory: Inventory, definitions: Definitions, recorded: Iterable[Metric]
) -> int:
    sizes = _sizes(model, inventory, definitions)
    limited = len(limits.thresholds(model)) + len(inventory.thresholds)
    several = sum(
        prod(sizes[label](metric) for label in metric.labels if label in sizes)
        for metric in recorded
        if metric not in (*_OF_THE_PAST, LIMIT)
    )
    return limited + several + _past(model, inventory, definitions) + _alerts(definitions)


def _past(model: Model, inventory: Inventory, definitions: Definitions) -> int:
    """Of each watched distribution: the last hour and a usual one, and what is between them."""
    watched = with_a_past(model, definitions.engines_of(inventory))
    boundaries = [one.boundaries for supplies in watched.values() for one in supplies]
    scores = len(model.scores) + len(RETRIEVAL_SCORES) if SCORES in watched else 0
    boundaries += [SCORE_BOUNDARIES] * scores
    features = len(watched.keys() - {SCORES}) + scores
    compared = (DRIFT, DRIFT_FLOOR, DRIFT_SAMPLES)
    return sum(2 + 2 * count for count in boundaries) + features * len(REFERENCES) * len(compared)


def _alerts(definitions: Definitions) -> int:
    """`ALERTS` and `ALERTS_FOR_STATE` of the few alerts that can be active at once."""
    return 2 * len(definitions.alerts)


def _sizes(
    model: Model, inventory: Inventory, definitions: Definitions
) -> dict[str, Callable[[Metric], int]]:
    """How many values each label can have for this model; labels not named have one."""
    engines = {source.engine for source in model.sources}
    versions = {source.version or model.version for source in model.sources}
    known = definitions.engines_of(inventory)

    def boundaries(metric: Metric) -> int:
        signal = _BUCKETS_OF.get(metric.name, "")
        supplies = [supply(known[name], signal) for name in engines]
        return sum(found.boundaries + 1 for found in supplies if found and found.boundaries)

    fixed = {
        "outcome": len(catalogue.OUTCOMES),
        "kind": len(catalogue.TOKEN_KINDS),
        "quantile": len(catalogue.QUANTILES),
        "flag": len(catalogue.FLAGS),
        "engine": max(1, len(engines)),
        "version": max(1, len(versions)),
        "kpi": len(model.kpis),
        "feature_name": len(model.drift.features) if model.drift else 0,
        "window": len(WINDOWS),
        "bin": MOST_BINS,
        "slo": len(model.slos),
        "detector": len(DETECTORS),
        "probe": len(model.probes),
        "prompt": max((len(probe.prompts) for probe in model.probes), default=0),
        "month": 2,
        "urgency": 3,
    }
    return {
        **{label: _always(size) for label, size in fixed.items()},
        **_of_answers(model),
        "le": boundaries,
        "signal": _always(4),
    }


def _of_answers(model: Model) -> dict[str, Callable[[Metric], int]]:
    """The same, of what is said of answers: judged by scores, and right or wrong by late labels.

    Only a model whose drift is watched has predictions of classes. Classes of its features are
    counted with these.
    """
    watched = int(model.drift is not None)
    features = model.drift.features if model.drift else ()
    classes = MOST_CLASSES if PREDICTED in features else FEW_CLASSES

    def has(label: str, metric: Metric) -> bool:
        return label in metric.labels

    return {
        "score": lambda metric: len(model.scores) + has("stream", metric),
        "verdict": lambda metric: 1 if has("predicted", metric) else 2,
        "baseline": lambda metric: 1 if has("feature_name", metric) else watched,
        "cohort": _always(watched * MOST_COHORTS),
        "cohorts": _always(watched * len(COHORTS)),
        "predicted": lambda metric: 1 if has("feature_name", metric) else classes,
        "label": _always(classes),
    }


def _always(size: int) -> Callable[[Metric], int]:
    return lambda _metric: size
