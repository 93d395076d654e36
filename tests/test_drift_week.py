"""A week of questions, counted by the exporter, recorded and alerted on by the real rules."""

import math
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from alerts import drift as alerts
from alerts.recorded import drift, drift_counts
from compose.fleet.audience import Audience
from compose.fleet.traffic import World, poisson, season
from exporters.base.families import Distribution, Family
from exporters.drift import baseline
from exporters.drift.baseline_series import put
from exporters.drift.counting import Counting
from exporters.drift.observations import Batch, Rows, Watched
from exporters.drift.page import OWN, put_tally
from generator.rule_files import alert_file, record_file
from generator.yaml_text import dump
from modelwatch import defaults
from modelwatch.buckets import le
from modelwatch.catalogue.drift import EMBEDDING_METHODS, RATES
from modelwatch.inventory import Settings
from modelwatch.promql import select
from tests import real
from tests.alerts.staging import INVENTORY, chat

BASELINE = Path(__file__).parents[1] / "examples" / "baselines" / "chat.json"
SLOT_S = 240
SLOTS_PER_DAY = 24 * 3600 // SLOT_S
CHANGE = 7 * SLOTS_PER_DAY
"""When the language changes, after a week."""
SLOTS = CHANGE + SLOTS_PER_DAY // 2
BUSIEST_PER_SLOT = 80
"""At night an hour sees too little by itself."""


@pytest.mark.real
@real.first_on("on PATH")
def test_a_week_without_drift_is_silent_and_a_new_language_is_told(
    promtool: Path, tmp_path: Path
) -> None:
    counted = _counted(lambda slot: slot >= CHANGE)
    told = [{"labels": '{alertname="ModelCriticalFeatureDrifted",feature_name="language"}'}]
    _run(promtool, tmp_path, counted, expected=[_told_by(CHANGE, []), _told_by(SLOTS, told)])


def _counted(abroad: Callable[[int], bool]) -> dict[str, list[float]]:
    """What stands on the exporter's page after each four minutes of the eight days."""
    watched = Watched(
        model="chat",
        environment="production",
        features=("prompt_length", "language"),
        baseline=str(BASELINE),
    )
    counting = Counting(watched, baseline.read(BASELINE))
    tally, world = counting.empty(), World()
    audience = Audience(world)
    pages: dict[str, list[float]] = defaultdict(list)
    for slot in range(SLOTS):
        busy = season(slot * SLOT_S / 3600) * BUSIEST_PER_SLOT
        if abroad(slot):
            world.incidents.begin("chat-language")
        rows = list(audience.questions(poisson(world.chance, busy)))
        batch = Batch(
            line=1, model="chat", environment="production", length=len(rows), features=Rows(rows)
        )
        tally.add(counting.count(batch).counts)
        families = {metric: Family(metric) for metric in OWN}
        put_tally(families, watched.key, tally)
        put(families, watched.key, counting)
        for name, value in _samples(families.values()):
            pages[name].append(value)
    return pages


def _samples(families: Iterable[Family]) -> Iterator[tuple[str, float]]:
    for family in families:
        for values, sample in family.samples.items():
            labels = dict(zip(family.metric.labels, values, strict=True))
            present = {name: value for name, value in labels.items() if value}
            if not isinstance(sample, Distribution):
                yield select(family.metric, present), sample
                continue
            boundaries = (*sample.bounds, math.inf)
            for bound, count in zip(boundaries, accumulate(sample.counts), strict=True):
                yield select(family.metric.bucket, present, le=le(bound)), count


def _run(
    promtool: Path,
    folder: Path,
    counted: Mapping[str, Sequence[float]],
    *,
    expected: list[dict[str, Any]],
) -> None:
    """Let promtool evaluate the rules over all slots."""
    groups = (*drift_counts.GROUPS, *drift.GROUPS)
    (folder / "recorded.yml").write_text(record_file(groups, Settings()))
    (folder / "alerts.yml").write_text(alert_file("drift", alerts.ALERTS, INVENTORY))
    facts = {
        chat("modelwatch_drift_feature_info", feature_name="prompt_length", critical="false"): 1.0,
        chat("modelwatch_drift_feature_info", feature_name="language", critical="true"): 1.0,
        chat("model:floor:events", signal="drift"): float(defaults.FLOORS["drift"]),
        **{
            chat("modelwatch_drift_method_info", method=method): 1.0
            for method in ("psi", *RATES, *EMBEDDING_METHODS)
        },
        **{
            chat(
                "model:threshold:value",
                signal=row.signal,
                hold=row.hold,
                limit=row.limit.text,
                **row.labels,
            ): float(row.limit.value)
            for row in INVENTORY.thresholds
            if row.signal in ("drift", "drift_share", "drift_silent", "baseline_age")
        },
        **{
            chat("model:alert_policy:info", urgency=urgency, severity="ticket"): 1.0
            for urgency in ("now", "soon", "watch")
        },
    }
    fed = {name: f"{value}x{SLOTS}" for name, value in facts.items()}
    fed |= {name: " ".join(map(str, values)) for name, values in counted.items()}
    document = {
        "rule_files": ["recorded.yml", "alerts.yml"],
        "evaluation_interval": f"{SLOT_S}s",
        "group_eval_order": [*(group.name for group in groups), "modelwatch-alerts-drift"],
        "tests": [
            {
                "interval": f"{SLOT_S}s",
                "input_series": [{"series": name, "values": text} for name, text in fed.items()],
                "promql_expr_test": expected,
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
    assert done.returncode == 0, (done.stdout + done.stderr)[:5000]


def _told_by(slot: int, told: list[dict[str, Any]]) -> dict[str, Any]:
    """What has fired by then; the baseline may be as old as it likes."""
    firing = select("ALERTS", alertstate="firing", alertname="!ModelBaselineOld")
    return {
        "expr": f"group by (alertname, feature_name) (max_over_time({firing}[8d]))",
        "eval_time": f"{(slot - 1) * SLOT_S}s",
        "exp_samples": [one | {"value": 1} for one in told],
    }
