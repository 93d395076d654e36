"""JSON as values with places, as the YAML loader gives them."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # where strings are decoded

from generator.verify.query import Source
from modelwatch.problems import Problem
from modelwatch.tree import Block, Items, Number, Value

MAX_BYTES = 20_000_000
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"-?\w+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS: tuple[tuple[str, Value], ...] = (("true", True), ("false", False), ("null", None))


class NotJsonError(Exception):
    """The text is no JSON; says where and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def load(source: Source) -> Value:
    """The value of a text.

    Raises:
        NotJsonError: it is none.
    """
    if len(source.text) > MAX_BYTES:
        raise _wrong(source, 0, "the file is too large to be a dashboard")
    try:  # the fast parser says what is wrong; ours says where everything is
        json.loads(source.text)
    except json.JSONDecodeError as failure:
        raise _wrong(
            source, failure.pos, f"this is no JSON: {failure.msg[:1].lower()}{failure.msg[1:]}"
        ) from failure
    except RecursionError as failure:
        raise _wrong(source, 0, "this is nested too deeply to be a dashboard") from failure
    return _Places(source).value(_skip(source.text, 0))[0]


def _wrong(source: Source, offset: int, message: str) -> NotJsonError:
    line, column = source.place(offset)
    return NotJsonError(
        Problem(path=source.path, line=line, column=column, message=message, advice="")
    )


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _Places:
    """Reads text that is known to be JSON."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text

    def value(self, at: int) -> tuple[Value, int]:
        """The value that begins here, and where it ends."""
        first = self.text[at]
        if first == '"':
            text, end = scanstring(self.text, at + 1, True)
            return str(text), int(end)
        if first == "{":
            return self.block(at)
        if first == "[":
            return self.items(at)
        for word, value in _WORDS:
            if self.text.startswith(word, at):
                return value, at + len(word)
        found = _NUMBER.match(self.text, at)
        if not found:  # NaN and Infinity, which Python reads as well
            infinite = _WORD.match(self.text, at)
            return None, infinite.end() if infinite else at + 1
        return Number(found[0]), found.end()

    def block(self, at: int) -> tuple[Block, int]:
        """Keys and values; of a key that stands there twice the last counts, as everywhere."""
        made = Block(self.source.place(at))
        at = _skip(self.text, at + 1)
        while self.text[at] != "}":
            key_at = at
            key, at = scanstring(self.text, at + 1, True)
            at = _skip(self.text, _skip(self.text, at) + 1)
            place = self.source.place(at)
            value, at = self.value(at)
            made[key] = value
            made.keys_at[key] = self.source.place(key_at)
            made.values_at[key] = place
            at = _skip(self.text, at)
            if self.text[at] == ",":
                at = _skip(self.text, at + 1)
        return made, at + 1

    def items(self, at: int) -> tuple[Items, int]:
        """A list."""
        made = Items(self.source.place(at))
        at = _skip(self.text, at + 1)
        while self.text[at] != "]":
            made.values_at.append(self.source.place(at))
            value, at = self.value(at)
            made.append(value)
            at = _skip(self.text, at)
            if self.text[at] == ",":
                at = _skip(self.text, at + 1)
        return made, at + 1
