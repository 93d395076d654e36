"""Questions to a Prometheus: what it answers, and how it fails."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from modelwatch.problems import Unreachable

_TIMEOUT_S = (5, 60)
"""To connect, and between two parts of an answer."""
_SHOWN = 300


class QueryError(Exception):
    """One query failed, while the Prometheus itself answers; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples under one label set. Times are Unix seconds; values may be NaN."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def finite(self) -> tuple[float, ...]:
        """The values that are numbers."""
        return tuple(value for value in self.values if math.isfinite(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time that is looked at, in Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """Anything that speaks Prometheus' query API. Its address may carry a name and password."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def shown(self) -> str:
        """The address without its name and password."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def instant(self, query: str, at: float) -> tuple[Series, ...]:
        """The newest value of each series.

        Raises:
            QueryError: the query failed.
            Unreachable: nobody answers.
        """
        return _series(self._ask("query", {"query": query, "time": f"{at:.3f}"}))

    def range(self, query: str, period: Period, step_s: float) -> tuple[Series, ...]:
        """The values of each series over time; raises like `instant`."""
        step = max(step_s, 0.001)
        start = math.floor(period.start / step) * step
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{period.end:.3f}"}
        return _series(self._ask("query_range", {**asked, "step": f"{step:.3f}"}))

    def label_values(self, label: str, selector: str, period: Period) -> tuple[str, ...]:
        """The values of a label, of every series that was there; raises like `instant`."""
        asked = {"start": f"{period.start:.3f}", "end": f"{period.end:.3f}"}
        if selector:
            asked["match[]"] = selector
        found = self._ask(f"label/{label}/values", asked, method="GET")
        if not isinstance(found, list):
            raise QueryError("the answer is no list of values")
        return tuple(str(value) for value in found)

    def stepped(self, query: str, period: Period, step_s: float) -> tuple[Series, ...]:
        """Like `range`, at the start of the period and every step after it."""
        asked = {"query": query, "start": f"{period.start:.3f}", "end": f"{period.end:.3f}"}
        return _series(self._ask("query_range", {**asked, "step": f"{step_s:.3f}"}))

    def clock(self) -> float:
        """What time it is there, in Unix seconds; raises like `instant`."""
        found = self._ask("query", {"query": "vector(time())"})
        return _series(found)[0].values[0]

    def look(self, what: str, **asked: str) -> Any:
        """What another part of the API says, which storages that are no Prometheus may lack.

        Raises:
            QueryError: it is not there, or refuses.
            Unreachable: nobody answers.
        """
        reply = self._reply(what, asked, "GET")
        try:
            return self._data(reply)
        except Unreachable as failure:
            raise QueryError(f"it has no /api/v1/{what}: status {reply.status_code}") from failure

    def _ask(self, what: str, asked: Mapping[str, str], method: str = "POST") -> Any:
        return self._data(self._reply(what, asked, method))

    def _reply(self, what: str, asked: Mapping[str, str], method: str) -> requests.Response:
        place = "params" if method == "GET" else "data"
        try:
            return self.session.request(
                method,
                f"{self.url.rstrip('/')}/api/v1/{what}",
                timeout=_TIMEOUT_S,
                **{place: asked},  # type: ignore[arg-type]  # one of two names
            )
        except requests.ReadTimeout as failure:
            raise QueryError(f"no answer within {_TIMEOUT_S[1]} seconds") from failure
        except (requests.RequestException, ValueError) as failure:
            # The failure's own words may hold the password of the address.
            raise Unreachable(f"no Prometheus answers at {self.shown}") from failure

    def _data(self, reply: requests.Response) -> Any:
        try:
            content = reply.json()
        except ValueError:
            content = None
        if not isinstance(content, dict) or "status" not in content:
            raise Unreachable(
                f"what answers at {self.shown} is no Prometheus: status {reply.status_code}"
            )
        if content["status"] != "success":
            raise QueryError(str(content.get("error", f"status {reply.status_code}"))[:_SHOWN])
        return content.get("data")


def _series(answer: Any) -> tuple[Series, ...]:
    kind, found = answer.get("resultType"), answer.get("result", [])
    if kind in ("scalar", "string"):
        found = [{"metric": {}, "value": found}]
    return tuple(_one(each) for each in found)


def _one(each: Mapping[str, Any]) -> Series:
    """One series; native histograms, which none of our queries asks for, have no values here."""
    samples = each.get("values") or ([each["value"]] if "value" in each else [])
    return Series(
        labels=each.get("metric", {}),
        times=tuple(float(time) for time, _ in samples),
        values=tuple(float(value) for _, value in samples),
    )
