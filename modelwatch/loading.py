"""From the bytes of an inventory to values with places: YAML, and nothing that is dangerous in it.

Scalars follow our own rules, close to YAML 1.2: `no` and `12:30` stay text, `1e-6` is a number.
Sizes, depth and the effect of aliases are bounded before anything grows.
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from modelwatch.problems import InventoryError, Place, Report
from modelwatch.tree import Block, Items, Number, Value
from modelwatch.yaml_words import MAX_DEPTH, TOO_DEEP, explained

MAX_BYTES = 5_000_000
MAX_VALUES = 400_000
"""Values after aliases are followed; 1000 large models have about 60 000."""

_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,21})?(?:[eE][-+]?[0-9]{1,2})?")
"""Every number between 1e-99 and 1e99 as programs write it, with 21 digits after the point."""
_STANDARD = "tag:yaml.org,2002:"
_FIRST = frozenset("+-0123456789")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS: dict[str, Value] = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its parser is used: events with places, no values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed file. Its problems so far are in the report."""

    root: Block
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """A parsed file of several documents. Its problems so far are in the report."""

    roots: tuple[Block, ...]
    report: Report


def load(path: str, content: bytes, *, what: str = "inventory") -> Document:
    """The file as values with places; `what` it should be is named in problems.

    Raises:
        InventoryError: it cannot be read at all. What can be read around is only reported.
    """
    builder = _built(path, content, alone=True, what=what)
    if not isinstance(builder.root, Block):
        _no_block(builder, builder.report, what)
    return Document(root=builder.root, report=builder.report)


def load_all(path: str, content: bytes) -> Documents:
    """Every document of a file that may hold several; empty ones are none.

    Raises:
        InventoryError: it cannot be read at all. What can be read around is only reported.
    """
    builder = _built(path, content, alone=False, what="file")
    report = builder.report
    roots = [(root, place) for root, place in builder.ended if root is not None]
    for root, place in roots:
        if not isinstance(root, Block):
            report.add(place, "a document is made of keys and values", "begin with `apiVersion:`")
    if not roots:
        report.add((1, 1), "the file is empty", "check that it is the right one")
    return Documents(
        roots=tuple(root for root, _ in roots if isinstance(root, Block)), report=report
    )


def _built(path: str, content: bytes, *, alone: bool, what: str) -> "_Builder":
    """The builder after the last event; `alone` refuses a second document."""
    text = _decoded(path, content, what)
    report = Report(path=path, lines=_BREAK.split(text))
    if found := _UNPRINTABLE.search(text):
        _fail(
            report,
            _place(text, found.start()),
            "a character that cannot be shown is in the file",
            "delete it, or check that this really is a text file",
        )
    builder = _Builder(report=report, alone=alone)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        place, message, advice = explained(error, report.lines)
        _fail(report, place, message, advice)
    return builder


