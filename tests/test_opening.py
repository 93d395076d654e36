"""Reading an inventory: what has no end is refused, not waited for."""

from pathlib import Path

import pytest

from generator.opening import inventory_at
from modelwatch.problems import InventoryError

ENDLESS = Path("/dev/zero")


@pytest.mark.skipif(not ENDLESS.exists(), reason=f"there is no {ENDLESS}")
def test_a_file_without_an_end_is_too_large() -> None:
    with pytest.raises(InventoryError) as caught:
        inventory_at(str(ENDLESS))
    (problem,) = caught.value.problems
    assert "at most 5 MB are read" in problem.message
