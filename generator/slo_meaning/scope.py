"""Where the series of an indicator are: job, instances and the model's name, by its selectors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generator.slo_meaning.terms import Matcher, Selector

_PLAIN = re.compile(r"[^\\.+*?^$()[\]{}]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Sources of the inventory. `engine` is empty where the inventory describes it itself.

    `exported` are sources as `modelwatch export` wrote them, instead of all the rest.
    """

    engine: str
    jobs: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    model_label: str = ""
    exported: str = ""


def scope(
    selectors: Sequence[Selector],
    *,
    engine: str,
    model_labels: tuple[str, ...],
    ignored: tuple[str, ...],
    job: str,
) -> tuple[Scope, tuple[str, ...]]:
    """The source, and what about it was guessed; `job` is the guess where none is said."""
    guesses: list[str] = []
    jobs = _values(selectors, "job", guesses)
    if not jobs:
        guesses.append(f"no query says which job; '{job}' is a guess")
        jobs = (job,)
    instances = _values(selectors, "instance", guesses)
    models: tuple[str, ...] = ()
    for label in model_labels:
        models = models or _values(selectors, label, guesses)
    if model_labels and not models:
        guesses.append("no query says which model; write how the engine names it")
    known = {"job", "instance", *model_labels, *ignored}
    guesses += [
        f"the condition {matcher} is not carried over"
        for matcher in dict.fromkeys(one for each in selectors for one in each.matchers)
        if matcher.label not in known
    ]
    found = Scope(
        engine=engine,
        jobs=jobs,
        instances=instances,
        models=models,
        model_label=model_labels[0] if model_labels else "",
    )
    return found, tuple(guesses)


def alternatives(matcher: Matcher) -> tuple[str, ...]:
    """The values that the condition allows where they can be listed, else none."""
    if matcher.operator == "=":
        return (matcher.value,) if matcher.value else ()
    pattern = matcher.value.strip("^$")
    if pattern.startswith("(") and pattern.endswith(")"):
        pattern = pattern[1:-1]
    if matcher.operator == "=~" and _PLAIN.fullmatch(pattern):
        return tuple(part for part in pattern.split("|") if part)
    return ()


def _values(selectors: Sequence[Selector], label: str, guesses: list[str]) -> tuple[str, ...]:
    """What the selectors say about a label; nothing where it is a pattern."""
    found: dict[str, None] = {}
    said = dict.fromkeys(each.of(label) for each in selectors)
    matchers = [matcher for matcher in said if matcher]
    if matchers and len(said) > 1:
        guesses.append(f"the queries do not agree on {' and '.join(map(str, matchers))}")
    for matcher in matchers:
        allowed = alternatives(matcher)
        if not allowed:
            guesses.append(f"the condition {matcher} is a pattern; name each {label}")
        found |= dict.fromkeys(allowed)
    return tuple(found)
