"""`modelwatch baseline`: what a model saw when it was well, and how far rows are from it."""

import click

from generator.baseline.build import build
from generator.baseline.compare import compare
from generator.baseline.show import show


@click.group()
def baseline() -> None:
    """Build, show and compare baselines, against which drift is measured.

    Example: modelwatch baseline build rows.csv --model fraud --version 3
    """


for command in (build, show, compare):
    baseline.add_command(command)
