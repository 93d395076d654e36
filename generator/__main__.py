"""`python -m generator`: the same as `modelwatch`, where its script is not on PATH."""

from generator.cli import main

main(prog_name="modelwatch")
