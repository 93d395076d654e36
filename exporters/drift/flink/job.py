"""The job: messages of Kafka topics, counted in windows of event time.

The time of a message is Kafka's. A window is handed over once, when nothing older than `--lateness`
is to come; what comes later is not counted, and told by its number. Messages are spread by their
content, so that a busy model is on all workers, and a window is the same after a restart.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import requests
from pyflink.common import Configuration, Duration, Time, Types, WatermarkStrategy
from pyflink.common.serialization import SimpleStringSchema
from pyflink.datastream import (
    DataStream,
    OutputTag,
    StreamExecutionEnvironment,
    WindowedStream,
)
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetResetStrategy,
    KafkaOffsetsInitializer,
    KafkaSource,
)
from pyflink.datastream.functions import (
    AggregateFunction,
    MapFunction,
    ProcessWindowFunction,
    RuntimeContext,
)
from pyflink.datastream.window import TumblingEventTimeWindows, TumblingProcessingTimeWindows

from exporters.drift.baseline import Baseline, read
from exporters.drift.flink.counting import Found, Identity, Windows
from exporters.drift.flink.handing import hand
from exporters.drift.kafka import settings_in
from modelwatch.problems import ModelwatchError
from modelwatch.quantities import NotAQuantityError, duration

Baselines = Mapping[Identity, Baseline]

LATE_EVERY_MS = 10_000
"""How many were late is told so often."""


class _Counting(AggregateFunction):  # type: ignore[misc]  # PyFlink has no types
    """Counts the messages of a window. What it needs for that is made where it runs."""

    def __init__(self, baselines: Baselines, *, late: bool) -> None:
        self._baselines, self._late = baselines, late
        self._made: Windows | None = None

    @property
    def windows(self) -> Windows:
        if self._made is None:
            self._made = Windows(self._baselines, late=self._late)
        return self._made

    def create_accumulator(self) -> Found:
        return Found()

    def add(self, value: str, accumulator: Found) -> Found:
        self.windows.add(accumulator, value)
        return accumulator

    def get_result(self, accumulator: Found) -> Found:
        return accumulator

    def merge(self, acc_a: Found, acc_b: Found) -> Found:
        return self.windows.merged(acc_a, acc_b)


class _Documents(ProcessWindowFunction):  # type: ignore[misc]
    """Makes the document of a window. Its name is the same after a restart, but for late ones."""

    def __init__(self, counting: _Counting, name: str) -> None:
        self._counting, self._name = counting, name

    def open(self, runtime_context: RuntimeContext) -> None:
        self._of_nobody = runtime_context.get_metrics_group().counter("of_no_known_model")

    def process(
        self, key: int, context: ProcessWindowFunction.Context, elements: Iterable[Found]
    ) -> Iterable[str]:
        window = context.window()
        name = f"{self._name}/{window.start}/{key}"
        for found in elements:
            self._of_nobody.inc(self._counting.windows.of_nobody(found))
            document = self._counting.windows.documents(found, name, window.start, window.end)
            if document:
                yield document

    def clear(self, context: ProcessWindowFunction.Context) -> None:
        del context


class _Handing(MapFunction):  # type: ignore[misc]
    """Hands documents to the exporter."""

    def __init__(self, url: str, token_file: str) -> None:
        self._url, self._token_file = url, token_file

    def open(self, runtime_context: RuntimeContext) -> None:
        del runtime_context
        self._session = requests.Session()  # a connection does not travel

    def map(self, value: str) -> int:
        return hand(self._session, self._url, value, token_file=self._token_file)


def counted(
    messages: DataStream, baselines: Baselines, *, name: str, window_ms: int, shards: int
) -> list[DataStream]:
    """The bodies for `/v1/counts`: of windows, and of what was late.

    Messages are text, with time stamps and watermarks of event time.
    """
    late = OutputTag("late", Types.STRING())
    windows = (
        messages.key_by(_shard(shards), key_type=Types.INT())
        .window(TumblingEventTimeWindows.of(Time.milliseconds(window_ms)))
        .side_output_late_data(late)
    )
    counts = _documents(windows, _Counting(baselines, late=False), name)
    more = (
        counts.get_side_output(late)
        .key_by(_shard(shards), key_type=Types.INT())
        .window(TumblingProcessingTimeWindows.of(Time.milliseconds(LATE_EVERY_MS)))
    )
    return [counts, _documents(more, _Counting(baselines, late=True), f"{name}/late")]


def _shard(shards: int) -> Any:
    return lambda message: crc32(message.encode()) % shards


def _documents(windows: WindowedStream, counting: _Counting, name: str) -> DataStream:
    return windows.aggregate(
        counting,
        _Documents(counting, name),
        accumulator_type=Types.PICKLED_BYTE_ARRAY(),
        output_type=Types.STRING(),
    )


# The command.


class _Duration(click.ParamType[int]):
    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return int(duration(value).value * 1000)
        except NotAQuantityError as problem:
            self.fail(str(problem), param, ctx)


class _BaselineOption(click.ParamType[tuple[Identity, Path]]):
    name = "MODEL/ENVIRONMENT=PATH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Identity, Path]:
        about, equals, path = str(value).partition("=")
        model, slash, environment = about.partition("/")
        if not (equals and slash and model and environment and path):
            self.fail("write it like fraud/production=baselines/fraud.json", param, ctx)
        return (model, environment), Path(path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kafka-servers", required=True, metavar="HOST:PORT[,...]", help="Kafka brokers.")
@click.option("--kafka-topic", "topics", required=True, multiple=True, help="May be repeated.")
@click.option("--kafka-group", default="modelwatch-flink", show_default=True, help="Its name.")
@click.option(
    "--kafka-settings",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with settings of Kafka's Java client, one `name=value` a line.",
)
@click.option(
    "--baseline",
    "baselines",
    type=_BaselineOption(),
    required=True,
    multiple=True,
    help="What to count by, as the exporter has it; may be repeated.",
)
@click.option("--exporter", "url", required=True, metavar="URL", help="The drift exporter, one.")
@click.option("--token-file", default="", help="Its token, in a file that each worker has.")
@click.option("--window", type=_Duration(), default="1m", show_default=True)
@click.option(
    "--lateness",
    type=_Duration(),
    default="30s",
    show_default=True,
    help="How long a window waits for messages that come out of order.",
)
@click.option("--shards", default=8, show_default=True, help="Parts of a window: workers, or more.")
@click.option("--checkpoint", type=_Duration(), default="30s", show_default=True, help="How often.")
@click.option("--jar", "jars", multiple=True, help="Flink's Kafka connector, if workers lack it.")
@click.option("--set", "more", multiple=True, metavar="KEY=VALUE", help="Of Flink's configuration.")
def main(
    *,
    kafka_servers: str,
    topics: tuple[str, ...],
    kafka_group: str,
    kafka_settings: Path | None,
    baselines: tuple[tuple[Identity, Path], ...],
    url: str,
    token_file: str,
    window: int,
    lateness: int,
    shards: int,
    checkpoint: int,
    jars: tuple[str, ...],
    more: tuple[str, ...],
) -> None:
    """Count observations on a Flink cluster, and hand the counts to the drift exporter.

    Example: flink run -pym exporters.drift.flink.job --kafka-servers kafka-1:9092 --kafka-topic
    predictions --baseline fraud/production=fraud.json --exporter http://drift:9469
    """
    try:
        known = {key: read(path) for key, path in baselines}
        client = settings_in(kafka_settings) if kafka_settings else {}
    except ModelwatchError as problem:
        raise click.ClickException(str(problem)) from problem
    environment = StreamExecutionEnvironment.get_execution_environment(_configuration(more))
    environment.enable_checkpointing(checkpoint)
    if jars:
        environment.add_jars(*(Path(jar).absolute().as_uri() for jar in jars))
    waits = WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_millis(lateness))
    messages = environment.from_source(
        _source(kafka_servers, topics, kafka_group, client),
        waits.with_idleness(Duration.of_millis(max(window, lateness))),
        "observations",
    )
    name = f"{kafka_group}/{shards}"
    for documents in counted(messages, known, name=name, window_ms=window, shards=shards):
        documents.map(_Handing(url, token_file), output_type=Types.INT()).name("exporter")
    environment.execute(f"modelwatch drift: {', '.join(topics)}")


def _configuration(more: Iterable[str]) -> Configuration:
    configuration = Configuration()
    for one in more:
        key, _, value = one.partition("=")
        configuration.set_string(key, value)
    return configuration


def _source(
    servers: str, topics: Iterable[str], group: str, client: Mapping[str, str]
) -> KafkaSource:
    earliest = KafkaOffsetsInitializer.committed_offsets(KafkaOffsetResetStrategy.EARLIEST)
    return (
        KafkaSource.builder()
        .set_properties(dict(client))
        .set_bootstrap_servers(servers)
        .set_topics(*topics)
        .set_group_id(group)
        .set_starting_offsets(earliest)
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )


if __name__ == "__main__":
    main()
