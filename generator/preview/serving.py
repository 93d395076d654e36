"""The boards as a small site that asks anew with every request. It takes nothing in."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from plotly.offline import get_plotlyjs
from tornado import web

from generator.preview.answers import View, view
from generator.preview.asking import Prometheus, QueryError
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
_PERIODS = ("15m", "1h", "6h", "1d", "7d", "30d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is served. `wanted` and `since` hold until a URL says otherwise."""

    boards: tuple[Board, ...]
    prometheus: Prometheus
    settings: Settings
    wanted: Mapping[str, tuple[str, ...]]
    since: str = ""


def application(site: Site) -> web.Application:
    """The site: `/` and `/d/UID`, with Grafana's `var-NAME` and `from`."""
    return web.Application(
        [
            ("/", _Start, {"site": site}),
            ("/d/([a-z0-9-]+)", _Page, {"site": site}),
            ("/plotly.min.js", _Script),
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
        since = self._since(board)
        try:
            html = await asyncio.to_thread(_drawn, self.site, board, wanted, since)
        except (Unreachable, QueryError) as failure:
            self.set_status(502)
            html = f"<!doctype html><title>modelwatch preview</title><p>{escape(str(failure))}</p>"
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(html)

    def _since(self, board: Board) -> str:
        asked = self.get_argument("from", "").removeprefix("now-")
        if 0 < duration_seconds(asked) <= _LONGEST_S:
            return asked
        return self.site.since or board.since.removeprefix("now-")


def _drawn(site: Site, board: Board, wanted: Mapping[str, tuple[str, ...]], since: str) -> str:
    reach(site.prometheus)
    found = view(board, wanted, site.prometheus, period_of(since, time.time()), site.settings)
    kept = {name: list(wanted.get(name, ())) for name in ("environment", "team", "model")}
    boards = {each.uid: (each.title, _address(each.uid, kept, since)) for each in site.boards}

    def href(uid: str, labels: Mapping[str, str]) -> str | None:
        clicked = {name: [value] for name, value in labels.items()}
        return _address(uid, {**kept, "model": [], **clicked}, since)

    frame = Frame(
        script='<script src="/plotly.min.js"></script>',
        policy=POLICY,
        source=site.prometheus.shown,
        form=_form(found, since),
        refresh_s=int(duration_seconds(board.refresh)),
    )
    return page([Section(anchor=board.uid, view=found)], boards, frame, href)


def _address(uid: str, chosen: Mapping[str, list[str]], since: str) -> str:
    query = [(f"var-{name}", value) for name, values in chosen.items() for value in values if value]
    return f"/d/{uid}?{urlencode([*query, ('from', f'now-{since}')])}"


def _form(found: View, since: str) -> str:
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
    periods = list(dict.fromkeys([since, *_PERIODS]))
    fields.append(f'<label>Last <select name="from">{_options(periods, (since,))}</select></label>')
    return f'<form method="get">{"".join(fields)}<button>Show</button></form>'


def _options(offered: list[str], picked: tuple[str, ...]) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value in picked else ""}>{escape(value)}'
        "</option>"
        for value in offered
    )
