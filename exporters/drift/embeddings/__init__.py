"""Embeddings: has the cloud of vectors that a model works with moved away from its baseline?

Vectors are pushed by the application. Kept of them are sums by time slot, so that memory is the
same after a vector and after a billion, and a window that slides is a sum of slots. All files but
this one need numpy, which is an extra: everything else about drift works without it.
"""

from importlib.util import find_spec

from modelwatch.problems import ModelwatchError

LONGEST = 4096
"""Components of a vector at the most."""
REASONS = {
    "vector_type": "a vector is a list of numbers",
    "vector_length": "a vector has as many components as those of the baseline",
    "vector_number": "components are numbers, neither infinite nor beyond 1e9",
    "no_numpy": "the exporter has no numpy",
}
"""Why a vector is refused, in words for whoever sent it."""
NEEDS = "embeddings need numpy; run: pip install 'modelwatch[drift]'"


def available() -> bool:
    """Whether numpy is there."""
    return find_spec("numpy") is not None


def require() -> None:
    """Make sure that numpy is there.

    Raises:
        ModelwatchError: it is not; the message says how to install it.
    """
    if not available():
        raise ModelwatchError(NEEDS)
