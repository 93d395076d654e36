"""NVML through NVIDIA's Python binding, or through a module that stands in for it.

Questions go by the binding's own names, which follow the C library. A question without an answer is
no error: cards, drivers and permissions differ, and each costs its own field only.
"""

import importlib
import logging
import threading
from ctypes import c_void_p, cast
from typing import Any

from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

BINDING = "pynvml"

SENTINELS = frozenset({2**32 - 1, 2**64 - 1, 0x7FFF_FFF0, 0x7FFF_FFFF_FFFF_FFF0})
"""Numbers that stand for "no value": all ones in NVML, and the blanks of DCGM, which some
stand-ins pass on."""

_CARD_DOWN = {
    "NVML_ERROR_GPU_IS_LOST": "lost",
    "NVML_ERROR_GPU_NOT_FOUND": "lost",
    "NVML_ERROR_RESET_REQUIRED": "reset_required",
}
_DRIVER_DOWN = (
    "NVML_ERROR_UNINITIALIZED",
    "NVML_ERROR_DRIVER_NOT_LOADED",
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
)
_USUAL = (
    "NVML_ERROR_NOT_SUPPORTED",
    "NVML_ERROR_FUNCTION_NOT_FOUND",
    "NVML_ERROR_DEPRECATED",
    "NVML_ERROR_NOT_FOUND",
)
"""Why most fields are missing: not worth a line in the log."""


class CardDownError(Exception):
    """A whole card does not answer; `reason` is a label value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DriverDownError(Exception):
    """The driver is gone, was reloaded or replaced; everything must be opened again."""


class Library:
    """The binding, told apart from what it says."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self._down = {
            self.constant(name): reason
            for name, reason in _CARD_DOWN.items()
            if self.constant(name) is not None
        }
        self._driver = {self.constant(name) for name in _DRIVER_DOWN} - {None}
        self._usual = {self.constant(name) for name in _USUAL} - {None}
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def constant(self, name: str) -> Any:
        """A constant of the binding; None where this version does not have it."""
        return getattr(self.module, name, None)

    def call(self, function: str, *arguments: Any) -> Any:
        """The answer.

        Raises:
            CardDownError: the card as a whole is down.
            DriverDownError: the driver as a whole is.
            NVMLError: as the binding raises it, for anything else.
        """
        try:
            return getattr(self.module, function)(*arguments)
        except self.module.NVMLError as problem:
            code = getattr(problem, "value", None)
            if code in self._down:
                raise CardDownError(self._down[code]) from problem
            if code in self._driver:
                raise DriverDownError(str(problem)) from problem
            raise

    def ask(self, function: str, *arguments: Any) -> Any:
        """The answer, or None where there is none.

        Raises:
            CardDownError: the card as a whole is down.
            DriverDownError: the driver as a whole is.
        """
        try:
            return self.call(function, *arguments)
        except (CardDownError, DriverDownError):
            raise
        except Exception as problem:  # noqa: BLE001  # one field of one card: the binding raises
            # its own errors, but also AttributeError (too old) and UnicodeDecodeError (firmware)
            self._tell(function, problem)
            return None

    def _tell(self, function: str, problem: Exception) -> None:
        """Log a missing field once, unless it is simply not supported."""
        if getattr(problem, "value", None) in self._usual:
            return
        key = (function, repr(problem))
        with self._lock:
            if key in self._told:
                return
            self._told.add(key)
        _LOG.info("no answer from %s: %s", function, problem or type(problem).__name__)


def load(name: str) -> Library:
    """The binding of this name.

    Raises:
        Unreachable: there is no such module, or it is no binding of NVML.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as problem:
        raise Unreachable(f"--library {name}: cannot be imported: {problem}") from problem
    if not hasattr(module, "NVMLError") or not hasattr(module, "nvmlInit"):
        raise Unreachable(f"--library {name}: has no NVMLError and nvmlInit, so it is no NVML")
    return Library(module)


def known(value: Any) -> float | None:
    """The number, unless it stands for "no value"."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value in SENTINELS:
        return None
    return value if value == value else None  # noqa: PLR0124  # not a number differs from itself


def address(handle: Any) -> Any:
    """What makes two handles of one card equal: the pointer's value, else the handle itself."""
    return cast(handle, c_void_p).value if hasattr(type(handle), "contents") else handle
