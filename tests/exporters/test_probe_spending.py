import json
import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporters.probe import charges
from exporters.probe.measuring import Measured
from exporters.probe.runs import Runs
from exporters.probe.spending import NOTHING, Amount, Cap, Spending
from modelwatch.inventory import Prompt
from modelwatch.problems import ModelwatchError
from tests.exporters.probes import CAPITAL, Sender, measured, prices, quantity, target

CHAT = ("chat", "production")
TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
PRICED = prices({"input": "0.001", "output": "0.01", "cached_input": "0.0001"}, request="0.5")


class Clock:
    def __init__(self) -> None:
        self.day = TODAY

    def __call__(self) -> date:
        return self.day


def tokens(count: int) -> Amount:
    return Amount(tokens=count)


def test_a_request_whose_worst_case_would_pass_the_cap_is_not_sent(tmp_path: Path) -> None:
    spending = Spending(tmp_path)
    cap = Cap(tokens=100)
    assert spending.reserve(CHAT, tokens(60), cap)
    assert spending.reserve(CHAT, tokens(41), cap) is None
    assert spending.reserve(CHAT, tokens(40), cap)
    assert spending.reserve(CHAT, tokens(1), cap) is None
    assert spending.reserve(("other", "production"), tokens(100), cap)


def test_money_is_counted_exactly(tmp_path: Path) -> None:
    spending = Spending(tmp_path)
    cap = Cap(usd=Decimal("0.3"))
    for _ in range(3):
        assert spending.reserve(CHAT, Amount(usd=Decimal("0.1")), cap)
    assert spending.reserve(CHAT, Amount(usd=Decimal("0.0000001")), cap) is None


def test_what_was_not_used_is_given_back(tmp_path: Path) -> None:
    spending = Spending(tmp_path)
    held = spending.reserve(CHAT, tokens(100), Cap(tokens=100))
    assert held
    spending.settle(held, tokens(7))
    assert spending.spent(CHAT) == tokens(7)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    before = Spending(tmp_path)
    held = before.reserve(CHAT, Amount(tokens=50, usd=Decimal("0.1")), Cap())
    assert held
    before.settle(held, Amount(tokens=9, usd=Decimal("0.02")))
    assert before.reserve(CHAT, tokens(20), Cap())
    before.close()
    assert Spending(tmp_path).spent(CHAT) == Amount(tokens=29, usd=Decimal("0.02"))


