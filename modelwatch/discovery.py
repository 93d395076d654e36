"""Finding definitions: each file of a folder that has the constant is one of them."""

import importlib
import pkgutil
from typing import Any

from modelwatch.problems import DefinitionError


def constants_named(package: str, constant: str) -> dict[str, Any]:
    """The constant of every module directly in the package that has it, by module name, sorted."""
    root = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(root.__path__))
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names}
    found = {
        name: getattr(module, constant)
        for name, module in modules.items()
        if hasattr(module, constant)
    }
    if not found:
        raise DefinitionError(f"no {constant} is defined in {package}")
    return found
