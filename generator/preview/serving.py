"""The boards as a small site that asks anew with every request. It takes nothing in."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from plotly.offline import get_plotlyjs
from tornado import web

from generator.asking import Period, Prometheus, QueryError
from generator.preview.answers import View, view
from generator.preview.drawing import period_of, reach
from generator.preview.page import Frame, Section, page
from modelwatch.board import Board
from modelwatch.inventory import Settings
from modelwatch.problems import Unreachable
from modelwatch.promql import duration_seconds

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; form-action 'self'"
)
_LONGEST_S = 366 * 86400
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_PERIODS = ("15m", "1h", "6h", "1d", "7d", "30d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is served. `wanted` and `since` hold until a URL says otherwise.

    `settings` are those of the inventory as it is now.
    """

    boards: tuple[Board, ...]
    prometheus: Prometheus
    settings: Callable[[], Settings]
    wanted: Mapping[str, tuple[str, ...]]
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that an address asks for: `6h`, or Unix milliseconds as Grafana and links write it.

    Only after milliseconds can `until` be another time than now.
    """

    since: str
    until: str = "now"

    @property
    def absolute(self) -> bool:
        """Whether it begins at a fixed time."""
        return self.since.isdecimal()

    @property
    def shown(self) -> str:
        """The beginning, to read."""
        if not self.absolute:
            return self.since
        return f"{datetime.fromtimestamp(int(self.since) / 1000, UTC):since %Y-%m-%d %H:%M UTC}"

    @property
    def parameters(self) -> Mapping[str, str]:
        """For the address of another board."""
        return (
            {"from": self.since, "to": self.until}
            if self.absolute
            else {"from": f"now-{self.since}"}
        )

    def period(self, now: float) -> Period:
        """The time as it is now."""
        if not self.absolute:
            return period_of(self.since, now)
        end = now if self.until == "now" else int(self.until) / 1000
        return Period(start=int(self.since) / 1000, end=end)


def application(site: Site) -> web.Application:
    """The site: `/` and `/d/UID`, with Grafana's `var-NAME` and `from`."""
    return web.Application(
        [
            ("/", _Start, {"site": site}),
            ("/d/([a-z0-9-]+)", _Page, {"site": site}),
            ("/plotly.min.js", _Script),
            ("/-/ready", _Ready),
        ],
        log_function=lambda _: None,
    )


class _Start(web.RequestHandler):
    """Leads to the first board that shows every model."""

    def initialize(self, site: Site) -> None:
        self.site = site

    def get(self) -> None:
        every = [board for board in self.site.boards if board.uid.endswith("fleet")]
        self.redirect(f"/d/{(every or self.site.boards)[0].uid}")


class _Ready(web.RequestHandler):
    """Tells whoever started us that we answer."""

    def get(self) -> None:
        self.write("ready\n")


class _Script(web.RequestHandler):
    """plotly's program, kept by the browser."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "max-age=86400")
        self.write(get_plotlyjs())


class _Page(web.RequestHandler):
    """One board as it is now."""

    def initialize(self, site: Site) -> None:
        self.site = site

    async def get(self, uid: str) -> None:
        board = next((board for board in self.site.boards if board.uid == uid), None)
        if board is None:
            raise web.HTTPError(404)
        wanted = dict(self.site.wanted)
        for variable in board.drop_downs:
            if values := self.get_arguments(f"var-{variable.name}", strip=False):
                wanted[variable.name] = tuple(values)
        span = self._span(board)
        try:
            html = await asyncio.to_thread(_drawn, self.site, board, wanted, span)
        except (Unreachable, QueryError) as failure:
            self.set_status(502)
            html = f"<!doctype html><title>modelwatch preview</title><p>{escape(str(failure))}</p>"
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(html)

    def _span(self, board: Board) -> Span:
        """What the address asks for, if it can be; else what the command or the board says."""
        asked, until = self.get_argument("from", ""), self.get_argument("to", "now")
        if _MILLISECONDS.fullmatch(asked):
            span = Span(since=asked, until=until if _MILLISECONDS.fullmatch(until) else "now")
            if 0 < span.period(time.time()).seconds <= _LONGEST_S:
                return span
        elif 0 < duration_seconds(asked.removeprefix("now-")) <= _LONGEST_S:
            return Span(since=asked.removeprefix("now-"))
        return Span(since=self.site.since or board.since.removeprefix("now-"))


def _drawn(site: Site, board: Board, wanted: Mapping[str, tuple[str, ...]], span: Span) -> str:
    reach(site.prometheus)
    found = view(board, wanted, site.prometheus, span.period(time.time()), site.settings())
    kept = {name: list(wanted.get(name, ())) for name in ("environment", "team", "model")}
    boards = {each.uid: (each.title, _address(each.uid, kept, span)) for each in site.boards}

    def href(uid: str, labels: Mapping[str, str]) -> str | None:
        clicked = {name: [value] for name, value in labels.items()}
        return _address(uid, {**kept, "model": [], **clicked}, span)

    frame = Frame(
        script='<script src="/plotly.min.js"></script>',
        policy=POLICY,
        source=site.prometheus.shown,
        form=_form(found, span),
        refresh_s=int(duration_seconds(board.refresh)) if span.until == "now" else 0,
    )
    return page([Section(anchor=board.uid, view=found)], boards, frame, href)


def _address(uid: str, chosen: Mapping[str, list[str]], span: Span) -> str:
    query = [(f"var-{name}", value) for name, values in chosen.items() for value in values if value]
    return f"/d/{uid}?{urlencode([*query, *span.parameters.items()])}"


def _form(found: View, span: Span) -> str:
    """The drop-downs of the board."""
    fields = []
    for variable in found.board.drop_downs:
        one = found.chosen[variable.name]
        offered = [*(["All"] if variable.everything else []), *one.choices]
        offered += [value for value in one.picked if value not in offered]
        many = " multiple size=3" if len(one.picked) > 1 else ""
        fields.append(
            f'<label>{escape(variable.title)} <select name="var-{escape(variable.name)}"{many}>'
            f"{_options(offered, one.picked or ('All',))}</select></label>"
        )
    periods = list(dict.fromkeys([span.since, *_PERIODS]))
    offered_periods = _options(periods, (span.since,), {span.since: span.shown})
    fields.append(f'<label>Last <select name="from">{offered_periods}</select></label>')
    if span.absolute:
        fields.append(f'<input type="hidden" name="to" value="{span.until}">')
    return f'<form method="get">{"".join(fields)}<button>Show</button></form>'


def _options(
    offered: list[str], picked: tuple[str, ...], shown: Mapping[str, str] | None = None
) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value in picked else ""}>'
        f"{escape((shown or {}).get(value, value))}</option>"
        for value in offered
    )
