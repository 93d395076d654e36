"""Real data: drift in car loans is told from when it begins, by what drifts, and by nothing else.

NannyML's set drifts from its sixth chunk of ten on. What other tools say: docs/drift-comparison.md.
"""

import json
from pathlib import Path

import pytest

from exporters.drift.baseline import Score, read
from tests.command import run
from tests.real_data import car_loans, digits

ROWS = 5000
BEGINS = 5
DRIFT = {"car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car", "score"}
AT_THE_LIMIT = {"psi": {"salary_range"}, "js": set[str](), "chi2": set[str]()}
"""The PSI of salaries is 0.197 to 0.252 in later chunks, and its limit is 0.2."""
QUIET = {"debt_to_income_ratio", "driver_tenure", "size_of_downpayment", "predicted"}
COLUMNS = ("--score", "y_pred_proba", "--predicted", "y_pred")


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline, and the later rows in ten chunks."""
    folder = tmp_path_factory.mktemp("loans")
    loans = car_loans()
    (folder / "reference.csv").write_text(loans.reference, "utf-8")
    said = run(
        *("baseline", "build", folder / "reference.csv", "-o", folder / "baseline.json"),
        *("--model", "loans", "--version", "1", "--label", "repaid", "--time", "timestamp"),
        *COLUMNS,
    )
    assert said.code == 0, said.err
    header, *rows = loans.analysis.splitlines()
    for chunk in range(10):
        part = rows[chunk * ROWS : (chunk + 1) * ROWS]
        (folder / f"{chunk}.csv").write_text("\n".join([header, *part]), "utf-8")
    return folder


@pytest.mark.parametrize("chunk", range(10))
@pytest.mark.parametrize("method", ["psi", "js", "chi2"])
def test_car_loans_drift_from_the_sixth_chunk_on(folder: Path, chunk: int, method: str) -> None:
    said = run(
        *("baseline", "compare", folder / "baseline.json", folder / f"{chunk}.csv"),
        *("--method", method, "--format", "json", *COLUMNS),
    )
    comparisons = json.loads(said.out)
    assert {one["name"] for one in comparisons} == DRIFT | QUIET
    drifted = {one["name"] for one in comparisons if one["drifted"]}
    if chunk < BEGINS:
        assert drifted == set()
    else:
        assert DRIFT - AT_THE_LIMIT[method] <= drifted <= DRIFT
    assert said.code == int(chunk >= BEGINS)


def test_estimated_accuracy_falls_with_the_realised_one(folder: Path) -> None:
    """Without labels it is what the share of right ones was in each bin of the score."""
    score = next(one for one in read(folder / "baseline.json").features if isinstance(one, Score))
    right = {known.predicted: known.correct for known in score.classes}
    outcomes = [row.partition(",")[2] for row in car_loans().outcomes.splitlines()[1:]]
    for chunk in range(10):
        rows = (folder / f"{chunk}.csv").read_text("utf-8").splitlines()
        at = [rows[0].split(",").index(name) for name in ("y_pred_proba", "y_pred")]
        fields = [row.split(",") for row in rows[1:]]
        said = [(float(row[at[0]]), row[at[1]]) for row in fields]
        truth = outcomes[chunk * ROWS : (chunk + 1) * ROWS]
        pairs = zip(said, truth, strict=True)
        realised = sum(label == name for (_, name), label in pairs) / ROWS
        bins = (min(20, max(0, -int(-value * 20 // 1) - 1)) for value, _ in said)
        estimated = sum(
            right[name][place] or 0.0 for place, (_, name) in zip(bins, said, strict=True)
        )
        late = chunk >= BEGINS
        assert realised == pytest.approx(0.917 if late else 0.9455, abs=0.006)
        assert estimated / ROWS == pytest.approx(realised, abs=0.01)


def test_the_digits_are_there() -> None:
    rows = list(digits())
    assert (len(rows), len(rows[0][0]), rows[0][1]) == (1797, 64, 0)
