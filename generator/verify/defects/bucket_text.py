"""Is a bucket selected by a text that the next Prometheus stores otherwise?"""

import re
from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Node, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query

_WHOLE = re.compile(r"\d+(\.0)?")


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    for selector in selectors(tree):
        for each in selector.matchers:
            if each.label == "le" and each.operator == "=" and _WHOLE.fullmatch(each.value):
                number = each.value.removesuffix(".0")
                yield query.found(
                    "warning",
                    "bucket-text",
                    f"{each} misses the bucket where it is stored as {_other(each.value)}: "
                    "Prometheus 3 writes 5.0 what was 5",
                    selector=selector,
                    advice=f'write le=~"{number}|{number}\\\\.0"',
                )


def _other(value: str) -> str:
    return value.removesuffix(".0") if value.endswith(".0") else f"{value}.0"


DEFECT = Defect(question="Is a bucket selected by one of its two texts?", find=_find)
