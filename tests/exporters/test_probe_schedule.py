import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exporters.probe.measuring import Measured
from exporters.probe.pace import (
    FAILURES_AT_FULL_PACE,
    LONGEST_PATIENCE_S,
    SLOWEST_S,
    SPREAD_S,
    Timetable,
)
from exporters.probe.runs import Runs
from exporters.probe.schedule import Schedule
from exporters.probe.spending import Spending
from exporters.probe.targets import Target
from modelwatch.inventory import Probe, Prompt
from tests.exporters.probes import (
    CAPITAL,
    SUM,
    Sender,
    measured,
    quantity,
    target,
)

HOUR = 3600.0


def table(*targets: Target, chance: Callable[[], float] = lambda: 0.5) -> Timetable:
    made = Timetable(chance)
    made.set_targets({one.name: one for one in targets}, 0.0)
    return made


def starts(
    timetable: Timetable,
    until: float,
    answer: Callable[[float], Measured | None] = lambda _now: measured(),
    took: float = 0.0,
) -> tuple[list[float], list[str]]:
    """When runs start by a clock that jumps from one to the next, and why others are skipped."""
    started, skipped = [], []
    while (now := timetable.next_due() or 0.0) < until:
        for one, reason in timetable.due(now):
            if reason:
                skipped.append(reason)
                continue
            started.append(now)
            timetable.ended(one.name, answer(now), now + took)
    return started, skipped


def gaps(times: Sequence[float]) -> list[float]:
    return [round(later - earlier, 3) for earlier, later in pairwise(times)]


# When a probe is due.


def test_a_probe_runs_once_per_interval() -> None:
    started, skipped = starts(table(target()), HOUR)
    assert set(gaps(started)) == {60.0}
    assert skipped == []


