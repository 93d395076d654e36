"""Who has which series: each is claimed once, and each job whole or by its instances."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from generator.discover.found import Place, Sighting
from generator.discover.names import cut

Key = tuple[str, str, str]
"""Job, instance and how the engine names the model."""


def settled(sightings: Iterable[Sighting]) -> tuple[tuple[Sighting, ...], tuple[str, ...]]:
    """The sightings without what an earlier one claims already, and what was left out."""
    remarks: list[str] = []
    claimed: dict[Key, Sighting] = {}
    kept = []
    for sighting in sightings:
        free = [key for key in _keys(sighting) if key not in claimed]
        lost = [claimed[key] for key in _keys(sighting) if key in claimed]
        claimed.update(dict.fromkeys(free, sighting))
        if lost:
            remarks.append(_told(sighting, lost[0]))
        if free:
            kept.append(_only(sighting, [instance for _, instance, _ in free]))
    return _scoped(kept, remarks), tuple(dict.fromkeys(remarks))


def scraped_job(sighting: Sighting) -> str:
    """The `job` label of the series: that of our own targets is the engine's name."""
    return sighting.place.job or sighting.engine


def _instances(place: Place) -> tuple[str, ...]:
    return place.instances or place.targets or ("",)


def _keys(sighting: Sighting) -> list[Key]:
    places = dict.fromkeys(_instances(sighting.place))
    return [(scraped_job(sighting), instance, sighting.model) for instance in places]


def _only(sighting: Sighting, instances: Sequence[str]) -> Sighting:
    place, these = sighting.place, tuple(instance for instance in instances if instance)
    return replace(
        sighting,
        place=replace(
            place,
            instances=these if place.job else (),
            targets=() if place.job else these,
        ),
    )


def _told(sighting: Sighting, other: Sighting) -> str:
    what = f"'{cut(sighting.model)}' of " if sighting.model else ""
    mine, first = (
        " in ".join(part for part in (cut(one.engine), cut(one.environment)) if part)
        for one in (sighting, other)
    )
    return (
        f"{what}job '{cut(scraped_job(sighting))}' is {first} and {mine}; the draft has the first"
    )


def _scoped(sightings: Sequence[Sighting], remarks: list[str]) -> tuple[Sighting, ...]:
    """Whole jobs where that is enough; a job is never used whole and by instances."""
    jobs: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        jobs[scraped_job(sighting)].append(sighting)
    by_instance = {job for job, mine in jobs.items() if _needs_instances(mine)}
    found = []
    for sighting in sightings:
        place = sighting.place
        if not place.job or scraped_job(sighting) not in by_instance:
            found.append(replace(sighting, place=replace(place, instances=())))
        elif place.instances:
            found.append(sighting)
        else:
            remarks.append(
                f"job '{cut(place.job)}' is used by instances, but those of "
                f"'{cut(sighting.identity)}' are not known: it is left out"
            )
    return tuple(found)


def _needs_instances(sightings: Sequence[Sighting]) -> bool:
    models = Counter(sighting.model for sighting in sightings)
    return models.most_common(1)[0][1] > 1 or any(not one.place.job for one in sightings)
