"""Which selectors find series in a running Prometheus: few questions for very many selectors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from generator.asking import Prometheus, QueryError
from generator.verify.expression import Selector
from generator.verify.live.asked import each, literal
from generator.verify.matching import OPEN_NAME
from modelwatch.promql import quoted

NAMES_AT_ONCE = 200
SELECTORS_AT_ONCE = 40
"""Sizes of one question: its text stays far below what proxies let through."""
_NUMBER = "modelwatch_selector"

Found = Mapping[str, bool | str]
"""Whether a selector finds something; where it could not be asked, why."""
_Row = TypeVar("_Row")


def askable(selectors: Iterable[Selector]) -> tuple[Selector, ...]:
    """What can be asked: without the conditions that a variable of a board fills in."""
    found = {}
    for selector in selectors:
        if selector.name and selector.name != OPEN_NAME:
            plain = without_open(selector)
            found[plain.written] = plain
    return tuple(found.values())


def without_open(selector: Selector) -> Selector:
    """The selector with the conditions that are known."""
    matchers = tuple(one for one in selector.matchers if not one.is_open)
    return replace(selector, matchers=matchers, range_s=None, start=0)


def present(selectors: Sequence[Selector], prometheus: Prometheus, now: float) -> Found:
    """Whether each selector finds a series now; names count by themselves as well.

    Raises:
        Unreachable: nobody answers.
    """

    def names(part: Sequence[str]) -> set[str]:
        pattern = "|".join(literal(name) for name in part)
        query = f"count by (__name__) ({{__name__=~{quoted(pattern)}}})"
        return {row.labels.get("__name__", "") for row in prometheus.instant(query, now)}

    def narrow(part: Sequence[Selector]) -> set[str]:
        query = "\nor\n".join(
            f'label_replace(count({one.written}), "{_NUMBER}", "{number}", "", "")'
            for number, one in enumerate(part)
        )
        rows = prometheus.instant(query, now)
        return {part[int(row.labels.get(_NUMBER, "0"))].written for row in rows}

    named = sorted({selector.name for selector in selectors})
    found = _answers(named, NAMES_AT_ONCE, names, str)
    matched = [one for one in selectors if one.matchers and found[one.name] is not False]
    counted = _answers(matched, SELECTORS_AT_ONCE, narrow, lambda one: one.written)
    missing = {one.written: False for one in selectors if one.matchers}
    return {**found, **missing, **counted}


def _answers(
    rows: Sequence[_Row],
    size: int,
    ask: Callable[[Sequence[_Row]], set[str]],
    key: Callable[[_Row], str],
) -> dict[str, bool | str]:
    """What is found, asked in parts; a part that is refused is asked in halves."""

    def answered(part: Sequence[_Row]) -> dict[str, bool | str]:
        try:
            found = ask(part)
        except QueryError as failure:
            if len(part) == 1:
                return {key(part[0]): str(failure)}
            half = len(part) // 2
            return {**answered(part[:half]), **answered(part[half:])}
        return {key(one): key(one) in found for one in part}

    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    return {name: found for part in each(answered, parts) for name, found in part.items()}
