"""Our rules on made-up series in promtool: recorded first, alerts after, one file of each."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from exporters.base.families import Distribution, Family
from generator.rule_files import alert_file, record_file
from generator.yaml_text import dump
from modelwatch.inventory import Inventory
from modelwatch.promql import select
from modelwatch.rules import Alert, RecordGroup


def samples_of(families: Iterable[Family]) -> dict[str, float]:
    """The samples of a page as series; histograms are left out."""
    return {
        select(family.metric, dict(zip(family.metric.labels, labels, strict=True))): value
        for family in families
        for labels, value in family.samples.items()
        if not isinstance(value, Distribution)
    }


def complaints(
    promtool: Path,
    folder: Path,
    inventory: Inventory,
    *,
    records: Sequence[RecordGroup],
    series: Mapping[str, float | str],
    expected: Mapping[str, float],
    alerts: Sequence[Alert] = (),
    at_minutes: int = 60,
    step_minutes: int = 4,
) -> str:
    """What promtool finds wrong; empty when each query has its value, and no labels, then.

    A series is a number that stands still, or one value per step in promtool's notation. Rules are
    evaluated at each step.
    """
    (folder / "records.yml").write_text(record_file(records, inventory.settings))
    (folder / "alerts.yml").write_text(alert_file("scene", alerts, inventory))
    steps = at_minutes // step_minutes + 1
    document = {
        "rule_files": ["records.yml", "alerts.yml"],
        "evaluation_interval": f"{step_minutes}m",
        "tests": [
            {
                "interval": f"{step_minutes}m",
                "input_series": [
                    {
                        "series": name,
                        "values": value if isinstance(value, str) else f"{value:.15g}x{steps}",
                    }
                    for name, value in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": query,
                        "eval_time": f"{at_minutes}m",
                        "exp_samples": [{"labels": "{}", "value": value}],
                    }
                    for query, value in expected.items()
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
