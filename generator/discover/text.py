"""The draft as the text of an inventory. What is guessed is marked: comments are for people."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from generator.discover.draft import PRODUCTION, Draft, Entry, Pool
from generator.discover.found import Place, Sighting, Signal
from generator.discover.names import cut, free, slug
from generator.discover.promises import Guess, bound, floor, limits, objectives, tokens_unpriced
from generator.yaml_text import quoted
from modelwatch.engine import Engine
from modelwatch.quantities import plain

MARK = "# confirm:"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,61}")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_HUGE = 10**9
_LONGEST_HOST = 253
_TEAM, _RECEIVER = "unassigned", "nobody"
_ENVIRONMENTS = re.compile(r"prod|live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text, and what a person has to know about it."""

    text: str
    guesses: int
    without_team: tuple[str, ...]
    without_price: tuple[str, ...]


@dataclass(slots=True)
class _Lines:
    """Lines with their comments."""

    engines: Mapping[str, Engine]
    endpoints: dict[tuple[str, Place], str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    guesses: int = 0

    def add(self, text: str, why: str = "") -> None:
        self.guesses += bool(why)
        self.lines.append(f"{text}  {MARK} {cut(why, 200)}" if why else text)

    def remark(self, indent: str, why: str) -> None:
        self.guesses += 1
        self.lines.append(f"{indent}{MARK} {cut(why, 200)}")


def written(draft: Draft, engines: Mapping[str, Engine], origins: Sequence[str]) -> Written:
    """The inventory, which passes `check`."""
    out = _Lines(engines)
    _head(out, origins, draft.remarks)
    _people(out, draft)
    _settings(out, draft)
    _endpoints(out, draft)
    out.add("\nmodels:")
    for entry in draft.entries:
        _model(out, entry)
    if draft.pools:
        out.add("\ngpus:")
        for pool in draft.pools:
            _pool(out, pool)
    return Written(
        text="\n".join(out.lines) + "\n",
        guesses=out.guesses,
        without_team=tuple(entry.name for entry in draft.entries if not entry.team),
        without_price=tuple(
            entry.name for entry in draft.entries if tokens_unpriced(entry, engines)
        ),
    )


def _head(out: _Lines, origins: Sequence[str], remarks: Iterable[str]) -> None:
    out.add("# yaml-language-server: $schema=inventory.schema.json")
    out.add("#")
    out.add(f"# A draft of `modelwatch init`, from {cut(', '.join(origins), 300)}.")
    out.add(f"# Each guess is marked with `{MARK}`: delete the mark when it is right, or mend it.")
    told = list(remarks)
    if told:
        out.add("#")
        out.add("# Seen, but not in the draft:")
    for remark in told:
        out.add(f"# - {cut(remark, 300)}")


def _people(out: _Lines, draft: Draft) -> None:
    teams = sorted({entry.team for entry in draft.entries if entry.team})
    out.add("\nteams:")
    for team in teams:
        out.add(f"  {scalar(team)}: {{ticket: {_RECEIVER}}}", "a label names this team")
    if _TEAM not in teams:
        out.add(f"  {_TEAM}: {{ticket: {_RECEIVER}}}", "a placeholder; write who owns the models")
    out.add("\nreceivers:")
    out.add(
        f"  {_RECEIVER}: {{webhook: {{url_file: /etc/modelwatch/{_RECEIVER}-url}}}}",
        "a placeholder; nobody is told before this is a real receiver",
    )


def _settings(out: _Lines, draft: Draft) -> None:
    assumed = any(one.assumed for one in draft.entries) or any(one.assumed for one in draft.pools)
    out.add("\ndefaults:")
    out.add(f"  team: {_TEAM}", "a placeholder for every model without `team`")
    why = "no label says where these run" if assumed else ""
    out.add(f"  environment: {PRODUCTION}", why)
    names = {entry.environment for entry in draft.entries}
    productive = sorted(name for name in names if _ENVIRONMENTS.match(name))
    if productive not in ([], [PRODUCTION]):
        out.add("\nsettings:")
        out.add(f"  production: [{', '.join(map(scalar, productive))}]", "by their names")


def _endpoints(out: _Lines, draft: Draft) -> None:
    """Places that several models share, such as that of a gateway."""
    users: dict[tuple[str, Place], list[str]] = {}
    for entry in draft.entries:
        for source in entry.sources:
            users.setdefault((source.engine, source.place), []).append(source.why)
    shared = [(key, why) for key, why in users.items() if len(why) > 1]
    if shared:
        out.add("\nendpoints:")
    for (engine, place), why in shared:
        base = slug(place.job or engine, "endpoint")
        name = free([base, f"{base[:40]}-{slug(engine)}"], out.endpoints.values())
        out.endpoints[engine, place] = name
        out.add(f"  {scalar(name)}: {{engine: {engine}, {_where(place)}}}", why[0])


def _where(place: Place) -> str:
    parts = [f"job: {scalar(place.job)}"] if place.job else []
    if place.instances:
        parts.append(f"instances: {_list(place.instances)}")
    if place.targets:
        parts.append(f"targets: {_list(place.targets)}")
    if place.scheme != "http":
        parts.append(f"scheme: {place.scheme}")
    if place.path:
        parts.append(f"path: {scalar(place.path)}")
    return ", ".join(parts)


def _model(out: _Lines, entry: Entry) -> None:
    own = entry.name == entry.of
    out.add(f"  - name: {scalar(entry.name)}", "" if own else f"from '{cut(entry.of, 100)}'")
    if entry.environment != PRODUCTION:
        out.add(f"    environment: {scalar(entry.environment)}", "by a label or name")
    if entry.team:
        out.add(f"    team: {scalar(entry.team)}", "by a label")
    for remark in entry.remarks:
        out.remark("    ", remark)
    out.add("    sources:")
    for source in entry.sources:
        _source(out, source)
    _promised(out, "slo", objectives(entry, out.engines))
    _promised(out, "limits", limits(entry, out.engines))
    low = floor(entry)
    _promised(out, "floors", (low,) if low else ())
    _price(out, entry)
    _signals(out, entry)


def _source(out: _Lines, source: Sighting) -> None:
    named = f", model: {scalar(source.model)}" if source.model else ""
    if name := out.endpoints.get((source.engine, source.place)):
        out.add(f"      - {{endpoint: {scalar(name)}{named}}}")
    else:
        out.add(f"      - {{engine: {source.engine}, {_where(source.place)}{named}}}", source.why)


def _promised(out: _Lines, key: str, guesses: Sequence[Guess]) -> None:
    if any(guess.value for guess in guesses):
        out.add(f"    {key}:")
    for guess in guesses:
        if guess.value:
            out.add(f"      {guess.key}: {guess.value}", guess.why)
    for guess in guesses:
        if not guess.value:
            out.remark("    ", f"no {guess.key} under `{key}`: {guess.why}")


def _price(out: _Lines, entry: Entry) -> None:
    if entry.price:
        kinds = (
            f"{kind}: {plain(usd)} USD per million tokens" for kind, usd in entry.price.items()
        )
        out.add(f"    price: {{{', '.join(kinds)}}}", "as the gateway is configured")
    elif tokens_unpriced(entry, out.engines):
        out.remark(
            "    ",
            "no price is known: price: {input: ? USD per million tokens, "
            "output: ? USD per million tokens}",
        )


def _signals(out: _Lines, entry: Entry) -> None:
    scores = [score for score in entry.scores if _is_usable(score)]
    if scores:
        out.add("    quality:")
    for score in scores:
        good, low, high = bound(score.low, score.high)
        ranged = f", low: {low}, high: {high}" if high else ""
        out.add(
            f"      {scalar(score.name)}: {{good: above {good}{ranged}}}",
            f"it was between {score.low:.3g} and {score.high:.3g}; say from where it is good",
        )
    kpis = [kpi for kpi in entry.kpis if _is_usable(kpi)]
    if kpis:
        out.add("    kpi:")
    for kpi in kpis:
        out.add(f"      {scalar(kpi.name)}: {{drop: 20%}}", "say how much of it may be lost")
    for signal in (*entry.scores, *entry.kpis):
        if not _is_usable(signal):
            out.remark("    ", f"'{cut(signal.name)}' is no name, or its values are no score")


def _is_usable(signal: Signal) -> bool:
    return bool(_KEY.fullmatch(signal.name)) and max(abs(signal.low), abs(signal.high)) < _HUGE


def _pool(out: _Lines, pool: Pool) -> None:
    hardware = pool.hardware
    out.add(f"  - pool: {scalar(pool.name)}", f"from '{cut(hardware.kind or pool.name)}'")
    if pool.environment != PRODUCTION:
        out.add(f"    environment: {scalar(pool.environment)}", "by a label or name")
    if hardware.cards:
        out.add(f"    cards: {hardware.cards}", "as many as report now")
    hosts = [host for host in hardware.hosts if 0 < len(host) <= _LONGEST_HOST]
    if hosts:
        out.add(f"    hosts: {_list(hosts)}", "those that report now")
    out.add("    sources:")
    for source in pool.sources:
        _source(out, source)
    out.remark("    ", "no price is known: price: ? USD per hour")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(scalar, texts))}]"


def scalar(text: str) -> str:
    """The text, in quotes where it could be read as something else."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def next_steps(draft: Draft, text: Written, path: str) -> Iterator[str]:
    """What is still to be done, for the person who asked for the draft."""
    count = f"{len(draft.entries)} model{'s' * (len(draft.entries) != 1)}"
    if draft.pools:
        count += f", {len(draft.pools)} GPU pool{'s' * (len(draft.pools) != 1)}"
    yield f"{count}; {text.guesses} guesses to confirm, each marked `{MARK}` in {path}"
    for what, names in (
        ("no team of their own, and nobody who is told", text.without_team),
        ("tokens without a price", text.without_price),
    ):
        if names:
            unique = list(dict.fromkeys(names))
            more = f" and {len(unique) - 8} more" if len(unique) > 8 else ""
            yield f"{what}: {', '.join(unique[:8])}{more}"
