"""Targets that hang, drip or never end: told by name, and nothing else suffers."""

from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from compose import answers
from tests.exporters.prometheus_server import api
from tests.faults import pages
from tests.faults.pages import Counted, counting
from tests.faults.site import HEAD, eventually, measured, model, site
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers]

PAGE_BYTES = 50_000_000
SLOW, LARGE = "context deadline exceeded", "body size limit exceeded"
REASONS = {"hangs": (SLOW,), "drips": (SLOW,), "endless": (SLOW, LARGE), "packed": (SLOW, LARGE)}
"""Why a scrape fails; on a busy machine the time is up before the page is too large."""
REFUSED = "prometheus_target_scrapes_exceeded_body_size_limit_total > 0"


def test_a_target_that_misbehaves_is_told_and_the_others_go_on(
    tmp_path: Path, native_path: str
) -> None:
    book = Counted()
    with ExitStack() as ended:
        door = ended.enter_context(pages.hanging())
        ports = {
            "chat": ended.enter_context(serving(counting(book, 'm="chat"'))),
            "hangs": int(door.getsockname()[1]),
            "drips": ended.enter_context(serving(pages.dripping())),
            "endless": ended.enter_context(serving(pages.huge(PAGE_BYTES, packed=False))),
            "packed": ended.enter_context(serving(pages.huge(PAGE_BYTES, packed=True))),
        }
        text = f"{HEAD}models:\n{''.join(model(name, port) for name, port in ports.items())}"
        where = ended.enter_context(site(tmp_path, text, native_path))
        eventually(
            lambda: (
                {one.labels["model"] for one in where.told("ModelEndpointDown")} == set(REASONS)
            ),
            "every bad target to be told",
        )
        assert all(one.to == "on-call" for one in where.told("ModelEndpointDown"))
        assert len(where.told("ModelEndpointDown")) == len(REASONS)
        for target in answers.targets(where.prometheus):
            names = [name for name in REASONS if target["instance"].endswith(f":{ports[name]}")]
            assert all(target["error"].endswith(REASONS[name]) for name in names), target
            assert names or target["health"] == "up"
        eventually(lambda: answers.query(where.prometheus, REFUSED), "a page that is too large")
        assert not answers.rule_errors(where.prometheus)
        served = set(book.served)
        (kept,) = api(where.prometheus, "query", query="shelf_pages_total[1h]")["result"]
        assert served - {int(value) for _, value in kept["values"]} <= {max(served)}
        measured("longest gap of the healthy target", f"{longest_gap(kept['values']):.2f} s")
        (memory,) = answers.query(
            where.prometheus, 'max_over_time(process_resident_memory_bytes{job="prometheus"}[1h])'
        )
        measured("memory of Prometheus at the most", f"{memory.value / 2**20:.0f} MiB")


def longest_gap(values: list[tuple[float, str]]) -> float:
    times = [at for at, _ in values]
    return max(later - earlier for earlier, later in pairwise(times))
