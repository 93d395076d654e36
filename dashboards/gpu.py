"""GPU: are all cards there, healthy and busy, and for whom do they work?"""

from dashboards.gpu_users import USERS
from dashboards.shared import BREACH_ABOVE_ZERO, TO_MODEL, VERSION_CHANGES, of, top
from modelwatch.board import Annotation, Board, Line, Panel, Row, Variable
from modelwatch.catalogue.inventory import (
    GPU_EXPECTED,
    GPU_MODEL,
    POOL_INFO,
    POOL_THRESHOLD,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    GPU_ECC,
    GPU_MEMORY_TOTAL,
    GPU_MEMORY_USED,
    GPU_POWER,
    GPU_POWER_LIMIT,
    GPU_TEMPERATURE,
    GPU_THROTTLED,
    GPU_UTILIZATION,
    GPU_XID,
    GPU_XID_ERRORS,
    HOST_CPU,
    HOST_DISK,
    HOST_MEMORY,
    POOL,
    POOL_IDLE_COST,
    POOL_PRESENT,
    POOL_UTILIZATION,
    REQUESTS,
    TOKENS,
)
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import largest, on, ratio, select, total

_POOLS = {"environment": "~$environment", "pool": "~$pool"}
_LEGEND = "{{pool}} {{host}} card {{gpu}}"
_POOL_LEGEND = "{{pool}} / {{environment}}"
_HOST_LEGEND = "{{pool}} {{host}}"
_NO_CARDS = "no card reports"


def _of(metric: Metric, **labels: str) -> str:
    return select(metric, _POOLS, **labels)


def _limit(signal: str) -> Line:
    """The pool's limit as the alerts use it."""
    return Line(
        query=largest(_of(POOL_THRESHOLD, signal=signal), by=(*POOL, "limit")),
        legend=f"limit {{{{limit}}}} ({_POOL_LEGEND})",
        objective=True,
    )


_MEMORY = ratio(_of(GPU_MEMORY_USED), _of(GPU_MEMORY_TOTAL))
_POWER = ratio(_of(GPU_POWER), _of(GPU_POWER_LIMIT))
# Cards that should be there, less those that are; a pool that is gone altogether counts in full.
_PRESENT = f"({_of(POOL_PRESENT)} or 0 * {_of(GPU_EXPECTED)})"
_MISSING = f"clamp_min({_of(GPU_EXPECTED)} - {on(*POOL)} {_PRESENT}, 0)"
_TOKENS_OF_POOL = (
    f"sum by (environment, pool) ({_of(GPU_MODEL)} * {on()} group_left () {total(of(TOKENS))})"
)
_PER_JOULE = ratio(_TOKENS_OF_POOL, total(_of(GPU_POWER), by=POOL))

_FINE = Row(
    title="Are all cards there and healthy",
    panels=(
        Panel(
            title="Missing cards",
            question="Do all cards report that should? Look at the host of those that do not.",
            type="stat",
            unit="none",
            width=4,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({_MISSING})"),),
            no_data="no pool declares its cards",
        ),
        Panel(
            title="Mean utilisation",
            question="Are the cards worth their price? Idle ones can be given back.",
            type="stat",
            unit="percentunit",
            width=4,
            lines=(Line(query=f"avg({_of(GPU_UTILIZATION)})"),),
            no_data=_NO_CARDS,
        ),
        Panel(
            title="Fullest memory",
            question="How close is any card to running out of memory?",
            type="stat",
            unit="percentunit",
            width=4,
            lines=(Line(query=f"max({_MEMORY})"),),
            no_data=_NO_CARDS,
        ),
        Panel(
            title="Hottest card",
            question="Is cooling failing? Compare with the limit of the pool below.",
            type="stat",
            unit="celsius",
            width=4,
            lines=(Line(query=f"max({_of(GPU_TEMPERATURE)})"),),
            no_data=_NO_CARDS,
        ),
        Panel(
            title="New driver errors",
            question="Did a driver report errors in the last 15 minutes? Take the card out first.",
            type="stat",
            unit="none",
            width=4,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({_of(GPU_XID_ERRORS)})"),),
            no_data="no exporter here reports XID errors",
        ),
        Panel(
            title="Cost of idle cards",
            question="What is paid per hour for cards that were idle for an hour?",
            type="stat",
            unit="currencyUSD",
            width=4,
            lines=(Line(query=f"sum({_of(POOL_IDLE_COST)}) * 3600"),),
            no_data="no pool with a price",
        ),
    ),
)

