"""PromQL idioms: the brackets of a query, so that a rule reads like what it means.

Windows are `over=`, selectors are `where=`. Durations inside an expression are nominal: under
`time_compression` they are shortened when a rule is written, see `compressed`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from modelwatch.catalogue.metric import MODEL, Metric

Series = Metric | str
_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in (
        ("ms", "0.001"),
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 86400),
        ("w", 604800),
    )
}
_LITERAL = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)""")
_DURATION = r"\d+(?:ms|s|m|h|d|w)"


def select(metric: Series, where: Mapping[str, str] | None = None, /, **labels: str) -> str:
    """A selector; a value that starts with `~`, `!` or `!~` says how it is compared.

    >>> select("up", job="vllm", instance="~a|b")
    'up{job="vllm",instance=~"a|b"}'
    """
    matchers = {**(where or {}), **labels}
    if not matchers:
        return str(metric)
    return f"{metric}{{{','.join(_matcher(name, value) for name, value in matchers.items())}}}"


def _matcher(name: str, value: str) -> str:
    for prefix, operator in (("!~", "!~"), ("~", "=~"), ("!", "!=")):
        if value.startswith(prefix):
            return f"{name}{operator}{quoted(value.removeprefix(prefix))}"
    return f"{name}={quoted(value)}"


def quoted(text: str) -> str:
    """A PromQL string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def rate(metric: Series, *, over: str = "5m", where: Mapping[str, str] | None = None) -> str:
    """Increase per second of a counter."""
    return f"rate({select(metric, where)}[{over}])"


def total(expr: Series, *, by: Iterable[str] = MODEL) -> str:
    """Sum per label set."""
    return f"sum by ({', '.join(by)}) ({expr})"


def largest(expr: Series, *, by: Iterable[str] = MODEL) -> str:
    """Maximum per label set."""
    return f"max by ({', '.join(by)}) ({expr})"


def ratio(part: str, whole: str) -> str:
    """`part / whole`; nothing where the whole is zero, so that no NaN is ever compared."""
    return f"{part} / ({whole} > 0)"


def or_zero(expr: str, like: str) -> str:
    """`expr`, and zero for what is in `like` but not in `expr`."""
    return f"({expr} or 0 * {like})"


def on(*labels: str) -> str:
    """`on (…)`, of model and environment when nothing else is said."""
    return f"on ({', '.join(labels or MODEL)})"


def seconds(duration: str) -> str:
    """A duration as a number of seconds, shortened together with the windows."""
    return f"seconds({duration})"


def duration_seconds(duration: str) -> Decimal:
    """Seconds of a Prometheus duration such as `5m` or `1h30m`."""
    parts = re.findall(r"(\d+)(ms|s|m|h|d|w)", duration)
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))


def compressed(expr: str, factor: int) -> str:
    """The expression with every window, offset and `seconds()` divided by `factor`."""
    return outside_texts(expr, lambda part: _compressed(part, factor))


def outside_texts(expr: str, change: Callable[[str], str]) -> str:
    """The expression with all changed but its string literals: whatever stands there is a name."""
    parts = _LITERAL.split(expr)
    return "".join(part if odd % 2 else change(part) for odd, part in enumerate(parts))


def _compressed(expr: str, factor: int) -> str:
    expr = re.sub(
        rf"\[({_DURATION})(?::({_DURATION})?)?\]",
        lambda found: _range(found, factor),
        expr,
    )
    expr = re.sub(
        rf"offset ({_DURATION})", lambda found: f"offset {shortened(found[1], factor)}", expr
    )
    return re.sub(
        rf"seconds\(({_DURATION})\)",
        lambda found: _plain(duration_seconds(found[1]) / factor),
        expr,
    )


def _range(found: re.Match[str], factor: int) -> str:
    step = shortened(found[2], factor) if found[2] else ""
    colon = ":" if ":" in found[0] else ""
    return f"[{shortened(found[1], factor)}{colon}{step}]"


def shortened(duration: str, factor: int) -> str:
    """A duration divided by `factor`, at least one millisecond, in the largest unit that fits."""
    if factor == 1:
        return duration
    milliseconds = max(1, int(duration_seconds(duration) * 1000 / factor))
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
