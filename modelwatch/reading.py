"""Reads an inventory: bytes in, frozen data out, or every problem at once with its place.

The steps: YAML with places (`loading`), syntax by the schema (`schema`), values with defaults
filled in (here and `reading_*`), and then meaning (`meaning_*`). A later step runs on what an
earlier one left over, so that one mistake does not hide another.
"""

from collections.abc import Mapping
from decimal import Decimal

from modelwatch import defaults, quantities
from modelwatch.context import Context
from modelwatch.custom import engine as custom_engine
from modelwatch.custom import parts
from modelwatch.engine import Engine
from modelwatch.inventory import (
    CustomEngine,
    CustomSignal,
    Hours,
    Inventory,
    Receiver,
    RemoteWrite,
    Settings,
    Source,
    Team,
)
from modelwatch.loading import Document, load
from modelwatch.meaning import check
from modelwatch.problems import InventoryError, Problem
from modelwatch.reading_models import models
from modelwatch.reading_money import budgets, pools
from modelwatch.reading_signals import fleet_floors, fleet_thresholds
from modelwatch.reading_sources import addresses
from modelwatch.schema import Check
from modelwatch.tree import Block, Items, Value, as_text

_KINDS = ("counter", "gauge", "histogram", "promql")


def read(path: str, content: bytes, engines: Mapping[str, Engine]) -> Inventory:
    """The inventory in the bytes of a file; the path is only for messages.

    Raises:
        InventoryError: it has problems; all of them.
    """
    document = load(path, content)
    walk = Check(report=document.report)
    walk.run(document.root)
    own = _custom_engines(document.root)
    _refuse_known_names(document, engines)
    _refuse_repeats(document, own)
    context = Context(
        root=document.root,
        report=document.report,
        engines={**engines, **{name: custom_engine(custom) for name, custom in own.items()}},
        damaged=walk.damaged,
    )
    severities = _severities(context)
    read_teams = _teams(context)
    read_models = models(context, severities)
    read_pools = pools(context, severities)
    read_budgets = budgets(context, read_models, severities)
    inventory = Inventory(
        path=path,
        settings=_settings(context, read_teams),
        teams=read_teams,
        receivers=_receivers(context),
        models=tuple(draft.model for draft in read_models),
        pools=tuple(draft.pool for draft in read_pools),
        budgets=tuple(draft.budget for draft in read_budgets),
        severities=severities,
        thresholds=fleet_thresholds(context),
        floors=fleet_floors(context),
        engines=own,
        stack_sources=_stack_sources(context),
        exporters=_exporters(context),
        text=content.decode("utf-8", "replace"),
    )
    check(context, inventory, read_models, read_pools, read_budgets)
    document.report.raise_if_any()
    return inventory


def problems(path: str, content: bytes, engines: Mapping[str, Engine]) -> tuple[Problem, ...]:
    """Everything that is wrong with an inventory, in the order of the file."""
    try:
        read(path, content, engines)
    except InventoryError as error:
        return error.problems
    return ()


def _settings(context: Context, teams: Mapping[str, Team]) -> Settings:
    block = context.root.block("settings")
    plain = {
        key: block.text(key)
        for key in (
            "grafana_url",
            "runbook_url",
            "prometheus_url",
            "alertmanager_url",
            "alertmanager_version",
            "deadman",
        )
        if key in block
    }
    own = Settings()
    environment = context.defaults.text("environment", defaults.ENVIRONMENT)
    interval = context.quantity(
        block.at("scrape_interval"),
        quantities.hold_text,
        block.text("scrape_interval", own.scrape_interval),
    )
    return Settings(
        scrape_interval=interval or own.scrape_interval,
        time_compression=block.whole("time_compression", own.time_compression),
        keep_firing_for=block.flag("keep_firing_for", default=own.keep_firing_for),
        production=block.texts("production") or (environment,),
        alertmanagers=block.texts("alertmanagers") or own.alertmanagers,
        series_limit=block.whole("series_limit") or None,
        stack_team=block.text("stack_team") or next(iter(teams), ""),
        constants=block.text("constants", own.constants),
        remote_write=tuple(
            _remote_write(entry)
            for entry in block.items_of("remote_write")
            if isinstance(entry, Block)
        ),
        external_labels=_texts(block.block("external_labels")),
        **{key: text.rstrip("/") for key, text in plain.items()},
    )


def _remote_write(block: Block) -> RemoteWrite:
    return RemoteWrite(
        url=block.text("url"),
        send=block.text("send", "everything"),
        query_url=block.text("query_url").rstrip("/"),
        username=block.text("username"),
        password_file=block.text("password_file"),
        token_file=block.text("token_file"),
        ca_file=block.text("ca_file"),
        headers=_texts(block.block("headers")),
    )


