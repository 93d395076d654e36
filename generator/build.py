"""From an inventory to every file: pure, the same bytes for the same inventory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from generator import (
    alertmanager,
    engine_rules,
    kpi_rules,
    prometheus,
    provisioning,
    rule_tests,
    runbooks,
)
from generator.board_digest import digest
from generator.definitions import Definitions
from generator.grafana import dashboard
from generator.inventory_series import constants, predicted
from generator.proofs import Concern, concerns
from generator.rule_files import alert_file, constant_file, record_file
from generator.series import predict
from modelwatch.inventory import Inventory, Settings
from modelwatch.resolved import Fleet, fleet
from modelwatch.rules import Constant, RecordGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What is known of a fleet before anything is written; `concerned` is by topic."""

    rows: tuple[Constant, ...]
    known: Fleet
    concerned: Mapping[str, tuple[Concern, ...]]


def basis(inventory: Inventory, definitions: Definitions) -> Basis:
    """What the files of an inventory are written from."""
    rows = _rows(inventory, definitions)
    known = fleet(rows)
    return Basis(rows=rows, known=known, concerned=concerns(definitions.alerts, inventory, known))


def build(
    inventory: Inventory,
    definitions: Definitions,
    *,
    boards_path: str = provisioning.BOARDS_PATH,
    found: Basis | None = None,
) -> dict[str, str]:
    """Path to text of everything that watches the inventory's models, sorted by path.

    `boards_path` is where the Grafana that reads it finds the folder `grafana/dashboards`; `found`
    is the basis, where the caller has it already.
    """
    engines = definitions.engines_of(inventory)
    settings = inventory.settings
    found = found or basis(inventory, definitions)
    known, concerned = found.known, found.concerned
    files = {
        **_below("prometheus", prometheus.files(inventory, engines)),
        **_rule_texts(found.rows, inventory, definitions),
        **_below("prometheus/tests", rule_tests.files(inventory, concerned, known)),
        **_below("alertmanager", alertmanager.files(inventory)),
        **{
            f"grafana/dashboards/{uid}.json": text
            for uid, text in board_texts(definitions, settings).items()
        },
        "grafana/boards.txt": digest(
            definitions.boards, time_compression=settings.time_compression
        ),
        **_below("grafana/provisioning", provisioning.files(settings, boards_path=boards_path)),
        **_below("runbooks", runbooks.files(inventory, concerned, engines)),
    }
    return dict(sorted(files.items()))


def board_texts(definitions: Definitions, settings: Settings) -> dict[str, str]:
    """Uid to JSON text of every board."""
    return {
        board.uid: dashboard(
            board,
            scrape_interval=settings.scrape_interval,
            time_compression=settings.time_compression,
        )
        for board in definitions.boards
    }


def rule_texts(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Path to text of every rule file, as `build` has them."""
    return dict(sorted(_rule_texts(_rows(inventory, definitions), inventory, definitions).items()))


def _rows(inventory: Inventory, definitions: Definitions) -> tuple[Constant, ...]:
    return (
        *constants(inventory, definitions.engines_of(inventory)),
        *predicted(predict(inventory, definitions).total),
    )


def _rule_texts(
    rows: Sequence[Constant], inventory: Inventory, definitions: Definitions
) -> dict[str, str]:
    settings, engines = inventory.settings, definitions.engines_of(inventory)
    recorded = (*engine_rules.groups(inventory, engines), *kpi_rules.groups(inventory))
    return {
        **_constants(rows, settings),
        "prometheus/rules/engines.yml": record_file(recorded, settings),
        "prometheus/rules/recorded.yml": record_file(
            _in_use(definitions.records, inventory), settings
        ),
        **{
            f"prometheus/rules/alerts-{topic}.yml": alert_file(topic, alerts, inventory)
            for topic, alerts in definitions.alerts.items()
        },
    }


def _constants(rows: Sequence[Constant], settings: Settings) -> dict[str, str]:
    """The inventory's own series as rules, unless the inventory exporter serves them."""
    if settings.constants == "exporter":
        return {}
    return {"prometheus/rules/inventory.yml": constant_file(rows, settings)}


def _below(directory: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{directory}/{path}": text for path, text in files.items()}


def _in_use(groups: tuple[RecordGroup, ...], inventory: Inventory) -> Iterator[RecordGroup]:
    """The groups without the rules of objectives that nobody has: of other kinds or windows."""
    objectives = [slo for model in inventory.models for slo in model.slos]
    kinds = {None, *(slo.kind for slo in objectives)}
    windows = {None, *(slo.window_days for slo in objectives)}
    for group in groups:
        records = tuple(
            record
            for record in group.records
            if record.labels.get("slo") in kinds and record.window_days in windows
        )
        if records:
            yield replace(group, records=records)
