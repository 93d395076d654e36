"""What only an exporter of ours can do: refused where the inventory says of none that it runs."""

import zoneinfo
from collections import Counter
from collections.abc import Sequence

from modelwatch.context import BudgetDraft, Context, Draft
from modelwatch.inventory import Inventory
from modelwatch.schema_words import close
from modelwatch.tree import Block

_SAY_WHERE = 'say where it runs: `exporters: {inventory: {targets: ["localhost:9468"]}}`'


def check_exporters(
    context: Context,
    inventory: Inventory,
    models: Sequence[Draft],
    budgets: Sequence[BudgetDraft],
) -> None:
    """Report what would be nowhere, and figures that would be the same in every environment."""
    runs = "inventory" in context.root.block("exporters").keys_at
    if inventory.settings.constants == "exporter" and not runs:
        context.report.add(
            context.root.block("settings").at("constants"),
            "the inventory exporter is to supply the inventory's series, but runs nowhere",
            f"{_SAY_WHERE}, or write `constants: rules`",
        )
    for draft in budgets:
        check_time_zone(context, draft.block)
        _check_calendar(context, draft, runs=runs)
    _check_kpis(context, models)


def check_time_zone(context: Context, block: Block) -> None:
    """Report a time zone that there is not."""
    zone, known = block.text("timezone", "UTC"), zoneinfo.available_timezones()
    if known and zone not in known:
        advice = close(zone, known) or "write one such as Europe/Berlin"
        context.report.add(block.at("timezone"), f"there is no time zone '{zone}'", advice)


def _check_calendar(context: Context, draft: BudgetDraft, *, runs: bool) -> None:
    """Rules know the calendar in UTC only: elsewhere the alerts would be hours off."""
    zone = draft.budget.timezone
    if zone != "UTC" and not runs:
        context.report.add(
            draft.block.at("timezone"),
            f"only the inventory exporter counts by the calendar of {zone}, and it runs nowhere",
            f"{_SAY_WHERE}, or remove 'timezone'",
        )


def _check_kpis(context: Context, models: Sequence[Draft]) -> None:
    """Metrics of a KPI's own say nothing of environments: each would get the same figure."""
    environments = Counter(draft.block.place for draft in models)
    for draft in models:
        if environments[draft.block.place] == 1:
            continue
        for name, kpi in draft.block.block("kpi").blocks():
            own = next((key for key in ("events", "gauge") if key in kpi), "")
            if own:
                context.report.add(
                    kpi.key_at(own),
                    f"'{name}' would be the same in every environment of '{draft.model.name}'",
                    "write the model once per environment, or expose the KPI as `modelwatch_kpi_*`",
                )
