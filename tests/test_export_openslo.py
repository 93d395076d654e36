"""Our objectives as OpenSLO documents: valid, complete, and read back as they were."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from alerts.burn import WINDOWS
from generator.definitions import definitions
from generator.openslo_documents import PROMISED
from modelwatch.catalogue.recorded import SLO_BAD, SLO_TOTAL
from modelwatch.inventory import Inventory
from modelwatch.promql import select
from modelwatch.reading import read
from tests.command import Said, run
from tests.inventory_texts import EXAMPLES, ROOT, TOP

SCHEMA = json.loads((ROOT / "tests/openslo.schema.json").read_text("utf-8"))
Document = dict[str, Any]


def exported(path: Path) -> Said:
    said = run("export", "openslo", path)
    assert said.code == 0, said.err
    return said


@cache
def documents(path: Path) -> dict[tuple[str, str], Document]:
    """Documents by kind and name; no name is there twice."""
    loaded = list(yaml.safe_load_all(exported(path).out))
    found = {(one["kind"], one["metadata"]["name"]): one for one in loaded}
    assert len(found) == len(loaded)
    return found


def of_kind(path: Path, kind: str) -> list[Document]:
    return [one for (its, _), one in documents(path).items() if its == kind]


def everything() -> Path:
    return ROOT / "examples/everything.yaml"


def inventory_of(path: Path) -> Inventory:
    return read(path.name, path.read_bytes(), definitions().engines)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_documents_are_valid(path: Path) -> None:
    validator = Draft202012Validator(SCHEMA)
    for one in documents(path).values():
        assert [error.message for error in validator.iter_errors(one)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_whatever_a_document_refers_to_is_there(path: Path) -> None:
    found = documents(path)
    kinds = {
        "alertPolicyRef": "AlertPolicy",
        "conditionRef": "AlertCondition",
        "targetRef": "AlertNotificationTarget",
        "metricSourceRef": "DataSource",
        "service": "Service",
    }
    text = exported(path).out
    for key, name in re.findall(rf"^[ -]*({'|'.join(kinds)}): (\S+)$", text, re.MULTILINE):
        assert (kinds[key], name) in found


def test_every_objective_of_every_kind_is_a_document() -> None:
    promised = {
        (model.name, model.environment, slo.kind, slo.words, slo.window_days)
        for model in inventory_of(everything()).models
        for slo in model.slos
    }
    assert {kind for _, _, kind, _, _ in promised} == set(PROMISED)
    written = {
        (
            *(one["metadata"]["annotations"][key] for key in ("model", "environment", "slo")),
            one["spec"]["objectives"][0]["displayName"],
            int(one["spec"]["timeWindow"][0]["duration"].removesuffix("d")),
        )
        for one in of_kind(everything(), "SLO")
    }
    assert written == promised


def test_indicators_read_the_series_that_our_rules_record() -> None:
    for one in of_kind(everything(), "SLO"):
        facts = one["metadata"]["annotations"]
        where = {key: facts[key] for key in ("model", "environment", "slo")}
        ratio = one["spec"]["indicator"]["spec"]["ratioMetric"]
        queries = [ratio[side]["metricSource"]["spec"]["query"] for side in ("bad", "total")]
        assert queries == [select(SLO_BAD, where), select(SLO_TOTAL, where)]


def test_a_promise_over_thirty_days_burns_at_the_known_rates() -> None:
    thresholds = {
        (one["spec"]["condition"]["lookbackWindow"], one["spec"]["condition"]["threshold"])
        for one in of_kind(ROOT / "examples/demo.yaml", "AlertCondition")
    }
    assert thresholds == {("1h", 14.4), ("6h", 6), ("1d", 3), ("3d", 1)}
    assert {long for long, _ in thresholds} == {window.long for window in WINDOWS}


def test_nobody_is_told_where_the_policy_tells_nobody() -> None:
    slos = {one["metadata"]["name"]: one for one in of_kind(ROOT / "examples/demo.yaml", "SLO")}
    policies = slos["summarize-availability"]["spec"]["alertPolicies"]
    assert policies == [
        {"alertPolicyRef": "burn-1h-30d-ticket-assist"},
        {"alertPolicyRef": "burn-6h-30d-ticket-assist"},
    ]
    assert "policy 'tier-3' tells nobody" in exported(ROOT / "examples/demo.yaml").err


def test_two_environments_have_services_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        f"""{TOP}models:
  - name: chat
    team: assist
    environments: [production, staging]
    sources:
      - {{engine: vllm, targets: ["a:1"], environment: production}}
      - {{engine: vllm, targets: ["b:1"], environment: staging}}
    slo: {{availability: 99%}}
  - name: chat-production
    team: assist
    sources: [{{engine: vllm, targets: ["c:1"]}}]
    slo: {{availability: 99%}}
"""
    )
    names = [one["metadata"]["name"] for one in of_kind(path, "Service")]
    assert names[:2] == ["chat-production", "chat-staging"]
    assert re.fullmatch(r"chat-production-[0-9a-f]{8}", names[2])


def test_an_inventory_without_promises_is_told(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        f"{TOP}models: [{{name: chat, team: assist, sources: [{{engine: vllm, job: a}}]}}]\n"
    )
    said = run("export", "openslo", path)
    assert (said.code, said.out) == (1, "")
    assert "promises nothing" in said.err


def test_a_file_is_written_and_the_next_step_is_said(tmp_path: Path) -> None:
    output = tmp_path / "slos.yaml"
    said = run("export", "openslo", ROOT / "examples/minimal.yaml", "-o", output)
    assert said.out.startswith(f"wrote {output}: 13 documents, 2 objectives\nnext: ")
    assert run("export", "openslo", ROOT / "examples/minimal.yaml").out in output.read_text()
    assert run("export", "openslo", ROOT / "examples/minimal.yaml", "-o", tmp_path / "no/x").code


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_exported_is_imported_again_as_it_was(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "slos.yaml"
    run("export", "openslo", path, "-o", output)
    said = run("import", output)
    assert said.code == 0, said.err
    built_in = definitions().engines
    original = {
        model.key: model.slos
        for model in inventory_of(path).models
        if model.slos and all(source.engine in built_in for source in model.sources)
    }
    again = read("draft.yaml", said.out.encode(), built_in)
    assert {
        model.key: [(slo.kind, slo.words, slo.window_days, slo.score) for slo in model.slos]
        for model in again.models
    } == {
        key: [(slo.kind, slo.words, slo.window_days, slo.score) for slo in slos]
        for key, slos in original.items()
    }
