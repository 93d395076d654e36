"""From the path of an inventory to the inventory, with everything checked that can be."""

import sys
from pathlib import Path

from generator import receivers
from generator.definitions import definitions
from generator.series import predict
from modelwatch.inventory import Inventory
from modelwatch.loading import MAX_BYTES, load
from modelwatch.problems import InventoryError, ModelwatchError, Problem
from modelwatch.reading import read

_ENOUGH = 20 * MAX_BYTES
"""Bytes after which no more is read: a pipe or device may have no end."""


def inventory_at(path: str) -> Inventory:
    """The inventory of a file, or of standard input for `-`.

    Raises:
        InventoryError: it has problems, asks an Alertmanager for what it cannot do, or needs more
            series than it allows itself.
        ModelwatchError: the file cannot be read.
    """
    return inventory_of(path, content_of(path))


def inventory_of(path: str, content: bytes) -> Inventory:
    """The inventory that was read from a path.

    Raises:
        InventoryError: as for `inventory_at`.
    """
    inventory = read("<stdin>" if path == "-" else path, content, definitions().engines)
    problems = (*receivers.problems(inventory), *_too_many_series(inventory, content))
    if problems:
        raise InventoryError(problems)
    return inventory


def content_of(path: str) -> bytes:
    """What is in the file; of one without an end only so much that it is seen to be too large.

    Raises:
        ModelwatchError: it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read(_ENOUGH)
    try:
        with Path(path).open("rb") as file:
            return file.read(_ENOUGH)
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure


def _too_many_series(inventory: Inventory, content: bytes) -> tuple[Problem, ...]:
    limit = inventory.settings.series_limit
    if limit is None:
        return ()
    prediction = predict(inventory, definitions())
    if prediction.total <= limit:
        return ()
    (name, _), most = max(prediction.models.items(), key=lambda entry: entry[1])
    document = load(inventory.path, content)
    document.report.add(
        document.root.block("settings").key_at("series_limit"),
        f"up to {prediction.total} series are needed, series_limit allows {limit}",
        f"raise the limit or watch less; most are of '{name}' with {most}",
    )
    return tuple(document.report.found)
