"""A live Prometheus: which engines its jobs are of, which models, where, and how they did."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.asking import Period, Prometheus, QueryError, Series
from generator.definitions import definitions
from generator.discover import Knowledge, World
from generator.discover.found import Found, Hardware, Place, Sighting
from generator.discover.measuring import (
    Job,
    Tally,
    hours_known,
    measured,
    tallies,
)
from generator.discover.names import cut
from generator.discover.recognising import recognised, release
from generator.discover.scores import scored
from generator.discover.sounding import NAMED, environment_of
from modelwatch.engine import Engine
from modelwatch.problems import ModelwatchError
from modelwatch.promql import select
from modelwatch.supply import metrics_read

_RECENT_S = 3600
_PERHAPS = ("namespace", "kubernetes_namespace", "cluster")
"""Labels whose value is taken for an environment only where it sounds like one."""
_ENVIRONMENT = tuple(name for name in NAMED if "/" not in name)
_CALLED = ("model", "model_name", "model_id", "served_model_name")
"""Labels that people add to the series of an engine that names no model."""
_KIND = ("modelName", "card_model", "card_series", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One model of an engine at one instance of a job."""

    instance: str
    model: str
    called: str
    environment: str
    team: str
    part_of: str = ""

    @property
    def claim(self) -> tuple[str, str, str]:
        """What becomes one source."""
        return (self.model, self.called, self.environment)


def _look(where: str, world: World) -> Found:
    prometheus = Prometheus(url=where, session=world.session())
    try:
        return _found(prometheus, world)
    except QueryError as failure:
        raise ModelwatchError(
            f"{prometheus.shown} does not say what it has: {cut(str(failure), 200)}"
        ) from failure


def _found(prometheus: Prometheus, world: World) -> Found:
    engines = definitions().engines
    known = frozenset(name for engine in engines.values() for name in metrics_read(engine))
    recent = Period(start=world.now - _RECENT_S, end=world.now)
    looked_for = f"metrics of {len(engines)} engines and exporters at {prometheus.shown}"
    present = known & set(prometheus.label_values("__name__", "", recent))
    scores = scored(prometheus, world.now)
    if not present and not scores:
        return Found(looked_for=looked_for)
    jobs, remarks = _jobs(prometheus, present, engines, world.now)
    sightings: list[Sighting] = []
    for job in jobs:
        if job.engine.kind != "model":
            sightings += _hardware(job)
        else:
            of_job, further = _sightings(job)
            sightings += of_job
            remarks += further
    return Found(
        sightings=(*sightings, *scores),
        remarks=tuple(remarks),
        looked_for=looked_for,
    )


def _jobs(
    prometheus: Prometheus, present: Iterable[str], engines: Mapping[str, Engine], at: float
) -> tuple[list[Job], list[str]]:
    """Every job with the engines behind it."""
    if not (names := sorted(present)):
        return [], []
    query = f"count by (__name__, job) ({_any_of(names)})"
    by_job: dict[str, set[str]] = defaultdict(set)
    for series in prometheus.instant(query, at):
        by_job[series.labels.get("job", "")].add(series.labels["__name__"])
    remarks = []
    if nameless := by_job.pop("", None):
        remarks.append(f"{len(nameless)} metrics have no `job` label and are left out")
    jobs = [
        Job(prometheus=prometheus, name=name, engine=engines[engine], names=names, at=at)
        for name in sorted(by_job)
        for engine, names in recognised(by_job[name], engines).items()
    ]
    return jobs, remarks


def _any_of(names: Iterable[str], **where: str) -> str:
    return select("", {"__name__": "~" + "|".join(map(re.escape, sorted(names))), **where})


def _seen(job: Job) -> list[_Seen]:
    """The models of the job: by the newest label that names them, and by what single rows use."""
    engine = job.engine
    own = job.read_by(row for row in engine.rows if row.model_label is None) or job.names
    found = _ask(job, own, engine.model_label)
    others = dict.fromkeys(row.model_label for row in engine.rows if row.model_label)
    for label in others:
        rows = (row for row in engine.rows if row.model_label == label)
        if names := job.read_by(rows):
            found += _inner(_ask(job, names, label or ""), found)
    return sorted(dict.fromkeys(found), key=lambda seen: (seen.claim, seen.instance))


def _inner(others: Sequence[_Seen], found: Sequence[_Seen]) -> list[_Seen]:
    """Models under a second name: parts of the only one that has a first name, or of their own."""
    names = {seen.model for seen in found}
    if any(seen.model in names for seen in others) or len(names) != 1:
        return [seen for seen in others if seen.model not in names]
    return [replace(seen, part_of=found[0].model) for seen in others]


