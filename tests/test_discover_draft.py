"""Drafts of random companies: whatever was found, the result passes `check`."""

import random
from decimal import Decimal

import pytest

from generator.definitions import definitions
from generator.discover.draft import drafted
from generator.discover.found import Found, Hardware, Measured, Place, Sighting, Signal
from generator.discover.measuring import OBJECTIVES
from generator.discover.names import free, short, slug
from generator.discover.text import MARK, written
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory
from modelwatch.reading import read
from modelwatch.supply import supply

ENGINES = definitions().engines
NAMES = (
    "chat",
    "Chat",
    "org/chat",
    "other/chat",
    "meta-llama/Llama-3.1-8B-Instruct",
    'say "hi"',
    "模型",
    "a b\tc\nd",
    "# confirm: nothing",
    "---",
    "null",
    "1e3",
    "x" * 300,
    "x" * 301,
    "{a: [b]}",
    "\u2028\x85\x07",
    "e\u0301" * 40,
)
JOBS = ("vllm", "litellm", "pods", "a job: 'x'", "job/with/slashes", "модель", "x" * 200)
INSTANCES = ("a:1", "10.0.0.1:8000", "[::1]:9", "no port", "x" * 300)
TARGETS = ("gpu1:8000", "10.0.0.1:8000", "[::1]:9", "not a target", "host:99999", "host:0")
ENVIRONMENTS = ("", "", "prod", "Production", "staging", "dev 2", "環境")


