"""Reads observations from Kafka topics, together with the other exporters of its group.

modelwatch exporter drift --kafka-servers kafka-1:9092 --kafka-topic predictions

Needs the extra `kafka`. What is secret stands in a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelwatch.problems import ModelwatchError, Report

if TYPE_CHECKING:
    from exporters.drift.kafka_reading import Topics
    from exporters.drift.ledger import Ledger

OURS = {
    "bootstrap.servers": "say it with --kafka-servers",
    "metadata.broker.list": "say it with --kafka-servers",
    "group.id": "say it with --kafka-group",
    "enable.auto.commit": "offsets are committed with the counts",
    "enable.auto.offset.store": "offsets are committed with the counts",
    "enable.partition.eof": "the exporter sets it",
}
"""Settings that the file cannot have, and why."""

DEFAULTS = {
    "auto.offset.reset": "earliest",
    "client.id": "modelwatch-drift",
    "partition.assignment.strategy": "cooperative-sticky",
    "queued.max.messages.kbytes": "16384",
}
"""What the file can change. Cooperative: partitions that stay with a member are read on."""

_LINE = re.compile(r"\s*([A-Za-z0-9._-]+)\s*[=:]\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Topics to read, and librdkafka's settings for it; they can hold secrets."""

    topics: tuple[str, ...]
    client: Mapping[str, str] = field(repr=False)


OPTIONS = (
    click.Option(
        ["--kafka-servers"],
        metavar="HOST:PORT[,...]",
        help="Kafka brokers to begin with. The topic's messages are as at /v1/observe.",
    ),
    click.Option(
        ["--kafka-topic"], multiple=True, metavar="NAME", help="Topic to read; may be repeated."
    ),
    click.Option(
        ["--kafka-group"],
        default="modelwatch-drift",
        show_default=True,
        metavar="NAME",
        help="Consumer group: exporters of one group share the partitions.",
    ),
    click.Option(
        ["--kafka-settings"],
        type=click.Path(dir_okay=False, path_type=Path),
        help="File with librdkafka's settings, one `name=value` a line, such as `sasl.password`.",
    ),
)


def reading(options: Mapping[str, Any], ledger: "Ledger") -> tuple["Topics", ...]:
    """The work that the options ask for; none without any.

    Raises:
        ModelwatchError: the options are wrong, or the client library is missing.
    """
    found = settings(options)
    if found is None:
        return ()
    try:
        from exporters.drift.kafka_reading import Topics  # noqa: PLC0415  # wants an extra
    except ModuleNotFoundError as failure:
        raise ModelwatchError(
            "reading Kafka needs its client; run: pip install 'modelwatch[kafka]'"
        ) from failure
    topics = Topics(found, ledger)
    topics.check()
    return (topics,)


def settings(options: Mapping[str, Any]) -> Settings | None:
    """What the options say; None where no topic is to be read.

    Raises:
        ModelwatchError: they do not fit together, or the file is wrong.
    """
    topics = tuple(options.get("kafka_topic") or ())
    servers = options.get("kafka_servers")
    path = options.get("kafka_settings")
    if not topics:
        if servers or path:
            raise _Usage("say with --kafka-topic which topic to read")
        return None
    if not servers:
        raise _Usage("say with --kafka-servers where the Kafka brokers are, such as kafka-1:9092")
    return Settings(
        topics=topics,
        client={
            **DEFAULTS,
            **(settings_in(path) if path else {}),
            "bootstrap.servers": servers,
            "group.id": options["kafka_group"],
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
        },
    )


class _Usage(ModelwatchError):  # noqa: N818  # reads as what happened
    exit_code = 2


def settings_in(path: Path) -> dict[str, str]:
    """The settings in a file. No message shows a value.

    Raises:
        ModelwatchError: it cannot be read, or has mistakes; each comes with its place.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as failure:
        raise ModelwatchError(f"{path} is no text in UTF-8") from failure
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
    report = Report(path=str(path))
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith(("#", "!")):
            continue
        match = _LINE.fullmatch(line)
        if not match:
            report.add((number, 1), "this is no `name=value`")
        elif match[1] in OURS:
            report.add((number, 1), f"'{match[1]}' cannot be set here", OURS[match[1]])
        elif match[1] in found:
            report.add((number, 1), f"'{match[1]}' is set twice")
        else:
            found[match[1]] = match[2]
    report.raise_if_any()
    return found
