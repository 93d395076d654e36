"""How many predictions the drift exporter counts per second of a core, by each way in.

Each prediction has 20 features: fifteen numbers and five words. Kafka and Flink are measured where
KAFKA_DIR and FLINK_DIR name them, as for the tests; whoever waits for them is not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measured import table
from exporters.base.exporter import Request
from exporters.base.models import Models
from exporters.drift.baseline import Baseline, Categorical, Numeric, text
from exporters.drift.doors import OBSERVE, doors
from exporters.drift.following import ObservedLines
from exporters.drift.kafka import settings
from exporters.drift.ledger import Ledger
from exporters.drift.observations import Watched
from exporters.drift.page import Counted
from modelwatch.problems import Unreachable

NUMBERS, WORDS = 15, 5
AT_ONCE = 1_000
ROWS = 50_000
BY_COLUMN = 500_000
WITHIN_S = 600.0
MANY = 200
"""Features of each kind, where memory and series are measured."""

INVENTORY = """\
teams: {risk: {page: on-call}}
receivers: {on-call: {webhook: {url_file: secrets/url}}}
models:
  - name: fraud
    team: risk
    sources: [{engine: modelwatch, targets: ["f:1"]}]
    drift: {features: [FEATURES], baseline: fraud.json}
"""


def run() -> None:
    """Measure each way, print tables."""
    rates: dict[str, float] = {}
    for name, without in (("numpy", ""), ("pure Python", "sys.modules['numpy'] = None; ")):
        program = f"import sys; {without}from benchmarks import drift_volume; drift_volume.tell()"
        told = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        )
        rates |= {f"{way}, {name}": rate for way, rate in json.loads(told.stdout).items()}
    rates |= _kafka() if os.environ.get("KAFKA_DIR") else {}
    rates |= _flink() if os.environ.get("KAFKA_DIR") and os.environ.get("FLINK_DIR") else {}
    slowest = rates["rows over HTTP, pure Python"]
    rows = [(way, f"{rate:,.0f}", f"{rate / slowest:.1f}") for way, rate in rates.items()]
    print(table(("predictions of 20 features", "per second of a core", "times"), rows))
    print()
    print(table(("a feature with 20 bins", "memory", "series"), _per_feature()))


def tell() -> None:
    """Print what this process reaches, as JSON."""
    rows, columns = _rows(ROWS), _columns(BY_COLUMN)
    ways: dict[str, Callable[[Ledger], None]] = {
        "rows over HTTP": lambda ledger: _post(ledger, rows, AT_ONCE),
        "rows from a file": lambda ledger: _read(ledger, rows),
        "columns over HTTP": lambda ledger: _post(ledger, columns, 1),
    }
    print(json.dumps({way: _rate(way, measure) for way, measure in ways.items()}))


def _rate(way: str, measure: Callable[[Ledger], None]) -> float:
    with _ledger(_baseline(NUMBERS, WORDS)) as ledger:
        before = time.process_time()
        measure(ledger)
        return (BY_COLUMN if "columns" in way else ROWS) / (time.process_time() - before)


def _post(ledger: Ledger, lines: list[bytes], at_once: int) -> None:
    door = next(one for one in doors(ledger) if one.path == OBSERVE)
    headers = {"content-type": "application/x-ndjson"}
    for first in range(0, len(lines), at_once):
        body = b"\n".join(lines[first : first + at_once])
        reply = door.answer(Request(path=OBSERVE, query={}, headers=headers, body=body))
        if reply.status != 200:
            raise Unreachable(f"the door answered {reply.status}")


def _read(ledger: Ledger, lines: list[bytes]) -> None:
    observed = ObservedLines(ledger)
    for first in range(0, len(lines), AT_ONCE):
        observed.take(lines[first : first + AT_ONCE], {"file": str(first)})


# Kafka and Flink.


def _kafka() -> dict[str, float]:
    from exporters.drift.kafka_reading import Topics  # noqa: PLC0415  # wants an extra
    from tests.exporters.kafka_broker import running  # noqa: PLC0415  # for tests else

    rates = {}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as broker:
        for way, messages, many in (
            ("rows from Kafka", _rows(ROWS), ROWS),
            ("columns from Kafka", _columns(BY_COLUMN), BY_COLUMN),
        ):
            topic = way.replace(" ", "-")
            broker.create(topic)
            broker.send(topic, messages)
            words = {"kafka_servers": broker.servers, "kafka_topic": (topic,), "kafka_group": topic}
            found = settings(words)
            assert found
            with _ledger(_baseline(NUMBERS, WORDS)) as ledger:
                topics = Topics(found, ledger)
                before = time.process_time()
                topics.start()
                _wait(lambda: _counted(ledger) >= many)  # noqa: B023  # called at once
                rates[f"{way}, numpy"] = many / (time.process_time() - before)
                topics.stop()
    return rates


def _flink() -> dict[str, float]:
    """From the moment on when the job has counted something; the JVM and all workers included."""
    from tests.exporters.drift_predictions import Process  # noqa: PLC0415
    from tests.exporters.kafka_broker import running  # noqa: PLC0415
    from tests.exporters.test_drift_flink import TOPIC, job  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name, running(Path(name)) as broker:
        folder = Path(name)
        _declare(folder, _baseline(NUMBERS, WORDS))
        exporter = Process(folder, "exporter")
        exporter.start()
        broker.create(TOPIC)
        with job(folder, broker, exporter):
            now_ms = int(time.time() * 1000) - 86_400_000
            counted = 0
            start = (0, 0.0)
            for hour in range(10):
                broker.send(TOPIC, _rows(ROWS), now_ms + hour * 3_600_000)
                broker.send(TOPIC, [b"{}"] * 4, now_ms + hour * 3_600_000 + 1_800_000)
            while counted < 10 * ROWS:
                time.sleep(0.5)
                counted = _shown(exporter.page())
                if counted and not start[0]:
                    start = (counted, _cpu_s("pyflink"))
            cpu_s = _cpu_s("pyflink") - start[1]
        exporter.kill()
    return {"rows by Flink, numpy": (counted - start[0]) / cpu_s}


def _shown(page: str) -> int:
    lines = [line for line in page.splitlines() if "observations_total{" in line and '"n0"' in line]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


def _cpu_s(word: str) -> float:
    """Processor time of all running processes with this word in their command."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if word in (process / "cmdline").read_text():
                ticks += sum(
                    map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13])
                )
        except OSError:
            continue  # it has ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        if time.monotonic() > deadline:
            raise Unreachable(f"not everything was counted in {WITHIN_S:g} s")
        time.sleep(0.05)