def _decoded(path: str, content: bytes, what: str) -> str:
    """The text, without a byte order mark."""
    report = Report(path=path)
    if len(content) > MAX_BYTES:
        size = len(content) / 1_000_000
        _fail(
            report,
            (1, 1),
            f"the file has {size:.1f} MB; at most {MAX_BYTES // 1_000_000} MB are read",
            f"check that it is the {what}, or split it",
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        _fail(report, (1, 1), "the file is written in UTF-16", "save it as UTF-8")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        _fail(
            report,
            _place(before, len(before)),
            "this byte is not part of any UTF-8 text",
            "save the file as UTF-8",
        )


def _place(text: str, offset: int) -> Place:
    before = _BREAK.split(text[:offset])
    return len(before), len(before[-1]) + 1


def _fail(report: Report, place: Place, message: str, advice: str) -> NoReturn:
    report.add(place, message, advice)
    raise InventoryError(tuple(report.found))


def _no_block(builder: "_Builder", report: Report, what: str) -> NoReturn:
    first = "write a first inventory with `modelwatch init`" if what == "inventory" else ""
    if builder.root is None:
        _fail(report, (1, 1), "the file is empty", first or f"check that it is the {what}")
    _fail(
        report,
        builder.root_place,
        f"a{'n' if what[0] in 'aeiou' else ''} {what} is made of keys and values",
        f"begin with `models:`, or {first}" if first else f"check that it is the {what}",
    )


class _Open:
    """Marks an anchor whose value is not complete yet."""


@dataclass(slots=True)
class _Frame:
    """A block or list that is being filled."""

    value: Block | Items
    anchor: str | None
    count: int
    key: str | None = None
    key_place: Place = (1, 1)
    skips: bool = False


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Builds values from parser events, with a stack of its own instead of recursion."""

    report: Report
    alone: bool
    ended: list[tuple[Value, Place]] = field(default_factory=list)
    root: Value = None
    root_place: Place = (1, 1)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Value | _Open, int]] = field(default_factory=dict)
    count: int = 0
    documents: int = 0

    def take(self, event: yaml.Event) -> None:
        """The next event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = self.stack.pop()
            if frame.anchor:
                self.anchors[frame.anchor] = (frame.value, self.count - frame.count)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            self.root, self.anchors = None, {}
            if self.alone and self.documents > 1:
                self._fail(
                    event,
                    "a second document starts here",
                    "keep one document per file: remove the line `---`",
                )
        elif isinstance(event, yaml.DocumentEndEvent):
            self.ended.append((self.root, self.root_place))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text = event.value
        place = _start(event)
        self._count(event, 1)
        if event.tag and event.tag != "!":
            self._tag(event, event.tag)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, Block) and frame.key is None:
            self._key(frame, text, place, plain=not event.style)
            return
        value: Value = text
        if not event.style:
            value = _plain(text)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self._put(value, place)

    def _key(self, frame: _Frame, text: str, place: Place, *, plain: bool) -> None:
        assert isinstance(frame.value, Block)  # noqa: S101 - the caller has looked
        frame.key, frame.key_place, frame.skips = text, place, False
        if text == "<<" and plain:
            self.report.add(
                place,
                "blocks are not merged with `<<`",
                "write the keys out, or put them under `defaults`",
            )
            frame.skips = True
        elif text in frame.value.keys_at:
            first = frame.value.keys_at[text][0]
            self.report.add(
                place,
                f"the key '{_short(text)}' is already in line {first}",
                "keep one of the two",
            )
            frame.skips = True

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._count(event, 1)
        if event.tag:
            self._tag(event, event.tag)
        if len(self.stack) >= MAX_DEPTH:
            self._fail(event, *TOO_DEEP)
        place = _start(event)
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, Block) and top.key is None:
            self._fail(event, "a key must be plain text", "write `key: value`")
        kind = Block if isinstance(event, yaml.MappingStartEvent) else Items
        value: Block | Items = kind(place)
        self._put(value, place)
        if event.anchor:
            self.anchors[event.anchor] = (_Open(), 0)
        self.stack.append(_Frame(value, event.anchor, self.count - 1))

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor
        if name not in self.anchors:
            self._fail(event, f"'*{name}' stands for nothing", f"mark a value with '&{name}' first")
        value, count = self.anchors[name]
        if isinstance(value, _Open):
            self._fail(event, f"'*{name}' contains itself", "write the value out")
        top = self.stack[-1]
        if isinstance(top.value, Block) and top.key is None:
            self._fail(event, "a key must be plain text", "write `key: value`")
        self._count(event, count)
        self._put(value, _start(event))

    def _put(self, value: Value, place: Place) -> None:
        if not self.stack:
            self.root, self.root_place = value, place
            return
        frame = self.stack[-1]
        if isinstance(frame.value, Items):
            frame.value.append(value)
            frame.value.values_at.append(place)
            return
        key, frame.key = frame.key, None
        if key is not None and not frame.skips:
            frame.value[key] = value
            frame.value.keys_at[key] = frame.key_place
            frame.value.values_at[key] = place

    def _count(self, event: yaml.Event, added: int) -> None:
        self.count += added
        if self.count > MAX_VALUES:
            self._fail(
                event,
                f"the file stands for more than {MAX_VALUES} values",
                "check the aliases (`*name`), or split the inventory",
            )

    def _tag(self, event: yaml.Event, tag: str) -> None:
        self.report.add(
            _start(event),
            f"'{_short(tag.replace(_STANDARD, '!!'))}' is a tag, which is not used here",
            "remove it",
        )

    def _fail(self, event: yaml.Event, message: str, advice: str) -> NoReturn:
        _fail(self.report, _start(event), message, advice)


def _plain(text: str) -> Value:
    """What unquoted text means."""
    if text in _WORDS:
        return _WORDS[text]
    return Number(text) if text[0] in _FIRST and _NUMBER.fullmatch(text) else text


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
