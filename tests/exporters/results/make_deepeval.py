"""Takes the DeepEval capture: the results file of a run with a judge that reads from a script.

pip install deepeval==4.3.1
DEEPEVAL_TELEMETRY_OPT_OUT=YES DEEPEVAL_RESULTS_FOLDER=OUT python make_deepeval.py
"""

# mypy: ignore-errors
# The library is in an environment of its own: nothing of it is known here.
from typing import Any

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import BaseMetric, ExactMatchMetric, HallucinationMetric
from deepeval.models import DeepEvalBaseLLM
from deepeval.test_case import LLMTestCase


class SharedWords(BaseMetric):
    """Share of the context's words that the answer repeats."""

    def __init__(self, name: str) -> None:
        self.threshold = 0.5
        self.name = name
        self.async_mode = False

    @property
    def __name__(self) -> str:
        return self.name

    def measure(self, case: LLMTestCase) -> float:
        known = " ".join(case.retrieval_context or []).lower().split()
        if not known:
            raise ValueError("there is no context")
        said = (case.actual_output or "").lower().split()
        self.score = round(sum(word in known for word in said) / len(said), 4)
        self.success = self.score >= self.threshold
        self.reason = "words in common"
        return self.score

    async def a_measure(self, case: LLMTestCase, *_rest: object, **_more: object) -> float:
        return self.measure(case)

    def is_successful(self) -> bool:
        return bool(self.success)


class Judge(DeepEvalBaseLLM):
    """Finds that the context agrees with answers about Paris only."""

    def load_model(self) -> None:
        return None

    def generate(self, prompt: str, schema: Any) -> Any:
        agrees = "yes" if "Paris" in prompt.rpartition("Actual Output")[2] else "no"
        verdicts = [{"verdict": agrees, "reason": "as the script says"}]
        return schema.model_validate({"verdicts": verdicts})

    async def a_generate(self, prompt: str, schema: Any) -> Any:
        return self.generate(prompt, schema)

    def get_model_name(self) -> str:
        return "judge-1"


CASES = [
    LLMTestCase(
        input="Capital of France?",
        actual_output="Paris is the capital",
        expected_output="Paris is the capital",
        context=["Paris is the capital of France"],
        retrieval_context=["Paris is the capital of France"],
    ),
    LLMTestCase(
        input="Capital of Peru?",
        actual_output="Cusco is pretty",
        expected_output="Lima",
        context=["Lima is the capital of Peru"],
        retrieval_context=["Lima is the capital of Peru"],
    ),
    LLMTestCase(
        input="Capital of Chad?",
        actual_output="Unknown",
        expected_output="N'Djamena",
        context=["N'Djamena is the capital of Chad"],
    ),
]


def main() -> None:
    evaluate(
        test_cases=CASES,
        metrics=[
            SharedWords("Faithfulness"),
            ExactMatchMetric(),
            HallucinationMetric(model=Judge(), include_reason=False, async_mode=False),
        ],
        hyperparameters={"model": "chat", "version": "2.1"},
        identifier="nightly",
        async_config=AsyncConfig(run_async=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False),
        error_config=ErrorConfig(ignore_errors=True),
    )


main()
