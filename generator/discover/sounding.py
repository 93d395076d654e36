"""Which labels say where something runs."""

import re
from collections.abc import Iterable, Mapping

NAMED = ("environment", "env", "deployment_environment", "stage", "app.kubernetes.io/environment")
"""Labels whose value is an environment, whatever it is."""
_SOUNDS_LIKE = re.compile(
    r"(^|[-_])(prod|production|live|staging|stage|preprod|dev|development|test|testing|qa|uat|canary)"
    r"($|[-_])"
)


def environment_of(labels: Mapping[str, str], perhaps: Iterable[str]) -> str:
    """What a label says, else the first of the other names that has an environment in it."""
    named = next((labels[label] for label in NAMED if labels.get(label)), "")
    sounding = (found[2] for name in perhaps if (found := _SOUNDS_LIKE.search(name.lower())))
    return named or next(sounding, "")
