"""Runbooks: one page per alert with this fleet's owners, limits and engines, and an index."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.explain import readable
from generator.proofs import Concern, Subject, sample_labels
from modelwatch import promql
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory, Model, Pool
from modelwatch.rules import Alert, Scope
from modelwatch.supply import supply, unavailable
from modelwatch.templates import render

NOTE = "<!-- Written by modelwatch from the inventory. Changes are lost with the next generate. -->"

LISTED = 20
"""Subjects that a page names at the most: it must stay readable for a fleet of thousands."""

_CELL_END = re.compile(r"(?<!\\)\|")
_MARKUP = re.compile(r"""[\\`*\[\]<|~$]|&(?=\#?\w+;)|(?<![^\W_])_|_(?![^\W_])""")
_MARKUP_FIRST = re.compile(r"^(?:[-+=>\#]|\d+[.)])")
"""Characters to which Markdown gives a meaning, anywhere and at the start of a line."""

_ENTITIES = {"<": "&lt;", "&": "&amp;"}

_SUBJECT_COLUMNS = {
    Scope.MODEL: ("model", "environment"),
    Scope.POOL: ("pool", "environment"),
    Scope.BUDGET: ("budget", "environment"),
    Scope.STACK: (),
}


def files(
    inventory: Inventory,
    concerns: Mapping[str, Sequence[Concern]],
    engines: Mapping[str, Engine],
) -> dict[str, str]:
    """`<AlertName>.md` of every alert, and `README.md`."""
    owners: dict[tuple[str, str, str], Model | Pool] = {
        **{("model", *model.key): model for model in inventory.models},
        **{("pool", pool.name, pool.environment): pool for pool in inventory.pools},
    }
    pages: dict[str, str] = {}
    index: list[str] = []
    for topic, found in concerns.items():
        for concern in found:
            page = _Page(concern=concern, inventory=inventory, engines=engines, owners=owners)
            pages[f"{concern.alert.name}.md"] = page.text()
            index.append(page.index_row(topic))
    return {"README.md": _index(index), **pages}


def _index(rows: Sequence[str]) -> str:
    head = (
        f"{NOTE}\n\n# Runbooks\n\nOne page per alert: what it means, when it can be wrong, what to "
        "look at first, and whom it concerns.\n"
    )
    return f"{head}\n{_table(('Alert', 'Topic', 'Urgency', 'Here'), rows)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What the page of one alert is made of. `owners` are models and pools by identity."""

    concern: Concern
    inventory: Inventory
    engines: Mapping[str, Engine]
    owners: Mapping[tuple[str, str, str], Model | Pool]

    @property
    def alert(self) -> Alert:
        """The alert that the page is about."""
        return self.concern.alert

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whom it concerns."""
        return self.concern.subjects

    def index_row(self, topic: str) -> str:
        count = len({tuple(subject.identity.items()) for subject in self.subjects})
        here = f"watches {count}" if self.alert.scope is not Scope.STACK else "watches the stack"
        page = f"[{self.alert.name}]({self.alert.name}.md)"
        return _row((page, topic, str(self.alert.urgency), self.concern.reason or here))

    def text(self) -> str:
        alert = self.alert
        sections = [
            f"{NOTE}\n\n# {alert.name}\n\n> {_escaped(readable(alert.summary))}",
            f"## What it means\n\n{alert.description}",
            f"## When it can lie\n\n{alert.lies}",
            "## First checks\n\n" + _numbered(alert.action),
            *self._engine_checks(),
            *self._notes(),
            f"## Whom it concerns\n\n{self._concerned()}",
            f"## The rule\n\n{self._rule()}",
        ]
        return "\n\n".join(sections) + "\n"

    def _engine_checks(self) -> Iterator[str]:
        """What to look at first on the engines that serve the models concerned."""
        signals = dict.fromkeys((self.alert.signal, *self.alert.needs))
        lines = [
            f"### {engine.title}\n\n{_bullets(checks)}"
            for engine in self._engines_in_use()
            if (checks := [check for s in signals for check in engine.first_checks.get(s, ())])
        ]
        if lines:
            yield "## On the engines of this fleet\n\n" + "\n\n".join(lines)

    def _engines_in_use(self) -> list[Engine]:
        names = {
            source.engine
            for subject in self.subjects
            for owner in self._owners(subject)
            for source in owner.sources
        }
        return [self.engines[name] for name in sorted(names) if name in self.engines]

    def _owners(self, subject: Subject) -> list[Model | Pool]:
        environment = subject.identity.get("environment", "")
        keys = [
            (kind, subject.identity[kind], environment)
            for kind in ("model", "pool")
            if kind in subject.identity
        ]
        return [self.owners[key] for key in keys if key in self.owners]

    def _notes(self) -> Iterator[str]:
        """What the owners wrote down for this moment."""
        notes = {
            f"{model.name} ({model.environment})": model.runbook
            for subject in self.subjects
            for model in self._owners(subject)
            if isinstance(model, Model) and model.runbook
        }
        if notes:
            yield "## What the owners say\n\n" + self._named(
                [f"**{name}**: {_words(note)}" for name, note in notes.items()]
            )

    def _concerned(self) -> str:
        if self.concern.reason:
            return f"Nobody here: {self.concern.reason}."
        if self.alert.scope is Scope.STACK:
            team = self.inventory.settings.stack_team
            severity = self.subjects[0].severity
            return f"The monitoring stack itself. Severity: {severity}. {self._contact(team)}."
        columns = (
            *(name.capitalize() for name in _SUBJECT_COLUMNS[self.alert.scope]),
            "Owner",
            "Team",
            "Tier",
            "Severity",
            "Limit",
            "For",
            "Board",
        )
        listed = self.subjects[:LISTED]
        rows = [self._concerned_row(subject) for subject in listed]
        teams = dict.fromkeys(subject.policy.get("team", "") for subject in listed)
        contacts = [self._contact(team) for team in teams if team]
        blind = list(dict.fromkeys(self._blind()))
        parts = (
            _table(columns, rows),
            self._more(len(self.subjects)),
            _bullets(contacts),
            f"It cannot fire for:\n\n{self._named(blind)}" if blind else "",
        )
        return "\n\n".join(filter(None, parts))

    def _named(self, lines: Sequence[str]) -> str:
        """A list that is cut where it would no longer be read."""
        return "\n\n".join(filter(None, (_bullets(lines[:LISTED]), self._more(len(lines)))))

    def _more(self, count: int) -> str:
        """How many are not listed, and how to ask about one of them."""
        if count <= LISTED:
            return ""
        command = f"`modelwatch explain {self.alert.name} INVENTORY --model NAME`"
        ask = f"; {command} tells about one" if self.alert.scope is Scope.MODEL else ""
        return f"And {count - LISTED} more{ask}."

    def _concerned_row(self, subject: Subject) -> str:
        owner = next((o.owner for o in self._owners(subject) if isinstance(o, Model)), "")
        board = render(
            subject.rule.annotations["dashboard_url"], sample_labels(subject), subject.facts.limit
        )
        return _row(
            (
                *(subject.identity.get(name, "") for name in _SUBJECT_COLUMNS[self.alert.scope]),
                _words(" ".join(owner.split())),
                subject.policy.get("team", ""),
                subject.policy.get("tier", ""),
                subject.severity,
                subject.promise,
                subject.rule.hold,
                f"[board]({_address(board)})",
            )
        )

    def _blind(self) -> Iterator[str]:
        """Subjects of which no engine exposes a signal that the alert needs."""
        for signal in self.alert.needs:
            able = {name for name, engine in self.engines.items() if supply(engine, signal)}
            for subject in self.subjects:
                for owner in self._owners(subject):
                    names = {source.engine for source in owner.sources} & set(self.engines)
                    if names and not names & able:
                        yield f"**{subject.title}**: no {signal}{self._reason(names, signal)}"

    def _reason(self, names: Iterable[str], signal: str) -> str:
        found = [unavailable(self.engines[name]).get(signal, "") for name in sorted(names)]
        why = "; ".join(dict.fromkeys(filter(None, found)))
        return f" ({why})" if why else ""

    def _contact(self, name: str) -> str:
        team = self.inventory.teams.get(name)
        if team is None:
            return f"Team: {name}"
        on_call = f"on call: {_words(team.on_call)}" if team.on_call else ""
        said = ", ".join(filter(None, (_words(team.contact), on_call)))
        return f"Team {name}: {said}" if said else f"Team {name}"

    def _rule(self) -> str:
        alert = self.alert
        facts = [
            f"Urgency {alert.urgency}, {alert.confidence} confidence, about {alert.signal_class}.",
            f"It keeps firing for {alert.keep_firing} after the last time it was true."
            if alert.keep_firing and self.inventory.settings.keep_firing_for
            else "",
            f"Silence it: `amtool silence add alertname={alert.name}` with the labels of the case.",
        ]
        factor = self.inventory.settings.time_compression
        expressions = "\n\n".join(
            f"```promql\n{promql.compressed(rule.expr, factor)}\n```"
            for rule in self.concern.rules[:1]
        )
        holds = [rule.hold for rule in self.concern.rules]
        times = ", ".join(holds)
        note = f"The same again for each time to hold: {times}." if len(holds) > 1 else ""
        return "\n\n".join(filter(None, (" ".join(filter(None, facts)), note, expressions)))


def _table(columns: Sequence[str], rows: Sequence[str]) -> str:
    return "\n".join((_row(columns), _row(["---"] * len(columns)), *rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    return _CELL_END.sub(r"\\|", text).replace("\n", " ").replace("<", "&lt;")


def _words(text: str) -> str:
    """What a user wrote, as Markdown that shows just that: no heading, link or HTML of its own."""
    lines = (_MARKUP.sub(_shown, " ".join(line.split())) for line in text.splitlines())
    first, *more = [line for line in lines if line] or [""]
    return "\\\n  ".join((first, *(_MARKUP_FIRST.sub(_shown, line) for line in more)))


def _shown(found: re.Match[str]) -> str:
    return _ENTITIES.get(found[0]) or f"{found[0][:-1]}\\{found[0][-1]}"


def _address(url: str) -> str:
    """An address between the brackets of a link."""
    return url.replace(" ", "%20").replace("(", "%28").replace(")", "%29")


def _numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
