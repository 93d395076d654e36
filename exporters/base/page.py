"""The page that is scraped: in which form, within which time."""

import math
import zlib
from dataclasses import dataclass

from tornado.httputil import HTTPHeaders

from exporters.base import rendering
from exporters.base.exporter import Reply
from exporters.base.site import Families

SCRAPE_S = 8.0
"""What a page may take when the scraper says nothing; Prometheus gives it 10 seconds."""
LONGEST_SCRAPE_S = 120.0
RESERVE_S = 0.5
"""Kept of what the scraper gives, to write and send the page; a fifth of it where that is less."""
GRACE_S = 5.0
"""A page that is this much later than its deadline is not waited for: a source ignores its own."""
GZIP_LEVEL = 1
"""A third larger than level 6 for a quarter of its time."""

_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a scraper asks for; `deadline_s` is what the collectors have."""

    openmetrics: bool
    gzip: bool
    deadline_s: float


def wanted(headers: HTTPHeaders) -> Wanted:
    """What these headers ask for."""
    return Wanted(
        openmetrics=rendering.wants_openmetrics(headers.get("Accept", "")),
        gzip=_accepts_gzip(headers.get("Accept-Encoding", "")),
        deadline_s=_deadline_s(headers.get(_TIMEOUT, "")),
    )


def write(families: Families, asked: Wanted) -> Reply:
    """Collect and write; takes up to the deadline."""
    text = rendering.render(families(asked.deadline_s), openmetrics=asked.openmetrics)
    if asked.gzip:
        packing = zlib.compressobj(GZIP_LEVEL, wbits=zlib.MAX_WBITS | 16)  # 16: a gzip header
        text = packing.compress(text) + packing.flush()
    return _reply(text, asked)


def without_body(asked: Wanted) -> Reply:
    """The answer to HEAD: nothing is collected for it."""
    return _reply(b"", asked)


def _reply(body: bytes, asked: Wanted) -> Reply:
    kind = rendering.CONTENT_TYPE_TEXT
    if asked.openmetrics:
        kind = rendering.CONTENT_TYPE_OPENMETRICS
    encoding = {"Content-Encoding": "gzip"} if asked.gzip else {}
    return Reply(
        body=body, content_type=kind, headers={"Vary": "Accept, Accept-Encoding", **encoding}
    )


def _accepts_gzip(header: str) -> bool:
    for part in header.split(","):
        coding, _, weight = part.replace(" ", "").lower().partition(";q=")
        if coding in ("gzip", "*"):
            return weight.strip("0.") != "" if weight else True
    return False


def _deadline_s(header: str) -> float:
    try:
        given = float(header)
    except ValueError:
        return SCRAPE_S
    if not math.isfinite(given) or given <= 0:
        return SCRAPE_S
    return min(given - min(RESERVE_S, given / 5), LONGEST_SCRAPE_S)
