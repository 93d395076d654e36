"""What things cost: prices, GPU pools, and budgets with those they are for."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from modelwatch import defaults, quantities
from modelwatch.context import BudgetDraft, Context, Draft, PoolDraft
from modelwatch.inventory import Budget, Model, Pool, Prices, Quantity
from modelwatch.reading_signals import pool_thresholds
from modelwatch.reading_sources import pool_source
from modelwatch.tree import Block, as_text

_AS_OTHER = {"cached_input": "input", "reasoning": "output"}
"""A token kind without a price of its own costs as this one."""
_SCOPES = ("model", "team", "feature")
Spenders = dict[tuple[str, str], list[tuple[Model, Decimal]]]
EVERYWHERE = ""
"""Environment of a budget for models in several: its series carry no such label."""


def prices(context: Context, block: Block) -> Prices:
    """The model's price list."""
    tokens: dict[str, Quantity] = {}
    for kind in ("input", "cached_input", "output", "reasoning"):
        key = kind if kind in block else _AS_OTHER.get(kind, kind)
        price = _price(context, block, key, token=True)
        if price is not None:
            tokens[kind] = price
    return Prices(
        tokens=tokens,
        request=_price(context, block, "request"),
        image=_price(context, block, "image"),
    )


def _price(context: Context, block: Block, key: str, *, token: bool = False) -> Quantity | None:
    if key not in block:
        return None
    read = quantities.token_price if token else quantities.money
    return context.quantity(block.at(key), read, block.text(key))


def pools(context: Context, severities: dict[str, Mapping[str, str]]) -> tuple[PoolDraft, ...]:
    """Every GPU pool."""
    blocks = context.root.items_of("gpus")
    return tuple(_pool(context, block, severities) for block in blocks if isinstance(block, Block))


def _pool(context: Context, block: Block, severities: dict[str, Mapping[str, str]]) -> PoolDraft:
    name = block.text("pool")
    levels = (block, context.defaults)
    tier = next((level.whole("tier") for level in levels if "tier" in level), defaults.TIER)
    found = [
        (source, entry.place)
        for entry in block.items_of("sources")
        if isinstance(entry, Block) and (source := pool_source(context, entry))
    ]
    pool = Pool(
        name=name,
        environment=_first("environment", levels, defaults.ENVIRONMENT),
        team=_owner(context, block, name),
        tier=tier,
        policy=policy(levels, name, tier, severities, "pool"),
        cards=block.whole("cards"),
        hosts=block.texts("hosts"),
        price_per_hour=_price(context, block, "price"),
        sources=tuple(source for source, _ in found),
        thresholds=pool_thresholds(context, block.block("limits")),
        line=block.place[0],
    )
    return PoolDraft(pool=pool, block=block, places=tuple(place for _, place in found))


def _owner(context: Context, block: Block, name: str) -> str:
    for level in (block, context.defaults):
        if "team" in level:
            team = level.text("team")
            context.refer(level.at("team"), "team", team, "teams", context.names("teams"))
            return team
    if "team" not in block.keys_at:
        context.report.add(
            block.place, f"pool '{name}' belongs to no team", "add `team:` to it, or to `defaults`"
        )
    return ""


def _first(key: str, levels: Iterable[Block], default: str) -> str:
    return next((level.text(key) for level in levels if key in level), default)


def policy(
    levels: Iterable[Block],
    name: str,
    tier: int,
    severities: dict[str, Mapping[str, str]],
    kind: str,
) -> str:
    """The severity policy: one named, one of its own (then added), or that of the tier."""
    for level in levels:
        own = level.get("severity")
        if isinstance(own, Block):
            key = f"{kind}-{name}"
            severities[key] = {urgency: own.text(urgency) for urgency in ("now", "soon", "watch")}
            return key
        if own is not None:
            return as_text(own)
    return f"tier-{tier}"


