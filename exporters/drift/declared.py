"""Which models are watched, where their baselines are."""

from pathlib import Path

from exporters.base.models import Models
from exporters.drift.observations import Watched
from modelwatch.inventory import Inventory, Model


def watched(inventory: Inventory, learned: Path) -> Models[Watched]:
    """Every model of the inventory of which features are watched, in each environment.

    The path of a baseline is relative to the inventory; `learned` is a folder for those that are
    learned and have no path.
    """
    beside = Path(inventory.path).absolute().parent
    return Models(
        (model.key, _watched(model, inventory, beside, learned))
        for model in inventory.models
        if model.drift
    )


def _watched(model: Model, inventory: Inventory, beside: Path, learned: Path) -> Watched:
    drift = model.drift
    if drift is None:
        raise ValueError(f"{model.name} is not watched")
    learn_s = float(drift.learn.value) if drift.learn else 0.0
    own = learned / f"{model.name}-{model.environment}.json"
    return Watched(
        model=model.name,
        environment=model.environment,
        features=drift.features,
        baseline=str(beside / drift.baseline if drift.baseline else own),
        version=model.version,
        learn_s=learn_s / inventory.settings.time_compression,
        at_least=model.floors.get("drift", inventory.floors["drift"]),
    )
