"""The command line in this process: what it prints where, and its exit code."""

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from generator.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str


def run(*arguments: str | Path, stdin: str | bytes = "") -> Said:
    """The command in this process; whatever is not told in words is a failure of the test."""
    done = CliRunner().invoke(
        main, [str(argument) for argument in arguments], input=stdin, prog_name="modelwatch"
    )
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(code=done.exit_code, out=done.stdout, err=done.stderr)
