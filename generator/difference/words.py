"""A difference in sentences: a headline, what to look at first, and sections to read."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from generator.difference import Count, Difference, Files
from generator.difference.alerts import AlertChanges, Shift
from generator.difference.changes import Change, Detail
from generator.difference.things import ThingKind

_PLURALS: Mapping[ThingKind, tuple[str, str]] = {
    "model": ("model", "models"),
    "pool": ("GPU pool", "GPU pools"),
    "budget": ("budget", "budgets"),
    "team": ("team", "teams"),
    "receiver": ("receiver", "receivers"),
}
_TITLES: Mapping[str, tuple[ThingKind, ...]] = {
    "Models": ("model",),
    "GPU pools": ("pool",),
    "Budgets": ("budget",),
    "Who is told": ("team", "receiver"),
    "Settings and defaults": ("fleet",),
}
_OF_NEW = {"team", "tier", "owner", "cards", "kind", "for", "pages go to", "tickets go to"}
"""What is told of something new, besides its promises and its money."""
_BUDGET_EFFECTS = {"": "", "tightened": "lowered", "loosened": "raised"}
_HOWS = ("changed", "added", "removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How words of the inventory are shown.

    `quote` is for what may be anything, `name` for what is mostly plain; `most` is how many names
    a sentence has.
    """

    quote: Callable[[str], str]
    name: Callable[[str], str]
    most: int

    def several(self, names: Sequence[str]) -> str:
        """Names in a row, and how many more there are."""
        shown = ", ".join(self.quote(name) for name in names[: self.most])
        hidden = len(names) - self.most
        return f"{shown} and {hidden} more" if hidden > 0 else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines of a list, of which those that are part of the one before are indented.

    `is_detail` is one that few readers open.
    """

    title: str
    lines: tuple[str, ...]
    is_detail: bool = False


def headline(found: Difference) -> str:
    """All of it in one line, without any word of the user's."""
    parts = (
        *_things(found.changes),
        *_effects(found.changes),
        f"{found.series.more:+,} series" if found.series.more else "",
        *_pages(found.alerts),
    )
    said = "; ".join(filter(None, parts))
    if said:
        return said
    files = found.files
    count = len(files.added) + len(files.changed) + len(files.removed)
    written = f"; {_number(count, 'file is', 'files are')} written differently" if count else ""
    return f"nothing changes{' in meaning' if count else ''}{written}"


