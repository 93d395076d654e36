"""What a change of the inventory means to whoever reviews it: pure, the same for the same two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from generator.build import basis, build
from generator.definitions import Definitions
from generator.difference.alerts import AlertChanges, Alerting, alert_changes, alerting, watched
from generator.difference.changes import Change, changes
from generator.series import predict
from modelwatch import defaults
from modelwatch.inventory import Inventory, Settings
from modelwatch.quantities import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An inventory, and everything that follows from it. `series` are those of each model."""

    inventory: Inventory
    files: Mapping[str, str] = field(default_factory=dict)
    alerting: Alerting = field(default_factory=Alerting)
    series: Mapping[str, int] = field(default_factory=dict)
    series_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number before and after."""

    before: int
    after: int

    @property
    def more(self) -> int:
        """By how much it grows."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """The most that all probes together may spend in a day, in USD, before and after."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Generated files that are new, changed and gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that a reviewer of a change may ask about.

    `watched` says of each new model by how many alerts of which severity it is watched.
    """

    changes: tuple[Change, ...]
    alerts: AlertChanges
    watched: Mapping[str, Mapping[str, int]]
    probe_spend: Spend
    series: Count
    series_of: Mapping[str, Count]
    files: Files

    def __bool__(self) -> bool:
        return bool(self.changes or self.alerts or self.files)


def side(inventory: Inventory, definitions: Definitions) -> Side:
    """The inventory with all that is generated from it."""
    prediction = predict(inventory, definitions)
    found = basis(inventory, definitions)
    return Side(
        inventory=inventory,
        files=build(inventory, definitions, found=found),
        alerting=alerting(found.concerned),
        series={f"{name} ({where})": count for (name, where), count in prediction.models.items()},
        series_total=prediction.total,
    )


def nothing(path: str) -> Side:
    """The side of an inventory that is not there: nothing but the defaults of every fleet."""
    fleet = Inventory(
        path=path,
        settings=Settings(),
        teams={},
        receivers={},
        models=(),
        pools=(),
        budgets=(),
        severities=defaults.POLICIES,
        thresholds=tuple(
            threshold for found in defaults.fleet(defaults.LIMITS).values() for threshold in found
        ),
        floors=defaults.FLOORS,
    )
    return Side(inventory=fleet)


def difference(old: Side, new: Side) -> Difference:
    """What changes from one to the other."""
    found = changes(old.inventory, new.inventory)
    added = [
        subject
        for change in found
        if (change.kind, change.how) == ("model", "added")
        for subject in change.subjects
    ]
    return Difference(
        changes=found,
        alerts=alert_changes(old.alerting, new.alerting),
        watched=watched(new.alerting, added),
        probe_spend=Spend(before=_spend(old.inventory), after=_spend(new.inventory)),
        series=Count(before=old.series_total, after=new.series_total),
        series_of={
            name: Count(before=old.series.get(name, 0), after=new.series.get(name, 0))
            for name in sorted(old.series.keys() | new.series.keys())
            if old.series.get(name) != new.series.get(name)
        },
        files=Files(
            added=tuple(sorted(new.files.keys() - old.files.keys())),
            changed=tuple(
                path
                for path in sorted(new.files.keys() & old.files.keys())
                if new.files[path] != old.files[path]
            ),
            removed=tuple(sorted(old.files.keys() - new.files.keys())),
        ),
    )


def _spend(inventory: Inventory) -> str:
    caps = [probe.usd_per_day for model in inventory.models for probe in model.probes]
    return plain(sum((cap.value for cap in caps if cap), Decimal(0)))
