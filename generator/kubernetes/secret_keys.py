"""Secret files of the inventory as keys of a Secret: the name of the file is the key."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from modelwatch.problems import ModelwatchError


def keys(secret: str, paths: Iterable[str]) -> dict[str, str]:
    """Path to key.

    Raises:
        ModelwatchError: a name cannot be a key, or two files would be the same one.
    """
    found: dict[str, str] = {}
    for path in paths:
        key = PurePosixPath(path).name
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) or key == "..":
            raise ModelwatchError(
                f"'{key}' cannot be a key of the Secret {secret}; "
                f"name the file {path} with letters, digits, dashes and dots only"
            )
        twin = next((old for old, taken in found.items() if taken == key and old != path), None)
        if twin:
            raise ModelwatchError(
                f"{twin} and {path} would be the same key '{key}' of the Secret {secret}; "
                "give one of the files another name in the inventory"
            )
        found[path] = key
    return found
