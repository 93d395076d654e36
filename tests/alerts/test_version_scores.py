"""A version that scores worse than the one before it, from raw judgements to the alert."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from alerts import versions
from alerts.recorded import version_scores
from generator.inventory_series import constants
from generator.rule_files import alert_file, record_file
from modelwatch.catalogue.inventory import THRESHOLD
from modelwatch.catalogue.quality import QUALITY_JUDGEMENTS_TOTAL, QUALITY_LAST_EVALUATION
from modelwatch.catalogue.recorded import ALERT_POLICY, FLOOR_EVENTS, LIMIT
from modelwatch.catalogue.stack import ALERTS as FIRING
from modelwatch.promql import select
from modelwatch.resolved import resolved
from tests.inventory_texts import ENGINES, MODEL, read_text

INVENTORY = read_text(
    MODEL
    + """\
    quality:
      groundedness: {good: above 0.7, minimum_samples: 30, evaluated_every: 1h}
"""
)
ALERT = "ModelVersionScoresWorse"
BEGIN, END, LAST = 180, 270, 450
"""Steps of two minutes: when the new version is judged first and last; it is watched until then."""


def test_a_version_with_more_bad_answers_is_named(promtool: Path, tmp_path: Path) -> None:
    assert not complaints(promtool, tmp_path, {END: ["2.2"]}, old_bad=0.5, new_bad=6)


def test_the_old_version_is_not_told_of_when_the_new_one_is_better(
    promtool: Path, tmp_path: Path
) -> None:
    assert not complaints(promtool, tmp_path, {END: []}, old_bad=6, new_bad=0.5)


def test_a_difference_that_can_be_chance_is_not_told(promtool: Path, tmp_path: Path) -> None:
    assert not complaints(promtool, tmp_path, {END: []}, old_bad=0.5, new_bad=1.2)


def test_it_ends_when_three_evaluations_of_the_version_did_not_come(
    promtool: Path, tmp_path: Path
) -> None:
    then = {END + 80: ["2.2"], END + 95: []}
    assert not complaints(promtool, tmp_path, then, old_bad=0.5, new_bad=6)


def complaints(
    promtool: Path, folder: Path, told: dict[int, list[str]], *, old_bad: float, new_bad: float
) -> str:
    """What promtool says unless these versions are told at these steps.

    Twenty answers of a version are judged in a step, so many of them as bad.
    """
    (folder / "recorded.yml").write_text(record_file(version_scores.GROUPS, INVENTORY.settings))
    (folder / "alerts.yml").write_text(alert_file("versions", versions.ALERTS, INVENTORY))
    firing = select(FIRING, alertname=ALERT, alertstate="firing", severity="ticket")
    document = {
        "rule_files": ["recorded.yml", "alerts.yml"],
        "evaluation_interval": "4m",
        "tests": [
            {
                "interval": "2m",
                "input_series": [
                    *_judged("2.1", old_bad, 0, LAST),
                    *_judged("2.2", new_bad, BEGIN, END),
                    *_limits(),
                ],
                "promql_expr_test": [
                    {
                        "expr": f"count by (version) ({firing})",
                        "eval_time": f"{2 * step}m",
                        "exp_samples": [
                            {"labels": f'{{version="{one}"}}', "value": 1} for one in names
                        ],
                    }
                    for step, names in told.items()
                ],
            }
        ],
    }
    file = folder / "version_test.yml"
    file.write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _judged(version: str, bad: float, begin: int, end: int) -> list[dict[str, Any]]:
    """Counters that stay when they no longer count, and when they last did."""
    steps, stays = end - begin, LAST - end
    labels = {
        "model": "chat",
        "environment": "production",
        "score": "groundedness",
        "version": version,
    }
    return [
        *(
            {
                "series": select(QUALITY_JUDGEMENTS_TOTAL, labels | {"verdict": verdict}),
                "values": _late(f"0+{each}x{steps} {each * steps}+0x{stays}", begin),
            }
            for verdict, each in (("good", 20 - bad), ("bad", bad))
        ),
        {
            "series": select(QUALITY_LAST_EVALUATION, labels),
            "values": _late(f"{begin * 120}+120x{steps} {end * 120}+0x{stays}", begin),
        },
    ]


def _late(values: str, begin: int) -> str:
    return f"_x{begin} {values}" if begin else values


def _limits() -> list[dict[str, str]]:
    rows = [
        row
        for row in (*resolved(constants(INVENTORY, ENGINES)), *constants(INVENTORY, ENGINES))
        if row.metric in {ALERT_POLICY, LIMIT, FLOOR_EVENTS, THRESHOLD}
    ]
    return [
        {"series": select(row.metric, row.labels), "values": f"{row.value:f}x{LAST}"}
        for row in rows
    ]
