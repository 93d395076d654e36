"""What a PromQL expression counts: sums and differences of rates, or a ratio of two of them.

This understands what indicators of service levels are made of and no more; everything else is
refused with the reason in words.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace


class NotUnderstoodError(ValueError):
    """The expression is more than sums of rates; says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label: `operator` is `=`, `!=`, `=~` or `!~`."""

    label: str
    operator: str
    value: str

    def accepts(self, text: str) -> bool:
        """Whether a label with this text fits."""
        same = text == self.value
        if self.operator.endswith("~"):
            same = re.fullmatch(self.value, text) is not None
        return same != self.operator.startswith("!")

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{value}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A metric and the conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def without(self, *labels: str) -> "Selector":
        """The same without the conditions on these labels."""
        kept = tuple(one for one in self.matchers if one.label not in labels)
        return replace(self, matchers=kept)

    def of(self, label: str) -> Matcher | None:
        """The condition on a label."""
        return next((one for one in self.matchers if one.label == label), None)

    def __str__(self) -> str:
        inner = ",".join(map(str, self.matchers))
        return f"{self.metric}{{{inner}}}" if inner else self.metric


Term = tuple[int, Selector]
"""A sign, and what is counted."""
Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`part / whole`, or what is left of it: `1 - part / whole`."""

    part: Terms
    whole: Terms
    is_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """`histogram_quantile(share, …)` of one histogram."""

    share: str
    of: Selector


Meaning = Terms | Ratio | Quantile | str
"""A `str` is a number as written."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<comment>\#[^\n]*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<range>\[[^\]]*\])
    | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+(?![\w:]))
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w:]))
    | (?P<word>[a-zA-Z_:][\w:]*)
    | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},@])
    )""",
    re.VERBOSE | re.ASCII,
)
_TRANSPARENT = ("sum", "rate", "increase", "irate")
_PRECEDENCE = {"or": 1, "==": 2, "!=": 2, ">": 2, "<": 2, ">=": 2, "<=": 2, "+": 3, "-": 3}
_PRECEDENCE |= {"*": 4, "/": 4, "%": 4}
_UNSUPPORTED = ("and", "unless", "offset", "@", "^", "atan2")


def meaning(promql: str) -> Meaning:
    """What the expression counts.

    Raises:
        NotUnderstoodError: it is something else.
    """
    parser = _Parser(_tokens(promql))
    found = parser.expression(0)
    if parser.kind:
        raise NotUnderstoodError(f"`{parser.text}` is not understood here")
    return found


def terms(promql: str) -> Terms:
    """The events that the expression counts.

    Raises:
        NotUnderstoodError: it counts none.
    """
    return _events(meaning(promql))


def _events(found: Meaning) -> Terms:
    if isinstance(found, tuple):
        return found
    what = {Ratio: "a ratio", Quantile: "a quantile", str: "a number"}[type(found)]
    raise NotUnderstoodError(f"{what} counts no events")


