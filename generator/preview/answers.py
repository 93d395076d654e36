"""What a Prometheus answers to everything that one board asks."""

import math
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from generator.asking import Period, Prometheus, QueryError, Series
from generator.board_looks import is_instant
from generator.preview.choosing import Choices, choose, substituted
from generator.selectors import selectors
from modelwatch.board import Annotation, Board, Line, Panel, Row
from modelwatch.catalogue import metrics
from modelwatch.inventory import Settings
from modelwatch.promql import compressed, duration_seconds

_AT_ONCE = 6
"""Questions that are asked at the same time: fewer than the 20 that a Prometheus works on."""
_POINTS_PER_COLUMN = 30
_LEAST_STEPS_PER_RATE = 4
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_CATALOGUED = frozenset(
    name
    for metric in metrics()
    for name in (
        (metric.bucket, metric.sum, metric.count) if metric.kind == "histogram" else (metric.name,)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one line; `failure` says why nothing did."""

    line: Line
    query: str
    series: tuple[Series, ...] = ()
    failure: str = ""
    step_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A panel with an answer per line."""

    panel: Panel
    answers: tuple[Answer, ...]
    why_empty: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is no value to draw."""
        return not any(series.finite for answer in self.answers for series in answer.series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that began at one moment, or was so `before` the time that is shown."""

    annotation: Annotation
    at: float
    title: str
    text: str
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A board with what is selected on it, and all that it asked for."""

    board: Board
    chosen: Choices
    period: Period
    rows: tuple[tuple[Row, tuple[Asked, ...]], ...]
    events: tuple[Event, ...]
    failures: tuple[tuple[str, str, str], ...]
    """What failed: its name, the query, and why."""

    def panels(self) -> Iterator[tuple[Row, Asked]]:
        """Every panel with its row."""
        for row, panels in self.rows:
            for asked in panels:
                yield row, asked


def view(
    board: Board,
    wanted: Mapping[str, tuple[str, ...]],
    prometheus: Prometheus,
    period: Period,
    settings: Settings,
) -> View:
    """The board, drawn from what the Prometheus answers now.

    Raises:
        QueryError: the drop-downs cannot be filled.
        Unreachable: nobody answers.
    """
    chosen = choose(board, wanted, prometheus, period)
    asking = _Asking(prometheus=prometheus, period=period, settings=settings, chosen=chosen)
    lines = [(panel, line) for _, panel in board.panels() for line in panel.drawn]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = iter(list(pool.map(lambda pair: asking.line(*pair), lines)))
        noted = list(pool.map(asking.annotation, board.annotations))
    names = frozenset(prometheus.label_values("__name__", "", period))
    rows = tuple(
        (row, tuple(_asked(panel, answers, names) for panel in row.panels)) for row in board.rows
    )
    failures = [
        (f"{row.title} / {asked.panel.title}", answer.query, answer.failure)
        for row, panels in rows
        for asked in panels
        for answer in asked.answers
        if answer.failure
    ]
    failures += [
        (f"Events / {note.name}", answer.query, answer.failure)
        for note, answer in zip(board.annotations, noted, strict=True)
        if answer.failure
    ]
    return View(
        board=board,
        chosen=chosen,
        period=period,
        rows=rows,
        events=tuple(
            sorted(
                (
                    event
                    for note, answer in zip(board.annotations, noted, strict=True)
                    for event in _events(note, answer, period.start)
                ),
                key=lambda event: event.at,
            )
        ),
        failures=tuple(failures),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Who is asked, about when, with which selection."""

    prometheus: Prometheus
    period: Period
    settings: Settings
    chosen: Choices

    def line(self, panel: Panel, line: Line) -> Answer:
        """The answer to one line of a panel."""
        least = float(duration_seconds(panel.interval or self.settings.scrape_interval))
        step = max(least, self.period.seconds / (panel.width * _POINTS_PER_COLUMN))
        step = math.ceil(step) if step > 1 else step
        query = self._query(line.expr, step)
        answer = Answer(line=line, query=query, step_s=step)
        return self._answered(answer, instant=is_instant(panel, line))

    def annotation(self, annotation: Annotation) -> Answer:
        """Where events of an annotation begin."""
        step = max(60.0, self.period.seconds / 1000)
        query = self._query(annotation.expr, step)
        answer = Answer(line=Line(query=annotation.query), query=query, step_s=step)
        return self._answered(answer, instant=False)

    def _answered(self, answer: Answer, *, instant: bool) -> Answer:
        try:
            series = (
                self.prometheus.instant(answer.query, self.period.end)
                if instant
                else self.prometheus.range(answer.query, self.period, answer.step_s)
            )
        except QueryError as failure:
            return replace(answer, failure=str(failure))
        return replace(answer, series=series)

    def _query(self, expr: str, step_s: float) -> str:
        scrape = float(duration_seconds(self.settings.scrape_interval))
        rate = max(step_s + scrape, _LEAST_STEPS_PER_RATE * scrape)
        built_in = {"__rate_interval": f"{math.ceil(rate * 1000)}ms"}
        shortened = compressed(expr, self.settings.time_compression)
        return substituted(shortened, self.chosen, built_in)


def _asked(panel: Panel, answers: Iterator[Answer], names: frozenset[str]) -> Asked:
    asked = Asked(panel=panel, answers=tuple(next(answers) for _ in panel.drawn))
    return replace(asked, why_empty=_why_empty(asked, names)) if asked.empty else asked


def _why_empty(asked: Asked, names: frozenset[str]) -> str:
    """The reason that helps most: a failure, a missing signal, missing series, or nothing there."""
    if any(answer.failure for answer in asked.answers):
        return "a query of it failed"
    reasons = reasons_of(asked)
    if reasons:
        return "; ".join(reasons)
    missing = sorted(
        {
            found.name
            for answer in asked.answers
            for found in selectors(answer.query)
            if found.name in _CATALOGUED - names
        }
    )
    if missing:
        return f"this Prometheus has no series {', '.join(missing)}"
    return "its series exist, but none has a value for what is selected here"


def reasons_of(asked: Asked) -> tuple[str, ...]:
    """Why models lack a signal of the panel, as the engine tables say."""
    if not asked.panel.signals:
        return ()
    last = asked.answers[-1]
    return tuple(sorted({name_of(last, series) for series in last.series}))


def name_of(answer: Answer, series: Series) -> str:
    """What the legend calls a series."""
    if answer.line.legend:
        return with_labels(answer.line.legend, series.labels)
    pairs = [f"{name}={value}" for name, value in series.labels.items() if name != "__name__"]
    return ", ".join(pairs) or series.labels.get("__name__", answer.line.column or "value")


def with_labels(template: str, labels: Mapping[str, str]) -> str:
    """The template with `{{label}}` replaced; a label that is missing leaves nothing."""
    return _LABEL.sub(lambda found: labels.get(found[1], ""), template)


def _events(annotation: Annotation, answer: Answer, start: float) -> Iterator[Event]:
    """One event per stretch of samples: an alert that keeps firing is one."""
    for series in answer.series:
        before = -math.inf
        for time in series.times:
            if time - before > 1.5 * answer.step_s:
                yield Event(
                    annotation=annotation,
                    at=time,
                    title=with_labels(annotation.title, series.labels),
                    text=with_labels(annotation.text, series.labels),
                    before=time <= start + answer.step_s,
                )
            before = time
