"""How many series an inventory will need, computed from the catalogue before anything runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod

from generator import engine_rules
from generator.definitions import Definitions
from generator.inventory_series import constants
from modelwatch import catalogue, limits
from modelwatch.catalogue.drift import MOST_BINS, WINDOWS
from modelwatch.catalogue.forecast import DETECTORS
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.inventory import Inventory, Model
from modelwatch.rules import Constant
from modelwatch.supply import supply

LONGEST_HISTOGRAM = 25
"""Boundaries assumed for a histogram whose buckets are configured at the engine."""

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
    return sum(
        prod(sizes[label](metric) for label in metric.labels if label in sizes)
        for metric in recorded
    ) + _alerts(definitions)


def _alerts(definitions: Definitions) -> int:
    """`ALERTS` and `ALERTS_FOR_STATE` of the few alerts that can be active at once."""
    return 2 * len(definitions.alerts)


def _sizes(
    model: Model, inventory: Inventory, definitions: Definitions
) -> dict[str, Callable[[Metric], int]]:
    """How many values each label can have for this model; labels not named have one."""
    engines = {source.engine for source in model.sources}
    versions = {source.version or model.version for source in model.sources}
    own_limits = len(limits.thresholds(model)) + len(inventory.thresholds)
    known = definitions.engines_of(inventory)

    def boundaries(metric: Metric) -> int:
        signal = metric.name.removeprefix("engine:").partition("_seconds_bucket")[0]
        supplies = [supply(known[name], signal) for name in engines]
        return sum(
            len(found.buckets or (0,) * LONGEST_HISTOGRAM) + 1
            for found in supplies
            if found and found.how == "histogram"
        )

    fixed = {
        "outcome": len(catalogue.OUTCOMES),
        "kind": len(catalogue.TOKEN_KINDS),
        "quantile": len(catalogue.QUANTILES),
        "flag": len(catalogue.FLAGS),
        "engine": max(1, len(engines)),
        "version": max(1, len(versions)),
        "score": len(model.scores),
        "kpi": len(model.kpis),
        "feature_name": len(model.drift.features) if model.drift else 0,
        "window": len(WINDOWS),
        "bin": MOST_BINS,
        "slo": len(model.slos),
        "detector": len(DETECTORS),
        "probe": len(model.probes),
        "prompt": max((len(probe.prompts) for probe in model.probes), default=0),
        "verdict": 2,
        "month": 2,
        "urgency": 3,
    }
    return {
        **{label: _always(size) for label, size in fixed.items()},
        "le": boundaries,
        "signal": lambda metric: own_limits if "limit" in metric.labels else 4,
    }


def _always(size: int) -> Callable[[Metric], int]:
    return lambda _metric: size
