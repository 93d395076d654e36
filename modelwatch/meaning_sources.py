"""Sources together: each series belongs to one model, and each job is joined in one way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from modelwatch.context import Context, Draft, PoolDraft
from modelwatch.inventory import Source
from modelwatch.problems import Place

_ALL = ""
"""Stands for every instance of a job."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Seen:
    """What was claimed so far, by whom and in which line."""

    keys: dict[Key, tuple[str, Place]] = field(default_factory=dict)
    scopes: dict[str, tuple[bool, Place]] = field(default_factory=dict)
    mixed: set[str] = field(default_factory=set)


def check_sources(context: Context, models: Sequence[Draft], pools: Sequence[PoolDraft]) -> None:
    """Report series that two models claim, and jobs that are claimed whole and in part."""
    seen = _Seen()
    for draft in models:
        owner = f"'{draft.model.name}' in {draft.model.environment}"
        for source, place in zip(draft.model.sources, draft.places, strict=True):
            _check_scope(context, seen, source, place)
            _check_keys(context, seen, source, owner, place)
    of_pools = _Seen()
    for pool in pools:
        owner = f"pool '{pool.pool.name}' in {pool.pool.environment}"
        for source, place in zip(pool.pool.sources, pool.places, strict=True):
            _check_scope(context, of_pools, source, place)
            _check_keys(context, of_pools, source, owner, place)


def _instances(source: Source) -> Iterable[str]:
    return source.targets or source.instances or (_ALL,)


def _keys(source: Source) -> Iterator[Key]:
    return ((source.scraped_job, name, source.engine_model) for name in _instances(source))


def _check_keys(context: Context, seen: _Seen, source: Source, owner: str, place: Place) -> None:
    for key in _keys(source):
        if key not in seen.keys:
            seen.keys[key] = (owner, place)
            continue
        other, first = seen.keys[key]
        job, instance, name = key
        at = f"{instance} in job '{job}'" if instance else f"job '{job}'"
        if other == owner and first == place:
            context.report.add(
                place, f"{instance} is twice in this source", "remove one of the two"
            )
        elif name:
            context.report.add(
                place,
                f"'{name}' of {at} already belongs to {other} (line {first[0]})",
                "name another model, or use other targets or instances",
            )
        else:
            context.report.add(
                place,
                f"{at} already belongs to {other} (line {first[0]}), and {source.engine} does not "
                "say which model its series are of",
                "give each model its own targets or instances",
            )
        return


def _check_scope(context: Context, seen: _Seen, source: Source, place: Place) -> None:
    """A job is joined by its instances or as a whole; both at once would count series twice."""
    job = source.scraped_job
    whole = not source.targets and not source.instances
    first_whole, first = seen.scopes.setdefault(job, (whole, place))
    if first_whole == whole or job in seen.mixed:
        return
    seen.mixed.add(job)
    context.report.add(
        place,
        f"job '{job}' is used {'whole' if whole else 'by instances'} here, but "
        f"{'whole' if first_whole else 'by instances'} in line {first[0]}",
        "name the instances everywhere, or use another job",
    )
