import math
import random
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from exporters.base.families import Distribution, Exemplar, Family
from exporters.base.rendering import Starts, render, wants_openmetrics, write
from modelwatch.catalogue.metric import Layer, Metric
from tests.exporters import reference
from tests.real import program

NASTY = (
    "plain",
    "",
    " ",
    'say "hi"',
    "back\\slash",
    "\\n is no newline",
    "two\nlines",
    "tab\tand\rreturn",
    "100 % %s %(x)d %%",
    "{a} # {b}",
    "Käse 模型 🦙",
    "e\u0301\u2028\x00",
)
NUMBERS = (
    0,
    0.0,
    -0.0,
    1,
    True,
    -1,
    0.1 + 0.2,
    999_999.999_9,
    999_999,
    1e6,
    1_000_000,
    1_234_567.25,
    -1_234_567.0,
    10_000_000_000,
    2**53,
    2**70,
    1e15,
    1e16,
    1.5e300,
    -1.5e300,
    5e-324,
    1e-7,
    math.inf,
    -math.inf,
    math.nan,
)


def metric(name: str, kind: str, *labels: str, unit: str = "", text: str = "What it is.") -> Metric:
    return Metric(name=name, help=text, unit=unit, labels=labels, layer=Layer.EXPOSED, kind=kind)


TEMPERATURE = metric("room_celsius", "gauge", "room", "area", unit="celsius")
VISITS_TOTAL = metric("visits_total", "counter", "zone", "area")
WAIT = metric("wait_seconds", "histogram", "queue", "area", unit="seconds")


def assert_same_bytes(families: Sequence[Family]) -> None:
    assert render(families, openmetrics=False) == reference.text_page(families)
    assert render(families, openmetrics=True) == reference.openmetrics_page(families)


def random_family(chance: random.Random, at: int) -> Family:
    """Any kind of metric with any kind of labels and numbers."""
    kind = chance.choice(("gauge", "counter", "histogram"))
    names = chance.sample(("zebra", "Alpha", "_own", "model", "environment", "le2", "kind"), k=3)
    labels = tuple(names[: chance.randrange(4)])
    name = {"gauge": f"g{at}_info", "counter": f"c{at}_bytes_total", "histogram": f"h{at}_seconds"}
    unit = chance.choice(("bytes", "seconds", "info", "requests/s", ""))
    family = Family(metric(name[kind], kind, *labels, unit=unit, text=chance.choice(NASTY)))
    for _ in range(chance.randrange(6)):
        values = tuple(chance.choice(NASTY) for _ in labels)
        if values not in family.samples:
            family.add(random_value(chance, kind), *values)
            if kind == "counter" and chance.random() < 0.5:
                family.exemplars[values] = random_exemplar(chance)
    return family


def random_value(chance: random.Random, kind: str) -> float | Distribution:
    if kind != "histogram":
        return chance.choice((chance.choice(NUMBERS), chance.uniform(-1e7, 1e7)))
    bounds = sorted(chance.sample((-1.0, 0, 0.005, 0.1, 1, 2.5, 1e6, 12_345_678.0), k=4))
    return Distribution(
        bounds=bounds,
        counts=[chance.choice((0, 1, 0.5, 700_000, 3)) for _ in range(5)],
        sum=chance.choice(NUMBERS),
        exemplars={at: random_exemplar(chance) for at in range(5) if chance.random() < 0.4},
    )


def random_exemplar(chance: random.Random) -> Exemplar:
    return Exemplar(
        labels={"trace_id": chance.choice(NASTY), "a": "b"},
        value=chance.choice(NUMBERS),
        time_s=chance.choice((None, 0.0, 1_700_000_000.123, 1_700_000_000)),
    )


