"""Takes the Evidently captures: reports of answers, a classifier and a table, as each saves itself.

pip install evidently==0.7.23 'pandas<3'
DO_NOT_TRACK=1 python make_evidently.py OUT
"""

# mypy: ignore-errors
# The library is in an environment of its own: nothing of it is known here.
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.core.datasets import DatasetColumn
from evidently.descriptors import Contains, CustomColumnDescriptor, TextLength
from evidently.metrics import (
    DatasetMissingValueCount,
    DuplicatedRowCount,
    MeanValue,
    MissingValueCount,
    UniqueValueCount,
)
from evidently.presets import ClassificationQuality, DataDriftPreset, TextEvals
from evidently.tests import gte, lte

ANSWERS = pd.DataFrame(
    {
        "question": ["Capital of France?", "Capital of Peru?", "Capital of Chad?"],
        "answer": ["Paris", "I think, Cusco", "Sorry, unknown"],
    }
)
LABELS = pd.DataFrame({"target": [1, 1, 0, 0, 1], "prediction": [1, 0, 0, 1, 1]})
TABLE = pd.DataFrame({"age": [20, 30, None, 50, 30], "city": ["a", "b", "b", None, "b"]})
WHEN = datetime(2027, 1, 31, 12)  # noqa: DTZ001 - the library wants it without a zone


def faithfulness(column: DatasetColumn) -> DatasetColumn:
    return DatasetColumn("num", pd.Series([1.0 if len(str(x)) < 10 else 0.25 for x in column.data]))


def main() -> None:
    out = Path(sys.argv[1])
    answers = Dataset.from_pandas(
        ANSWERS,
        data_definition=DataDefinition(text_columns=["question", "answer"]),
        descriptors=[
            TextLength("answer", alias="Answer Length"),
            Contains("answer", items=["Sorry"], alias="refusal"),
            CustomColumnDescriptor("answer", faithfulness, alias="Faithfulness"),
        ],
    )
    labels = Dataset.from_pandas(
        LABELS,
        data_definition=DataDefinition(
            classification=[BinaryClassification(target="target", prediction_labels="prediction")]
        ),
    )
    table = Dataset.from_pandas(TABLE)
    reports = {
        "answers": (
            Report([TextEvals(), MeanValue(column="Faithfulness", tests=[gte(0.4)])]),
            answers,
            None,
        ),
        "classifier": (Report([ClassificationQuality()]), labels, None),
        "table": (
            Report(
                [
                    DatasetMissingValueCount(share_tests=[lte(0.1)]),
                    DuplicatedRowCount(),
                    MissingValueCount(column="age"),
                    UniqueValueCount(column="city"),
                ]
            ),
            table,
            None,
        ),
        "drift": (Report([DataDriftPreset()]), table, Dataset.from_pandas(TABLE.fillna(0))),
    }
    for name, (report, current, reference) in reports.items():
        snapshot = report.run(current, reference, timestamp=WHEN, name=name)
        snapshot.save_json(str(out / f"evidently-0.7.23-{name}.json"))
    answers.as_dataframe().to_csv(out / "evidently-0.7.23-rows.csv", index=False)


main()
