import math

import pytest

from modelwatch.buckets import le


@pytest.mark.parametrize(
    ("boundary", "text"),
    [
        (0, "0.0"),
        (-0.0, "0.0"),
        (1, "1.0"),
        (-1, "-1.0"),
        (0.5, "0.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (999_999, "999999.0"),
        (999_999.5, "999999.5"),
        (1e6, "1e+06"),
        (-1e6, "-1e+06"),
        (1_234_567.5, "1.2345675e+06"),
        (123_456_789_012, "1.23456789012e+11"),
        (1e21, "1e+21"),
        (1e100, "1e+100"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (0.00001, "1e-05"),
        (-1.5e-7, "-1.5e-07"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_a_boundary_has_the_text_of_go_with_a_point(boundary: float, text: str) -> None:
    assert le(boundary) == text
