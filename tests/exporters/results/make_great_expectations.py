"""Takes the Great Expectations captures: a validation, a checkpoint and its description.

pip install great_expectations==1.24.1
GX_ANALYTICS_ENABLED=false python make_great_expectations.py OUT
"""

# mypy: ignore-errors
# The library is in an environment of its own: nothing of it is known here.
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import great_expectations as gx
import pandas as pd
from great_expectations import expectations as expect
from great_expectations.data_context import FileDataContext

TABLE = pd.DataFrame(
    {"age": [20, 30, None, 50, 230], "city": ["Paris", "Lima", "Lima", "Rome", "?"]}
)


def main() -> None:
    out = Path(sys.argv[1])
    name = f"great_expectations-{gx.__version__}"
    with TemporaryDirectory() as folder:
        _run(gx.get_context(mode="file", project_root_dir=folder), out, name)
        stored = next(Path(folder).rglob("uncommitted/validations/**/*.json"))
        (out / f"{name}-stored.json").write_bytes(stored.read_bytes())


def _run(context: FileDataContext, out: Path, name: str) -> None:
    batches = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset("requests")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = context.suites.add(gx.ExpectationSuite(name="data_quality"))
    suite.add_expectation(expect.ExpectColumnValuesToNotBeNull(column="age", mostly=0.7))
    suite.add_expectation(expect.ExpectColumnValuesToBeBetween(column="age", max_value=120))
    suite.add_expectation(expect.ExpectColumnValueLengthsToBeBetween(column="city", min_value=1))
    suite.add_expectation(expect.ExpectColumnToExist(column="country"))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="requests", data=batches, suite=suite)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="hourly", validation_definitions=[definition])
    )
    given = {"dataframe": TABLE}
    validation = definition.run(batch_parameters=given, result_format="BASIC")
    (out / f"{name}-validation.json").write_text(json.dumps(validation.to_json_dict()))
    (out / f"{name}-validation-described.json").write_text(validation.describe())
    found = checkpoint.run(batch_parameters=given)
    results = [result.to_json_dict() for result in found.run_results.values()]
    (out / f"{name}-checkpoint.json").write_text(json.dumps(results))
    (out / f"{name}-checkpoint-described.json").write_text(found.describe())


main()
