"""What may be told about: the models, environments and scores of the inventory, nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exporters.base.models import Models
from exporters.base.receipts import Refused
from modelwatch import defaults, quantities
from modelwatch.inventory import Inventory, Model, Score, Settings
from modelwatch.promql import duration_seconds

MODELS_WITHOUT_INVENTORY = 100
SCORES_WITHOUT_INVENTORY = 20
"""As many models, and scores of each, are taken when no inventory says which there are."""

ENVIRONMENT_WITHOUT_INVENTORY = "production"

SCRAPES_AT_ZERO = 5
"""So many scrapes see a new series at zero: enough when some of them fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How a score is read: its range, its limit between good and bad, how often it is evaluated."""

    low: float = 0.0
    high: float = 1.0
    good: float | None = None
    higher: bool = True
    every_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A model in an environment; `version` is the one of events that name none."""

    model: str
    environment: str
    version: str = ""
    scores: Mapping[str, Scale]


class Declared(Protocol):
    """Finds what an event is about. `new_for_s` is how long a new series is shown as zero."""

    @property
    def new_for_s(self) -> float:
        """Seconds."""

    def target(self, model: str, environment: str) -> Target:
        """The model. Raises `Refused` where there is none of that name."""

    def scale(self, target: Target, score: str) -> Scale:
        """The score of the model. Raises `Refused` where it has none of that name."""

    def targets(self) -> Iterable[Target]:
        """All of them."""


class FromInventory:
    """What an inventory names."""

    def __init__(self, inventory: Inventory) -> None:
        self.new_for_s = _new_for_s(inventory.settings)
        compression = inventory.settings.time_compression
        self._models = Models((one.key, _target(one, compression)) for one in inventory.models)

    def target(self, model: str, environment: str) -> Target:
        """The model of the inventory."""
        return self._models.find(model, environment)

    def scale(self, target: Target, score: str) -> Scale:
        """The score of the inventory."""
        if score not in target.scores:
            names = ", ".join(target.scores) or "none"
            raise Refused(
                "unknown_score", f"{target.model!r} has no score {score[:80]!r}; it has: {names}"
            )
        return target.scores[score]

    def targets(self) -> Iterable[Target]:
        """Every model of the inventory, in each environment."""
        return self._models.all()


class Anything:
    """Without an inventory: whatever comes, up to a limit. Scores are then from 0 to 1."""

    def __init__(self) -> None:
        self.new_for_s = _new_for_s(Settings())
        self._targets: dict[tuple[str, str], Target] = {}
        self._scores: dict[tuple[str, str], dict[str, Scale]] = {}

    def target(self, model: str, environment: str) -> Target:
        """The model, known from now on."""
        key = (model, environment or ENVIRONMENT_WITHOUT_INVENTORY)
        found = self._targets.get(key)
        if found is None:
            _check_name("model", model)
            _check_name("environment", key[1])
            if len(self._targets) >= MODELS_WITHOUT_INVENTORY:
                raise Refused("unknown_model", "there are too many models: name them in a file")
            scores = self._scores[key] = {}
            found = Target(model=model, environment=key[1], scores=scores)
            self._targets[key] = found
        return found

    def scale(self, target: Target, score: str) -> Scale:
        """A score from 0 to 1, known from now on."""
        scores = self._scores[target.model, target.environment]
        if score not in scores:
            _check_name("score", score)
            if len(scores) >= SCORES_WITHOUT_INVENTORY:
                raise Refused("unknown_score", f"{target.model!r} has too many scores")
            every = quantities.duration(defaults.EVALUATED_EVERY)
            scores[score] = Scale(every_s=float(every.value))
        return scores[score]

    def targets(self) -> Iterable[Target]:
        """Those that came so far."""
        return list(self._targets.values())


MOST_CHARACTERS = 100


def _check_name(field: str, name: str) -> None:
    if not name or len(name) > MOST_CHARACTERS or not name.isprintable():
        raise Refused("bad_text", f"`{field}` is a name of up to {MOST_CHARACTERS} characters")


def _new_for_s(settings: Settings) -> float:
    interval = duration_seconds(settings.scrape_interval) / settings.time_compression
    return SCRAPES_AT_ZERO * float(interval)


def _target(model: Model, compression: int) -> Target:
    return Target(
        model=model.name,
        environment=model.environment,
        version=model.version,
        scores={score.name: _scale(score, compression) for score in model.scores},
    )


def _scale(score: Score, compression: int) -> Scale:
    return Scale(
        low=float(score.low),
        high=float(score.high),
        good=float(score.good.value),
        higher=score.direction == "higher",
        every_s=float(score.evaluated_every.value) / compression,
    )
