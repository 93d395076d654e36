"""Makes the schemas in this folder from published ones, with what our objects never use cut away.

python -m tests.kubernetes.trim PROMETHEUS_OPERATOR GRAFANA_OPERATOR KUBERNETES_SCHEMAS

The first two are sources as the Go module proxy has them, the third is a folder `v*-local-strict`
of the package kubernetes-validate. README.md says which versions these were.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.kubernetes.asked import SCHEMAS, documents

CRDS = {
    "example/prometheus-operator-crd/monitoring.coreos.com_{}.yaml": (
        "alertmanagerconfigs",
        "podmonitors",
        "prometheusrules",
        "scrapeconfigs",
        "servicemonitors",
    ),
    "config/crd/bases/grafana.integreatly.org_{}.yaml": ("grafanadashboards", "grafanafolders"),
}
CORE = (
    "configmap-v1",
    "daemonset-apps-v1",
    "deployment-apps-v1",
    "secret-v1",
    "service-v1",
    "statefulset-apps-v1",
)
TEXT = {"description", "default", "example", "title"}
UNUSED = {
    "status",
    "affinity",
    "appArmorProfile",
    "dnsConfig",
    "hostAliases",
    "httpConfig",
    "lifecycle",
    "managedFields",
    "ownerReferences",
    "readinessGates",
    "resourceClaims",
    "restartPolicyRules",
    "schedulingGates",
    "seLinuxOptions",
    "startupProbe",
    "topologySpreadConstraints",
    "volumeDevices",
    "windowsOptions",
    "oauth2",
    "tlsConfig",
    "ephemeralContainers",
    "initContainers",
    "discordConfigs",
    "msteamsConfigs",
    "pushoverConfigs",
    "rocketchatConfigs",
    "snsConfigs",
    "telegramConfigs",
    "victoropsConfigs",
    "webexConfigs",
    "wechatConfigs",
}
VOLUMES = {"name", "configMap", "emptyDir", "secret", "projected"}


def trimmed(schema: Any) -> Any:
    """Without prose and what is unused; what is not named is refused, as the API server does."""
    if isinstance(schema, list):
        return [trimmed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: trimmed(value)
        for key, value in schema.items()
        if key not in TEXT and not (key == "pattern" and isinstance(value, str) and foreign(value))
    }
    if isinstance(named := schema.get("properties"), dict):
        kept["properties"] = {
            name: trimmed(value) for name, value in named.items() if not unused(name, named)
        }
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    return kept


def foreign(pattern: str) -> bool:
    """Whether it is written as only Go reads it."""
    try:
        re.compile(pattern)
    except re.error:
        return True
    return False


def unused(name: str, siblings: Mapping[str, Any]) -> bool:
    """Kinds of discovery, receivers and volumes of which there are dozens."""
    if {"configMap", "emptyDir", "hostPath"} <= siblings.keys():
        return name not in VOLUMES
    return name in UNUSED or (
        name.endswith("SDConfigs") and name not in {"fileSDConfigs", "staticConfigs"}
    )


def custom(path: Path) -> Iterator[tuple[str, Any]]:
    """Each served version of a custom resource."""
    (document,) = documents(path.read_text("utf-8"))
    spec = document["spec"]
    for version in spec["versions"]:
        if version["served"]:
            schema = version["schema"]["openAPIV3Schema"]
            yield f"{spec['names']['kind']}.{version['name']}", trimmed(schema)


def core(folder: Path, name: str) -> tuple[str, Any]:
    """A kind of Kubernetes itself with every definition that it needs."""
    schema = json.loads((folder / f"{name}.json").read_text("utf-8"))
    known = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    result = trimmed(schema)
    wanted, found = list(references(result)), {}
    while wanted:
        reference = wanted.pop()
        if reference not in found:
            found[reference] = trimmed(known[reference])
            wanted += references(found[reference])
    text = json.dumps({**result, "$defs": found}).replace("/api/_definitions.json#", "#")
    (kind,) = {group["kind"] for group in schema["x-kubernetes-group-version-kind"]}
    return f"{kind}.v1", json.loads(text)


def references(schema: Any) -> Iterator[str]:
    """Names of definitions that a schema refers to."""
    parts = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict) and "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for part in parts if isinstance(parts, list) else list(parts):
        if isinstance(part, dict | list):
            yield from references(part)


def main(prometheus: str, grafana: str, kubernetes: str) -> None:
    """Write one file per kind and version."""
    roots = zip((prometheus, grafana), CRDS.items(), strict=True)
    found = dict(
        entry
        for root, (pattern, names) in roots
        for name in names
        for entry in custom(Path(root) / pattern.format(name))
    )
    found |= dict(core(Path(kubernetes), name) for name in CORE)
    for name, schema in found.items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        (SCHEMAS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
