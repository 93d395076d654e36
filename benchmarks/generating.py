"""What `modelwatch generate` and `modelwatch check` take, and what comes out, by size of fleet."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import fleet
from benchmarks.measured import Usage, table, usage, verdict

SIZES = (10, 100, 1_000, 5_000)
ROUNDS = 3
"""Runs of which the quickest counts, as other work only ever adds time; one beyond 1 000 models."""

GOAL_MODELS = 1_000
GOAL_S = 3.0
GOAL_BYTES = 250_000_000
GOAL_GROWTH = 5_000 / 1_000
"""Time may grow as the number of models does, from 1 000 to 5 000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One size of fleet: what generating and checking took, and what was written."""

    models: int
    generate: Usage
    check: Usage
    files: int
    size: int
    alerts: int
    recordings: int
    constants: int


def run(sizes: Sequence[int] = SIZES) -> None:
    """Measure every size, print a table and whether the goals are reached."""
    found = [measured(models) for models in sizes]
    print(
        table(
            ("models", "generate", "CPU", "peak", "check", "peak", "files", "size"),
            [
                (
                    one.models,
                    f"{one.generate.elapsed_s:.2f} s",
                    f"{one.generate.cpu_s:.2f} s",
                    f"{one.generate.peak_bytes / 1e6:.0f} MB",
                    f"{one.check.elapsed_s:.2f} s",
                    f"{one.check.peak_bytes / 1e6:.0f} MB",
                    one.files,
                    f"{one.size / 1e6:.1f} MB",
                )
                for one in found
            ],
        )
    )
    print()
    print(
        table(
            ("models", "alerts", "recording rules", "constant series"),
            [(one.models, one.alerts, one.recordings, one.constants) for one in found],
        )
    )
    print()
    for line in _verdicts({one.models: one for one in found}):
        print(line)


def _verdicts(found: dict[int, Generated]) -> list[str]:
    goal, largest = found.get(GOAL_MODELS), found.get(SIZES[-1])
    lines = []
    if goal:
        elapsed, peak = goal.generate.elapsed_s, goal.generate.peak_bytes
        lines.append(
            verdict(f"1 000 models in {elapsed:.2f} s of {GOAL_S:g} s", reached=elapsed <= GOAL_S)
        )
        lines.append(
            verdict(
                f"with {peak / 1e6:.0f} MB of {GOAL_BYTES / 1e6:.0f} MB", reached=peak <= GOAL_BYTES
            )
        )
    if goal and largest:
        growth = largest.generate.elapsed_s / goal.generate.elapsed_s
        lines.append(
            verdict(
                f"5 times the models take {growth:.1f} times as long", reached=growth <= GOAL_GROWTH
            )
        )
    return lines


def measured(models: int) -> Generated:
    """The quickest of some runs of both commands."""
    program = Path(sys.executable).with_name("modelwatch")
    rounds = ROUNDS if models <= GOAL_MODELS else 1
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as folder:
        inventory = Path(folder) / "models.yaml"
        inventory.write_text(fleet.inventory(models), encoding="utf-8")
        generate = [
            usage([program, "generate", inventory, "-o", Path(folder) / f"out-{number}"])
            for number in range(rounds)
        ]
        check = [usage([program, "check", inventory]) for _ in range(rounds)]
        files = [path for path in (Path(folder) / "out-0").rglob("*") if path.is_file()]
        rules = "".join(
            path.read_text(encoding="utf-8") for path in files if path.parent.name == "rules"
        )
        return Generated(
            models=models,
            generate=min(generate, key=lambda one: one.elapsed_s),
            check=min(check, key=lambda one: one.elapsed_s),
            files=len(files),
            size=sum(path.stat().st_size for path in files),
            alerts=rules.count("- alert: "),
            recordings=rules.count("- record: "),
            constants=rules.count("- {record: "),
        )