_WHOM = Row(
    title="For whom do they work",
    panels=(
        Panel(
            title="Pools",
            question="Which pool is short of cards, and which has cards to spare?",
            type="table",
            width=12,
            columns=("pool", "environment", "team", "tier"),
            sort_by="Utilisation",
            sort_descending=False,
            lines=(
                Line(
                    query="max by (environment, pool, team, tier) "
                    f"({_of(POOL_INFO, team='~$team')})"
                ),
                Line(query=largest(_of(GPU_EXPECTED), by=POOL), column="Expected", unit="none"),
                Line(query=largest(_of(POOL_PRESENT), by=POOL), column="Present", unit="none"),
                Line(
                    query=largest(_MISSING, by=POOL),
                    column="Missing",
                    unit="none",
                    steps=BREACH_ABOVE_ZERO,
                ),
                Line(
                    query=largest(_of(POOL_UTILIZATION), by=POOL),
                    column="Utilisation",
                    unit="percentunit",
                ),
            ),
            no_data="no pools declared",
        ),
        Panel(
            title="Models on the pools",
            question="Which models use these cards? Ask their owners before a card is taken out.",
            type="table",
            width=12,
            columns=("pool", "environment", "model"),
            sort_by="Requests",
            links=(TO_MODEL,),
            lines=(
                Line(query=f"max by (model, environment, pool) ({_of(GPU_MODEL)})"),
                Line(
                    query=f"{_of(GPU_MODEL)} * {on()} group_left () {total(of(REQUESTS))}",
                    column="Requests",
                    unit="reqps",
                ),
                Line(
                    query=f"{_of(GPU_MODEL)} * {on()} group_left () {total(of(TOKENS))}",
                    column="Tokens",
                    unit="count:tok/s",
                ),
            ),
            no_data="no model names its pool",
        ),
    ),
)

_USE = Row(
    title="Are they busy",
    panels=(
        Panel(
            title="Utilisation by card",
            question="Which cards idle while others work? Spread the load or give some back.",
            unit="percentunit",
            maximum=1,
            width=12,
            lines=(
                Line(query=_of(GPU_UTILIZATION), legend=_LEGEND),
                _limit("gpu_idle"),
            ),
            no_data=_NO_CARDS,
        ),
        Panel(
            title="Memory by card",
            question="Which card is about to run out of memory (grey is the limit)?",
            unit="percentunit",
            maximum=1,
            width=12,
            lines=(Line(query=_MEMORY, legend=_LEGEND), _limit("gpu_memory")),
            no_data=_NO_CARDS,
        ),
    ),
)

_HEAT = Row(
    title="What holds them back",
    panels=(
        Panel(
            title="Temperature by card",
            question="Does a card come near its limit (grey)? Look at the cooling of its host.",
            unit="celsius",
            lines=(Line(query=_of(GPU_TEMPERATURE), legend=_LEGEND), _limit("gpu_temperature")),
            no_data=_NO_CARDS,
        ),
        Panel(
            title="Power against its limit",
            question="Is a card held at its power limit? Then it is full, however idle it looks.",
            unit="percentunit",
            lines=(Line(query=_POWER, legend=_LEGEND), _limit("gpu_power")),
            no_data="no exporter here reports power limits",
        ),
        Panel(
            title="Throttled time by card",
            question="Do heat or power slow a card down? Its models answer later.",
            unit="percentunit",
            lines=(Line(query=_of(GPU_THROTTLED), legend=_LEGEND), _limit("gpu_throttled")),
            no_data="no exporter here reports throttling",
        ),
    ),
)

_ERRORS = Row(
    title="Are they breaking",
    panels=(
        Panel(
            title="Driver errors by card",
            question="Which XID code did which card report last? 48 and 79 point at the card, 13 "
            "and 31 at the program.",
            unit="none",
            lines=(Line(query=f"{_of(GPU_XID)} > 0", legend=_LEGEND),),
            no_data="no driver error",
        ),
        Panel(
            title="Memory errors by card",
            question="Does a card's memory fail beyond repair? Replace the card.",
            unit="none",
            lines=(Line(query=_of(GPU_ECC), legend=_LEGEND),),
            no_data="no exporter here reports memory errors",
        ),
        Panel(
            title="Tokens per joule",
            question="Do the cards do as much work for their power as before?",
            unit="none",
            lines=(Line(query=_PER_JOULE, legend=_POOL_LEGEND),),
            no_data="no model with tokens names its pool",
        ),
    ),
)

_HOSTS = Row(
    title="Hosts",
    collapsed=True,
    panels=(
        Panel(
            title="Processors",
            question="Does a busy host starve its cards?",
            unit="percentunit",
            maximum=1,
            lines=(Line(query=top(_of(HOST_CPU)), legend=_HOST_LEGEND),),
            no_data="no host exporter",
        ),
        Panel(
            title="Main memory",
            question="Is a host about to kill its processes for lack of memory?",
            unit="percentunit",
            maximum=1,
            lines=(Line(query=top(_of(HOST_MEMORY)), legend=_HOST_LEGEND),),
            no_data="no host exporter",
        ),
        Panel(
            title="Disks",
            question="Is a disk nearly full? Model files and logs fill it first.",
            unit="percentunit",
            maximum=1,
            lines=(Line(query=top(_of(HOST_DISK)), legend=_HOST_LEGEND),),
            no_data="no host exporter",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-gpu",
    title="GPU",
    question="Are all cards there, healthy and busy, and for which models do they work?",
    role="gpu",
    variables=(
        Variable(
            name="pool",
            title="Pool",
            query="label_values("
            + select(POOL_INFO, environment="~$environment", team="~$team")
            + ", pool)",
        ),
    ),
    rows=(_FINE, _WHOM, USERS, _USE, _HEAT, _ERRORS, _HOSTS),
    annotations=(
        VERSION_CHANGES,
        Annotation(
            name="Firing alerts",
            query=select(
                ALERTS, _POOLS, alertstate="firing", modelwatch="true", severity="~page|ticket"
            ),
            title="{{alertname}}: {{pool}}",
            text="{{severity}} for {{team}} in {{environment}}.",
            color="red",
        ),
    ),
)