def _texts(block: Block) -> dict[str, str]:
    return {key: block.text(key) for key in block}


def _stack_sources(context: Context) -> tuple[Source, ...]:
    """Parts of the stack: scraped under their job when they name targets."""
    blocks = context.root.block("settings").items_of("stack_sources")
    return tuple(
        _part_of_stack(context, block, block.text("job"))
        for block in blocks
        if isinstance(block, Block)
    )


def _exporters(context: Context) -> dict[str, Source]:
    """Where our own exporters run, by name; their jobs say whose they are."""
    return {
        name: _part_of_stack(context, block, f"modelwatch-{name}")
        for name, block in context.root.block("exporters").blocks()
    }


def _part_of_stack(context: Context, block: Block, job: str) -> Source:
    return Source(
        engine=job,
        job="" if "targets" in block else job,
        targets=addresses(context, block),
        instances=block.texts("instances"),
        scheme=block.text("scheme", "http"),
        path=block.text("path"),
    )


def _teams(context: Context) -> dict[str, Team]:
    return {name: _team(name, block) for name, block in context.root.block("teams").blocks()}


def _team(name: str, block: Block) -> Team:
    page, ticket = block.texts("page"), block.texts("ticket")
    return Team(
        name=name,
        page=page or ticket,
        ticket=ticket or page,
        contact=block.text("contact"),
        on_call=block.text("on_call"),
        hours=_hours(block.block("hours")) if "hours" in block else None,
    )


def _hours(block: Block) -> Hours:
    own = Hours()
    return Hours(
        days=block.text("days", own.days).replace(" to ", ":"),
        start=block.text("from", own.start).rjust(5, "0"),
        end=block.text("to", own.end).rjust(5, "0"),
        timezone=block.text("timezone", own.timezone),
    )


def _receivers(context: Context) -> dict[str, Receiver]:
    return {
        name: Receiver(
            name=name,
            kind=kind,
            settings=_texts(inner),
            line=context.root.block("receivers").key_at(name)[0],
        )
        for name, block in context.root.block("receivers").blocks()
        for kind, inner in block.blocks()
    }


def _severities(context: Context) -> dict[str, Mapping[str, str]]:
    own = {
        name: {urgency: block.text(urgency) for urgency in ("now", "soon", "watch")}
        for name, block in context.root.block("severities").blocks()
    }
    return {**defaults.POLICIES, **own}


def _custom_engines(root: Block) -> dict[str, CustomEngine]:
    return {
        name: CustomEngine(
            name=name,
            model_label=block.text("model_label"),
            port=block.whole("port"),
            path=block.text("path", "/metrics"),
            signals=tuple(
                signal
                for key in block.block("signals")
                for signal in _signals(key, block.block("signals").items_of(key))
            ),
        )
        for name, block in root.block("engines").blocks()
    }


def _refuse_known_names(document: Document, engines: Mapping[str, Engine]) -> None:
    block = document.root.block("engines")
    for name in block:
        if name in engines:
            document.report.add(
                block.key_at(name),
                f"'{name}' is an engine that modelwatch knows already",
                f"use it as it is, or give yours another name, such as '{name}-own'",
            )


def _refuse_repeats(document: Document, own: Mapping[str, CustomEngine]) -> None:
    """Two entries for the same part of a signal would hide one another."""
    for name, engine in own.items():
        signals = document.root.block("engines").block(name).block("signals")
        rows = [(signal.signal, part) for signal in engine.signals for part in parts(signal)]
        for signal, part in dict.fromkeys(row for row in rows if rows.count(row) > 1):
            document.report.add(
                signals.key_at(signal),
                f"two entries of '{signal}' are both {part or 'all of it'}",
                "keep one of them, or say with `value` what the other one is",
            )


def _signals(name: str, entries: Items) -> tuple[CustomSignal, ...]:
    return tuple(_signal(name, entry) for entry in entries if isinstance(entry, Block))


def _signal(name: str, block: Block) -> CustomSignal:
    kind = next((kind for kind in _KINDS if kind in block), "gauge")
    values = block.block("values")
    return CustomSignal(
        signal=name,
        kind=kind,
        metric="" if kind == "promql" else block.text(kind),
        promql=block.text("promql"),
        unit=block.text("unit"),
        label=block.text("label"),
        values=_texts(values),
        value=block.text("value"),
        buckets=tuple(_exact(entry) for entry in block.items_of("buckets")),
    )


def _exact(value: Value) -> Decimal:
    return Decimal(as_text(value) or "0")
