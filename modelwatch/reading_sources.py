"""Sources: where the series of a model or pool come from."""

from modelwatch.context import Context
from modelwatch.engine import Engine
from modelwatch.inventory import Source
from modelwatch.problems import Place
from modelwatch.schema_words import choices, close
from modelwatch.tree import Block

_HIGHEST_PORT = 65535
_OWN = ("engine", "targets", "job", "instances", "file_sd", "scheme", "path")
_WAYS = "give `targets` to scrape, or the `job` that Prometheus already scrapes, or `file_sd`"


def model_source(context: Context, block: Block, name: str) -> tuple[Source, str] | None:
    """A source of the model of this name, and its environment; None when it makes no sense."""
    shared = _endpoint(context, block)
    if shared is None:
        return None
    engine = _engine(context, shared, "model")
    if engine is None or not _has_one_way(context, shared):
        return None
    source = Source(
        engine=engine.name,
        engine_model=block.text("model", name) if engine.model_label else "",
        targets=addresses(context, shared),
        job=shared.text("job"),
        instances=shared.texts("instances"),
        scheme=shared.text("scheme", "http"),
        path=shared.text("path"),
        version=block.text("version") or shared.text("version"),
        file_sd=shared.text("file_sd"),
    )
    return source, block.text("environment") or shared.text("environment")


def pool_source(context: Context, block: Block) -> Source | None:
    """A source of cards or hosts; None when it makes no sense."""
    engine = _engine(context, block, "gpu")
    if engine is None or not _has_one_way(context, block):
        return None
    return Source(
        engine=engine.name,
        targets=addresses(context, block),
        job=block.text("job"),
        instances=block.texts("instances"),
        scheme=block.text("scheme", "http"),
        path=block.text("path"),
        file_sd=block.text("file_sd"),
    )


def _endpoint(context: Context, block: Block) -> Block | None:
    """The block that says where to look: the shared one, or the source's own."""
    if "endpoint" not in block:
        return block
    for key in _OWN:
        if key in block:
            context.report.add(
                block.key_at(key),
                f"'{key}' is said by the endpoint already",
                f"remove '{key}', or remove 'endpoint' and describe the source here",
            )
    name = block.text("endpoint")
    endpoints = context.root.block("endpoints")
    if context.refer(block.at("endpoint"), "endpoint", name, "endpoints", endpoints.keys_at):
        return endpoints.block(name) if name in endpoints else None
    return None


def _engine(context: Context, block: Block, kind: str) -> Engine | None:
    """The engine of the source, if it is one for a model or one for a pool."""
    wanted = [
        name
        for name, engine in context.engines.items()
        if (engine.kind == "model") == (kind == "model")
    ]
    if "engine" not in block:
        # A bad value was reported when it was taken out.
        if "engine" not in block.keys_at:
            context.report.add(
                block.place,
                "the source says neither engine nor endpoint",
                "add `engine: vllm` with `targets`, or the name of an `endpoint`",
            )
        return None
    name, place = block.text("engine"), block.at("engine")
    engine = context.engines.get(name)
    if engine is None:
        if context.names_are_known("engines"):
            advice = close(name, wanted) or f"known are {choices(sorted(wanted), 40)}"
            context.report.add(place, f"there is no engine '{name}'", advice)
        return None
    if name not in wanted:
        where = "a GPU pool, under `gpus`" if kind == "model" else "models, not for a GPU pool"
        context.report.add(
            place, f"{engine.title} is for {where}", f"known here: {choices(sorted(wanted), 40)}"
        )
        return None
    return engine


def _has_one_way(context: Context, block: Block) -> bool:
    """Whether the source says in exactly one way where its series are."""
    given = [key for key in ("targets", "job", "file_sd") if key in block]
    lost = [key for key in ("targets", "job", "file_sd") if key in block.keys_at]
    if not given:
        if not lost:
            place = block.at("engine")
            context.report.add(place, "the source does not say where its series are", _WAYS)
        return False
    if "targets" in given and len(given) > 1:
        second = given[1]
        context.report.add(
            block.key_at(second), f"'{second}' does not go together with 'targets'", _WAYS
        )
        return False
    if "instances" in block and given != ["job"]:
        context.report.add(
            block.key_at("instances"),
            "'instances' picks from a job that Prometheus already scrapes",
            "add `job`, or remove 'instances'",
        )
        return False
    return True


def addresses(context: Context, block: Block) -> tuple[str, ...]:
    """The targets, with their ports looked at."""
    for text, place in block.items_of("targets").placed():
        _check_port(context, str(text), place)
    return block.texts("targets")


def _check_port(context: Context, target: str, place: Place) -> None:
    port = int(target.rpartition(":")[2])
    if not 0 < port <= _HIGHEST_PORT:
        context.report.add(
            place, f"'{target}' has no possible port", f"use a port from 1 to {_HIGHEST_PORT}"
        )
