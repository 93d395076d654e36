"""Our exporters in the cluster: what they run as, and how the operator finds them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compose.native.exporters import declared
from generator.kubernetes import workloads
from generator.kubernetes.kustomization import Component, Data
from generator.kubernetes.objects import Object, labels, manifest, metadata
from generator.kubernetes.scraping import ADDED, HONOR_TIMESTAMPS, limits, runs_here
from generator.prometheus import pace
from modelwatch.inventory import Inventory, Settings, Source
from modelwatch.problems import ModelwatchError

CONFIG_MAP_BYTES = 1 << 20
"""Source: kubernetes.io/docs/concepts/configuration/configmap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    """An exporter that is to run in the cluster, and the jobs under which it is read."""

    name: str
    source: Source
    jobs: tuple[str, ...]

    @property
    def port(self) -> str:
        """As the inventory names it in `instance`."""
        targets = self.source.targets
        return targets[0].rpartition(":")[2] if targets else str(workloads.PORTS[self.name])


def components(inventory: Inventory) -> tuple[Component, ...]:
    """Those that the inventory declares; nothing where it declares none.

    Raises:
        ModelwatchError: the inventory is too large for a ConfigMap.
    """
    ours = tuple(_declared(inventory))
    if not ours:
        return ()
    if len(inventory.text.encode()) > CONFIG_MAP_BYTES:
        raise ModelwatchError(
            f"{inventory.path} is larger than 1 MiB, which is more than a ConfigMap of Kubernetes "
            "holds; split it into several inventories, one per cluster or team"
        )
    files = {
        workloads.INVENTORY_FILE: _with_plain_ends_of_lines(inventory.text),
        **{f"{one.name}.yaml": manifest(_objects(one, inventory)) for one in ours},
    }
    main = Component(
        name="exporters",
        title="The exporters of modelwatch that the inventory declares.",
        files=files,
        resources=tuple(f"{one.name}.yaml" for one in ours),
        config_maps=(
            Data(
                name=workloads.INVENTORY,
                component="inventory",
                files=(workloads.INVENTORY_FILE,),
            ),
        ),
    )
    return (main, _host_processes()) if any(one.name == "gpu" for one in ours) else (main,)


def _with_plain_ends_of_lines(text: str) -> str:
    """Ends of lines as they are read back, or the file would differ from itself for ever."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _declared(inventory: Inventory) -> Iterator[_Ours]:
    """Where an inventory says that a job has them already, they are not ours to run.

    Cards are the exception: a job of all nodes cannot name them one by one.
    """
    by_name: dict[str, list[Source]] = {}
    for name, source in declared(inventory):
        if runs_here(source) and (source.targets or name == "gpu"):
            by_name.setdefault(name, []).append(source)
    for name, sources in sorted(by_name.items()):
        jobs = dict.fromkeys(source.scraped_job for source in sources)
        yield _Ours(name=name, source=sources[0], jobs=tuple(jobs))


def _objects(one: _Ours, inventory: Inventory) -> Iterator[Object]:
    yield workloads.workload(one.name, inventory, copies=_copies(one))
    if one.name != "gpu":
        yield workloads.service(one.name)
    yield _monitor(one, inventory.settings)


def _copies(one: _Ours) -> int:
    """Only the inventory exporter may be there twice: two probes would ask twice as often."""
    return len(one.source.targets) if one.name == "inventory" else 1


def _monitor(one: _Ours, settings: Settings) -> Object:
    """Cards are found by pod, for a service would hide of which node they are."""
    cards = one.name == "gpu"
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor" if cards else "ServiceMonitor",
        "metadata": metadata(workloads.full_name(one.name), one.name),
        "spec": {
            "selector": {"matchLabels": labels(one.name)},
            "podMetricsEndpoints" if cards else "endpoints": [
                _endpoint(job, _instance(one), settings) for job in one.jobs
            ],
            **limits(one.jobs[0]),
        },
    }


def _instance(one: _Ours) -> Object:
    """Cards are known by their node, one that runs alone by its target, copies by their pods."""
    if one.name != "gpu" and _copies(one) == 1:
        return {"replacement": one.source.targets[0]}
    name = "__meta_kubernetes_pod_node_name" if one.name == "gpu" else "__meta_kubernetes_pod_name"
    return {"sourceLabels": [name], "replacement": f"$1:{one.port}"}


def _endpoint(job: str, instance: Mapping[str, object], settings: Settings) -> Object:
    interval, timeout = pace(settings)
    return {
        "port": "metrics",
        "interval": interval,
        "scrapeTimeout": timeout,
        "honorLabels": True,
        "honorTimestamps": HONOR_TIMESTAMPS,
        "relabelings": [
            {"targetLabel": "job", "replacement": job},
            {**instance, "targetLabel": "instance"},
            {"action": "labeldrop", "regex": ADDED},
        ],
    }


def _host_processes() -> Component:
    """To say which model has which card, it must see other people's processes."""
    change = "- {op: add, path: /spec/template/spec/hostPID, value: true}\n"
    return Component(
        name="exporters-host-processes",
        title=(
            "Lets the GPU exporter see the processes of its host, to tell which model uses which\n"
            "card. The namespace must allow it: pod security level `privileged`."
        ),
        patches=(
            {
                "target": {"kind": "DaemonSet", "name": workloads.full_name("gpu")},
                "patch": change,
            },
        ),
    )
