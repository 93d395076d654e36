"""All boards as one page that needs nothing else, with what is empty and what failed counted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from plotly.offline import get_plotlyjs

from generator.asking import Period, Prometheus, QueryError
from generator.preview.answers import View, view
from generator.preview.choosing import choose
from generator.preview.page import Frame, Section, page
from modelwatch.board import Board
from modelwatch.inventory import Settings
from modelwatch.problems import ModelwatchError, Unreachable
from modelwatch.promql import duration_seconds

MOST_MODELS = 12
"""Models that get a board of their own on one page."""
ALONE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
"""Nothing is fetched, from anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A page and what there is to say about it. `anchors` has one section per board."""

    html: str
    anchors: Mapping[str, str]
    panels: int
    empty: int
    failed: int
    notes: tuple[str, ...]


def period_of(since: str, now: float) -> Period:
    """The time from `6h` or `now-6h` ago until now."""
    length = float(duration_seconds(since.removeprefix("now-")))
    return Period(start=now - length, end=now)


def reach(prometheus: Prometheus) -> None:
    """Ask something that every Prometheus can answer.

    Raises:
        Unreachable: nobody does.
    """
    try:
        prometheus.instant("1", time.time())
    except QueryError as failure:
        raise Unreachable(f"{prometheus.shown} answers no queries: {failure}") from failure


def draw(
    boards: tuple[Board, ...],
    wanted: Mapping[str, tuple[str, ...]],
    prometheus: Prometheus,
    settings: Settings,
    since: str = "",
) -> Drawn:
    """Every board; the one that shows one model, once per selected model.

    Raises:
        ModelwatchError: the drop-downs cannot be filled, or something else than they offer is
            wanted.
        Unreachable: nobody answers.
    """
    reach(prometheus)
    now = time.time()
    try:
        sections, notes = _sections(boards, wanted, prometheus, settings, since=since, now=now)
    except QueryError as failure:
        raise ModelwatchError(f"the choices of the boards cannot be read: {failure}") from failure
    addresses: dict[str, tuple[str, str]] = {}
    for section in sections:
        board = section.view.board
        addresses.setdefault(board.uid, (board.title, f"#{section.anchor}"))
    models = {
        (section.view.board.uid, *_pair(section.view)): f"#{section.anchor}"
        for section in sections
        if section.models
    }

    def href(uid: str, labels: Mapping[str, str]) -> str | None:
        if any(uid == known[0] for known in models):
            return models.get((uid, labels.get("model", ""), labels.get("environment", "")))
        return addresses[uid][1] if uid in addresses else None

    frame = Frame(
        script=f"<script>{get_plotlyjs()}</script>",
        policy=ALONE,
        source=prometheus.shown,
        notes=notes,
    )
    return Drawn(
        html=page(sections, addresses, frame, href),
        anchors={uid: address[1:] for uid, (_, address) in addresses.items()},
        panels=sum(1 for section in sections for _ in section.view.panels()),
        empty=sum(asked.empty for section in sections for _, asked in section.view.panels()),
        failed=sum(len(section.view.failures) for section in sections),
        notes=notes,
    )


def _pair(found: View) -> tuple[str, str]:
    return tuple(  # type: ignore[return-value]  # of two names
        found.chosen[name].picked[0] if found.chosen[name].picked else ""
        for name in ("model", "environment")
    )


def _sections(
    boards: tuple[Board, ...],
    wanted: Mapping[str, tuple[str, ...]],
    prometheus: Prometheus,
    settings: Settings,
    *,
    since: str,
    now: float,
) -> tuple[list[Section], tuple[str, ...]]:
    sections: list[Section] = []
    notes: list[str] = []
    for board in boards:
        period = period_of(since or board.since, now)
        if board.model.everything:
            _refuse_unknown(board, wanted, prometheus, period)
            found = view(board, wanted, prometheus, period, settings)
            sections.append(Section(anchor=board.uid, view=found))
            continue
        pairs = _pairs(board, wanted, prometheus, period)
        if len(pairs) > MOST_MODELS:
            notes.append(
                f"{board.title}: {MOST_MODELS} of {len(pairs)} models; choose others with --model"
            )
            pairs = pairs[:MOST_MODELS]
        anchors = [f"{board.uid}-{number}" for number in range(1, len(pairs) + 1)]
        models = tuple(
            (" / ".join(pair), f"#{anchor}") for pair, anchor in zip(pairs, anchors, strict=True)
        )
        for (model, environment), anchor in zip(pairs, anchors, strict=True):
            picked = (
                {**wanted, "model": (model,), "environment": (environment,)} if model else wanted
            )
            found = view(board, picked, prometheus, period, settings)
            sections.append(Section(anchor=anchor, view=found, models=models))
    return sections, tuple(notes)


def _refuse_unknown(
    board: Board, wanted: Mapping[str, tuple[str, ...]], prometheus: Prometheus, period: Period
) -> None:
    """Refuse a model or environment that nobody declared: every panel would just be empty."""
    for name in ("environment", "model"):
        if not wanted.get(name):
            continue
        known = choose(board, {}, prometheus, period)[name].choices
        for value in wanted[name]:
            if value not in known:
                close = get_close_matches(value, known, n=1)
                advice = f"did you mean '{close[0]}'?" if close else f"there are: {_few(known)}"
                raise ModelwatchError(f"{prometheus.shown} has no {name} '{value}'; {advice}")


def _few(known: tuple[str, ...]) -> str:
    return ", ".join(known[:10]) + (", ..." if len(known) > 10 else "") if known else "none"


def _pairs(
    board: Board, wanted: Mapping[str, tuple[str, ...]], prometheus: Prometheus, period: Period
) -> list[tuple[str, str]]:
    """Model and environment of everything that is selected; one empty pair where nothing is."""
    known = choose(board, wanted, prometheus, period)["environment"]
    found = []
    for environment in known.picked or known.choices:
        within = {**wanted, "environment": (environment,)}
        models = choose(board, within, prometheus, period)["model"].choices
        picked = wanted.get("model") or models
        found += [(model, environment) for model in models if model in picked]
    return sorted(found) or [("", "")]
