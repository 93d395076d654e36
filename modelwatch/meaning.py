"""Meaning: what the schema cannot know: names that exist, things said once, hours of a day."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwatch.context import BudgetDraft, Context, Draft, PoolDraft
from modelwatch.inventory import Inventory
from modelwatch.meaning_engines import check_engines
from modelwatch.meaning_exporters import check_exporters, check_time_zone
from modelwatch.meaning_money import check_money
from modelwatch.meaning_probes import check_probes
from modelwatch.meaning_promises import check_promises
from modelwatch.meaning_remote_write import check_remote_write
from modelwatch.meaning_secrets import check_secrets
from modelwatch.meaning_sources import check_sources
from modelwatch.tree import Block

if TYPE_CHECKING:
    from modelwatch.problems import Place

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def check(
    context: Context,
    inventory: Inventory,
    models: Sequence[Draft],
    pools: Sequence[PoolDraft],
    budgets: Sequence[BudgetDraft],
) -> None:
    """Report everything that is well written but makes no sense."""
    _said_once(context, models, pools, budgets)
    _policies(context, inventory, models, pools, budgets)
    _teams(context)
    _settings(context, inventory)
    check_secrets(context)
    check_remote_write(context)
    check_engines(context)
    check_sources(context, models, pools)
    check_promises(context, models)
    check_money(context, models, pools, budgets)
    check_probes(context, models)
    check_exporters(context, inventory, models, budgets)


def _said_once(
    context: Context,
    models: Sequence[Draft],
    pools: Sequence[PoolDraft],
    budgets: Sequence[BudgetDraft],
) -> None:
    rows: list[tuple[str, Place]] = [
        (f"model '{d.model.name}' in {d.model.environment}", d.block.at("name")) for d in models
    ]
    rows += [(f"pool '{d.pool.name}' in {d.pool.environment}", d.block.at("pool")) for d in pools]
    rows += [(f"budget '{d.budget.name}'", d.block.at("name")) for d in budgets]
    first: dict[str, Place] = {}
    for what, place in rows:
        if what not in first:
            first[what] = place
        elif place != first[what]:
            context.report.add(
                place,
                f"{what} is already in line {first[what][0]}",
                "give one of them another name, or put their sources into one",
            )


def _policies(
    context: Context,
    inventory: Inventory,
    models: Sequence[Draft],
    pools: Sequence[PoolDraft],
    budgets: Sequence[BudgetDraft],
) -> None:
    blocks = [draft.block for drafts in (models, pools, budgets) for draft in drafts]
    teams = [team.block("defaults") for _, team in context.root.block("teams").blocks()]
    known = [name for name in inventory.severities if not _is_own(context, name)]
    for block in (*blocks, *teams, context.defaults):
        policy = block.get("severity")
        if isinstance(policy, str):
            context.refer(block.at("severity"), "severity policy", policy, "severities", known)


def _is_own(context: Context, name: str) -> bool:
    """Whether the policy is one that a model, pool or budget wrote for itself."""
    prefixes = ("model-", "pool-", "budget-")
    return name.startswith(prefixes) and name not in context.root.block("severities")


def _teams(context: Context) -> None:
    known = context.names("receivers")
    for name, block in context.root.block("teams").blocks():
        for key in ("page", "ticket"):
            for receiver, place in block.items_of(key).placed():
                context.refer(place, "receiver", str(receiver), "receivers", known)
        if not {"page", "ticket"} & set(block.keys_at):
            context.report.add(
                context.root.block("teams").key_at(name),
                f"nobody would hear of team '{name}'",
                "add `page:` or `ticket:` with the name of a receiver",
            )
        if "hours" in block:
            _hours(context, block.block("hours"))


def _hours(context: Context, block: Block) -> None:
    for key in ("from", "to"):
        if key in block and not _TIME.fullmatch(block.text(key)):
            context.report.add(
                block.at(key),
                f"'{block.text(key)}' is no time of day",
                "write a time from 00:00 to 23:59",
            )
    begin, end = block.text("from", "09:00"), block.text("to", "17:00")
    if begin.rjust(5, "0") >= end.rjust(5, "0"):
        context.report.add(
            block.at("to"), f"{end} is not after {begin}", "end later on the same day"
        )
    _days(context, block)
    check_time_zone(context, block)


def _days(context: Context, block: Block) -> None:
    days = block.text("days", "monday to friday").split(" to ")
    places = [_WEEK.index(day) for day in days]
    if places != sorted(places):
        context.report.add(
            block.at("days"),
            f"{days[0]} comes after {days[1]} in a week from monday to sunday",
            "begin with the earlier day",
        )


def _settings(context: Context, inventory: Inventory) -> None:
    block = context.root.block("settings")
    if "deadman" in block:
        name = block.text("deadman")
        context.refer(
            block.at("deadman"), "receiver", name, "receivers", context.names("receivers")
        )
    if "stack_team" in block:
        name = block.text("stack_team")
        context.refer(block.at("stack_team"), "team", name, "teams", context.names("teams"))
    if "production" in block and context.is_whole("models"):
        known = dict.fromkeys(model.environment for model in inventory.models)
        for production, place in block.items_of("production").placed():
            context.refer(place, "model in an environment", str(production), "models", known)
