"""Names of the inventory from names of the world: `meta-llama/Llama-3.1-8B` is `llama-3-1-8b`."""

import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 63


def slug(text: str, otherwise: str = "model") -> str:
    """The text in lower-case letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    made = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_LONGEST].strip("-")
    return made or otherwise


def short(text: str, otherwise: str = "model") -> str:
    """The slug of what stands behind the last slash."""
    return slug(text.rstrip("/").rpartition("/")[2], "") or slug(text, otherwise)


def free(wanted: Iterable[str], taken: Iterable[str]) -> str:
    """The first wanted name that is not taken, or the first one with a number."""
    candidates, used = list(wanted), set(taken)
    for name in candidates:
        if name not in used:
            return name
    number = 2
    while (name := f"{candidates[0][: _LONGEST - 5].rstrip('-')}-{number}") in used:
        number += 1
    return name


def cut(text: str, longest: int = 60) -> str:
    """The text for a comment or message: on one line, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
