"""DeepEval: the results file of a test run, as it lies in `DEEPEVAL_RESULTS_FOLDER`."""

from typing import Any

from exporters.quality.events import Refused
from exporters.quality.results import Format, Items, loaded, objects, scored, text


def _read(body: bytes) -> Items:
    found = loaded(body)
    if not isinstance(found, dict) or not isinstance(found.get("testCases"), list):
        raise Refused("missing_field", "the file has no `testCases`: it is no DeepEval test run")
    cases = objects(found["testCases"]) + objects(found.get("conversationalTestCases"))
    for number, case in enumerate(cases, 1):
        for metric in objects(case.get("metricsData")):
            yield (
                number,
                scored(text(metric.get("name")), metric.get("score"), **_told(found, metric)),
            )


def _told(found: dict[str, Any], metric: dict[str, Any]) -> dict[str, str]:
    """What the run was of, where its hyperparameters say so, and who judged."""
    parameters = found.get("hyperparameters")
    given = parameters if isinstance(parameters, dict) else {}
    judge = text(metric.get("evaluationModel"))
    return {
        "model": text(given.get("model")),
        "version": text(given.get("version")),
        "evaluator": f"deepeval {judge}".strip(),
    }


FORMAT = Format(title="DeepEval", proved="4.3.1", read=_read)
