import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pynvml
import pytest

from exporters.base.families import Family
from exporters.gpu.attribution import UNATTRIBUTED, claims, model_of
from exporters.gpu.library import Library
from exporters.gpu.place import Place
from exporters.gpu.processes import Process, process
from exporters.gpu.session import Session
from exporters.gpu.usage import NONE, Usage, terms
from generator.definitions import definitions
from modelwatch.catalogue import gpu_usage as series
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Inventory
from modelwatch.reading import read
from tests.exporters import nvml
from tests.exporters.nvml import GIB, Card, Scripted, h100, struct

INVENTORY = """\
teams: {platform: {ticket: desk}}
receivers: {desk: {webhook: {url: "http://localhost:9000/"}}}
defaults: {environment: production, team: platform}
gpus:
  - pool: a100
    cards: 1
    hosts: [gpu1]
    price: 3.60 USD per hour
    limits: {idle: 10% for 30m}
    sources: [{engine: modelwatch_gpu, targets: ["gpu1:9465"]}]
models:
  - name: chat
    sources: [{engine: vllm, targets: ["gpu1.example.com:8000", "gpu2:9000"], model: acme/chat-8b}]
    pool: a100
    cards: 0.5
  - name: ranker
    processes: {command: "*serve_ranker.py*", container: rank-*, pod: ranker-*}
    sources: [{engine: vllm, targets: ["gpu1:8001"], model: acme/ranker}]
  - name: search
    environment: staging
    sources: [{engine: vllm, targets: ["gpu1:8002"], model: acme/search}]
"""
PLACE = Place(environment="production", pool="a100", host="gpu1")
GPU = "GPU-00000000-0000-4000-8000-000000000000"
CONTAINER = "3f" * 32


@pytest.fixture
def inventory() -> Inventory:
    return read("models.yaml", INVENTORY.encode(), definitions().engines)


# Which model a process is of.


@pytest.mark.parametrize(
    ("seen", "model"),
    [
        (Process(pid=1, commands=("python serve_ranker.py --port 1",)), "ranker"),
        (Process(pid=1, commands=("worker", "python serve_ranker.py")), "ranker"),
        (Process(pid=1, pod="ranker-7d9f", container=CONTAINER), "ranker"),
        (Process(pid=1, container=CONTAINER), "ranker"),
        (Process(pid=1, ports=frozenset({8000})), "chat"),
        (Process(pid=1, commands=("VLLM::EngineCore", "vllm serve acme/chat-8b")), "chat"),
        (Process(pid=1, commands=("vllm serve --model=acme/chat-8b",)), "chat"),
        (Process(pid=1, commands=("python train.py",)), UNATTRIBUTED),
        (Process(pid=1, commands=("vllm serve acme/chat-8b-instruct",)), UNATTRIBUTED),
        (Process(pid=1, ports=frozenset({8000, 8001})), UNATTRIBUTED),
        (Process(pid=1, ports=frozenset({9000})), UNATTRIBUTED),
        (Process(pid=1, ports=frozenset({8002})), UNATTRIBUTED),
        (Process(pid=1, ports=frozenset({8000}), commands=("x serve_ranker.py",)), "ranker"),
        (Process(pid=1), UNATTRIBUTED),
    ],
    ids=[
        "command line",
        "command line of a parent",
        "pod",
        "name of its container",
        "port of a target",
        "name of the engine, at a parent",
        "name of the engine as an option",
        "unknown program",
        "longer name of another model",
        "ports of two models",
        "port of a target on another host",
        "port of a model in another environment",
        "what the inventory says before ports",
        "nothing is seen",
    ],
)
def test_a_process_is_of_the_model_that_it_alone_fits(
    inventory: Inventory, seen: Process, model: str
) -> None:
    known = claims(inventory, "production", "gpu1")
    assert model_of(seen, known, {CONTAINER: "rank-1", "": ""}.__getitem__) == model


def test_without_an_inventory_nothing_is_attributed() -> None:
    seen = Process(pid=1, commands=("vllm serve acme/chat-8b",))
    assert model_of(seen, claims(None, "production", "gpu1"), str) == UNATTRIBUTED


# What a process is, from a real one and from written trees.


