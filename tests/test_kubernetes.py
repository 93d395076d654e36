"""Objects for Kubernetes: an API server takes them, they fit, and they hide no secret."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from generator import inventory_series
from generator.build import build
from generator.definitions import definitions
from generator.kubernetes import rules
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from tests.command import run
from tests.fleets import CHAT, fleet
from tests.kubernetes.asked import (
    MODELS,
    SCHEMAS,
    Object,
    components,
    documents,
    every_object,
    files,
    files_for,
    objects,
    refused,
)

EXAMPLES = Path(__file__).parent.parent / "examples"
ANNOTATIONS = 256 * 1024
"""`TotalAnnotationSizeLimitB` of k8s.io/apimachinery: one of them is the object as applied."""
ALL = list(every_object(files()))
IDS = [f"{one['kind']} {one['metadata']['name']}" for one in ALL]
WORKLOADS = [one for one in ALL if one["kind"] in {"DaemonSet", "Deployment", "StatefulSet"}]


@pytest.mark.parametrize("one", ALL, ids=IDS)
def test_the_published_schema_takes_every_object(one: Object) -> None:
    assert refused(one) == []


@pytest.mark.parametrize("name", ["minimal", "everything"])
def test_the_published_schemas_take_the_examples(name: str) -> None:
    written = files_for(inventory_at(str(EXAMPLES / f"{name}.yaml")))
    assert [problem for one in every_object(written) for problem in refused(one)] == []


def test_every_kind_is_checked_and_a_field_that_is_unknown_is_refused() -> None:
    assert {one["kind"] for one in ALL} == {path.name.split(".")[0] for path in SCHEMAS.iterdir()}
    for one in ALL:
        assert refused({**one, "specification": {}})
        if "spec" in one:
            assert refused({**one, "spec": {**one["spec"], "intervall": "15s"}})


def test_names_are_those_of_kubernetes_and_no_two_objects_have_one() -> None:
    alternatives = {"alerting-secret": "alerting", "exporters-outside": "exporters"}
    for left_out in (alternatives.keys(), alternatives.values()):
        seen = Counter(
            (one["kind"], one["metadata"]["name"])
            for component in components(files())
            if component not in left_out
            for one in objects(files(), component)
        )
        assert [name for name, times in seen.items() if times > 1] == []
    for one in ALL:
        name = one["metadata"]["name"]
        longest = 253 if one["kind"] == "PrometheusRule" else 63
        assert len(name) <= longest
        assert re.fullmatch(
            r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name
        )
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "modelwatch"
        assert "namespace" not in one["metadata"]


def groups(found: Iterable[Object]) -> dict[str, Object]:
    every = [group for one in found for group in one["spec"]["groups"]]
    by_name = {group["name"]: group for group in every}
    assert len(by_name) == len(every)
    return by_name


def rules_of(inventory: Inventory, built: Mapping[str, str]) -> dict[str, str]:
    """The text of each object, by file."""
    rows = inventory_series.constants(inventory, definitions().engines_of(inventory))
    return dict(rules.component(built, rows, inventory.settings).files)


def test_the_rules_are_those_of_the_rule_files() -> None:
    inventory = inventory_at(str(MODELS))
    built = build(inventory, definitions())
    wanted = {
        group["name"]: group
        for path, text in built.items()
        if path.startswith("prometheus/rules/") and not path.endswith("/inventory.yml")
        for group in documents(text)[0]["groups"]
    }
    (constants,) = documents(built["prometheus/rules/inventory.yml"])
    found = groups(objects(files(), "rules"))
    own = {name: found.pop(name) for name in list(found) if name.startswith("modelwatch-inventory")}
    assert found == wanted

    def written(found: list[Object]) -> list[str]:
        return sorted(
            json.dumps(rule, sort_keys=True) for group in found for rule in group["rules"]
        )

    assert written(list(own.values())) == written(constants["groups"])


def test_an_inventory_that_an_exporter_serves_is_in_no_rule() -> None:
    served = replace(fleet(), settings=replace(fleet().settings, constants="exporter"))
    assert rules_of(fleet(), {})
    assert not rules_of(served, {})


def many(count: int) -> Inventory:
    models = tuple(replace(CHAT, name=f"chat-{number:04}") for number in range(count))
    return replace(fleet(), models=models, budgets=())


def test_a_thousand_models_fit_and_one_more_is_one_object_more() -> None:
    before, after = rules_of(many(1000), {}), rules_of(many(1001), {})
    assert set(after) - set(before) == {"inventory/modelwatch-inventory.chat-1000.production.yaml"}
    assert {file: after[file] for file in before} == before
    assert len(before) == 1001
    assert max(map(len, before.values())) < ANNOTATIONS / 1.5


def test_every_object_can_be_applied_without_the_server() -> None:
    for one in ALL:
        assert len(json.dumps(json.dumps(one))) < ANNOTATIONS, one["metadata"]["name"]


def test_groups_that_are_too_much_for_one_object_are_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = build(fleet(), definitions())

    def found() -> dict[str, Object]:
        texts = rules_of(fleet(), built).values()
        return {one["metadata"]["name"]: one for text in texts for one in documents(text)}

    whole = found()
    monkeypatch.setattr("generator.kubernetes.rules.LIMIT", 30_000)
    split = found()
    assert set(split) - set(whole) >= {"modelwatch-recorded-2", "modelwatch-recorded-3"}
    assert groups(split.values()) == groups(whole.values())


def test_the_same_inventory_gives_the_same_bytes() -> None:
    assert files_for(inventory_at(str(MODELS))) == files()


@pytest.mark.parametrize("one", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_pods_are_what_the_restricted_pod_security_standard_allows(one: Object) -> None:
    pod = one["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not pod.keys() & {"hostPID", "hostNetwork", "hostIPC"}
    assert all(
        volume.keys() <= {"name", "configMap", "emptyDir", "secret"} for volume in pod["volumes"]
    )
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
        asked = {mount["name"] for mount in container["volumeMounts"]}
        claimed = {
            claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())
        }
        assert asked == {volume["name"] for volume in pod["volumes"]} | claimed


@pytest.mark.parametrize("one", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_the_exporter_knows_the_options_that_it_is_started_with(one: Object) -> None:
    (container,) = one["spec"]["template"]["spec"]["containers"]
    name, *options = container["args"]
    known = run("exporter", name, "--help").out
    assert all(option.partition("=")[0] in known for option in options)
    (port,) = container["ports"]
    assert f"--listen=:{port['containerPort']}" in options


def test_only_what_the_inventory_declares_is_run() -> None:
    assert sorted(one["metadata"]["name"] for one in WORKLOADS) == [
        "modelwatch-gpu",
        "modelwatch-inventory",
        "modelwatch-probe",
        "modelwatch-quality",
    ]
    assert "exporters" not in components(files_for(inventory_at(str(EXAMPLES / "minimal.yaml"))))
    elsewhere = files_for(inventory_at(str(EXAMPLES / "everything.yaml")))
    assert {one["metadata"]["name"] for one in objects(elsewhere, "exporters")} == {
        "modelwatch-drift",
        "modelwatch-inventory",
        "modelwatch-probe",
        "modelwatch-quality",
    }
    scraped = [one["spec"]["jobName"] for one in objects(elsewhere, "scraping")]
    assert "modelwatch_gpu-gpus" in scraped  # found by a file of the user's own


@pytest.mark.parametrize(
    ("change", "told"),
    [({"hosts": ()}, ["--pool=a100", "--environment=production"]), ({}, [])],
    ids=["any node", "listed nodes"],
)
def test_cards_of_nodes_that_nobody_lists_are_of_the_only_pool(
    change: dict[str, tuple[str, ...]], told: list[str]
) -> None:
    inventory = inventory_at(str(MODELS))
    (pool,) = inventory.pools
    every_node = replace(pool.sources[0], targets=(), job="cards")
    pools = (replace(pool, sources=(every_node,), **change),)  # type: ignore[arg-type]  # hosts
    found = {
        one["kind"]: one for one in objects(files_for(replace(inventory, pools=pools)), "exporters")
    }
    (container,) = found["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][4:] == told
    (endpoint,) = found["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert {"targetLabel": "job", "replacement": "cards"} in endpoint["relabelings"]


def test_the_exporters_read_the_inventory_as_it_was_written() -> None:
    (found,) = [
        one
        for one in ALL
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "modelwatch-inventory"
    ]
    assert found["data"] == {"models.yaml": MODELS.read_text("utf-8")}


def test_an_inventory_that_no_config_map_holds_is_refused() -> None:
    large = replace(inventory_at(str(MODELS)), text="#" * (1 << 20) + "\n")
    with pytest.raises(ModelwatchError, match="larger than 1 MiB"):
        files_for(large)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc/other/slack-url", "would be the same key 'slack-url' of the Secret"),
        ("/etc/other/slack url", "'slack url' cannot be a key of the Secret modelwatch-receivers"),
    ],
)
def test_a_file_that_cannot_be_a_key_of_its_own_is_refused(path: str, said: str) -> None:
    inventory = inventory_at(str(MODELS))
    known = inventory.receivers
    other = replace(known["room"], settings={"url_file": path})
    with pytest.raises(ModelwatchError, match=said):
        files_for(replace(inventory, receivers={**known, "room": other}))


def test_generate_says_how_to_apply_and_check_finds_nothing_to_change(tmp_path: Path) -> None:
    edited_on_windows = tmp_path / "models.yaml"
    edited_on_windows.write_bytes(MODELS.read_bytes().replace(b"\n", b"\r\n"))
    options = (edited_on_windows, "-o", tmp_path / "out", "--target", "kubernetes")
    said = run("generate", *options)
    assert said.code == 0, said.err
    assert f"next: kubectl apply --server-side -k {tmp_path}/out/kubernetes" in said.out
    assert run("generate", *options, "--check").code == 0
