"""Money and cards: what a budget counts has a price, and pools have the cards that are given."""

from collections.abc import Sequence
from decimal import Decimal

from modelwatch.context import BudgetDraft, Context, Draft, PoolDraft
from modelwatch.engine import Engine
from modelwatch.quantities import plain
from modelwatch.reading_money import EVERYWHERE
from modelwatch.schema_words import choices, close
from modelwatch.supply import supply

Pools = dict[tuple[str, str], PoolDraft]


def check_money(
    context: Context,
    models: Sequence[Draft],
    pools: Sequence[PoolDraft],
    budgets: Sequence[BudgetDraft],
) -> None:
    """Report budgets that could never be counted and pools that are missing or too small."""
    by_name = {(draft.pool.environment, draft.pool.name): draft for draft in pools}
    for draft in models:
        _check_pool(context, draft, by_name)
    _check_cards(context, models, pools)
    priced = {draft.model.key for draft in models if _has_price(context, draft, by_name)}
    for budget in budgets:
        _check_budget(context, budget, priced, models)


def _check_pool(context: Context, draft: Draft, pools: Pools) -> None:
    model, block = draft.model, draft.block
    if model.cards and "pool" not in block.keys_at:
        context.report.add(
            block.key_at("cards"),
            "'cards' says nothing without a pool",
            "add `pool:`, or remove 'cards'",
        )
    if not model.pool:
        return
    if pool := pools.get((model.environment, model.pool)):
        _check_paid_once(context, draft, pool)
        return
    if not context.names_are_known("gpus"):
        return
    here = [name for environment, name in pools if environment == model.environment]
    advice = close(model.pool, here) or (
        f"known there: {choices(here)}"
        if here
        else "describe it under `gpus`"
        if "environments" not in block
        else "describe it under `gpus`, or write the model once per environment"
    )
    place = block.at("pool")
    context.report.add(place, f"there is no pool '{model.pool}' in {model.environment}", advice)


def _check_paid_once(context: Context, draft: Draft, pool: PoolDraft) -> None:
    """A model has a price of its own or that of its cards: both would be added up."""
    if draft.model.cards and "price" in draft.block.keys_at and "price" in pool.block.keys_at:
        context.report.add(
            draft.block.key_at("price"),
            f"'{draft.model.name}' is already paid for by its cards of pool '{pool.pool.name}': "
            "its spend would be counted twice",
            "remove `price:`, or `cards:`; the model still belongs to the pool",
        )


def _check_cards(context: Context, models: Sequence[Draft], pools: Sequence[PoolDraft]) -> None:
    given: dict[tuple[str, str], Decimal] = {}
    for draft in models:
        key = (draft.model.environment, draft.model.pool)
        given[key] = given.get(key, Decimal(0)) + draft.model.cards
    for pool in pools:
        total = given.get((pool.pool.environment, pool.pool.name), Decimal(0))
        if pool.pool.cards and total > pool.pool.cards:
            context.report.add(
                pool.block.at("cards"),
                f"models are given {plain(total)} cards of pool '{pool.pool.name}', "
                f"which has {pool.pool.cards}",
                "correct `cards` of the pool or of its models",
            )


def _has_price(context: Context, draft: Draft, pools: Pools) -> bool:
    model = draft.model
    own = model.prices
    if not draft.whole or own.tokens or own.request or own.image or "price" in draft.block.keys_at:
        return True
    pool = pools.get((model.environment, model.pool))
    if pool and model.cards and "price" in pool.block.keys_at:
        return True
    engines = {source.engine for source in model.sources}
    return any(_reports_cost(context.engines[name]) for name in engines)


def _reports_cost(engine: Engine) -> bool:
    return supply(engine, "cost") is not None


def _check_budget(
    context: Context,
    draft: BudgetDraft,
    priced: set[tuple[str, str]],
    models: Sequence[Draft],
) -> None:
    budget, block = draft.budget, draft.block
    if budget.amount.value == 0:
        context.report.add(block.at("amount"), "a budget of nothing is always spent", "write more")
    if not budget.members:
        _check_subject(context, draft, models)
        return
    unpriced = [key for key in budget.members if key not in priced]
    if unpriced:
        names = choices([f"'{name}' in {environment}" for name, environment in unpriced], 5)
        context.report.add(
            block.at(budget.scope),
            f"the budget counts what has no price: {names}",
            "add `price:` to the model, or `pool:` and `cards:` of a pool with a price",
        )


def _check_subject(context: Context, draft: BudgetDraft, models: Sequence[Draft]) -> None:
    """Why the budget counts nothing: its subject is not known, or not there."""
    budget, block = draft.budget, draft.block
    if not context.is_whole("models"):
        return
    known = {
        "model": [other.model.name for other in models],
        "team": list(context.root.block("teams").keys_at),
        "feature": [feature for other in models for feature in other.model.features],
        "environment": [other.model.environment for other in models],
    }
    names = dict.fromkeys(known[budget.scope])
    section = "teams" if budget.scope == "team" else "models"
    if budget.scope == "environment":
        if budget.subject not in names:
            advice = close(budget.subject, names) or f"known here: {choices(names)}"
            message = f"there is no model in environment '{budget.subject}'"
            context.report.add(block.at("environment"), message, advice)
        return
    if context.refer(block.at(budget.scope), budget.scope, budget.subject, section, names):
        where = "" if budget.environment == EVERYWHERE else f" in {budget.environment}"
        context.report.add(
            block.at(budget.scope),
            f"{budget.scope} '{budget.subject}' has no model{where}, so the budget counts nothing",
            "correct the budget, or remove it",
        )