def company(seed: int) -> tuple[Found, Found]:
    """What two sources of knowledge might say."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    sightings = [_sighting(chance) for _ in range(chance.randint(1, 60))]
    half = chance.randint(0, len(sightings))
    return tuple(
        Found(sightings=tuple(some), remarks=("line\nbreak \u2028 #",), looked_for="")
        for some in (sightings[:half], sightings[half:])
    )  # type: ignore[return-value]  # two of them


def _sighting(chance: random.Random) -> Sighting:
    engine = ENGINES[chance.choice(sorted(ENGINES))]
    names = chance.random() < 0.9
    is_model = engine.kind == "model"
    return Sighting(
        engine=engine.name,
        model=chance.choice(NAMES) if engine.model_label and names and is_model else "",
        called=chance.choice(NAMES),
        environment=chance.choice(ENVIRONMENTS),
        team=chance.choice(("", "assist", "Team Ü", "unassigned")),
        place=_place(chance),
        counts=chance.random() < 0.7,
        why=chance.choice(NAMES),
        measured=_measured(chance, engine) if chance.random() < 0.7 else None,
        scores=_signals(chance) if engine.name == "modelwatch" else (),
        kpis=_signals(chance) if engine.name == "modelwatch" else (),
        price={"input": Decimal("0.000000001"), "output": Decimal(60)}
        if chance.random() < 0.2
        else {},
        hardware=None
        if is_model
        else Hardware(
            cards=chance.choice((0, 8)),
            hosts=tuple(chance.sample(INSTANCES, 2)),
            kind=chance.choice(NAMES),
        ),
    )


def _place(chance: random.Random) -> Place:
    some = tuple(chance.sample(INSTANCES, chance.randint(1, 3)))
    return chance.choice(
        (
            Place(job=chance.choice(JOBS), instances=some),
            Place(job=chance.choice(JOBS)),
            Place(targets=tuple(chance.sample(TARGETS, 2)), scheme="https", path="/m"),
            Place(),
        )
    )


def _measured(chance: random.Random, engine: Engine) -> Measured:
    boundaries = frozenset(
        chance.sample(
            [Decimal(text) for text in ("0.25", "0.5", "1", "2.5", "5", "7.5", "30", "60")], 5
        )
    )
    requests = chance.choice((None, 0.0, 3.0, 1e3, 1e9))
    supplies = {name: supply(engine, signal) for name, signal in OBJECTIVES.items()}
    objectives = [name for name, one in supplies.items() if one and one.how == "histogram"]
    return Measured(
        hours=chance.choice((1, 168)),
        p95_s={
            name: chance.choice((1e-6, 0.3, 1.0, 4.9, 59.0, float("inf"))) for name in objectives
        },
        boundaries=dict.fromkeys(objectives, boundaries),
        requests=requests,
        failures=(requests or 0) * chance.choice((0, 0.0004, 0.03, 0.6, 1)),
    )


def _signals(chance: random.Random) -> tuple[Signal, ...]:
    names = chance.sample(("groundedness", "Ünicode", "a-b_c", "9lives"), 2)
    low = chance.choice((0.0, 0.71234567, -3.5, -1e-9, 1.0, 1e12, 42.0))
    return tuple(
        Signal(name=name, low=low, high=low + chance.choice((0, 0.2, 7))) for name in names
    )


@pytest.mark.parametrize("seed", range(150))
def test_a_draft_of_anything_passes_check(seed: int) -> None:
    found = company(seed)
    draft = drafted(found, ENGINES)
    if not draft.entries:
        return
    text = written(draft, ENGINES, ["prometheus=http://localhost:9090"])
    fleet = read("models.yaml", text.text.encode(), ENGINES)
    assert len(fleet.models) == len(draft.entries)
    assert len(fleet.pools) == len(draft.pools)
    assert text.text.isprintable() or "\n" in text.text
    assert written(drafted(found, ENGINES), ENGINES, ["prometheus=http://localhost:9090"]) == text


def fleet_of(*sightings: Sighting) -> tuple[Inventory, str]:
    text = written(drafted([Found(sightings=sightings, looked_for="")], ENGINES), ENGINES, ["x"])
    return read("models.yaml", text.text.encode(), ENGINES), text.text


def vllm(model: str, job: str, **more: str) -> Sighting:
    return Sighting(engine="vllm", model=model, place=Place(job=job), why="seen", **more)  # type: ignore[arg-type]


def test_two_models_with_the_same_last_word_have_two_names() -> None:
    fleet, _ = fleet_of(vllm("one/chat", "a"), vllm("two/chat", "b"), vllm("three/chat", "c"))
    assert [m.name for m in fleet.models] == ["chat", "three-chat", "two-chat"]


def test_what_is_known_twice_is_written_once() -> None:
    live = Found(sightings=(vllm("chat", "vllm-prod"),), looked_for="")
    config = Sighting(
        engine="vllm", model="chat", place=Place(targets=("a:1",)), price={"input": Decimal(1)}
    )
    draft = drafted([live, Found(sightings=(config,), looked_for="")], ENGINES)
    (entry,) = draft.entries
    assert [source.place.job for source in entry.sources] == ["vllm-prod"]
    assert entry.price == {"input": Decimal(1)}


def test_the_models_of_a_configured_gateway_are_where_the_gateway_was_seen() -> None:
    seen = Sighting(engine="litellm", model="gpt", place=Place(job="proxy", instances=("p:4000",)))
    further = Sighting(engine="litellm", model="claude")
    fleet, text = fleet_of(seen, further)
    assert {source.job for m in fleet.models for source in m.sources} == {"proxy"}
    assert "proxy: {engine: litellm, job: proxy}" in text


def test_a_score_alone_is_a_model_and_a_score_of_a_model_is_not() -> None:
    score = Signal(name="groundedness", low=0.5, high=0.9)
    told = Sighting(
        engine="modelwatch", model="chat", place=Place(job="e"), counts=False, scores=(score,)
    )
    alone, _ = fleet_of(told)
    assert [source.engine for source in alone.models[0].sources] == ["modelwatch"]
    beside, _ = fleet_of(told, vllm("org/chat", "a"))
    assert [m.name for m in beside.models] == ["chat"]
    assert [source.engine for source in beside.models[0].sources] == ["vllm"]
    assert [s.name for s in beside.models[0].scores] == ["groundedness"]


def test_nobody_is_invented() -> None:
    _, text = fleet_of(vllm("chat", "a"))
    lines = [line for line in text.splitlines() if "unassigned" in line or "nobody" in line]
    assert lines
    assert all(MARK in line for line in lines)
    assert "USD per million tokens" in text
    assert all(line.strip().startswith(MARK) for line in text.splitlines() if "USD" in line)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3-1-8b-instruct"),
        ("Crème Brûlée", "creme-brulee"),
        ("模型", "model"),
        ("models/", "models"),
        ("/", "model"),
        ("x" * 80, "x" * 63),
    ],
)
def test_a_name_is_made_of_what_stands_last(text: str, name: str) -> None:
    assert short(text) == name
    assert slug(short(text)) == name


def test_a_taken_name_gets_a_number() -> None:
    assert free(["a", "b"], {"a"}) == "b"
    assert free(["a"], {"a", "a-2"}) == "a-3"
    assert len(free(["x" * 63], {"x" * 63})) <= 63
