"""How pods are reached: Services, and the jobs that ServiceMonitors and PodMonitors make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generator.discover.found import Place
from generator.discover.pods import Pod, labels_of, namespace_of
from modelwatch.tree import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    name: str
    namespace: str
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    ports: tuple[tuple[int, str], ...]
    """Each port with what it leads to: a number or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Monitor:
    name: str
    namespace: str
    of_pods: bool
    selector: Mapping[str, str]
    namespaces: tuple[str, ...]
    everywhere: bool
    job_label: str

    def reaches(self, labels: Mapping[str, str], namespace: str) -> bool:
        """Whether it selects what has these labels there."""
        near = self.everywhere or namespace in (self.namespaces or (self.namespace,))
        return near and _selects(self.selector, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Everything that leads to pods."""

    services: tuple[_Service, ...]
    monitors: tuple[_Monitor, ...]

    def place(self, pod: Pod, port: int) -> tuple[Place, str]:
        """Where the series of a pod are, and why there."""
        services = [
            service
            for service in self.services
            if service.namespace == pod.namespace and _selects(service.selector, pod.labels)
        ]
        for monitor in self.monitors:
            if monitor.of_pods and monitor.reaches(pod.labels, pod.namespace):
                job = pod.labels.get(monitor.job_label, f"{monitor.namespace}/{monitor.name}")
                return Place(job=job), f"PodMonitor {monitor.name}"
            for service in services:
                if not monitor.of_pods and monitor.reaches(service.labels, service.namespace):
                    job = service.labels.get(monitor.job_label, service.name)
                    return Place(job=job), f"ServiceMonitor {monitor.name}"
        for service in services:
            if open_port := _leading_to(service, pod, port):
                target = f"{service.name}.{service.namespace}.svc:{open_port}"
                return Place(targets=(target,)), f"Service {service.name}, within the cluster"
        if pod.service:
            name, _, number = pod.service.partition(":")
            target = f"{name}.{pod.namespace}.svc:{number}"
            return Place(targets=(target,)), "the Service that its operator makes"
        job = f"{pod.namespace}/{pod.name}"
        return Place(job=job), "no Service or monitor selects it; a PodMonitor of this name would"


def network(blocks: Iterable[Block]) -> Network:
    """The Services and monitors among objects."""
    services, monitors = [], []
    for block in blocks:
        if block.text("kind") == "Service":
            services.append(_service(block))
        elif block.text("kind") in ("ServiceMonitor", "PodMonitor"):
            monitors.append(_monitor(block))
    return Network(services=tuple(services), monitors=tuple(monitors))


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _leading_to(service: _Service, pod: Pod, port: int) -> int:
    """The service's port that leads to this port of the pod; its only one where nothing fits."""
    for number, leads_to in service.ports:
        reached = pod.ports.get(leads_to, int(leads_to) if leads_to.isdigit() else 0)
        if reached == port:
            return number
    return service.ports[0][0] if len(service.ports) == 1 else 0


def _service(block: Block) -> _Service:
    spec = block.block("spec")
    ports = [port for port in spec.items_of("ports") if isinstance(port, Block)]
    return _Service(
        name=block.block("metadata").text("name"),
        namespace=namespace_of(block),
        labels=labels_of(block),
        selector={key: spec.block("selector").text(key) for key in spec.block("selector")},
        ports=tuple(
            (port.whole("port"), port.text("targetPort") or str(port.whole("port")))
            for port in ports
        ),
    )


def _monitor(block: Block) -> _Monitor:
    spec = block.block("spec")
    selected = spec.block("selector").block("matchLabels")
    near = spec.block("namespaceSelector")
    return _Monitor(
        name=block.block("metadata").text("name"),
        namespace=namespace_of(block),
        of_pods=block.text("kind") == "PodMonitor",
        selector={key: selected.text(key) for key in selected},
        namespaces=near.texts("matchNames"),
        everywhere=near.flag("any", default=False),
        job_label=spec.text("jobLabel"),
    )
