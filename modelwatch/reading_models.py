"""Models: one per environment, with the defaults of the team and of the fleet filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from modelwatch import defaults, quantities
from modelwatch.context import Context, Draft
from modelwatch.inventory import Model, Source
from modelwatch.problems import Place
from modelwatch.reading_money import policy, prices
from modelwatch.reading_probes import probes, processes, retirement
from modelwatch.reading_signals import drift, floors, kpis, own_past, scores, slos, thresholds
from modelwatch.reading_sources import model_source
from modelwatch.tree import Block

Severities = dict[str, Mapping[str, str]]
Placed = tuple[Source, str, Place]


def models(context: Context, severities: Severities) -> tuple[Draft, ...]:
    """Every model in every environment; a policy of its own is added to the severities."""
    blocks = context.root.items_of("models")
    return tuple(
        draft
        for block in blocks
        if isinstance(block, Block)
        for draft in _drafts(context, block, severities)
    )


def _drafts(context: Context, block: Block, severities: Severities) -> Iterator[Draft]:
    levels = _levels(context, block)
    name = block.text("name")
    environments = _environments(context, block, levels)
    sources = tuple(_sources(context, block, name, environments))
    whole = context.is_whole("models") and len(sources) == len(block.items_of("sources"))
    tier = next((level.whole("tier") for level in levels if "tier" in level), defaults.TIER)
    model = Model(
        name=name,
        environment=environments[0],
        team=_team(context, block),
        tier=tier,
        policy=policy(levels, name, tier, severities, "model"),
        version=block.text("version"),
        owner=block.text("owner"),
        description=block.text("description"),
        runbook=block.text("runbook"),
        features=_features(context, block),
        slos=slos(context, levels),
        thresholds=thresholds(context, levels[:-1]),
        floors=floors(levels[:-1]),
        prices=prices(context, block.block("price")),
        scores=scores(context, levels),
        kpis=kpis(context, block.block("kpi")),
        own_past=own_past(levels),
        drift=drift(context, block.block("drift")) if "drift" in block else None,
        pool=block.text("pool"),
        cards=Decimal(block.text("cards", "0")),
        processes=processes(block.block("processes")) if "processes" in block else None,
        retires=retirement(context, block),
        line=block.place[0],
    )
    for environment in environments:
        mine = [(source, place) for source, of, place in sources if of in ("", environment)]
        if not mine and whole:
            context.report.add(
                block.at("sources"),
                f"'{name}' has no source in {environment}",
                f"add one with `environment: {environment}`",
            )
        here = replace(model, environment=environment, sources=tuple(source for source, _ in mine))
        yield Draft(
            model=replace(here, probes=probes(context, block, here, environments)),
            block=block,
            places=tuple(place for _, place in mine),
            whole=whole,
        )


def _levels(context: Context, block: Block) -> tuple[Block, ...]:
    """Where a value is looked for, in this order: the model, its team's defaults, the fleet's."""
    team = block.text("team") or context.defaults.text("team")
    of_team = context.root.block("teams").block(team).block("defaults")
    return block, of_team, context.defaults


def _team(context: Context, block: Block) -> str:
    """The model's team, reported when there is none or it is not known."""
    for level in (block, context.defaults):
        if "team" in level:
            name = level.text("team")
            context.refer(level.at("team"), "team", name, "teams", context.names("teams"))
            return name
    if "team" not in block.keys_at:
        context.report.add(
            block.place,
            f"'{block.text('name')}' belongs to no team",
            "add `team:` to it, or to `defaults`",
        )
    return ""


def _environments(context: Context, block: Block, levels: tuple[Block, ...]) -> tuple[str, ...]:
    if "environment" in block and "environments" in block:
        context.report.add(
            block.key_at("environments"),
            "'environment' and 'environments' are both given",
            "keep one of the two",
        )
    several = block.texts("environments") if "environments" in block else ()
    names = (level.text("environment") for level in levels if "environment" in level)
    return several or (next(names, defaults.ENVIRONMENT),)


def _sources(
    context: Context, block: Block, name: str, environments: tuple[str, ...]
) -> Iterator[Placed]:
    """Sources that make sense, each with the environment it is for, empty when there is one."""
    for entry in block.items_of("sources"):
        if not isinstance(entry, Block):
            continue
        found = model_source(context, entry, name)
        if found is None:
            continue
        source, environment = found
        if environment and environment not in environments:
            context.refer(
                entry.at("environment"), "environment of this model", environment, "", environments
            )
            continue
        if not environment and len(environments) > 1:
            context.report.add(
                entry.place,
                f"the source does not say which environment of '{name}' it is for",
                f"add `environment: {environments[0]}`",
            )
            continue
        yield source, environment, entry.place


def _features(context: Context, block: Block) -> dict[str, Decimal]:
    """Share by feature; they must be all of the model."""
    value = block.get("features")
    if not isinstance(value, Block):
        names = block.texts("features")
        if len(names) > 1:
            example = ", ".join(f"{name}: {100 // len(names)}%" for name in names[:3])
            context.report.add(
                block.at("features"),
                "with several features it must be said how the cost is shared",
                f"write shares that sum to 100%, such as {{{example}}}",
            )
        return {name: Decimal(1) for name in names[:1]}
    read = {
        name: context.quantity(value.at(name), quantities.share, value.text(name)) for name in value
    }
    shares = {name: quantity.value for name, quantity in read.items() if quantity is not None}
    total = sum(shares.values(), Decimal(0))
    if total != 1 and len(shares) == len(value.keys_at):
        context.report.add(
            block.at("features"),
            f"the shares of the features sum to {quantities.printed_share(total)}",
            "make them sum to 100%",
        )
    return shares
