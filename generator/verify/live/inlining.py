"""An alert's expression over what was there: recorded series as their rules, constants as numbers.

A Prometheus that never loaded our rules has none of their series, and one that did has those of
the inventory of that time. So what the inventory says is written into the expression as numbers,
and each recorded series that was not there becomes the expression of its rule, windows over it a
subquery at the interval of its group.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from generator.selectors import Selector, selectors
from generator.verify.live.generated import Group
from modelwatch.catalogue import metrics, recorded
from modelwatch.catalogue.metric import Layer
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import duration_seconds, quoted
from modelwatch.resolved import Fleet, matches
from modelwatch.rules import Constant

NOTHING = "(vector(1) < 0)"
"""A vector without series."""

CONSTANTS = {
    metric.name: metric
    for metric in (
        *(metric for metric in metrics() if metric.layer is Layer.INVENTORY),
        *(recorded.ALERT_POLICY, recorded.POOL_POLICY, recorded.BUDGET_POLICY),
        *(recorded.LIMIT, recorded.FLOOR_EVENTS),
        *(recorded.SLO_ALLOWED, recorded.SLO_DAYS, recorded.SLO_FLOOR),
    )
}
"""What follows from the inventory alone."""

_CONSTANT_INTERVAL = "60s"
_RANGE = re.compile(r"\s*\[(\w+)(?::(\w*))?\]")
_OFFSET = re.compile(r"\s*offset (\w+)")
_MARK = "modelwatch_kept"
_LONGEST = 400_000


class TooLong(Exception):  # noqa: N818  # reads as what happened
    """The expression grew beyond what can be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    expr: str
    labels: Mapping[str, str]
    interval: str
    of_engine: bool


@dataclass(slots=True)
class Inlining:
    """Rewrites expressions; `there` are recorded series that need not be replaced.

    `names` are all that the Prometheus knows: a rule that reads none of them records nothing.

    Before the last `known_s` there are no samples: windows of what is computed are not longer, or
    a month would be computed for nothing.
    """

    groups: Sequence[Group]
    fleet: Fleet
    there: frozenset[str]
    names: frozenset[str]
    known_s: float
    _rules: dict[str, list[_Recorded]] = field(default_factory=dict, init=False)
    _known: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for group in self.groups:
            for rule in group.rules:
                if not rule.alert and rule.name not in CONSTANTS:
                    one = _Recorded(
                        expr=rule.expr,
                        labels=rule.labels,
                        interval=f"{int(group.interval_s * 1000)}ms",
                        of_engine=group.name.startswith("modelwatch-engine-"),
                    )
                    self._rules.setdefault(rule.name, []).append(one)

    @property
    def recorded(self) -> tuple[str, ...]:
        """The names of all recorded series that are not constant."""
        return tuple(self._rules)

    def computes(self, expr: str) -> bool:
        """Whether the expression reads a recorded series that has to be replaced."""
        names = {part.name for part in selectors(expr)}
        return bool(names & (set(self._rules) - self.there))

    def written(self, expr: str, inside: tuple[str, ...] = ()) -> str:
        """The expression that needs nothing but what was there.

        `inside` are the series that are being replaced: one that reads its own past has none.

        Raises:
            TooLong: it would be a very long one.
        """
        pieces, done = [], 0
        for part in selectors(expr):
            if part.start < done or not self._is_ours(part):
                continue
            vector, interval = self._vector(part, inside)
            text, end = self._placed(vector, interval, expr, part.end)
            pieces += [expr[done : part.start], text]
            done = end
        whole = "".join((*pieces, expr[done:]))
        if len(whole) > _LONGEST:
            raise TooLong
        return whole

    def _is_ours(self, part: Selector) -> bool:
        return (
            part.name in CONSTANTS
            or part.name == ALERTS.name
            or (part.name in self._rules and part.name not in self.there)
        )

    def _vector(self, part: Selector, inside: tuple[str, ...]) -> tuple[str, str]:
        if part.name == ALERTS.name or part.name in inside:
            return NOTHING, _CONSTANT_INTERVAL
        if part.name in CONSTANTS:
            return _rows(self.fleet.of(CONSTANTS[part.name], part.where)), _CONSTANT_INTERVAL
        rules = [one for one in self._rules[part.name] if _fits(one.labels, part.where)]
        vectors = [self._of_rule(part.name, one, part.where, inside) for one in rules]
        vectors = [one for one in vectors if one != NOTHING]
        interval = self._rules[part.name][0].interval
        return _either(vectors), interval

    def _of_rule(
        self, name: str, rule: _Recorded, where: Mapping[str, str], inside: tuple[str, ...]
    ) -> str:
        if rule.expr not in self._known:
            text = self.written(rule.expr, (*inside, name))
            self._known[rule.expr] = f"({text})" if self._yields(text, rule) else NOTHING
        if self._known[rule.expr] == NOTHING:
            return NOTHING
        left = {label: wanted for label, wanted in where.items() if label not in rule.labels}
        return _labelled(_filtered(self._known[rule.expr], left), rule.labels)

    def _placed(self, vector: str, interval: str, expr: str, end: int) -> tuple[str, int]:
        """The vector where a selector was, with its window and offset; and where that ended."""
        window = _RANGE.match(expr, end)
        offset = _OFFSET.match(expr, window.end() if window else end)
        if offset and duration_seconds(offset[1]) > self.known_s:
            vector = NOTHING
        if window:
            longest = f"{math.ceil(self.known_s)}s"
            over = min(window[1], longest, key=duration_seconds)
            return f"{vector}[{over}:{window[2] or interval}]", window.end()
        if offset:
            # Only a selector or a subquery has an offset: the newest value of a window then.
            newest = f"last_over_time({vector}[{interval}:{interval}] offset {offset[1]})"
            return newest, offset.end()
        return vector, end

    def _yields(self, text: str, rule: _Recorded) -> bool:
        """Whether there can be a value: of samples, or of numbers that engines do not need."""
        if any(part.name in self.names for part in selectors(text)) or "absent" in text:
            return True
        return "vector(" in text.replace(NOTHING, "") and not rule.of_engine


