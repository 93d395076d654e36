import threading
import tracemalloc
from itertools import islice

import pytest

from exporters.base.bounded import MOST_CHARACTERS, Bounded, overflow
from exporters.base.families import OTHER


def test_the_first_values_stay_what_they_are_and_all_others_are_one() -> None:
    bounded = Bounded("version", 2)
    assert [bounded(value) for value in ("1", "2", "3", "1", "4", "2")] == [
        "1",
        "2",
        OTHER,
        "1",
        OTHER,
        "2",
    ]
    assert bounded.overflow == 2


def test_only_allowed_values_pass_where_they_are_named() -> None:
    bounded = Bounded("verdict", 10, allowed={"good", "bad"})
    assert [bounded(value) for value in ("good", "ugly", "bad")] == ["good", OTHER, "bad"]
    assert bounded.overflow == 1


def test_values_that_are_not_allowed_take_no_room() -> None:
    bounded = Bounded("verdict", 1, allowed={"good"})
    assert [bounded(value) for value in ("a", "b", "good")] == [OTHER, OTHER, "good"]


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        pytest.param("x" * MOST_CHARACTERS, True, id="as long as it may be"),
        pytest.param("x" * (MOST_CHARACTERS + 1), False, id="free text"),
        pytest.param("", True, id="empty"),
    ],
)
def test_free_text_is_no_label(value: str, *, passes: bool) -> None:
    assert (Bounded("version", 5)(value) == value) is passes


def test_a_value_that_is_called_other_is_no_overflow() -> None:
    bounded = Bounded("version", 1)
    assert (bounded(OTHER), bounded("1"), bounded.overflow) == (OTHER, "1", 0)


def test_overflow_is_counted_by_label_and_zero_before_there_is_any() -> None:
    versions, more_versions, kinds = (Bounded(label, 0) for label in ("version", "version", "kind"))
    versions("a"), versions("b"), more_versions("c")
    assert overflow("quality", [versions, more_versions, kinds]).samples == {
        ("quality", "version"): 3,
        ("quality", "kind"): 0,
    }


def test_ten_million_values_take_the_memory_of_a_hundred() -> None:
    bounded = Bounded("user", 100)
    values = map(str, range(10_000_000))
    for value in islice(values, 1_000):
        bounded(value)
    tracemalloc.start()
    try:
        for value in islice(values, 50_000):
            bounded(value)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for value in values:
        bounded(value)
    assert peak_bytes < 10_000
    assert bounded.overflow == 10_000_000 - 100


def test_threads_together_let_no_more_through_than_one() -> None:
    bounded = Bounded("version", 50)
    start = threading.Barrier(8)
    passed: list[set[str]] = []

    def send(offset: int) -> None:
        start.wait()
        passed.append({bounded(str((number + offset) % 1_000)) for number in range(1_000)})

    threads = [threading.Thread(target=send, args=(offset * 100,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = set().union(*passed) - {OTHER}
    assert len(kept) == 50
    assert bounded.overflow == 8 * 1_000 - 8 * 50