def _number(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _things(changes: Iterable[Change]) -> Iterator[str]:
    counts: Counter[tuple[ThingKind, str]] = Counter()
    for change in changes:
        counts[change.kind, change.how] += len(change.subjects)
    for kind, nouns in _PLURALS.items():
        hows = [how for how in _HOWS if counts[kind, how]]
        if hows:
            first, *rest = hows
            more = "".join(f", {counts[kind, how]:,} {how}" for how in rest)
            yield f"{_number(counts[kind, first], *nouns)} {first}{more}"
    if counts["fleet", "changed"]:
        yield "settings changed"


def _effects(changes: Iterable[Change]) -> Iterator[str]:
    counts: Counter[tuple[str, str]] = Counter()
    for change in changes:
        if change.how == "changed":
            for detail in change.details:
                counts[detail.kind, detail.effect] += len(change.subjects)
    for kind in ("promise", "limit"):
        effects = [effect for effect in ("tightened", "loosened") if counts[kind, effect]]
        if effects:
            first, *rest = effects
            more = "".join(f", {counts[kind, effect]:,} {effect}" for effect in rest)
            yield f"{_number(counts[kind, first], kind, f'{kind}s')} {first}{more}"


def _pages(alerts: AlertChanges) -> Iterator[str]:
    if count := alerts.now("page"):
        yield _number(count, "alert now pages", "alerts now page")
    if count := alerts.no_longer("page"):
        yield _number(count, "alert no longer pages", "alerts no longer page")


def risks(found: Difference, style: Style) -> tuple[str, ...]:
    """What is promised, watched or told less than before, or to others."""
    return tuple(_risks(found, style))


def _risks(found: Difference, style: Style) -> Iterator[str]:
    for change in found.changes:
        if change.how == "removed":
            yield f"removed: {_noun(change, style)}"
        elif change.how == "changed":
            before = _noun(change, style) if change.kind != "fleet" else "settings and defaults"
            yield from (
                f"{before}: {_sentence(detail, style)}"
                for detail in change.details
                if detail.is_risk
            )
    for shift in found.alerts.shifts:
        if shift.is_risk:
            yield _shift(shift, style)
    for alert, reason in found.alerts.unused.items():
        yield _unused(alert, reason)


def _noun(change: Change, style: Style) -> str:
    """The things with what they are: `team assist`."""
    noun = _PLURALS[change.kind][len(change.subjects) > 1]
    return f"{noun} {style.several(change.subjects)}"


def _sentence(detail: Detail, style: Style) -> str:
    what, before, after = style.name(detail.what), detail.before, detail.after
    if not before:
        return f"{what} {style.quote(after)} (new)"
    if not after:
        return f"{what} {style.quote(before)} removed"
    if before == after:
        return f"{what} {style.quote(after)} changed"
    effect = _BUDGET_EFFECTS[detail.effect] if detail.kind == "budget" else detail.effect
    return f"{what} {style.quote(before)} → {style.quote(after)}{f' ({effect})' if effect else ''}"


def _shift(shift: Shift, style: Style) -> str:
    step = f"{shift.before or 'nothing'} → {shift.after or 'nothing'}"
    return f"{step} for {style.several(shift.subjects)}: {', '.join(shift.alerts)}"


def _unused(alert: str, reason: str) -> str:
    return f"{alert} can no longer fire: {reason}"


def sections(found: Difference, style: Style) -> tuple[Section, ...]:
    """Everything, in the order in which reviewers ask."""
    every = (
        *(
            Section(title=title, lines=tuple(_lines(found, kinds, style)))
            for title, kinds in _TITLES.items()
        ),
        Section(title="Alerts", lines=tuple(_alerts(found.alerts, style))),
        Section(
            title=f"Series: {_count(found.series)}",
            lines=tuple(_series(found.series_of, style)),
            is_detail=True,
        ),
        Section(
            title=f"Generated files: {_files_title(found.files)}",
            lines=tuple(_files(found.files, style)),
            is_detail=True,
        ),
    )
    return tuple(section for section in every if section.lines)


def _lines(found: Difference, kinds: tuple[ThingKind, ...], style: Style) -> Iterator[str]:
    for change in found.changes:
        if change.kind not in kinds:
            continue
        subjects = _noun(change, style) if len(kinds) > 1 else style.several(change.subjects)
        if change.how == "removed":
            yield f"- removed: {subjects}"
        elif change.how == "added":
            told = [
                d for d in change.details if d.kind in {"promise", "budget"} or d.what in _OF_NEW
            ]
            facts = ", ".join(f"{style.name(d.what)} {style.quote(d.after)}" for d in told)
            yield f"- new: {subjects}{f': {facts}' if facts else ''}{_watched(found, change)}"
        elif change.kind == "fleet":
            yield from (f"- {_sentence(detail, style)}" for detail in change.details)
        else:
            yield f"- {subjects}"
            yield from (f"  - {_sentence(detail, style)}" for detail in change.details)
    if "model" in kinds and found.probe_spend.before != found.probe_spend.after:
        spend = found.probe_spend
        yield f"- all probes together may spend {spend.before} → {spend.after} USD per day"


def _watched(found: Difference, change: Change) -> str:
    counts = found.watched.get(change.subjects[0], {}) if change.kind == "model" else {}
    if not counts:
        return ""
    said = ", ".join(f"{count} as {severity}" for severity, count in counts.items())
    return f"; alerts: {said}"


def _alerts(alerts: AlertChanges, style: Style) -> Iterator[str]:
    for shift in alerts.shifts:
        yield f"- {_shift(shift, style)}"
    if alerts.used:
        yield f"- in use now: {', '.join(alerts.used)}"
    for alert, reason in alerts.unused.items():
        yield f"- {_unused(alert, reason)}"
    for alert, (before, after) in alerts.holds.items():
        yield f"- {alert} holds for {before} → {after}"


def _count(count: Count) -> str:
    if not count.more:
        return f"{count.before:,} as before"
    return f"{count.before:,} → {count.after:,} ({count.more:+,})"


def _series(models: Mapping[str, Count], style: Style) -> Iterator[str]:
    for model, count in sorted(models.items(), key=lambda one: (-abs(one[1].more), one[0])):
        yield f"- {style.quote(model)}: {_count(count)}"


def _files_title(files: Files) -> str:
    counts = {
        "changed": len(files.changed),
        "new": len(files.added),
        "gone": len(files.removed),
    }
    said = ", ".join(f"{count:,} {how}" for how, count in counts.items() if count)
    every = (*files.changed, *files.added, *files.removed)
    boards = sum(path.startswith("grafana/dashboards/") for path in every)
    return f"{said}; {_number(boards, 'board', 'boards') if boards else 'no board'} among them"


def _files(files: Files, style: Style) -> Iterator[str]:
    for how, paths in (
        ("changed", files.changed),
        ("new", files.added),
        ("gone", files.removed),
    ):
        folders: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            folders[str(PurePosixPath(path).parent)].append(PurePosixPath(path).name)
        for folder, names in folders.items():
            yield f"- {how} in {style.quote(folder)}: {style.several(names)}"