# What a feature takes.


def _per_feature() -> list[tuple[str, str, str]]:
    return [
        ("a number", *_taken(_baseline(MANY, 0))),
        ("a word", *_taken(_baseline(0, MANY))),
    ]


def _taken(baseline: Baseline) -> tuple[str, str]:
    tracemalloc.start()
    with _ledger(baseline) as ledger:
        memory = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        samples = sum(
            len(getattr(value, "counts", "?")) + (2 if hasattr(value, "counts") else 0)
            for family in Counted(ledger).collect()
            for key, value in family.samples.items()
            if any(label in ("n0", "w0") for label in key)
        )
    return f"{memory / MANY / 1024:.1f} KiB", f"{samples}"


# What is sent.


def _baseline(numbers: int, words: int) -> Baseline:
    edges = tuple(float(edge) for edge in range(1, 20))
    return Baseline(
        model="fraud",
        version="1",
        created="2026-05-01T12:00:00Z",
        newest="2026-05-01T11:00:00Z",
        rows=2000,
        features=(
            *(
                Numeric(
                    name=f"n{at}",
                    edges=edges,
                    counts=(100,) * 20,
                    centres=(*edges, 20.0),
                    missing=0,
                    low=0.0,
                    high=21.0,
                    mean=10.0,
                    deviation=6.0,
                )
                for at in range(numbers)
            ),
            *(
                Categorical(
                    name=f"w{at}",
                    values=tuple(f"value-{value}" for value in range(19)),
                    counts=(100,) * 19,
                    other=100,
                    missing=0,
                )
                for at in range(words)
            ),
        ),
    )


def _declare(folder: Path, baseline: Baseline) -> None:
    (folder / "fraud.json").write_text(text(baseline))
    names = ", ".join(one.name for one in baseline.features)
    (folder / "models.yaml").write_text(INVENTORY.replace("FEATURES", names))


@contextmanager
def _ledger(baseline: Baseline) -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "fraud.json").write_text(text(baseline))
        watched = Watched(
            model="fraud",
            environment="production",
            features=tuple(one.name for one in baseline.features),
            baseline=str(folder / "fraud.json"),
        )
        ledger = Ledger(folder / "state", Models([(watched.key, watched)]))
        yield ledger
        ledger.stop()


def _counted(ledger: Ledger) -> int:
    tally = ledger.watches.find("fraud", "").tally
    return tally.counts["n0", ""].observations if tally else 0


def _features(number: int) -> Mapping[str, Any]:
    return {
        **{f"n{at}": (number * 7 + at * 13) % 2100 / 100 for at in range(NUMBERS)},
        **{f"w{at}": f"value-{(number + at) % 21}" for at in range(WORDS)},
    }


def _rows(many: int) -> list[bytes]:
    lines = [
        json.dumps({"model": "fraud", "features": _features(number)}).encode()
        for number in range(AT_ONCE)
    ]
    return lines * (many // AT_ONCE)


def _columns(many: int) -> list[bytes]:
    rows = [_features(number) for number in range(AT_ONCE)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return [json.dumps({"model": "fraud", "columns": columns}).encode()] * (many // AT_ONCE)
