"""Would the servers take this configuration? Asked of their own tools before anything is sent."""

import subprocess
from pathlib import Path

from compose import programs
from modelwatch.problems import ModelwatchError

_CHECKS = (
    ("promtool", ("check", "config"), "prometheus/prometheus.yml"),
    ("amtool", ("check-config",), "alertmanager/alertmanager.yml"),
)
WITHIN_S = 120.0


def refuse_broken(config_dir: Path, *, path: str | None = None) -> tuple[str, ...]:
    """The tools that were not found, so that nobody asked them; `path` replaces PATH.

    Raises:
        ModelwatchError: a tool refuses the configuration; with its reason.
    """
    missing, reasons = [], []
    for name, arguments, file in _CHECKS:
        tool = programs.find(name, path=path)
        if tool is None:
            missing.append(name)
            continue
        answer = subprocess.run(
            [tool.path, *arguments, config_dir / file],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        if answer.returncode:
            said = (answer.stdout + answer.stderr).replace(f"{config_dir}/", "")
            reasons.append(f"{name} refuses {file}:\n{_indented(said)}")
    if reasons:
        raise ModelwatchError("\n".join(["the new configuration is broken", *reasons]))
    return tuple(missing)


def _indented(text: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in text.splitlines() if line.strip())
