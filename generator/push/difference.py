"""What would change on a board, for people: panels and queries, not JSON."""

import json
from collections.abc import Iterator

from generator.push.server import Json

_PARTS = ("annotations", "panels", "templating")
_NUMBERS = ("id", "iteration", "version")


def difference(before: Json, after: Json) -> Iterator[str]:
    """`-` what goes, `+` what comes, `~` what asks the same and is otherwise different."""
    old, new = dict(_parts(before)), dict(_parts(after))
    for name in dict.fromkeys((*new, *old)):
        gone, come = old.get(name), new.get(name)
        if gone == come:
            continue
        lost, gained = _asked(gone), _asked(come)
        yield from (f"- {name} | {line}" for line in lost if line not in gained)
        yield from (f"+ {name} | {line}" for line in gained if line not in lost)
        if gone and come and lost == gained:
            altered = sorted(key for key in {*gone, *come} if gone.get(key) != come.get(key))
            yield f"~ {name} | {', '.join(altered)}"


def panels(content: Json) -> int:
    """How many panels are on a board."""
    return sum(panel.get("type") != "row" for _, panel in _panels(content))


def _parts(content: Json) -> Iterator[tuple[str, Json]]:
    """Everything on a board that has a name of its own, from top to bottom."""
    yield "board", {key: value for key, value in content.items() if key not in _PARTS + _NUMBERS}
    for part, title in ("templating", "drop-downs"), ("annotations", "annotations"):
        for each in content.get(part, {}).get("list", ()):
            yield f"{title} / {each.get('name')}", each
    for row, panel in _panels(content):
        name = row if panel.get("type") == "row" else f"{row} / {panel.get('title')}"
        yield name, {key: value for key, value in panel.items() if key != "panels"}


def _panels(content: Json) -> Iterator[tuple[str, Json]]:
    """Every row and panel, also inside closed rows, with the title of its row."""
    row = ""
    for panel in content.get("panels", ()):
        if panel.get("type") == "row":
            row = str(panel.get("title", ""))
        yield row, panel
        yield from ((row, inner) for inner in panel.get("panels", ()))


def _asked(part: Json | None) -> list[str]:
    """The queries of a part, with the unit that a panel shows them in."""
    if part is None:
        return []
    if "targets" in part:
        unit = part.get("fieldConfig", {}).get("defaults", {}).get("unit", "-")
        return [f"{unit} | {target.get('expr')}" for target in part["targets"]]
    asked = next((part[key] for key in ("expr", "query", "target") if part.get(key)), "-")
    return [asked if isinstance(asked, str) else json.dumps(asked, sort_keys=True)]
