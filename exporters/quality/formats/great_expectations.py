"""Great Expectations: results of a validation or a checkpoint, as stored, dumped or described.

Each expectation is a check: their mean is the success percentage that the library reports.
"""

from collections.abc import Iterator
from typing import Any

from exporters.quality.events import Refused, Score
from exporters.quality.results import Format, Items, loaded, objects, seconds, text


def _read(body: bytes) -> Items:
    validations = list(_validations(loaded(body)))
    if not validations:
        raise Refused("missing_field", "the file has no `results` or `expectations` of a suite")
    number = 0
    for validation, expectations in validations:
        first = number
        meta = validation.get("meta")
        about = meta if isinstance(meta, dict) else {}
        when = text(about.get("validation_time"))
        run = f"{text(about.get('validation_id'))} {when}" if when else ""
        for expectation in expectations:
            number += 1
            passed = expectation.get("success")
            if not isinstance(passed, bool):
                yield number, Refused("missing_field", "the expectation has no `success`")
                continue
            yield (
                number,
                Score(
                    model="",
                    score="",
                    value=float(passed),
                    evaluator="great_expectations",
                    evaluator_version=text(about.get("great_expectations_version")),
                    time_s=seconds(when),
                    id=f"{run} {number - first}" if run else "",
                ),
            )


def _validations(found: object) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every validation of the file with its expectations."""
    for one in [found] if isinstance(found, dict) else objects(found):
        nested = one.get("validation_results")
        if isinstance(nested, list):
            yield from _validations(nested)
        for key in ("results", "expectations"):
            if isinstance(one.get(key), list):
                yield one, objects(one[key])


FORMAT = Format(title="Great Expectations", proved="1.24.1", read=_read)
