"""The portable subset of Prometheus' annotation templates, printed exactly as Prometheus does.

Generated tests state the text of an alert in advance, so it is rendered here first. Known are
`{{ $labels.name }}`, `{{ $value }}`, `printf "%.2f" $value` and the pipes `humanize`,
`humanize1024`, `humanizeDuration`, `humanizePercentage`, `humanizeTimestamp` and `printf`, and the
block that `asked` writes.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from modelwatch.problems import DefinitionError

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LABEL = re.compile(r"\$labels\.([a-zA-Z_]\w*)")
_PRINTF = re.compile(r'printf\s+"([^"]*)"(?:\s+(\$value))?')
_VERB = re.compile(r"%(?:%|(?:\.\d+)?[efg])")
_PLAIN_DIGITS = 6  # more before the point and Go prints an exponent
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")

Operand = float | str
Lookup = Callable[[str, Mapping[str, str]], float | None]
"""The value of the series with this name and these labels; the empty ones it does not have."""

_ASKED = re.compile(
    r'\{\{ with printf "(?P<series>\w[\w:]*)\{(?P<names>[^}"]*)\}"(?P<values>[^|{}]*) \| query \}\}'
    r"(?P<before>[^{}]*)\{\{ \. \| first \| value \| (?P<pipe>[^{}]*) \}\}"
    r"(?P<after>[^{}]*)\{\{ end \}\}"
)


def asked(series: str, *names: str, text: str) -> str:
    """A part of an annotation with a number of another series, which has these labels of the alert.

    `text` has the pipe that prints the number in double brackets: ` of {{ humanize }} values`. The
    part is left out where there is no such series, and where templates cannot ask.
    """
    wanted = ",".join(f"{name}=%q" for name in names)
    values = " ".join(f"$labels.{name}" for name in names)
    before, pipe, after = re.split(r"\{\{ (.*) \}\}", text)
    return (
        f'{{{{ with printf "{series}{{{wanted}}}" {values} | query }}}}{before}'
        f"{{{{ . | first | value | {pipe} }}}}{after}{{{{ end }}}}"
    )


def unasked(template: str, number: str = "") -> str:
    """The template with its numbers of other series replaced by a word, or left out."""

    def replaced(found: re.Match[str]) -> str:
        return f"{found['before']}{number}{found['after']}" if number else ""

    return _ASKED.sub(replaced, template)


def render(
    template: str, labels: Mapping[str, str], value: float, lookup: Lookup | None = None
) -> str:
    """The text of an annotation for one alert; without `lookup` there are no other series.

    Raises:
        DefinitionError: the template uses something outside the portable subset.
    """
    template = _ASKED.sub(lambda found: _answered(found, labels, lookup), template)
    text = _ACTION.sub(lambda found: _evaluated(found[1].strip(), labels, value), template)
    if "{{" in _ACTION.sub("", template):
        raise DefinitionError(f"a template action is not closed in {template!r}")
    return text


def _answered(found: re.Match[str], labels: Mapping[str, str], lookup: Lookup | None) -> str:
    names = re.findall(r"(\w+)=%q", found["names"])
    values = [labels.get(name, "") for name in _LABEL.findall(found["values"])]
    number = lookup(found["series"], dict(zip(names, values, strict=True))) if lookup else None
    if number is None:
        return ""
    printed = _piped(found["pipe"].strip(), number, found[0])
    return f"{found['before']}{printed}{found['after']}"


def labels_used(template: str) -> set[str]:
    """Names of the labels that a template prints."""
    return {name for action in _ACTION.findall(template) for name in _LABEL.findall(action)}


def _evaluated(action: str, labels: Mapping[str, str], value: float) -> str:
    first, *pipes = (part.strip() for part in action.split("|"))
    result = _operand(first, labels, value)
    for pipe in pipes:
        result = _piped(pipe, result, action)
    return result if isinstance(result, str) else _shortest(result)


def _operand(text: str, labels: Mapping[str, str], value: float) -> Operand:
    if text == "$value":
        return value
    if found := _LABEL.fullmatch(text):
        return labels.get(found[1], "")
    if (found := _PRINTF.fullmatch(text)) and found[2]:
        return _printed(found[1], value)
    raise DefinitionError(f"{{{{ {text} }}}} is not in the portable subset of alert templates")


def _piped(pipe: str, operand: Operand, action: str) -> str:
    if (found := _PRINTF.fullmatch(pipe)) and not found[2] and isinstance(operand, float):
        return _printed(found[1], operand)
    if pipe not in _FUNCTIONS:
        raise DefinitionError(f"{{{{ {action} }}}} is not in the portable subset: {pipe}")
    try:
        return _FUNCTIONS[pipe](float(operand))
    except ValueError:
        raise DefinitionError(f"{{{{ {action} }}}} humanizes {operand!r}, no number") from None


def _printed(form: str, value: float) -> str:
    """Go's `printf` of one float, for the verbs that Python prints the same way."""
    verbs = [verb for verb in _VERB.findall(form) if verb != "%%"]
    if len(verbs) != 1 or "%" in _VERB.sub("", form):
        raise DefinitionError(f"printf {form!r} is not in the portable subset: one of %.2f %.3e %g")
    if verbs[0] == "%g" or not math.isfinite(value):
        return form.replace(verbs[0], _shortest(value)).replace("%%", "%")
    return form % value


