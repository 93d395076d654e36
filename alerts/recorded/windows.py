"""Sums of recorded rates over longer windows, so that no raw series is read a second time."""

from modelwatch.promql import Series, seconds

FAST = "30s"
MID = "60s"
SLOW = "4m"


def events(series: Series, *, over: str, every: str = FAST) -> str:
    """Events within a window, of a rate recorded at this interval."""
    return f"sum_over_time({series}[{over}]) * {seconds(every)}"


def per_second(series: Series, *, over: str, every: str = FAST) -> str:
    """The rate over a window. Time without a sample counts as time without events."""
    return f"{events(series, over=over, every=every)} / {seconds(over)}"