@pytest.mark.parametrize("seed", range(60))
def test_pages_are_those_of_the_reference_writer_byte_for_byte(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same pages in every run
    assert_same_bytes([random_family(chance, at) for at in range(8)])


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_every_number_is_written_as_the_reference_writer_does(number: float) -> None:
    family = Family(TEMPERATURE)
    family.add(number, "kitchen", "north")
    assert_same_bytes([family])


@pytest.mark.parametrize("text", NASTY, ids=repr)
def test_every_label_and_help_is_escaped_as_the_reference_writer_does(text: str) -> None:
    families = [
        Family(metric("room_celsius", "gauge", "room", text=text), {(text,): 1.0}),
        Family(
            metric("wait_seconds", "histogram", "queue", text=text),
            {(text,): Distribution(bounds=(1.0,), counts=(1, 2), sum=3.0)},
        ),
    ]
    assert_same_bytes(families)


def test_a_metric_without_samples_or_labels_is_written_too() -> None:
    assert_same_bytes([Family(VISITS_TOTAL), Family(metric("up_ratio", "gauge"), {(): 1})])
    assert_same_bytes([])


def test_a_histogram_of_negative_values_has_neither_count_nor_sum() -> None:
    family = Family(WAIT)
    family.add(Distribution(bounds=(-1.0, 1.0), counts=(1, 0, 2), sum=-5.0), "a", "b")
    assert_same_bytes([family])
    assert b"_sum" not in render([family], openmetrics=True)


Room = tuple[str, ...]


def pages_in_turn(samples: Iterable[Mapping[Room, float]]) -> Iterator[tuple[bytes, bytes]]:
    """Pages with what was kept from the one before, and the same ones written afresh."""
    kept: dict[str, Starts] = {}
    for now in samples:
        family = Family(TEMPERATURE, dict(now))
        kept = write([family], kept)
        yield (
            render([family], openmetrics=False),
            render([Family(TEMPERATURE, dict(now))], openmetrics=False),
        )


def test_lines_kept_from_the_last_page_follow_what_comes_goes_and_moves() -> None:
    rooms: list[Room] = [
        ("kitchen", "north"),
        ("hall", "north"),
        ("hall", "south"),
        ("attic", "west"),
    ]
    chance = random.Random(1)  # noqa: S311  # the same pages in every run
    turns = [
        {room: chance.random() for room in chance.sample(rooms, k=chance.randrange(5))}
        for _ in range(50)
    ]
    assert all(kept == fresh for kept, fresh in pages_in_turn(turns))


def test_buckets_that_change_are_written_anew() -> None:
    kept: dict[str, Starts] = {}
    for bounds in ((0.1, 1.0), (0.1, 2.0), (0.1,)):
        family = Family(WAIT)
        family.add(Distribution(bounds=bounds, counts=(1,) * (len(bounds) + 1), sum=1), "a", "b")
        kept = write([family], kept)
        assert_same_bytes([family])


def test_of_series_that_are_gone_nothing_is_kept() -> None:
    kept = write([Family(TEMPERATURE, {(str(at), "north"): 1.0 for at in range(1000)})], {})
    kept = write([Family(TEMPERATURE, {("7", "north"): 1.0})], kept)
    assert [len(starts.texts) for starts in kept.values()] == [1]
    assert write([], kept) == {}


def test_a_dictionary_that_changes_after_it_was_written_does_not_change_the_page() -> None:
    counts: dict[tuple[str, ...], float | Distribution] = {("a", "north"): 1.0}
    family = Family(VISITS_TOTAL, counts, {("b", "north"): Exemplar(labels={}, value=1)})
    write([family], {})
    counts["b", "north"] = 2.0
    assert render([family], openmetrics=True).count(b"visits_total{") == 1


def test_families_of_one_metric_become_one_block() -> None:
    page = render(
        [
            Family(TEMPERATURE, {("kitchen", "north"): 1}),
            Family(VISITS_TOTAL, {("a", "north"): 2}),
            Family(TEMPERATURE, {("hall", "north"): 3}),
        ],
        openmetrics=False,
    )
    assert page == render(
        [
            Family(TEMPERATURE, {("kitchen", "north"): 1, ("hall", "north"): 3}),
            Family(VISITS_TOTAL, {("a", "north"): 2}),
        ],
        openmetrics=False,
    )


EXEMPLAR = Exemplar(labels={"trace_id": "4bf92f"}, value=0.7, time_s=1_700_000_000.5)


def one_visit(exemplar: Exemplar) -> Family:
    return Family(VISITS_TOTAL, {("a", "north"): 3}, {("a", "north"): exemplar})


def test_exemplars_stand_in_openmetrics_only() -> None:
    line = b'visits_total{area="north",zone="a"} 3.0'
    plain = render([one_visit(EXEMPLAR)], openmetrics=False)
    assert plain.splitlines()[-1] == line
    rich = render([one_visit(EXEMPLAR)], openmetrics=True)
    assert rich.splitlines()[-2] == line + b' # {trace_id="4bf92f"} 0.7 1700000000.5'


@pytest.mark.parametrize(
    ("exemplar", "stands"),
    [
        pytest.param(Exemplar(labels={"id": "x" * 126}, value=1), True, id="128 characters"),
        pytest.param(Exemplar(labels={"id": "x" * 127}, value=1), False, id="129 characters"),
        pytest.param(Exemplar(labels={"id": "é" * 126}, value=1), True, id="characters, not bytes"),
        pytest.param(Exemplar(labels={"trace-id": "x"}, value=1), False, id="no label name"),
        pytest.param(Exemplar(labels={}, value=1, time_s=math.nan), False, id="no time"),
        pytest.param(Exemplar(labels={}, value=1), True, id="no labels"),
    ],
)
def test_an_exemplar_that_would_make_the_page_invalid_is_left_out(
    exemplar: Exemplar, *, stands: bool
) -> None:
    assert (b" # {" in render([one_visit(exemplar)], openmetrics=True)) is stands


def test_a_gauge_has_no_exemplars() -> None:
    family = Family(TEMPERATURE, {("a", "b"): 1}, {("a", "b"): EXEMPLAR})
    assert b" # {" not in render([family], openmetrics=True)


@pytest.mark.parametrize(
    ("own", "unit"),
    [
        pytest.param(WAIT, "seconds", id="ends the name"),
        pytest.param(metric("x_bytes_total", "counter", unit="bytes"), "bytes", id="of a counter"),
        pytest.param(metric("x_total", "counter", unit="tokens"), "", id="not in the name"),
        pytest.param(metric("x_seconds", "gauge", unit="timestamp"), "", id="not a base unit"),
        pytest.param(metric("build_info", "gauge", unit="info"), "", id="info"),
        pytest.param(metric("x", "gauge"), "", id="none"),
    ],
)
def test_openmetrics_is_told_a_unit_only_where_it_ends_the_name(own: Metric, unit: str) -> None:
    page = render([Family(own)], openmetrics=True)
    assert [
        line.split()[3] for line in page.decode().splitlines() if line.startswith("# UNIT")
    ] == ([unit] if unit else [])
    reference.read_openmetrics(page)


def test_a_counter_of_other_people_that_is_not_called_so_leaves_openmetrics_valid() -> None:
    family = Family(metric("energy_millijoules", "counter"), {(): 5})
    assert b"# TYPE energy_millijoules counter\nenergy_millijoules 5.0\n" in render(
        [family], openmetrics=False
    )
    page = render([family], openmetrics=True)
    assert b"# TYPE energy_millijoules unknown\nenergy_millijoules 5.0\n" in page
    reference.read_openmetrics(page)


def test_half_a_character_in_a_label_does_not_cost_the_page() -> None:
    command = b"serve \xff".decode("utf-8", errors="surrogateescape")
    page = render([Family(TEMPERATURE, {(command, "a"): 1})], openmetrics=False)
    assert b'room_celsius{area="a",room="serve ?"} 1.0' in page


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(Family(TEMPERATURE, {("only one",): 1.0}), id="too few labels"),
        pytest.param(Family(TEMPERATURE, {("a", "b", "c"): 1.0}), id="too many labels"),
        pytest.param(Family(TEMPERATURE, {("a", 5): 1.0}), id="label is a number"),  # type: ignore[dict-item]  # the mistake
        pytest.param(Family(TEMPERATURE, {("a", "b"): None}), id="no number"),  # type: ignore[dict-item]  # the mistake
        pytest.param(Family(WAIT, {("a", "b"): 1.0}), id="number for a histogram"),
        pytest.param(
            Family(TEMPERATURE, {("a", "b"): Distribution(bounds=(), counts=(1,), sum=1)}),
            id="histogram for a gauge",
        ),
        pytest.param(
            Family(WAIT, {("a", "b"): Distribution(bounds=(1.0,), counts=(1,), sum=1)}),
            id="a bucket is missing",
        ),
        pytest.param(
            Family(WAIT, {("a", "b"): Distribution(bounds=(2.0, 1.0), counts=(1, 1, 1), sum=1)}),
            id="bounds fall",
        ),
    ],
)
def test_a_sample_that_does_not_fit_is_refused_by_the_name_of_its_metric(family: Family) -> None:
    with pytest.raises(ValueError, match=family.metric.name):
        write([family], {})


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        pytest.param(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
            "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            True,
            id="Prometheus 2",
        ),
        pytest.param(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
            "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            True,
            id="Prometheus 3",
        ),
        pytest.param("text/plain;version=0.0.4;q=1,*/*;q=0.1", False, id="text only"),
        pytest.param("text/html,application/xhtml+xml,*/*;q=0.8", False, id="browser"),
        pytest.param("*/*", False, id="curl"),
        pytest.param("", False, id="nothing"),
        pytest.param("application/openmetrics-text", True, id="no version"),
        pytest.param("Application/OpenMetrics-Text; Version=1.0.0", True, id="upper case"),
        pytest.param("application/openmetrics-text; version=0.0.1", False, id="old draft"),
        pytest.param("application/openmetrics-text;q=0", False, id="refused"),
        pytest.param("application/openmetrics-text;q=0.2, text/plain", False, id="text first"),
        pytest.param("application/openmetrics-text;q=x, ;;=,", False, id="nonsense"),
    ],
)
def test_the_format_is_the_one_that_the_scraper_prefers(accept: str, *, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_a_page() -> None:
    page = render(
        [
            Family(TEMPERATURE, {("kitchen", NASTY[4]): math.nan, ("hall", "north"): -1e9}),
            Family(VISITS_TOTAL, {("a", "two\nlines"): 1e9}),
            Family(WAIT, {("a", "b"): Distribution(bounds=(0.5, 1), counts=(1, 2, 0), sum=2)}),
        ],
        openmetrics=False,
    )
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
