"""Does a board ask a data source that is only there where it was made?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Node
from generator.verify.finding import Finding
from generator.verify.query import Query


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del tree, grounds
    asked = query.datasource
    if not asked or asked.startswith("--"):
        return
    if asked.startswith("${DS_"):
        yield query.found(
            "warning",
            "fixed-datasource",
            f"{asked} is filled in only when the board is imported by hand; provisioned, its "
            "panels are empty",
            advice="use a variable of the type datasource, with `current` left empty",
        )
    elif not asked.startswith("$") and not asked.startswith("[["):
        yield query.found(
            "note",
            "fixed-datasource",
            f"the data source {asked} is there only where this board was made",
            advice="use a variable of the type datasource, with `current` left empty",
        )


DEFECT = Defect(question="Is a board bound to one data source?", find=_find)
