"""Which pool a host's cards are of, and how many there should be."""

import socket
from pathlib import Path

import pytest

from exporters.base.exporter import Context
from exporters.gpu import EXPORTER
from exporters.gpu.place import Place, place
from modelwatch.catalogue.gpu import GPU_EXPORTER_HOST_EXPECTED, GPU_EXPORTER_HOST_PRESENT
from modelwatch.inventory import Inventory, Pool, Source
from modelwatch.problems import Unreachable
from tests import engine_pages

OURS = Source(engine="modelwatch_gpu", targets=("node-1:9465",))


def pool(
    name: str,
    environment: str = "production",
    *,
    cards: int = 0,
    hosts: tuple[str, ...] = (),
    sources: tuple[Source, ...] = (),
) -> Pool:
    return Pool(
        name=name,
        environment=environment,
        team="t",
        tier=1,
        policy="p",
        cards=cards,
        hosts=hosts,
        sources=sources,
    )


def fleet(*pools: Pool) -> Inventory:
    return engine_pages.inventory(pools=pools)


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("node-1", "node-1"),
        ("node-1.example.com", "node-1"),
        ("node-1", "node-1.example.com"),
        ("NODE-1", "node-1"),
    ],
    ids=["as listed", "full name of the host", "full name in the list", "capitals"],
)
def test_a_host_is_of_the_pool_that_lists_it(host: str, listed: str) -> None:
    inventory = fleet(
        pool("l4", cards=4, hosts=("node-2",)),
        pool("a100", "staging", cards=16, hosts=(listed, "node-3")),
    )
    assert place(inventory, host=host) == Place(
        environment="staging", pool="a100", host=host, expected=8
    )


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (pool("a100", cards=8, hosts=("node-1",)), 8),
        (pool("a100", cards=10, hosts=("node-1", "node-2", "node-3")), None),
        (pool("a100", cards=0, hosts=("node-1",)), None),
        (pool("a100", cards=2, sources=(OURS,)), 2),
    ],
    ids=["one host", "unequal hosts", "no cards declared", "one exporter and no list"],
)
def test_cards_are_expected_where_the_inventory_says_how_many(
    declared: Pool, expected: int | None
) -> None:
    assert place(fleet(declared), host="node-1").expected == expected


def test_options_win() -> None:
    inventory = fleet(
        pool("a100", cards=8, hosts=("node-1",)), pool("a100", "staging", cards=2, hosts=("x",))
    )
    assert place(inventory, host="node-1", pool="a100", environment="staging") == Place(
        environment="staging", pool="a100", host="node-1", expected=2
    )


def test_an_unknown_pool_is_refused() -> None:
    with pytest.raises(Unreachable, match=r"--pool h100: the inventory's pools are a100"):
        place(fleet(pool("a100")), host="node-1", pool="h100")


def test_without_an_inventory_options_and_defaults_hold() -> None:
    assert place(None) == Place(
        environment="production", pool="default", host=socket.gethostname(), expected=None
    )
    assert place(None, host="h", pool="p", environment="e") == Place(
        environment="e", pool="p", host="h"
    )


def test_a_host_that_nobody_lists_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    inventory = fleet(pool("a100", hosts=("node-2",)))
    assert place(inventory, host="node-1") == Place(host="node-1")
    assert "no pool of the inventory lists the host node-1" in caplog.text


def test_an_inventory_that_was_read_again_moves_the_cards_to_their_pool(tmp_path: Path) -> None:
    parts = EXPORTER.start(
        Context(
            inventory=fleet(pool("old", cards=8, hosts=("node-1",))),
            constants=lambda _: (),
            state_dir=tmp_path,
            options={"library": "tests.exporters.eight_cards", "host": "node-1"},
        )
    )

    def counted() -> dict[str, dict[tuple[str, ...], object]]:
        return {
            family.metric.name: dict(family.samples)
            for collector in parts.collectors
            for family in collector.collect()
        }

    assert counted()[GPU_EXPORTER_HOST_EXPECTED.name] == {("production", "old", "node-1"): 8}
    parts.reconfigure(fleet(pool("new", "staging", cards=4, hosts=("node-1", "node-2"))))
    assert counted()[GPU_EXPORTER_HOST_EXPECTED.name] == {("staging", "new", "node-1"): 2}
    assert counted()[GPU_EXPORTER_HOST_PRESENT.name] == {("staging", "new", "node-1"): 8}
