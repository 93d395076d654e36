"""Takes the RAGAS captures: evaluates two answers with a judge that reads from a script.

pip install ragas==0.4.3 'langchain-community<0.4' rapidfuzz sacrebleu rouge_score
python make_ragas.py OUT
"""

# mypy: ignore-errors
# The library is in an environment of its own: nothing of it is known here.
import json
import sys
from pathlib import Path

import ragas
from langchain_core.language_models import FakeListChatModel
from ragas import EvaluationDataset, Experiment, RunConfig, evaluate
from ragas.backends import LocalCSVBackend, LocalJSONLBackend
from ragas.llms import LangchainLLMWrapper
from ragas.metrics import (
    BleuScore,
    ExactMatch,
    Faithfulness,
    NonLLMContextPrecisionWithReference,
    NonLLMContextRecall,
    RougeScore,
)

ROWS = [
    {
        "user_input": "Capital of France?",
        "response": "Paris",
        "reference": "Paris",
        "retrieved_contexts": ["Paris is the capital of France."],
        "reference_contexts": ["Paris is the capital of France."],
    },
    {
        "user_input": "Capital of Peru?",
        "response": "The capital, I think, is Cusco.",
        "reference": "The capital is Lima.",
        "retrieved_contexts": ["Cusco is a city.", "Lima is the capital of Peru."],
        "reference_contexts": ["Lima is the capital of Peru."],
    },
]

STATEMENT = "Paris is the capital of France."
JUDGEMENTS = [
    json.dumps({"statements": [STATEMENT]}),
    json.dumps({"statements": [{"statement": STATEMENT, "reason": "said", "verdict": 1}]}),
    "This judge talks without coming to a verdict.",
]
"""What the judge says: a verdict on the first answer, and none on the second."""


def main() -> None:
    out = Path(sys.argv[1])
    name = f"ragas-{ragas.__version__}"
    judge = LangchainLLMWrapper(FakeListChatModel(responses=JUDGEMENTS))
    metrics = [
        Faithfulness(llm=judge),
        ExactMatch(),
        RougeScore(),
        BleuScore(),
        NonLLMContextPrecisionWithReference(),
        NonLLMContextRecall(),
    ]
    found = evaluate(
        EvaluationDataset.from_list(ROWS),
        metrics=metrics,
        show_progress=False,
        run_config=RunConfig(max_workers=1, max_retries=1),
    )
    frame = found.to_pandas()
    frame.to_csv(out / f"{name}.csv", index=False)
    frame.to_csv(out / f"{name}-with-index.csv")
    frame.to_json(out / f"{name}.json", orient="records")
    frame.to_json(out / f"{name}-columns.json")
    frame.to_json(out / f"{name}.jsonl", orient="records", lines=True)

    rows = [
        {**row, "exact_match": score["exact_match"], "verdict": "pass"}
        for row, score in zip(ROWS, found.scores, strict=True)
    ]
    for backend in (LocalCSVBackend(str(out)), LocalJSONLBackend(str(out))):
        Experiment(name=name, backend=backend, data=rows).save()


main()