def budgets(
    context: Context,
    models: Iterable[Draft],
    severities: dict[str, Mapping[str, str]],
) -> tuple[BudgetDraft, ...]:
    """Every budget, with the models whose spend it counts."""
    spenders = _spenders(draft.model for draft in models)
    found = (
        _budget(context, block, spenders, severities)
        for block in context.root.items_of("budgets")
        if isinstance(block, Block)
    )
    return tuple(draft for draft in found if draft)


def _budget(
    context: Context,
    block: Block,
    spenders: Spenders,
    severities: dict[str, Mapping[str, str]],
) -> BudgetDraft | None:
    scope = _scope(context, block)
    amount = context.quantity(block.at("amount"), quantities.amount, block.text("amount"))
    if scope is None or amount is None:
        return None
    name, subject = block.text("name"), block.text(scope)
    environment = block.text("environment")
    counted = [
        (model, share)
        for model, share in spenders.get((scope, subject), ())
        if environment in ("", model.environment)
    ]
    mine = [model for model, _ in counted]
    tiers = [model.tier for model in mine]
    levels = (block, context.defaults)
    tier = block.whole("tier") or min(tiers, default=defaults.TIER)
    return BudgetDraft(
        budget=Budget(
            name=name,
            scope=scope,
            subject=subject,
            environment=environment or _only({model.environment for model in mine}, EVERYWHERE),
            amount=amount[0],
            period=amount[1],
            shares=_shares(context, block),
            team=_budget_team(context, block, scope, mine),
            tier=tier,
            policy=policy(levels, name, tier, severities, "budget"),
            members={model.key: share for model, share in counted},
            timezone=block.text("timezone", "UTC"),
            line=block.place[0],
        ),
        block=block,
    )


def _scope(context: Context, block: Block) -> str | None:
    """Whose spend it is; an environment beside another key only narrows it."""
    given = [key for key in _SCOPES if key in block]
    if len(given) > 1:
        context.report.add(
            block.key_at(given[1]),
            f"a budget is for a {given[0]} or a {given[1]}, not both",
            "keep one of the two, or write two budgets",
        )
        return None
    if given or "environment" in block:
        return given[0] if given else "environment"
    if not any(key in block.keys_at for key in (*_SCOPES, "environment")):
        context.report.add(
            block.place,
            "the budget does not say whose spend it limits",
            "add one of `model`, `team`, `feature` and `environment`",
        )
    return None


def _spenders(models: Iterable[Model]) -> Spenders:
    """Every model under each scope and subject that its spend is counted for, with the share."""
    found: Spenders = {}
    for model in models:
        subjects = {("model", model.name), ("team", model.team), ("environment", model.environment)}
        for key in sorted(subjects):
            found.setdefault(key, []).append((model, Decimal(1)))
        for feature, share in model.features.items():
            found.setdefault(("feature", feature), []).append((model, share))
    return found


def _shares(context: Context, block: Block) -> tuple[Decimal, ...]:
    level, key = (block, "shares") if "shares" in block else (context.defaults, "budget_shares")
    texts = level.texts(key) or defaults.BUDGET_SHARES
    read = [context.quantity(level.at(key), quantities.share, text) for text in texts]
    return tuple(sorted({share.value for share in read if share}))


def _budget_team(context: Context, block: Block, scope: str, models: Iterable[Model]) -> str:
    """Who is told: the owner, the team itself, the only team of the models, else the stack's."""
    teams = context.root.block("teams")
    if "owner" in block:
        owner = block.text("owner")
        context.refer(block.at("owner"), "team", owner, "teams", context.names("teams"))
        return owner
    if scope == "team":
        return block.text("team")
    fallback = context.root.block("settings").text("stack_team") or next(iter(teams), "")
    return _only({model.team for model in models}, fallback)


def _only(names: set[str], otherwise: str) -> str:
    return next(iter(names)) if len(names) == 1 else otherwise