KILLED = """
import os, signal, sys
from pathlib import Path
from exporters.probe.spending import Amount, Cap, Spending

spending = Spending(Path(sys.argv[1]))
held = spending.reserve(("chat", "production"), Amount(tokens=30), Cap(tokens=100))
spending.settle(held, Amount(tokens=10))
spending.reserve(("chat", "production"), Amount(tokens=80), Cap(tokens=100))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_kill_what_was_under_way_counts_as_spent(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    after = Spending(tmp_path)
    assert after.spent(CHAT) == tokens(90)
    assert after.reserve(CHAT, tokens(11), Cap(tokens=100)) is None


def test_two_processes_cannot_spend_the_same_caps(tmp_path: Path) -> None:
    first = Spending(tmp_path)
    with pytest.raises(ModelwatchError, match="in use by another probe exporter"):
        Spending(tmp_path)
    first.close()
    Spending(tmp_path).close()


def test_a_closed_book_is_not_written_any_more(tmp_path: Path) -> None:
    spending = Spending(tmp_path)
    held = spending.reserve(CHAT, tokens(5), Cap())
    assert held
    spending.close()
    spending.settle(held, NOTHING)
    assert spending.reserve(CHAT, tokens(1), Cap()) is None
    assert Spending(tmp_path).spent(CHAT) == tokens(5)


def test_a_new_day_begins_at_nothing(tmp_path: Path) -> None:
    clock = Clock()
    spending = Spending(tmp_path, clock)
    assert spending.reserve(CHAT, tokens(100), Cap(tokens=100))
    clock.day += DAY
    assert spending.spent(CHAT) == NOTHING
    assert spending.reserve(CHAT, tokens(100), Cap(tokens=100))


def test_a_request_over_midnight_is_settled_on_the_day_it_was_booked(tmp_path: Path) -> None:
    clock = Clock()
    spending = Spending(tmp_path, clock)
    held = spending.reserve(CHAT, tokens(100), Cap())
    assert held
    clock.day += DAY
    assert spending.reserve(CHAT, tokens(3), Cap())
    spending.settle(held, tokens(10))
    assert spending.spent(CHAT) == tokens(3)


def test_a_clock_put_back_over_midnight_gives_no_second_cap(tmp_path: Path) -> None:
    clock = Clock()
    spending = Spending(tmp_path, clock)
    cap = Cap(tokens=100)
    assert spending.reserve(CHAT, tokens(60), cap)
    for _ in range(3):
        clock.day += DAY
        spending.reserve(CHAT, tokens(100), cap)
        clock.day -= DAY
        assert spending.reserve(CHAT, tokens(1), cap) is None
    clock.day += DAY
    assert spending.reserve(CHAT, tokens(1), cap) is None


def test_a_clock_that_was_years_ahead_does_not_block_the_caps_for_years(tmp_path: Path) -> None:
    clock = Clock()
    spending = Spending(tmp_path, clock)
    cap = Cap(tokens=100)
    clock.day += 9999 * DAY
    assert spending.reserve(CHAT, tokens(70), cap)
    clock.day -= 9999 * DAY
    assert spending.reserve(CHAT, tokens(40), cap) is None
    assert spending.reserve(CHAT, tokens(30), cap)
    clock.day += DAY
    assert spending.reserve(CHAT, tokens(100), cap)


def test_old_days_are_forgotten_on_disk(tmp_path: Path) -> None:
    clock = Clock()
    spending = Spending(tmp_path, clock)
    for _ in range(5):
        spending.reserve(CHAT, tokens(1), Cap())
        clock.day += DAY
    rows = json.loads((tmp_path / "spending.json").read_text())["spent"]
    assert [row["day"] for row in rows] == ["2026-11-23", "2026-11-24"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"spent": [{"day": "x"}]}', '{"spent": [1]}', "\udcff"]
)
def test_a_book_that_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "spending.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelwatchError, match="delete it if today's caps may begin anew"):
        Spending(tmp_path)
    (tmp_path / "spending.json").unlink()
    Spending(tmp_path).close()


def test_a_full_disk_stops_requests_and_not_the_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender()
    runs = Runs(spending=Spending(tmp_path), measure=sender)
    golden = target(tokens_per_day=1000)
    runs.set_targets([golden])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert runs.run(golden) == "state"
    assert sender.sent == []
    assert runs.spending.spent(CHAT) == NOTHING
    assert runs.run(golden) != "state"


def test_the_reservation_is_on_disk_before_the_request_is_sent(tmp_path: Path) -> None:
    seen = []

    def look(*_: object) -> Measured:
        (row,) = json.loads((tmp_path / "spending.json").read_text())["spent"]
        seen.append(row["tokens"])
        return measured(tokens={"input": 9, "output": 1})

    runs = Runs(spending=Spending(tmp_path), measure=Sender(look))
    golden = target(tokens_per_day=1000)
    runs.run(golden)
    assert seen == [charges.worst(golden, CAPITAL).tokens]
    assert runs.spending.spent(CHAT) == tokens(10)


def test_probes_of_one_model_share_its_cap(tmp_path: Path) -> None:
    sender = Sender(lambda *_: measured(tokens={"output": 60}))
    runs = Runs(spending=Spending(tmp_path), measure=sender)
    first, second = target("first", tokens_per_day=100), target("second", tokens_per_day=100)
    runs.set_targets([first, second])
    assert not isinstance(runs.run(first), str)
    assert runs.run(second) == "cap"
    assert [name for name, _, _ in sender.sent] == ["first"]
    assert runs.is_capped(first)


def test_the_worst_case_is_a_token_per_byte_and_the_longest_answer() -> None:
    golden = target(costs=PRICED)
    prompt = Prompt(name="p", text="Grüße", max_tokens=10)
    asked = len("Grüße".encode()) + charges.TEMPLATE_TOKENS
    usd = asked * Decimal("0.001") + 10 * Decimal("0.01") + Decimal("0.5")
    assert charges.worst(golden, prompt) == Amount(tokens=asked + 10, usd=usd)


@pytest.mark.parametrize(
    ("reported", "usd"),
    [
        ({"input": 100, "output": 10}, "0.7"),
        ({"input": 100, "cached_input": 1000, "output": 10}, "0.8"),
        ({"output": 10, "reasoning": 10}, "0.7"),
    ],
    ids=["input and output", "cached input has its own price", "reasoning costs as output"],
)
def test_reported_tokens_cost_what_the_inventory_charges(
    reported: dict[str, int], usd: str
) -> None:
    found = charges.charge(target(costs=PRICED), CAPITAL, measured(tokens=reported))
    assert found.amount == Amount(tokens=sum(reported.values()), usd=Decimal(usd))
    assert found.tokens == reported
    assert not found.is_estimate


@pytest.mark.parametrize(
    ("outcome", "is_estimate"),
    [
        ("success", True),
        ("timeout", True),
        ("bad_answer", True),
        ("rate_limited", False),
        ("client_error", False),
        ("server_error", False),
        ("connect_error", False),
        ("tls_error", False),
        ("dns_error", False),
        ("no_key", False),
    ],
)
def test_without_reported_tokens_an_answer_is_estimated_and_a_refusal_is_free(
    outcome: str, is_estimate: bool
) -> None:
    golden = target()
    found = charges.charge(golden, CAPITAL, measured(outcome))
    assert found.is_estimate is is_estimate
    assert found.amount == (charges.worst(golden, CAPITAL) if is_estimate else NOTHING)
    assert found.tokens == {}


@pytest.mark.parametrize("api", ["kserve", "http"])
def test_a_classifier_has_no_tokens_to_estimate(api: str) -> None:
    classifier = target(api=api, costs=prices(request="0.1"))
    assert charges.worst(classifier, CAPITAL) == Amount(usd=Decimal("0.1"))
    assert charges.charge(classifier, CAPITAL, measured()).amount == Amount(usd=Decimal("0.1"))
    assert not charges.charge(classifier, CAPITAL, measured()).is_estimate


def test_a_cap_on_money_holds_where_only_requests_have_a_price(tmp_path: Path) -> None:
    sender = Sender()
    runs = Runs(spending=Spending(tmp_path), measure=sender)
    classifier = target(api="http", costs=prices(request="0.4"), usd_per_day=quantity("1"))
    runs.set_targets([classifier])
    assert [isinstance(runs.run(classifier), str) for _ in range(4)] == [False, False, True, True]
    assert len(sender.sent) == 2