def _tokens(promql: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while promql[at:].strip():
        token = _TOKEN.match(promql, at)
        if token is None:
            rest = promql[at:].split(maxsplit=1)[0]
            raise NotUnderstoodError(f"`{rest[:20]}` is not understood")
        at = token.end()
        if token.lastgroup and token.lastgroup != "comment":
            found.append((token.lastgroup, token[token.lastgroup]))
    return found


class _Parser:
    """Reads tokens from left to right; `text` and `kind` are of the next one."""

    def __init__(self, tokens: Iterable[tuple[str, str]]) -> None:
        self.tokens = [*tokens, ("", "")]
        self.at = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def text(self) -> str:
        return self.tokens[self.at][1]

    def take(self, wanted: str = "") -> str:
        text = self.text
        if wanted and text != wanted:
            raise NotUnderstoodError(
                f"`{wanted}` is missing before `{text}`" if text else f"`{wanted}` is missing"
            )
        self.at += 1
        return text

    def expression(self, least: int) -> Meaning:
        left = self.operand()
        while (level := _PRECEDENCE.get(self.text, 0)) > least:
            operator = self.take()
            self.skip_matching()
            left = _combined(operator, left, self.expression(level))
        if self.text in _UNSUPPORTED:
            raise NotUnderstoodError(f"`{self.text}` is not understood")
        return left

    def skip_matching(self) -> None:
        """Sums without labels are meant: how their labels match makes no difference."""
        if self.text == "bool":
            raise NotUnderstoodError("`bool` is not understood")
        while self.text in {"on", "ignoring", "group_left", "group_right"}:
            self.take()
            self.skip_list()

    def skip_list(self) -> None:
        if self.text == "(":
            while self.take() != ")":
                if not self.kind:
                    raise NotUnderstoodError("`)` is missing")

    def operand(self) -> Meaning:
        if self.text == "(":
            self.take()
            inner = self.expression(0)
            self.take(")")
            return inner
        if self.kind == "number":
            return self.take()
        if self.kind == "word" or self.text == "{":
            return self.named()
        raise NotUnderstoodError(f"`{self.text}` is not understood" if self.kind else "it is empty")

    def named(self) -> Meaning:
        name = self.take() if self.kind == "word" else ""
        if self.text in {"by", "without"}:
            self.take()
            self.skip_list()
        if self.text == "(" and name:
            return self.call(name)
        return self.selector(name)

    def call(self, name: str) -> Meaning:
        self.take("(")
        arguments = [self.expression(0)]
        while self.text == ",":
            self.take()
            arguments.append(self.expression(0))
        self.take(")")
        if self.text in {"by", "without"}:
            self.take()
            self.skip_list()
        return _called(name, arguments)

    def selector(self, name: str) -> Meaning:
        matchers: list[Matcher] = []
        if self.text == "{":
            self.take()
            while self.text != "}":
                label, operator = self.take(), self.take()
                if self.kind != "text" or operator not in {"=", "!=", "=~", "!~"}:
                    raise NotUnderstoodError(f"`{label}{operator}{self.text}` is no condition")
                matchers.append(_matcher(label, operator, _unquoted(self.take())))
                if self.text == ",":
                    self.take()
            self.take("}")
        if self.kind == "range" and ":" in self.take():
            raise NotUnderstoodError("a subquery counts no events")
        for matcher in matchers:
            if matcher.label == "__name__" and matcher.operator == "=" and not name:
                name = matcher.value
        if not name:
            raise NotUnderstoodError("a selector names no metric")
        kept = tuple(one for one in matchers if one.label != "__name__")
        return ((1, Selector(metric=name, matchers=kept)),)


def _called(name: str, arguments: list[Meaning]) -> Meaning:
    first = arguments[0]
    if name == "histogram_quantile" and len(arguments) == 2 and isinstance(first, str):
        inner = _events(arguments[1])
        if len(inner) == 1:
            return Quantile(share=first, of=inner[0][1])
    if name == "vector" and first in {"0", "0.0"}:
        return "0"
    if name not in _TRANSPARENT or len(arguments) != 1:
        raise NotUnderstoodError(f"`{name}` counts no events")
    return _events(first)


def _combined(operator: str, left: Meaning, right: Meaning) -> Meaning:
    if operator == "or" and right == "0":
        return left
    if operator in {">", "!="} and right in {"0", "0.0"}:
        return left  # a guard against dividing by zero
    if operator == "/":
        return Ratio(part=_events(left), whole=_events(right))
    if operator == "-" and left in {"1", "1.0"} and isinstance(right, Ratio):
        return replace(right, is_rest=not right.is_rest)
    if operator in {"+", "-"}:
        sign = 1 if operator == "+" else -1
        return (*_events(left), *((sign * one, inner) for one, inner in _events(right)))
    raise NotUnderstoodError(f"`{operator}` is not understood here")


def _matcher(label: str, operator: str, value: str) -> Matcher:
    try:
        re.compile(value if operator.endswith("~") else "")
    except re.error as error:
        raise NotUnderstoodError(f"the pattern of '{label}' is not understood") from error
    return Matcher(label=label, operator=operator, value=value)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
