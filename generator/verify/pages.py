"""Captured exposition pages: which series an engine of some version really exposes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from modelwatch.engine import Engine
from modelwatch.supply import metrics_read

Labels = tuple[tuple[str, str], ...]
FOLDER = resources.files("exporters") / "pages"
"""The pages that come with modelwatch."""

_SAMPLE = re.compile(
    r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?[\d.]+)?(?:[ \t]+#.*)?[ \t]*$"
)
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {r"\n": "\n", r"\\": "\\", r"\"": '"'}
_GROWS = {
    "counter": ("", "_total"),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of a page. Label values are as written, with their escapes."""

    name: str
    labels: Labels
    value: float
    grows: bool


def samples(text: str) -> list[Sample]:
    """The lines of a page, read as text: the official parser renames counters."""
    kinds = types(text)
    growing = {name + part for name, kind in kinds.items() for part in _GROWS.get(kind, ())}
    return [
        Sample(
            name=found[1],
            labels=tuple(_LABEL.findall(found[2] or "")),
            value=float(found[3]),
            grows=found[1] in growing,
        )
        for line in text.splitlines()
        if (found := _SAMPLE.match(line))
    ]


def types(text: str) -> dict[str, str]:
    """Family to type."""
    lines = (line.split() for line in text.splitlines() if line.startswith("# TYPE "))
    return {words[2]: words[3] for words in lines if len(words) > 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What one page has: the label sets of each series, and the type of each family."""

    engine: str
    version: str
    file: str
    series: Mapping[str, tuple[Mapping[str, str], ...]]
    types: Mapping[str, str]

    @property
    def title(self) -> str:
        """The page in words, such as `vllm 0.33.0`."""
        return f"{self.engine} {self.version}".strip() or self.file


def captured(text: str, *, engine: str, version: str, file: str) -> Captured:
    """A page that was read."""
    series: dict[str, list[dict[str, str]]] = {}
    for sample in samples(text):
        labels = {name: _plain(value) for name, value in sample.labels}
        series.setdefault(sample.name, []).append(labels)
    return Captured(
        engine=engine,
        version=version,
        file=file,
        series={name: tuple(sets) for name, sets in series.items()},
        types=types(text),
    )


def _plain(value: str) -> str:
    if "\\" not in value:
        return value
    return re.sub(r"\\.", lambda found: _ESCAPED.get(found[0], found[0]), value)


@cache
def bundled(engine: str, file: str, version: str) -> Captured:
    """A page that comes with modelwatch."""
    text = (FOLDER / file).read_text("utf-8")
    return captured(text, engine=engine, version=version, file=file)


def default_pages(engines: Iterable[Engine]) -> tuple[Captured, ...]:
    """The pages that come with modelwatch for these engines."""
    return tuple(
        bundled(engine.name, page.file, page.version) for engine in engines for page in engine.pages
    )


def own_pages(files: Sequence[Traversable], engines: Mapping[str, Engine]) -> Iterator[Captured]:
    """The pages of a folder. The name of a file says engine and version: `vllm-0.33.prom`."""
    known = {page.file: page.version for engine in engines.values() for page in engine.pages}
    for file in files:
        text = file.read_text("utf-8")
        stem = file.name.rpartition(".")[0]
        found = [name for name in engines if stem == name or stem.startswith(f"{name}-")]
        engine = max(found, key=len) if found else _recognised(text, engines)
        version = stem.removeprefix(engine).strip("-") if found else ""
        yield captured(text, engine=engine, version=known.get(file.name, version), file=file.name)


def _recognised(text: str, engines: Mapping[str, Engine]) -> str:
    """The engine of which most names are on the page; none when there are none."""
    names = {sample.name for sample in samples(text)}
    shared = {name: len(metrics_read(engine) & names) for name, engine in engines.items()}
    best = max(shared, key=lambda name: shared[name], default="")
    return best if shared.get(best) else ""


def of_versions(pages: Iterable[Captured], versions: Mapping[str, str]) -> tuple[Captured, ...]:
    """The pages, of engines with a version only the nearest that is not newer.

    When all are newer it is the oldest; several pages of the same version all stay.
    """
    kept: list[Captured] = []
    by_engine: dict[str, list[Captured]] = {}
    for page in pages:
        by_engine.setdefault(page.engine, []).append(page)
    for engine, found in by_engine.items():
        wanted = versions.get(engine)
        if wanted is None:
            kept += found
            continue
        numbers = {page.file: version_number(page.version) for page in found}
        upto = version_number(wanted)
        older = [number for number in numbers.values() if number[: len(upto)] <= upto]
        nearest = max(older) if older else min(numbers.values())
        kept += [page for page in found if numbers[page.file] == nearest]
    return tuple(kept)


def version_number(text: str) -> tuple[int, ...]:
    """The first number in a version, part by part."""
    found = _NUMBERS.search(text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
