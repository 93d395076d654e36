"""Pods of our exporters: without root, with nothing that they do not need."""

from generator.kubernetes.kustomization import IMAGE
from generator.kubernetes.objects import Object, labels, metadata
from generator.kubernetes.secret_keys import keys
from modelwatch.inventory import Inventory, Settings

PORTS = {"gpu": 9465, "probe": 9466, "quality": 9467, "inventory": 9468, "drift": 9469}
INVENTORY = "modelwatch-inventory"
INVENTORY_FILE = "models.yaml"
BASELINES = "modelwatch-baselines"
"""A ConfigMap with the files that models name as `baseline: /baselines/NAME.json`."""
PROMETHEUS = "http://prometheus-operated:9090"
"""The service that Prometheus Operator makes for every Prometheus, in its namespace."""

_USER = 65532
_STATE = "/var/lib/modelwatch"
_INVENTORY_PATH = "/inventory"
_BASELINES_MOUNT: Object = {"name": "baselines", "mountPath": "/baselines", "readOnly": True}
_TOKEN_PATH = "/token"  # noqa: S105  # a folder
_KEEPS_STATE = ("probe", "quality", "drift")
"""Caps that were used up, and what arrived: all must outlive the pod."""
_TAKES_DATA = ("quality", "drift")
"""Whoever sends must show a token."""


def full_name(name: str) -> str:
    """Name of everything that belongs to an exporter, and of its Secret."""
    return f"modelwatch-{name}"


def workload(name: str, inventory: Inventory, *, copies: int) -> Object:
    """What runs it: on each node with cards, with a volume of its own, or anywhere."""
    template = {"metadata": {"labels": labels(name)}, "spec": _pod(name, inventory)}
    spec: Object = {"selector": {"matchLabels": labels(name)}, "template": template}
    if name == "gpu":
        spec["updateStrategy"] = {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "10%"},
        }
        return _object("DaemonSet", name, spec)
    if name in _KEEPS_STATE:
        spec = {"replicas": copies, "serviceName": full_name(name), **spec}
        spec["volumeClaimTemplates"] = [
            {
                "metadata": {"name": "state"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
        ]
        return _object("StatefulSet", name, spec)
    return _object("Deployment", name, {"replicas": copies, **spec})


def service(name: str) -> Object:
    """The name by which it is scraped, and by which programs push to it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(full_name(name), name),
        "spec": {
            "selector": labels(name),
            "ports": [{"name": "metrics", "port": PORTS[name], "targetPort": "metrics"}],
        },
    }


def _object(kind: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata(full_name(name), name),
        "spec": spec,
    }


def _pod(name: str, inventory: Inventory) -> Object:
    secrets = _secret_files(name, inventory)
    volumes: list[Object] = [{"name": "inventory", "configMap": {"name": INVENTORY}}]
    if name not in _KEEPS_STATE:
        volumes.append({"name": "state", "emptyDir": {"sizeLimit": "64Mi"}})
    if name == "drift":
        volumes.append({"name": "baselines", "configMap": {"name": BASELINES, "optional": True}})
    if secrets:
        volumes.append({"name": "secrets", "secret": {"secretName": full_name(name)}})
    return {
        **(_on_cards() if name == "gpu" else {}),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, inventory, secrets)],
        "volumes": volumes,
    }


def _on_cards() -> Object:
    """Nodes that NVIDIA's GPU operator or device plugin has labelled, whatever they repel."""
    return {
        "runtimeClassName": "nvidia",
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }


def _container(name: str, inventory: Inventory, secrets: dict[str, str]) -> Object:
    port = PORTS[name]
    return {
        "name": "exporter",
        "image": IMAGE,
        "args": [
            name,
            f"--inventory={_INVENTORY_PATH}/{INVENTORY_FILE}",
            f"--listen=:{port}",
            *_options(name, inventory),
        ],
        **({"env": _cards()} if name == "gpu" else {}),
        "ports": [{"name": "metrics", "containerPort": port}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "20m", "memory": "96Mi"},
            "limits": {"memory": "256Mi"},
        },
        "livenessProbe": _asks("/-/healthy"),
        "readinessProbe": _asks("/-/ready"),
        "volumeMounts": [
            {"name": "inventory", "mountPath": _INVENTORY_PATH, "readOnly": True},
            {"name": "state", "mountPath": _STATE},
            *([_BASELINES_MOUNT] if name == "drift" else ()),
            *(
                # One file each: the folder may be one of the system's, such as /etc/ssl.
                {"name": "secrets", "mountPath": path, "subPath": key, "readOnly": True}
                for path, key in secrets.items()
            ),
        ],
    }


def _options(name: str, inventory: Inventory) -> tuple[str, ...]:
    match name:
        case "gpu":
            return ("--host=$(NODE_NAME)", *_pool(inventory))
        case "quality" | "drift":
            return (f"--token-file={_TOKEN_PATH}/token",)
        case "inventory":
            own = inventory.settings.prometheus_url
            return (f"--prometheus-url={PROMETHEUS if own == Settings().prometheus_url else own}",)
        case _:
            return ()


def _pool(inventory: Inventory) -> tuple[str, ...]:
    """The pool of all nodes, where there is one: nodes that come and go are listed nowhere."""
    pools = [
        pool
        for pool in inventory.pools
        if any(source.engine == "modelwatch_gpu" for source in pool.sources)
    ]
    if len(pools) != 1 or pools[0].hosts:
        return ()
    return (f"--pool={pools[0].name}", f"--environment={pools[0].environment}")


def _cards() -> list[Object]:
    """Seen by all, taken from nobody: no card is asked for, the driver shows every one."""
    node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    return [
        {"name": "NODE_NAME", "valueFrom": node},
        {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
    ]


def _asks(path: str) -> Object:
    return {
        "httpGet": {"path": path, "port": "metrics"},
        "periodSeconds": 15,
        "timeoutSeconds": 5,
        "failureThreshold": 4,
    }


def _secret_files(name: str, inventory: Inventory) -> dict[str, str]:
    """Path in the container to key of the exporter's Secret."""
    if name in _TAKES_DATA:
        return {f"{_TOKEN_PATH}/token": "token"}
    if name != "probe":
        return {}
    paths: list[str] = [
        path
        for model in inventory.models
        for probe in model.probes
        for path in (probe.key_file, probe.ca_file)
        if path
    ]
    return keys(full_name(name), paths)