def _ask(job: Job, names: Iterable[str], model_label: str) -> list[_Seen]:
    """Who serves what; an older label counts only where the newest names nothing."""
    engine = job.engine
    labels = [label for label in model_label.split(" or ") if label]
    # Gateways have teams of their own: those of the keys that they gave out.
    teams = () if engine.in_front else ("team",)
    told = engine.environment_label
    environments = (told,) if told else (*_ENVIRONMENT, *_PERHAPS)
    called = () if labels else _CALLED
    by = dict.fromkeys(("instance", *labels, *environments, *called, *teams))
    query = f"count by ({', '.join(by)}) ({_any_of(names, job=job.name)})"
    rows = [one for one in job.prometheus.instant(query, job.at) if one.labels.get("instance")]
    newest = next((label for label in labels if any(one.labels.get(label) for one in rows)), "")
    return [
        _Seen(
            instance=series.labels["instance"],
            model=series.labels.get(newest, ""),
            called=_first(series, called),
            environment=_environment(series, engine),
            team=_first(series, teams),
        )
        for series in rows
        if not labels or series.labels.get(newest)
    ]


def _first(series: Series, labels: Iterable[str]) -> str:
    return next((series.labels[label] for label in labels if series.labels.get(label)), "")


def _environment(series: Series, engine: Engine) -> str:
    if engine.environment_label:
        return series.labels.get(engine.environment_label, "")
    return environment_of(series.labels, (series.labels.get(label, "") for label in _PERHAPS))


def _sightings(job: Job) -> tuple[list[Sighting], list[str]]:
    """What an engine serves in a job."""
    everything = _seen(job)
    if not everything:
        return [], [f"job '{cut(job.name)}': {job.engine.title} is there, but names no model yet"]
    tallied, hours, remarks = _tallied(job)
    claims: dict[tuple[str, str, str], list[_Seen]] = defaultdict(list)
    for seen in everything:
        claims[seen.claim].append(seen)
    return [_sighting(job, seen, tallied, hours) for seen in claims.values()], remarks


def _tallied(job: Job) -> tuple[dict[tuple[str, str], Tally], int, list[str]]:
    """What was counted, in how many hours, and why nothing was."""
    try:
        return tallies(job), hours_known(job), []
    except QueryError as failure:
        why = f"job '{cut(job.name)}': no objectives are suggested: {cut(str(failure), 200)}"
        return {}, 0, [why]


def _sighting(
    job: Job, seen: list[_Seen], tallied: Mapping[tuple[str, str], Tally], hours: int
) -> Sighting:
    first, instances = seen[0], tuple(dict.fromkeys(one.instance for one in seen))
    teams = {one.team for one in seen}
    mine = [tallied[key] for one in seen if (key := (one.instance, one.model)) in tallied]
    count = f"{len(instances)} instance{'s' * (len(instances) != 1)}"
    old = release(job.names, job.engine)
    return Sighting(
        engine=job.engine.name,
        model=first.model,
        part_of=first.part_of,
        called=first.called or ("" if first.model else job.name),
        environment=first.environment,
        team=teams.pop() if len(teams) == 1 else "",
        place=Place(job=job.name, instances=instances),
        counts=any(one.requests is not None for one in mine)
        if tallied
        else bool(job.read_for("requests")),
        why=f"{len(job.names)} metrics of {job.engine.title} at {count}",
        remarks=(old,) if old else (),
        measured=measured(mine, hours) if mine else None,
    )


def _hardware(job: Job) -> Iterator[Sighting]:
    """The cards or hosts of a job, one sighting per environment."""
    engine = job.engine
    gpu = [label for label in engine.gpu_label.split(" or ") if label]
    by = dict.fromkeys(("instance", *engine.host_labels, *gpu, *_KIND, *_ENVIRONMENT, *_PERHAPS))
    telling = "gpu_utilization" if engine.kind == "gpu" else "host_memory"
    names = job.read_for(telling) or job.names
    query = f"count by ({', '.join(by)}) ({_any_of(names, job=job.name)})"
    rows = [one for one in job.prometheus.instant(query, job.at) if one.labels.get("instance")]
    for environment in sorted({_environment(series, engine) for series in rows}):
        mine = [series for series in rows if _environment(series, engine) == environment]
        kinds = {_first(series, _KIND) for series in mine} - {""}
        cards = {(_host(one, engine), _first(one, gpu)) for one in mine if _first(one, gpu)}
        yield Sighting(
            engine=engine.name,
            called=job.name,
            environment=environment,
            place=Place(
                job=job.name, instances=tuple(sorted({one.labels["instance"] for one in mine}))
            ),
            why=f"{len(job.names)} metrics of {engine.title}",
            hardware=Hardware(
                cards=len(cards),
                hosts=tuple(sorted({_host(series, engine) for series in mine})),
                kind=kinds.pop() if len(kinds) == 1 else "",
            ),
        )


def _host(series: Series, engine: Engine) -> str:
    return _first(series, engine.host_labels) or re.sub(r":[0-9]+$", "", series.labels["instance"])


KNOWLEDGE = Knowledge(
    name="prometheus",
    where="URL",
    rank=1,
    look=_look,
)
