"""Every query of every board answers, given series as the catalogue describes them.

A join whose sides never meet, or meet twice, parses and still leaves its panel empty for ever.
"""

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from tests.board_files import queries, substituted
from tests.label_sets import KNOWN

# Two models share an environment, so that a join that forgets one of its labels meets twice.
SUBJECTS = (
    {"model": "chat", "pool": "a100", "budget": "monthly", "gpu": "0", "host": "gpu1"},
    {"model": "vision", "pool": "h100", "budget": "daily", "gpu": "1", "host": "gpu2"},
)
# Samples are a day apart: a week of history in few of them.
STEP, LATER = "1d", "9d"
# These answer only when something is amiss or has just changed, or is valid at this moment.
EMPTY_WHEN_FINE = (
    "/annotations/Version changes",
    "/Models without requests/",
    "/Forecast of the coming day/",
)

QUERIES = tuple(queries())


def expression(expr: str) -> str:
    return substituted(expr).replace("[5m]", "[3d]")


def selectors(expr: promql.Expr) -> Iterator[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def note(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        if isinstance(node, promql.MatrixSelector):
            found.append(node.vector_selector)

    promql.walk(expr, note)
    yield from found


def rows(selector: promql.VectorSelector) -> Iterator[Mapping[str, str]]:
    """Label sets that the selector matches, one per subject and alternative asked for."""
    asked = {"le": ["0.5", "+Inf"]} | {
        matcher.name: matcher.value.split("|")
        for matcher in selector.matchers.matchers
        if str(matcher.op) in ("MatchOp.Equal", "MatchOp.Re") and ".+" not in matcher.value
    }
    names = sorted(KNOWN[str(selector.name)])
    for subject in SUBJECTS:
        values = [asked.get(name, [subject.get(name, f"any {name}")]) for name in names]
        for combination in itertools.product(*values):
            yield {name: value for name, value in zip(names, combination, strict=True) if value}


def series() -> dict[str, None]:
    """Every series that some query asks for, in a stable order."""
    found: dict[str, None] = {}
    for query in QUERIES:
        for selector in selectors(promql.parse(expression(query.expr))):
            for labels in rows(selector):
                pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
                found[f"{selector.name}{{{pairs}}}"] = None
    return found


@pytest.mark.real
def test_every_query_answers(promtool: Path, tmp_path: Path) -> None:
    answering = [
        query for query in QUERIES if not any(part in query.name for part in EMPTY_WHEN_FINE)
    ]
    rules = [
        {"record": f"board_query_{number}", "expr": expression(query.expr)}
        for number, query in enumerate(QUERIES)
    ]
    checks = [
        {
            "expr": f"group(board_query_{QUERIES.index(query)})",
            "eval_time": LATER,
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for query in answering
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]})
    )
    proof = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": STEP,
        "tests": [
            {
                "interval": STEP,
                "input_series": [{"series": name, "values": "1+1x10"} for name in series()],
                "promql_expr_test": checks,
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(proof))
    done = subprocess.run(
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )
    silent = [
        query.name
        for query in answering
        if f"group(board_query_{QUERIES.index(query)})" in done.stdout + done.stderr
    ]
    assert not silent
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]
