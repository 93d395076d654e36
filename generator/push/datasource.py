"""Which Prometheus the boards open with: chosen by name, by uid, or the default one."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from generator.push.replies import Refused
from generator.push.server import Grafana, Json
from modelwatch.problems import ModelwatchError

_TYPE = "prometheus"
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A data source, or none: then Grafana chooses when a board is opened. `warning` says why."""

    uid: str = ""
    name: str = ""
    warning: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})" if self.uid else "the default one"


def choose(grafana: Grafana, asked: str) -> Choice:
    """The data source that is asked for; without a wish the default one, or the only Prometheus.

    Raises:
        ModelwatchError: the one that is asked for is not there, or no Prometheus.
    """
    try:
        sources = grafana.ask("GET", "/api/datasources")
    except Refused as refusal:
        if refusal.status != 403:
            raise
        return _unseen(asked)
    if asked and asked != DEFAULT:
        return _named(sources, asked)
    return _default(sources, demanded=asked == DEFAULT)


def applied(content: Json, choice: Choice) -> Json:
    """The board with this data source selected."""
    if not choice.uid:
        return content
    templating = content["templating"]
    variables = [
        {**variable, "current": {"text": choice.name, "value": choice.uid}}
        if variable["name"] == "datasource"
        else variable
        for variable in templating["list"]
    ]
    return {**content, "templating": {**templating, "list": variables}}


def _unseen(asked: str) -> Choice:
    why = "the token may not list data sources (datasources:read)"
    if asked and asked != DEFAULT:
        return Choice(
            uid=asked, name=asked, warning=f"{why}; '{asked}' is taken for a uid and not checked"
        )
    return Choice(warning=f"{why}; boards open with the default one, Prometheus or not")


def _named(sources: Iterable[Json], asked: str) -> Choice:
    known = list(sources)
    found = [each for each in known if asked in (each["uid"], each["name"])]
    fitting = [each for each in found if each["type"] == _TYPE]
    if fitting:
        return _chosen(fitting[0])
    if found:
        raise ModelwatchError(
            f"data source '{asked}' is of type {found[0]['type']}; boards need a Prometheus: "
            f"{_listed(known)}"
        )
    names = [str(each[key]) for each in known for key in ("name", "uid")]
    near = get_close_matches(asked, names, n=1)
    hint = f"did you mean '{near[0]}'? There are" if near else "there are"
    raise ModelwatchError(f"there is no data source '{asked}'; {hint}: {_listed(known)}")


def _default(sources: list[Json], *, demanded: bool) -> Choice:
    candidates = [each for each in sources if each["type"] == _TYPE]
    default = [each for each in sources if each.get("isDefault")]
    if default and default[0] in candidates:
        return _chosen(default[0])
    if demanded:
        what = f"is '{default[0]['name']}', a {default[0]['type']}" if default else "is not set"
        raise ModelwatchError(
            f"the default data source {what}; boards need a Prometheus: {_listed(sources)}"
        )
    if len(candidates) == 1:
        return _chosen(candidates[0])
    if not candidates:
        return Choice(
            warning="there is no Prometheus data source; boards stay empty until there is one"
        )
    return Choice(
        warning="several data sources could be meant and none is the default; choose one with "
        f"--datasource: {_listed(sources)}"
    )


def _chosen(source: Json) -> Choice:
    return Choice(uid=str(source["uid"]), name=str(source["name"]))


def _listed(sources: Iterable[Json]) -> str:
    found = [f"{each['name']} ({each['uid']})" for each in sources if each["type"] == _TYPE]
    return ", ".join(found) or "none"