@contextmanager
def listening_with_a_child() -> Iterator[tuple[int, int]]:
    """A process that listens and one that it started, as engines do: port, child's number."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    program = (
        "import socket, subprocess, sys\n"
        f"listening = socket.create_server(('127.0.0.1', {port}))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
        "child.kill()\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, "--served-model-name", "acme/chat-8b"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout
    assert parent.stdin
    try:
        yield port, int(parent.stdout.readline())
    finally:
        parent.stdin.close()
        parent.wait(10)
        parent.stdout.close()


def test_a_child_has_the_command_line_and_the_ports_of_its_parent() -> None:
    with listening_with_a_child() as (port, child):
        found = process(child)
    assert port in found.ports
    assert any("--served-model-name acme/chat-8b" in line for line in found.commands)
    assert not any("pytest" in line for line in found.commands)  # another session


def test_a_process_that_is_gone_has_only_its_number() -> None:
    with listening_with_a_child() as (_, child):
        pass
    while Path(f"/proc/{child}").exists():
        time.sleep(0.01)
    assert process(child) == Process(pid=child)


@pytest.mark.parametrize(
    ("cgroup", "container", "pod"),
    [
        (f"0::/system.slice/docker-{CONTAINER}.scope\n", CONTAINER, ""),
        (f"12:pids:/docker/{CONTAINER}\n", CONTAINER, ""),
        (
            f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{CONTAINER}.scope\n",
            CONTAINER,
            "ranker-7d9f",
        ),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", "", ""),
    ],
    ids=["docker, cgroup 2", "docker, cgroup 1", "kubernetes", "none"],
)
def test_containers_and_pods_are_seen(
    tmp_path: Path, cgroup: str, container: str, pod: str
) -> None:
    home = tmp_path / "77"
    home.mkdir()
    (home / "stat").write_text("77 (a (strange) name) S 1 77 77 0\n")
    (home / "cmdline").write_bytes(b"python\0serve.py\0")
    (home / "environ").write_bytes(b"SECRET=x\0HOSTNAME=ranker-7d9f\0")
    (home / "cgroup").write_text(cgroup)
    found = process(77, tmp_path)
    assert (found.container, found.pod) == (container, pod)
    assert found.commands == ("python serve.py",)


# Shares, time and money.


def running(pid: int, memory: int) -> Any:
    return struct("c_nvmlProcessInfo_v3_t", pid=pid, usedGpuMemory=memory)


def sample(pid: int, percent: int, time_us: int = 1) -> Any:
    return struct("c_nvmlProcessUtilizationSample_t", pid=pid, smUtil=percent, timeStamp=time_us)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def write_process(proc: Path, pid: int, command: str) -> None:
    home = proc / str(pid)
    home.mkdir()
    (home / "stat").write_text(f"{pid} (python) S 1 {pid} {pid} 0\n")
    (home / "cmdline").write_text(command.replace(" ", "\0"))


def values(families: list[Family], metric: Metric) -> dict[str, Any]:
    """Value by model."""
    (family,) = [one for one in families if one.metric is metric]
    return {labels[-1]: value for labels, value in family.samples.items()}


def shared_card(percent: int = 80) -> Card:
    """A card that two models and somebody else use."""
    return h100(
        nvmlDeviceGetUtilizationRates=struct("c_nvmlUtilization_t", gpu=percent, memory=1),
        nvmlDeviceGetComputeRunningProcesses=[
            running(11, 30 * GIB),
            running(12, 10 * GIB),
            running(13, 20 * GIB),
        ],
        nvmlDeviceGetGraphicsRunningProcesses=[running(11, 30 * GIB)],
        nvmlDeviceGetProcessUtilization=[
            sample(11, 10),
            sample(11, 50, 2),
            sample(12, 20),
            sample(13, 4_000_000),
        ],
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    write_process(tmp_path, 11, "vllm serve acme/chat-8b")
    write_process(tmp_path, 12, "python serve_ranker.py")
    write_process(tmp_path, 13, "python train.py")
    return tmp_path


def usage(cards: Scripted, inventory: Inventory | None, proc: Path, clock: Clock) -> Usage:
    return Usage(
        Session(Library(cards)), terms(inventory, PLACE), deadline_s=1.0, proc=proc, clock=clock
    )


def test_a_card_is_divided_among_its_models_and_the_rest(inventory: Inventory, proc: Path) -> None:
    found = list(usage(Scripted(shared_card()), inventory, proc, Clock()).collect())
    assert values(found, series.GPU_MODEL_PROCESSES) == {"chat": 1, "ranker": 1, UNATTRIBUTED: 1}
    assert values(found, series.GPU_MODEL_MEMORY) == {
        "chat": 30 * GIB,
        "ranker": 10 * GIB,
        UNATTRIBUTED: 20 * GIB,
    }
    assert values(found, series.GPU_MODEL_UTILIZATION) == {"chat": 0.5, "ranker": 0.2}


def test_time_and_money_follow_the_memory(inventory: Inventory, proc: Path) -> None:
    clock = Clock()
    reading = usage(Scripted(shared_card()), inventory, proc, clock)
    assert sum(values(list(reading.collect()), series.GPU_MODEL_CARD_SECONDS_TOTAL).values()) == 0
    for _ in range(4):
        clock.seconds += 15
        found = list(reading.collect())
    assert values(found, series.GPU_MODEL_CARD_SECONDS_TOTAL) == pytest.approx(
        {"chat": 30, "ranker": 10, UNATTRIBUTED: 20}
    )
    assert values(found, series.GPU_MODEL_COST_TOTAL) == pytest.approx(
        {"chat": 0.03, "ranker": 0.01, UNATTRIBUTED: 0.02}
    )
    assert set(values(found, series.GPU_MODEL_IDLE_COST_TOTAL).values()) == {0}


def test_idle_money_is_that_of_cards_below_the_limit_of_their_pool(
    inventory: Inventory, proc: Path
) -> None:
    clock = Clock()
    reading = usage(Scripted(shared_card(percent=9)), inventory, proc, clock)
    list(reading.collect())
    clock.seconds += 60
    found = list(reading.collect())
    assert values(found, series.GPU_MODEL_IDLE_COST_TOTAL) == pytest.approx(
        {"chat": 0.03, "ranker": 0.01, UNATTRIBUTED: 0.02}
    )


def test_a_card_that_nobody_uses_costs_as_well(inventory: Inventory, proc: Path) -> None:
    idle = struct("c_nvmlUtilization_t", gpu=0, memory=0)
    clock = Clock()
    reading = usage(Scripted(h100(nvmlDeviceGetUtilizationRates=idle)), inventory, proc, clock)
    list(reading.collect())
    clock.seconds += 100
    found = list(reading.collect())
    assert values(found, series.GPU_MODEL_IDLE_COST_TOTAL) == pytest.approx({NONE: 0.1})
    assert values(found, series.GPU_MODEL_PROCESSES) == {}


def test_a_gap_between_scrapes_is_nobodys(inventory: Inventory, proc: Path) -> None:
    clock = Clock()
    reading = usage(Scripted(shared_card()), inventory, proc, clock)
    list(reading.collect())
    clock.seconds += 3600
    found = list(reading.collect())
    assert set(values(found, series.GPU_MODEL_CARD_SECONDS_TOTAL).values()) == {0}


def test_without_a_price_there_is_time_and_no_money(proc: Path) -> None:
    clock = Clock()
    reading = usage(Scripted(shared_card()), None, proc, clock)
    list(reading.collect())
    clock.seconds += 10
    found = list(reading.collect())
    assert values(found, series.GPU_MODEL_CARD_SECONDS_TOTAL) == {UNATTRIBUTED: 10}
    assert values(found, series.GPU_MODEL_COST_TOTAL) == {}


def test_processes_without_memory_share_by_number(inventory: Inventory, proc: Path) -> None:
    unknown = pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value
    card = h100(nvmlDeviceGetComputeRunningProcesses=[running(11, unknown), running(12, unknown)])
    clock = Clock()
    reading = usage(Scripted(card), inventory, proc, clock)
    list(reading.collect())
    clock.seconds += 10
    found = list(reading.collect())
    assert values(found, series.GPU_MODEL_CARD_SECONDS_TOTAL) == {"chat": 5, "ranker": 5}


def test_a_card_that_is_lost_keeps_its_counters_and_loses_the_rest(
    inventory: Inventory, proc: Path
) -> None:
    cards, clock = Scripted(shared_card()), Clock()
    reading = usage(cards, inventory, proc, clock)
    list(reading.collect())
    clock.seconds += 10
    list(reading.collect())
    cards.cards[0] = nvml.error("GPU_IS_LOST")
    clock.seconds += 10
    found = list(reading.collect())
    assert values(found, series.GPU_MODEL_PROCESSES) == {}
    assert sum(values(found, series.GPU_MODEL_CARD_SECONDS_TOTAL).values()) == pytest.approx(10)


def test_terms_are_those_of_the_pool(inventory: Inventory) -> None:
    found = terms(inventory, PLACE)
    assert found.usd_per_second == pytest.approx(float(Decimal("3.60")) / 3600)
    assert found.idle == 0.1
    assert {claim.model for claim in found.claims} == {"chat", "ranker"}


def test_this_test_itself_is_a_process() -> None:
    assert process(os.getpid()).commands
