"""Is a window so short that it may hold less than two samples?"""

from collections.abc import Iterator

from generator.verify.defect import RATES, Defect, Grounds
from generator.verify.expression import Call, Node, Selector, every
from generator.verify.finding import Finding
from generator.verify.query import Query

SCRAPES = 4
"""Scrapes in a window: one may fail and another be late, and two samples are still there."""


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    least = SCRAPES * grounds.scrape_interval_s
    for node in every(tree):
        if not isinstance(node, Call) or node.function not in RATES:
            continue
        selector = node.arguments[0]
        if isinstance(selector, Selector) and 0 < (selector.range_s or 0) < least:
            yield query.found(
                "warning",
                "short-window",
                f"{node.function} over {selector.range_s:g} s has no value after a missed scrape: "
                f"targets are read every {grounds.scrape_interval_s:g} s",
                selector=selector,
                advice=f"take at least {least:g} s; on a board, $__rate_interval",
            )


DEFECT = Defect(question="Is a window shorter than four scrapes?", find=_find, in_ours=False)