def test_the_first_runs_are_spread_and_come_soon_however_long_the_interval() -> None:
    names = [f"probe-{number}" for number in range(100)]
    targets = [target(name, every=quantity("86400")) for name in names]
    first = table(*targets)
    moments = [started for one in targets if (started := table(one).next_due()) is not None]
    assert max(moments) < SPREAD_S
    assert len({moment // 6 for moment in moments}) == 10
    again = table(*targets)
    assert first.next_due() == again.next_due()


@pytest.mark.parametrize(("drawn", "gap"), [(0.0, 57.0), (0.5, 60.0), (0.999999, 63.0)])
def test_runs_are_jittered_by_a_tenth_of_the_interval(drawn: float, gap: float) -> None:
    started, _ = starts(table(target(), chance=lambda: drawn), HOUR)
    assert set(gaps(started)) == {gap}


def test_runs_that_were_missed_in_a_sleep_are_not_made_up_for() -> None:
    timetable = table(target())
    (first,) = timetable.due(SPREAD_S)
    timetable.ended(first[0].name, measured(), SPREAD_S)
    assert [reason for _, reason in timetable.due(HOUR)] == [""]
    timetable.ended("golden", measured(), HOUR)
    assert timetable.due(HOUR) == []
    assert timetable.next_due() == pytest.approx(HOUR + 60)


def test_a_probe_that_still_runs_is_not_started_again() -> None:
    timetable = table(target())
    now = timetable.next_due() or 0.0
    assert [reason for _, reason in timetable.due(now)] == [""]
    assert [reason for _, reason in timetable.due(now + 60)] == ["busy"]
    timetable.ended("golden", measured("timeout"), now + 61)
    assert [reason for _, reason in timetable.due(now + 120)] == [""]


# Patience.


def test_retry_after_is_honoured() -> None:
    asked = iter([measured("rate_limited", retry_after_s=600.0)])
    started, skipped = starts(table(target()), HOUR, lambda _: next(asked, measured()))
    assert gaps(started)[0] == 600.0
    assert set(gaps(started)[1:]) == {60.0}
    assert skipped == ["backoff"] * 9


def test_a_server_that_asks_for_days_is_asked_again_after_an_hour() -> None:
    answer = measured("rate_limited", retry_after_s=1e6)
    started, _ = starts(table(target()), 5 * HOUR, lambda _: answer)
    assert set(gaps(started)) == {LONGEST_PATIENCE_S}


def test_a_rate_limit_without_a_time_is_backed_off_from_at_once() -> None:
    started, skipped = starts(table(target()), HOUR, lambda _: measured("rate_limited"))
    assert gaps(started)[:4] == [120.0, 240.0, 300.0, 300.0]
    assert set(skipped) == {"backoff"}


def test_failures_are_seen_at_full_pace_first_and_never_less_than_every_five_minutes() -> None:
    started, _ = starts(table(target()), 24 * HOUR, lambda _: measured("server_error"))
    found = gaps(started)
    assert found[:FAILURES_AT_FULL_PACE] == [60.0] * FAILURES_AT_FULL_PACE
    assert found[FAILURES_AT_FULL_PACE : FAILURES_AT_FULL_PACE + 2] == [120.0, 240.0]
    assert set(found[FAILURES_AT_FULL_PACE + 2 :]) == {SLOWEST_S}


@pytest.mark.parametrize("every", ["1", "10", "300", "3600"])
def test_a_failing_probe_is_never_slower_than_five_minutes_or_its_interval(every: str) -> None:
    timetable = table(target(every=quantity(every)))
    started, _ = starts(timetable, 10 * HOUR, lambda _: measured("timeout"))
    slowest = max(SLOWEST_S, float(every))
    assert max(gaps(started)) <= slowest + float(every)


def test_a_success_ends_the_patience() -> None:
    answers = iter([measured("server_error")] * 9 + [measured()] + [measured("server_error")] * 5)
    started, _ = starts(table(target()), HOUR, lambda _: next(answers, measured()))
    assert set(gaps(started)[9:]) == {60.0}


def test_a_run_that_was_not_sent_is_no_failure() -> None:
    started, _ = starts(table(target()), HOUR, lambda _: None)
    assert set(gaps(started)) == {60.0}


def test_an_unchanged_probe_keeps_its_patience_over_a_reload_and_a_changed_one_does_not() -> None:
    same, changed = target("same"), target("changed")
    timetable = table(same, changed)
    for one, _ in timetable.due(SPREAD_S):
        timetable.ended(one.name, measured("rate_limited", retry_after_s=600.0), SPREAD_S)
    elsewhere = replace(changed, probe=replace(changed.probe, url="http://other/v1"))
    timetable.set_targets({"same": same, "changed": elsewhere}, SPREAD_S)
    found = {one.name: reason for one, reason in timetable.due(3 * SPREAD_S)}
    assert found == {"same": "backoff", "changed": ""}


# Threads.


@contextmanager
def running(runs: Runs, *targets: Target, concurrency: int = 4) -> Iterator[Schedule]:
    runs.set_targets(targets)
    schedule = Schedule(runs, concurrency=concurrency)
    schedule.set_targets({one.name: one for one in targets})
    schedule.start()
    try:
        yield schedule
    finally:
        schedule.stop()


@pytest.fixture(name="spending")
def _spending(tmp_path: Path) -> Iterator[Spending]:
    made = Spending(tmp_path / "state")
    yield made
    made.close()


def eventually(true: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def fast(name: str = "golden", **facts: Any) -> Target:
    return target(name, every=quantity("0.05"), timeout=quantity("5"), **facts)


def test_probes_run_by_themselves_and_prompts_take_turns(spending: Spending) -> None:
    sender = Sender()
    with running(Runs(spending=spending, measure=sender), fast(prompts=(CAPITAL, SUM))):
        eventually(lambda: len(sender.sent) >= 4)
    assert [prompt for _, prompt, _ in sender.sent[:4]] == ["capital", "sum"] * 2


def test_no_more_requests_at_a_time_than_allowed_and_one_per_probe(spending: Spending) -> None:
    sender = Sender()
    sender.gate.clear()
    targets = [fast(f"probe-{number}") for number in range(6)]
    runs = Runs(spending=spending, measure=sender)
    with running(runs, *targets, concurrency=2):
        eventually(lambda: all(runs.tally(one).skipped["busy"] for one in targets))
        assert len(sender.sent) == 2
        sender.gate.set()
        eventually(lambda: len({name for name, _, _ in sender.sent}) == 6)
    assert sender.most == 2


def test_stopping_does_not_wait_for_a_server_that_hangs(spending: Spending) -> None:
    sender = Sender()
    sender.gate.clear()
    with running(Runs(spending=spending, measure=sender), fast()) as schedule:
        eventually(lambda: sender.sent)
        began = time.monotonic()
        schedule.stop()
        assert time.monotonic() - began < 0.5
    sender.gate.set()


def test_callers_at_the_same_time_share_one_request(spending: Spending) -> None:
    sender = Sender()
    sender.gate.clear()
    golden = target()
    with running(Runs(spending=spending, measure=sender), golden) as schedule:
        found: list[object] = []
        callers = [
            threading.Thread(target=lambda: found.append(schedule.run_now(golden, 10.0)[0]))
            for _ in range(8)
        ]
        for one in callers:
            one.start()
        eventually(lambda: sender.sent)
        sender.gate.set()
        for one in callers:
            one.join(10)
        assert len(sender.sent) == 1
        assert len(found) == 8
        assert len({id(one) for one in found}) == 1
        # Within its interval the probe is not sent again, whoever asks.
        assert schedule.run_now(golden, 10.0)[0] is found[0]
        assert len(sender.sent) == 1


def test_a_bug_in_one_run_is_told_without_its_text_and_the_next_run_comes(
    spending: Spending, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_probe: Probe, _prompt: Prompt) -> Measured:
        raise ValueError("invalid header value b'Bearer sk-secret'")

    golden = fast()
    runs = Runs(spending=spending, measure=Sender(broken))
    with caplog.at_level(logging.DEBUG), running(runs, golden):
        eventually(lambda: runs.tally(golden).skipped["fault"] >= 2)
    assert "ValueError" in caplog.text
    assert "sk-secret" not in caplog.text


def test_the_key_is_read_for_each_request_and_a_missing_one_is_an_outcome(
    spending: Spending, tmp_path: Path
) -> None:
    sender = Sender()
    file = tmp_path / "key"
    golden = target(key_file=str(file))
    runs = Runs(spending=spending, measure=sender)
    runs.set_targets([golden])
    for text in (b"", b"one\n", b"two", b"with space", b"\xff\xfe", b"line\nbreak"):
        file.write_bytes(text)
        runs.run(golden)
    file.unlink()
    runs.run(golden)
    assert [key for _, _, key in sender.sent] == ["one", "two"]
    assert runs.tally(golden).outcomes == {"success": 2, "no_key": 5}
    # Nothing was sent without a key, and so nothing was spent.
    assert runs.tally(golden).estimated_tokens == spending.spent(golden.key).tokens
