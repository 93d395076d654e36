"""Reading the fields of a foreign document: what is missing or of the wrong kind is a mistake."""

from collections.abc import Collection
from decimal import Decimal

from generator.slo_formats import Foreign, Query
from modelwatch.schema_words import close
from modelwatch.tree import Block, Items, Number

_TEAM_KEYS = ("team", "owner", "squad", "owner_team")


def text(document: Foreign, block: Block, key: str, *, required: bool = True) -> str:
    """A text; empty where it is missing."""
    if key not in block:
        if required:
            document.wrong(block.place, f"'{key}' is missing", f"add `{key}:`")
        return ""
    if isinstance(block[key], Block | Items) or block[key] is None:
        document.wrong(block.at(key), f"'{key}' is no text", "write it on one line, or with `|`")
        return ""
    if required and not block.text(key).strip():
        document.wrong(block.at(key), f"'{key}' is empty", "write it out")
    return block.text(key)


def query(document: Foreign, block: Block, key: str) -> Query | None:
    """A PromQL query that must be there."""
    found = text(document, block, key)
    return Query(text=found, place=block.at(key)) if found.strip() else None


def query_under(document: Foreign, block: Block, *keys: str) -> Query | None:
    """The query under several keys, of which the first that is missing is told."""
    for key in keys[:-1]:
        block = inner(document, block, key)
        if not block:
            return None
    return query(document, block, keys[-1])


def inner(document: Foreign, block: Block, key: str, *, required: bool = True) -> Block:
    """A block; an empty one where it is missing."""
    if key not in block:
        if required:
            document.wrong(block.place, f"'{key}' is missing", f"add `{key}:`")
    elif block[key] is not None and not isinstance(block[key], Block):
        document.wrong(
            block.at(key), f"'{key}' has no keys", f"write keys and values under `{key}:`"
        )
    return block.block(key)


def several(document: Foreign, block: Block, key: str, *, required: bool = True) -> list[Block]:
    """A list of blocks."""
    value = block.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, Items) or (required and not value):
        document.wrong(block.at(key), f"'{key}' is no list", f"write `- ` before each of `{key}`")
        return []
    for entry, place in value.placed():
        if not isinstance(entry, Block):
            document.wrong(place, f"an entry of '{key}' has no keys", "write keys and values")
    return [entry for entry in value if isinstance(entry, Block)]


def percent(document: Foreign, block: Block, key: str) -> Decimal | None:
    """A share that is written from 0 to 100."""
    value = number(document, block, key)
    if value is None:
        return None
    if 0 < value < 1:
        document.wrong(
            block.at(key), f"{value} is of 100", f"write {format((value * 100).normalize(), 'f')}"
        )
        return None
    return _possible(document, block, key, value / 100)


def share(document: Foreign, block: Block, key: str) -> Decimal | None:
    """A share that is written from 0 to 1."""
    value = number(document, block, key)
    return None if value is None else _possible(document, block, key, value)


def number(document: Foreign, block: Block, key: str) -> Decimal | None:
    """A number, which some formats write as a text."""
    value = block.get(key)
    written = value.text if isinstance(value, Number) else text(document, block, key)
    try:
        return Decimal(written) if written else None
    except ArithmeticError:
        document.wrong(block.at(key), f"'{key}' is no number", "write something like 99.9")
        return None


def _possible(document: Foreign, block: Block, key: str, value: Decimal) -> Decimal | None:
    if not 0 < value < 1:
        document.wrong(
            block.at(key),
            f"'{key}' must be more than nothing and less than everything",
            "write a share such as 99.9%, in the unit of this format",
        )
        return None
    return value


def unread(
    document: Foreign, block: Block, known: Collection[str], where: str, *, why: str = ""
) -> None:
    """Say which keys of a block are not read: nothing is dropped silently."""
    for key in block:
        if key not in known:
            document.left(
                block.key_at(key),
                f"'{key}' of {where} is not carried over",
                close(key, known) or why or "look whether something in it is still needed",
            )


def team_of(block: Block) -> tuple[str, str]:
    """The team that labels name, and the key that does, whatever its prefix."""
    for wanted in _TEAM_KEYS:
        for key in block:
            if key.rpartition("/")[2].lower().replace("-", "_") == wanted and block.text(key):
                return block.text(key), key
    return "", ""


def labels_left(
    document: Foreign, block: Block, where: str, team_key: str = "", *, noun: str = "label"
) -> None:
    """Say which labels or annotations the inventory has no place for."""
    for key in block:
        if key != team_key:
            document.left(
                block.key_at(key),
                f"{noun} {key}={', '.join(block.texts(key))} of {where} is not carried over",
                "series and alerts of modelwatch have labels of their own",
            )
