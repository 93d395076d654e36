"""Kubernetes manifests: the engines in pods, and the jobs that monitors make of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from generator.definitions import definitions
from generator.discover import Knowledge, World
from generator.discover.documents import documents_at
from generator.discover.found import Found, Hardware, Sighting
from generator.discover.images import Recognised, of_image, recognised
from generator.discover.monitors import Network, network
from generator.discover.names import cut
from generator.discover.pods import Pod, pods
from generator.discover.sounding import environment_of
from modelwatch.tree import Block


def _look(where: str, _: World) -> Found:
    read = documents_at(where)
    objects = [one for path, block in read.blocks for one in _objects(path, block)]
    running = [pod for one in objects for pod in pods(one.path, one.block)]
    around = network(one.block for one in objects)
    sightings, remarks = [], []
    for pod in running:
        for found in _engines(pod):
            at = f"{pod.path}:{pod.line}: {pod.kind} {cut(pod.name)}"
            if found.image.engine:
                sightings.append(_sighting(pod, found, around))
            else:
                remarks.append(f"{at}: {found.image.instead}")
    return Found(
        sightings=tuple(sightings),
        remarks=(*read.remarks, *remarks),
        looked_for=f"engines in {len(running)} workloads of {read.files} files at {where}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    path: str
    block: Block


def _objects(path: str, block: Block) -> Iterator[_Object]:
    """The object, or those of a list."""
    if block.text("kind").endswith("List") and "items" in block:
        for entry in block.items_of("items"):
            if isinstance(entry, Block):
                yield from _objects(path, entry)
    elif "kind" in block:
        yield _Object(path=path, block=block)


def _engines(pod: Pod) -> Iterator[Recognised]:
    """The engines in a pod: told by a custom resource, or by the images of its containers."""
    for container in pod.containers:
        found = recognised(container.image, container.command, container.environment)
        if found:
            yield replace(found, model=pod.model or found.model)
            return
    if pod.engine:
        yield Recognised.of_engine(pod.engine, pod.model)


def _sighting(pod: Pod, found: Recognised, around: Network) -> Sighting:
    engine = definitions().engines[found.image.engine]
    port = found.port or pod.port or engine.port
    place, how = around.place(pod, port)
    is_model = engine.kind == "model"
    many = pod.replicas > 1 and bool(place.targets)
    balanced = (
        f"{pod.replicas} replicas are behind one Service, which shows one of them at a time: "
        "scrape the pods"
    )
    return Sighting(
        engine=engine.name,
        model=found.model if engine.model_label and is_model else "",
        called="" if engine.model_label else found.model or pod.name,
        environment=environment_of(pod.labels, (pod.namespace,)),
        team=pod.labels.get("team", ""),
        place=place,
        why=f"{pod.kind} {cut(pod.name)}{_by_image(pod, found)}; {how}",
        remarks=(*found.remarks, *([balanced] if many else [])),
        hardware=None if is_model else Hardware(),
    )


def _by_image(pod: Pod, found: Recognised) -> str:
    image = next((one.image for one in pod.containers if one.image), "")
    return f", {of_image(found, image)}" if found.tag else ""


KNOWLEDGE = Knowledge(
    name="kubernetes",
    where="PATH",
    rank=2,
    look=_look,
)