def _fits(labels: Mapping[str, str], where: Mapping[str, str]) -> bool:
    """Whether the labels that a rule adds leave anything of the selector."""
    own = {label: wanted for label, wanted in where.items() if label in labels}
    return matches(labels, own)


def _rows(rows: Iterable[Constant]) -> str:
    return _either([_labelled(f"vector({_number(row.value)})", row.labels) for row in rows])


def _number(value: Decimal) -> str:
    return format(value, "f")


def _either(vectors: Sequence[str]) -> str:
    """All of them, as a tree: a chain would compare each with all before it."""
    if not vectors:
        return NOTHING
    if len(vectors) == 1:
        return vectors[0]
    middle = len(vectors) // 2
    return f"({_either(vectors[:middle])} or {_either(vectors[middle:])})"


def _labelled(vector: str, labels: Mapping[str, str]) -> str:
    for name, text in labels.items():
        value = quoted(text.replace("$", "$$"))
        vector = f'label_replace({vector}, "{name}", {value}, "", "")'
    return vector


def _filtered(vector: str, where: Mapping[str, str]) -> str:
    """The vector's series that fit; what is computed cannot be selected by labels otherwise."""
    mark = f'on ({_MARK}) label_replace(vector(1), "{_MARK}", "1", "", "")'
    for label, wanted in where.items():
        negative = wanted.startswith("!")
        text = wanted.removeprefix("!")
        pattern = text[1:] if text.startswith("~") else _exactly(text)
        marked = f'label_replace({vector}, "{_MARK}", "1", "{label}", {quoted(pattern)})'
        vector = (
            f"({marked} unless {mark})"
            if negative
            else f'label_replace({marked} and {mark}, "{_MARK}", "", "", "")'
        )
    return vector


def _exactly(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)
