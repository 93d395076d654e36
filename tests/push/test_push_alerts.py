"""`push --alerts` against rulers that answer as documented: Mimir's and Grafana's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.built_files import packed, rule_groups
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.push.alerts import difference, push
from generator.push.rulers import mimir
from generator.push.server import Grafana, Patience
from generator.targets import targets
from tests.command import Said, run
from tests.exporters.sample import ROOT
from tests.ruler_server import MIMIR, Ruler, running

MINIMAL = ROOT / "examples" / "minimal.yaml"
PROMETHEUS = {"uid": "p1", "name": "Metrics", "type": "prometheus", "isDefault": True}
FOLDER = "modelwatch alerts"


class Site:
    """A ruler and an inventory; `mimir` and `grafana` push the one into the other."""

    def __init__(self, ruler: Ruler, folder: Path) -> None:
        self.ruler = ruler
        self.inventory = folder / "models.yaml"
        self.inventory.write_text(MINIMAL.read_text())
        self.headers = folder / "headers"
        self.headers.write_text("X-Scope-OrgID: models\n")

    def mimir(self, *options: str) -> Said:
        at = ("--ruler", f"{self.ruler.url}/prometheus", "--headers-file", str(self.headers))
        return run("push", self.inventory, "--alerts", *at, *options)

    def grafana(self, *options: str) -> Said:
        return run("push", self.inventory, "--alerts", "--grafana", self.ruler.url, *options)

    def settings(self, text: str) -> None:
        self.inventory.write_text(f"settings: {{{text}}}\n{MINIMAL.read_text()}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with running() as ruler:
        ruler.datasources = [PROMETHEUS]
        yield Site(ruler, tmp_path)


def stored(site: Site, namespace: str) -> int:
    return sum(len(group["rules"]) for group in site.ruler.namespaces[namespace].values())


def rules_of(example: Path) -> int:
    files = targets()["prometheus"].files(inventory_at(str(example)), definitions())
    return sum(len(group["rules"]) for _, group in rule_groups(files))


def test_mimir_has_every_rule_and_a_second_run_changes_nothing(site: Site) -> None:
    said = site.mimir()
    assert said.code == 0, said.err
    assert stored(site, "modelwatch") == rules_of(MINIMAL)
    assert f"{site.ruler.url}/prometheus, namespace modelwatch: " in said.out
    site.ruler.calls.clear()
    again = site.mimir()
    assert again.code == 0, again.err
    assert "rule groups, nothing changed" in again.out
    assert site.ruler.calls == [f"GET {MIMIR}/modelwatch"]


def test_what_mimir_is_pushed_is_what_mimirtool_would_load(site: Site) -> None:
    site.mimir()
    files = targets()["mimir"].files(inventory_at(str(MINIMAL)), definitions())
    text = files["mimir/rules.yml"]
    names = set(site.ruler.namespaces["modelwatch"])
    assert {f"name: {name}" for name in names} <= {line.strip(" -") for line in text.splitlines()}
    assert text.count("\n  - name: ") == len(names)


def test_grafana_has_every_rule_and_a_second_run_changes_nothing(site: Site) -> None:
    said = site.grafana()
    assert said.code == 0, said.err
    assert stored(site, FOLDER) == rules_of(MINIMAL)
    assert f"folder {FOLDER}: " in said.out
    site.ruler.calls.clear()
    assert "rule groups, nothing changed" in site.grafana().out
    assert site.ruler.writes == []


def test_rules_in_grafana_have_lasting_ids_and_name_the_value_of_their_query(site: Site) -> None:
    site.grafana()
    group = site.ruler.namespaces[FOLDER]["modelwatch-alerts-endpoint"]
    down = group["rules"][0]
    assert down["labels"]["__grafana_alert_rule_uid__"] == "ModelEndpointDown-7e74c8ce2dc8"
    assert "{{ $values.query.Value | humanizePercentage }}" in down["annotations"]["summary"]
    ids = [
        rule["labels"]["__grafana_alert_rule_uid__"]
        for group in site.ruler.namespaces[FOLDER].values()
        for rule in group["rules"]
    ]
    assert len(set(ids)) == len(ids)


def test_recorded_series_come_before_the_alerts_that_ask_for_them(site: Site) -> None:
    site.mimir()
    names = list(site.ruler.namespaces["modelwatch"])
    kinds = [name.split("-")[1] for name in names]
    assert kinds == sorted(kinds, key=lambda kind: kind == "alerts")
    assert "alerts" in kinds


def test_only_what_differs_is_put_and_a_dry_run_says_what(site: Site) -> None:
    site.mimir()
    site.settings("keep_firing_for: false")
    site.ruler.calls.clear()
    dry = site.mimir("--dry-run")
    assert dry.code == 1
    assert "    ~ ModelEndpointDown | keep_firing_for" in dry.out
    assert "nothing was changed" in dry.err
    assert site.ruler.writes == []
    said = site.mimir()
    assert said.code == 0
    assert len(site.ruler.writes) == said.out.count("changed     ")
    assert "unchanged" in said.out
    assert site.mimir("--dry-run").code == 0


def test_a_rule_that_a_person_changed_there_is_put_right(site: Site) -> None:
    site.mimir()
    groups = site.ruler.namespaces["modelwatch"]
    name = next(name for name in groups if "alerts" in name)
    was = groups[name]["rules"][0]["expr"]
    groups[name]["rules"][0]["expr"] = "vector(0)"
    said = site.mimir()
    assert "| vector(0)" in said.out
    assert groups[name]["rules"][0]["expr"] == was


def test_other_namespaces_are_never_touched_and_groups_only_when_asked_to(site: Site) -> None:
    theirs = {"name": "theirs", "interval": "1m", "rules": [{"record": "a:b", "expr": "1"}]}
    site.ruler.namespaces["other"]["theirs"] = theirs
    site.ruler.namespaces["modelwatch"]["modelwatch-old"] = {**theirs, "name": "modelwatch-old"}
    said = site.mimir()
    assert "left        modelwatch-old" in said.out
    assert "--prune removes" in said.err
    assert "modelwatch-old" in site.ruler.namespaces["modelwatch"]
    dry = site.mimir("--prune", "--dry-run")
    assert (dry.code, "removed     modelwatch-old" in dry.out) == (1, True)
    assert site.mimir("--prune").code == 0
    assert "modelwatch-old" not in site.ruler.namespaces["modelwatch"]
    assert site.ruler.namespaces["other"] == {"theirs": theirs}
    assert not [call for call in site.ruler.calls if "/other" in call]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_waited_for(site: Site, status: int) -> None:
    site.ruler.fail(status, "busy", times=2, after=3)
    said = site.mimir()
    assert said.code == 0, said.err
    assert stored(site, "modelwatch") == rules_of(MINIMAL)


def test_a_server_that_fails_half_way_is_completed_by_a_second_run(site: Site) -> None:
    site.ruler.fail(500, "out of memory", times=1000, after=4)
    said = site.mimir()
    assert said.code == 3
    assert "Mimir says 500: out of memory; 3 of " in said.err
    assert "rule groups are done, run this again for the others" in said.err
    assert len(site.ruler.namespaces["modelwatch"]) == 3
    site.ruler.failures.clear()
    site.ruler.calls.clear()
    assert site.mimir().code == 0
    assert len(site.ruler.writes) == len(site.ruler.namespaces["modelwatch"]) - 3
    assert stored(site, "modelwatch") == rules_of(MINIMAL)


def test_a_group_that_is_refused_is_told_and_the_others_are_pushed(site: Site) -> None:
    site.ruler.by_hand = {"modelwatch-alerts-latency"}
    said = site.grafana()
    assert said.code == 1
    assert (
        "modelwatch-alerts-latency: Grafana says 409: cannot update rule group: provenance does "
        "not match; somebody made rules of these names by hand; remove or rename them"
    ) in said.err
    assert "1 of" in said.err
    assert len(site.ruler.namespaces[FOLDER]) > 50


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (400, "rule 3: could not parse expression: 1:4: parse error", "1:4: parse error"),
        (401, "wrong password", "say who you are"),
        (403, "forbidden", "may not write rules"),
        (413, "", "takes no request of that size"),
    ],
)
def test_each_refusal_says_what_to_do(site: Site, status: int, text: str, told: str) -> None:
    site.ruler.fail(status, text, times=1000, after=1)
    said = site.mimir()
    assert said.code == 1
    assert f"Mimir says {status}" in said.err
    assert told in said.err


def test_a_grafana_without_that_api_says_so_once(site: Site) -> None:
    site.ruler.fail(404, "Not found", times=1000, after=2)
    said = site.grafana()
    assert said.code == 1
    assert said.err == (
        "error: Grafana says 404: Not found; no ruler is there: is the address right, its API "
        "enabled, is Grafana 12 or later?\n"
    )


def test_who_is_not_known_is_told_once(site: Site) -> None:
    site.headers.write_text("")
    said = site.mimir()
    assert said.code == 1
    assert said.err.count("Mimir says 401") == 1
    assert "X-Scope-OrgID: NAME in a --headers-file" in said.err


def test_a_wrong_path_and_a_silent_server_are_not_taken_for_an_empty_ruler(site: Site) -> None:
    at = ("--alerts", "--ruler")
    wrong = run("push", site.inventory, *at, site.ruler.url, "--headers-file", site.headers)
    assert wrong.code == 1
    assert wrong.err.count("no ruler is there: is the address right") == 1
    silent = run("push", site.inventory, *at, "http://127.0.0.1:9")
    assert silent.code == 3
    assert "no Mimir answers at http://127.0.0.1:9" in silent.err


def test_more_groups_than_mimir_takes_are_refused_in_its_words(site: Site) -> None:
    for number in range(60):
        name = f"g{number}"
        site.ruler.namespaces["other"][name] = {"name": name, "interval": "1m", "rules": []}
    said = site.mimir()
    assert said.code == 1
    assert "per-user rule groups limit (limit: 70 actual: 71) exceeded" in said.err
    assert "raise Mimir's limits" in said.err


def test_grafana_without_recording_rules_says_how_to_let_it_have_them(site: Site) -> None:
    site.ruler.recording = False
    said = site.grafana()
    assert said.code == 1
    assert "Cannot import recording rules" in said.err
    assert "[recording_rules] enabled = true" in said.err


def test_grafana_needs_a_data_source_and_time_that_is_not_compressed(site: Site) -> None:
    site.ruler.datasources = []
    said = site.grafana()
    assert said.code == 1
    assert "--datasource" in said.err
    site.settings("time_compression: 20")
    said = site.grafana()
    assert "Grafana evaluates every 10 seconds" in said.err
    assert site.ruler.writes == []


def test_no_secret_is_repeated_when_a_server_repeats_it(site: Site) -> None:
    site.headers.write_text("X-Scope-OrgID: models\nX-Key: tr0ub4dor\n")
    site.ruler.fail(400, "bad key tr0ub4dor", times=1000, after=1)
    said = site.mimir()
    assert "bad key" in said.err
    assert "tr0ub4dor" not in said.err + said.out


def test_a_ruler_is_where_alerts_go() -> None:
    said = run("push", MINIMAL, "--ruler", "http://localhost:8080/prometheus")
    assert said.code == 2
    assert "--ruler is where --alerts go" in said.err


def test_a_server_that_asks_to_wait_is_waited_for_as_long(site: Site) -> None:
    site.ruler.fail(429, "slow down", Retry_After="7", after=1)
    waited: list[float] = []
    server = Grafana(
        url=f"{site.ruler.url}/prometheus", name="Mimir", patience=Patience(sleep=waited.append)
    )
    server.session.headers["X-Scope-OrgID"] = "models"
    files = targets()["prometheus"].files(inventory_at(str(MINIMAL)), definitions())
    assert list(push(mimir(server), packed(rule_groups(files)), prune=False, dry=False))
    assert waited == [7]


def test_durations_are_compared_by_what_they_mean() -> None:
    rule = {"alert": "A", "expr": "up == 0\n", "for": "60m"}
    here = {"name": "g", "interval": "60s", "rules": [rule]}
    written = {"alert": "A", "expr": "up == 0", "for": "1h", "labels": {}}
    there = {
        "name": "g",
        "interval": "1m",
        "limit": 0,
        "rules": [written],
    }
    assert list(difference(there, here)) == []
    slower = {**there, "interval": "10m", "rules": [written, {"record": "a:b", "expr": "1"}]}
    assert list(difference(slower, here)) == ["~ interval: 600 -> 60", "- a:b"]
