"""What is probed: each probe of the inventory with the model that it asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from modelwatch.inventory import Inventory, Prices, Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One probe. Two of them are equal when nothing about the probe or its prices changed."""

    probe: Probe
    model: str
    environment: str
    prices: Prices = field(default_factory=Prices)

    @property
    def name(self) -> str:
        """Unique in the fleet."""
        return self.probe.name

    @property
    def labels(self) -> tuple[str, str, str]:
        """The labels of every series of the probe, in the catalogue's order."""
        return (self.model, self.environment, self.name)

    @property
    def key(self) -> tuple[str, str]:
        """Whom spending is counted for."""
        return (self.model, self.environment)

    @property
    def every_s(self) -> float:
        """Planned time between two runs."""
        return float(self.probe.every.value)


def targets(inventory: Inventory) -> Mapping[str, Target]:
    """The probes by name, in the order of the file. Those that ask nothing are left out."""
    return {
        probe.name: Target(
            # Another place in the file is no change of the probe.
            probe=replace(probe, line=0),
            model=model.name,
            environment=model.environment,
            prices=model.prices,
        )
        for model in inventory.models
        for probe in model.probes
        if probe.prompts
    }