def _shortest(value: float) -> str:
    """A float as Go prints it without a format: the shortest text that reads back the same."""
    if value == 0 or not math.isfinite(value):
        return _four(value)
    exact = Decimal(repr(value)).normalize()
    return format(exact, "f") if -4 <= exact.adjusted() < _PLAIN_DIGITS else _exponential(exact)


def _exponential(number: Decimal) -> str:
    power = number.adjusted()
    return f"{number.scaleb(-power):f}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _four(value: float) -> str:
    """Go's `%.4g`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.4g}"


def _scaled(value: float, prefixes: tuple[str, ...], base: float) -> str:
    prefix = ""
    for candidate in prefixes:
        if abs(value) < base:
            break
        prefix, value = candidate, value / base
    return f"{_four(value)}{prefix}"


def _shrunk(value: float) -> str:
    prefix = ""
    for candidate in _SMALL:
        if abs(value) >= 1:
            break
        prefix, value = candidate, value * 1000
    return f"{_four(value)}{prefix}"


def humanize(value: float) -> str:
    """`12.35k`, `48m`: four digits and a metric prefix."""
    if value == 0 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, _LARGE, 1000) if abs(value) >= 1 else _shrunk(value)


def humanize_1024(value: float) -> str:
    """`1.5Gi`: four digits and a binary prefix."""
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, _BINARY, 1024)


def humanize_duration(value: float) -> str:
    """`1h 2m 3s`, `512ms`: seconds in the units that people use."""
    if not math.isfinite(value):
        return _four(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return f"{_shrunk(value)}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    minutes, seconds = divmod(int(value), 60)
    if not minutes:
        return f"{sign}{_four(value)}s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = {"d": days, "h": hours, "m": minutes, "s": seconds}
    names = tuple(parts)
    first = next(number for number, name in enumerate(names) if parts[name])
    return sign + " ".join(f"{parts[name]}{name}" for name in names[first:])


def humanize_percentage(value: float) -> str:
    """`4.5%` of a ratio."""
    return f"{_four(value * 100)}%"


def humanize_timestamp(value: float) -> str:
    """Seconds since 1970 as a time in UTC."""
    if not math.isfinite(value):
        return _four(value)
    # Prometheus goes through whole nanoseconds and cuts these to milliseconds.
    milliseconds = int(int(value * 1e9) / 1_000_000)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return f"{moment:%Y-%m-%d %H:%M:%S}{'.' + fraction if fraction else ''} +0000 UTC"


_FUNCTIONS: Mapping[str, Callable[[float], str]] = {
    "humanize": humanize,
    "humanize1024": humanize_1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
}
