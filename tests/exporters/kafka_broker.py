"""A real Kafka broker of one node, of which nothing is left after the test.

`kafka_broker.sh FOLDER` fetches it; KAFKA_DIR names the folder.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from compose.ports import free_port
from tests import real

FOLDER = "KAFKA_DIR"
WITHIN_S = 120.0
MOST_BYTES = 2 << 20
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
log.dirs={folder}/log
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
message.max.bytes={most}
"""


class Broker:
    """One that can go away and come back, with all that it holds."""

    def __init__(self, folder: Path) -> None:
        libraries = os.environ.get(FOLDER)
        if not libraries:
            real.missing(f"{FOLDER} names no folder of kafka_broker.sh")
        if not shutil.which("java"):
            real.missing("java is not on PATH")
        self._folder, self._libraries = folder, libraries
        port = free_port()
        self.servers = f"127.0.0.1:{port}"
        self._file = folder / "server.properties"
        self._file.write_text(
            SETTINGS.format(
                port=port, controller=free_port(), folder=folder.as_posix(), most=MOST_BYTES
            )
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._run("kafka.tools.StorageTool", "format", "-t", "bW9kZWx3YXRjaC10ZXN0cw", "-c")

    def start(self) -> None:
        with (self._folder / "broker.log").open("a") as log:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", self._file), stdout=log, stderr=log
            )
        deadline = time.monotonic() + WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "broker.log").read_text()
            assert time.monotonic() < deadline, (self._folder / "broker.log").read_text()

    def stop(self) -> None:
        if self._process:
            self._process.kill()  # as a power failure would
            self._process.wait()
        self._process = None

    def create(self, topic: str, partitions: int = 4) -> None:
        admin = AdminClient({"bootstrap.servers": self.servers})
        for made in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            made.result(WITHIN_S)

    def send(
        self, topic: str, messages: Iterable[Mapping[str, Any] | bytes | None], at_ms: int = 0
    ) -> None:
        """In turn to all partitions, and acknowledged; all of one moment, or of now."""
        producer = Producer({"bootstrap.servers": self.servers, "message.max.bytes": MOST_BYTES})
        partitions = len(producer.list_topics(topic, timeout=WITHIN_S).topics[topic].partitions)
        for number, message in enumerate(messages):
            value = json.dumps(message).encode() if isinstance(message, Mapping) else message
            producer.produce(topic, value, partition=number % partitions, timestamp=at_ms)
            producer.poll(0)
        assert producer.flush(WITHIN_S) == 0

    def _answers(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        with contextlib.suppress(Exception):
            return bool(admin.list_topics(timeout=1).brokers)
        return False

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            self._command(program, *words, self._file), check=True, capture_output=True, timeout=60
        )

    def _command(self, program: str, *words: str | Path) -> list[str | Path]:
        quick = ("-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        return ["java", *quick, "-cp", f"{self._libraries}/*", program, *words]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A broker, which ends with the block."""
    broker = Broker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
