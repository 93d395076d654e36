"""Rules on made-up series in promtool: what is scraped, and what must be recorded from it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

STEP = "30s"
MINUTES = 30


def growing(per_second: float) -> str:
    """A counter that has grown at this rate for as long as the case lasts."""
    return f"0+{per_second * 30:g}x{2 * MINUTES}"


def still(value: float) -> str:
    """A gauge that stands still."""
    return f"{value}x{2 * MINUTES}"


def outcome_of(
    promtool: Path,
    folder: Path,
    rule_file: Mapping[str, Any],
    scraped: Mapping[str, str],
    recorded: Mapping[str, Mapping[str, float]],
) -> str:
    """What promtool says: `recorded` maps a query to all series that it must return.

    Values are rounded, because a rate is extrapolated to the edges of its window.
    """
    groups = [{**group, "interval": STEP} for group in rule_file["groups"]]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    case = {
        "interval": STEP,
        "input_series": [{"series": name, "values": text} for name, text in scraped.items()],
        "promql_expr_test": [
            {
                "expr": f"round({query}, 0.0001)",
                "eval_time": f"{MINUTES - 1}m",
                "exp_samples": [
                    {"labels": labels, "value": value} for labels, value in found.items()
                ],
            }
            for query, found in recorded.items()
        ],
    }
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": STEP,
        "tests": [case],
    }
    (folder / "case.yml").write_text(yaml.safe_dump(document))
    run = subprocess.run(
        [promtool, "test", "rules", "case.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr
