"""promptfoo: the output of an evaluation as JSON or JSON lines.

An assertion is a score named by its `metric`, else by its type; those of one name in one answer are
its mean. Assertions on the form of an answer are format checks. A provider's label is the model.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import Any

from exporters.quality import frames
from exporters.quality.events import Event, FormatCheck, Refused
from exporters.quality.results import Format, Items, loaded, objects, scored, seconds, text

_OF_FORM = frozenset(
    {
        "is-html",
        "is-json",
        "is-sql",
        "is-valid-function-call",
        "is-valid-openai-function-call",
        "is-valid-openai-tools-call",
        "is-xml",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """An evaluation: its answers, the version that wrote it and when it began."""

    answers: list[dict[str, Any]]
    version: str = ""
    time_s: float | None = None


def _read(body: bytes) -> Items:
    run = _run(body)
    for place, answer in enumerate(run.answers, 1):
        graded = answer.get("gradingResult")
        if isinstance(graded, dict):
            yield from ((place, event) for event in _events(run, answer, graded))
        else:
            yield place, Refused("not_a_number", "the answer was not graded: its request failed")


def _run(body: bytes) -> _Run:
    try:
        found = loaded(body)
    except Refused:
        return _Run(answers=objects(frames.json_lines(body)))
    if isinstance(found, dict) and "gradingResult" in found:
        return _Run(answers=[found])  # JSON lines, of which there is one
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, dict) or not isinstance(results.get("results"), list):
        raise Refused("missing_field", "the file has no `results`: write it with -o results.json")
    meta = found.get("metadata")
    return _Run(
        answers=objects(results["results"]),
        version=text(meta.get("promptfooVersion")) if isinstance(meta, dict) else "",
        time_s=seconds(results.get("timestamp")),
    )


def _events(run: _Run, answer: dict[str, Any], graded: dict[str, Any]) -> Iterator[Event | Refused]:
    provider = answer.get("provider")
    by = provider if isinstance(provider, dict) else {"id": provider}
    model = text(by.get("label")) or text(by.get("id"))
    own = text(answer.get("id"))
    numbers: defaultdict[str, list[object]] = defaultdict(list)
    for place, part in enumerate(_parts(graded)):
        kind, metric = (text(part["assertion"].get(key)) for key in ("type", "metric"))
        if kind in _OF_FORM:
            valid = part.get("pass") is True
            identity = f"{own} {place}" if own else ""
            yield FormatCheck(model=model, valid=valid, time_s=run.time_s, id=identity)
        if metric or kind not in _OF_FORM:
            numbers[metric or kind].append(part.get("score"))
    for name, values in numbers.items():
        yield scored(
            name,
            _mean(values),
            model=model,
            time_s=run.time_s,
            id=own,
            evaluator="promptfoo",
            evaluator_version=run.version,
        )


def _parts(graded: dict[str, Any]) -> list[dict[str, Any]]:
    """Every assertion that was graded. Those of a set are there on their own, beside the set."""
    parts = objects(graded.get("componentResults"))
    return [part for part in parts if isinstance(part.get("assertion"), dict)]


def _mean(values: list[object]) -> object:
    numbers = [value for value in values if isinstance(value, int | float)]
    return fsum(numbers) / len(numbers) if len(numbers) == len(values) else None


FORMAT = Format(title="promptfoo", proved="0.123.1", read=_read)
