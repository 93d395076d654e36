"""What runs in pods: workloads of Kubernetes, and the resources from which operators make them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from modelwatch.tree import Block

_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "LeaderWorkerSet": ("spec", "leaderWorkerTemplate", "workerTemplate"),
    "LLMInferenceService": ("spec", "template"),
    "RayService": ("spec", "rayClusterConfig", "headGroupSpec", "template"),
    "RayCluster": ("spec", "headGroupSpec", "template"),
    "Pod": (),
}
"""Where the template of the pod is in each kind."""

_FORMATS = {
    "huggingface": "vllm",
    "vllm": "vllm",
    "sklearn": "kserve",
    "xgboost": "kserve",
    "lightgbm": "kserve",
    "pmml": "kserve",
    "paddle": "kserve",
    "tensorflow": "tensorflow_serving",
    "pytorch": "torchserve",
    "triton": "triton",
    "onnx": "triton",
    "tensorrt": "triton",
    "mlflow": "mlserver",
}
"""Engines that KServe starts for a format of models, where no image is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """An image with its command and the variables that are written out."""

    image: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """Pods of one kind. `engine` and `model` are what a custom resource says itself."""

    path: str
    line: int
    kind: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    containers: tuple[Container, ...]
    ports: Mapping[str, int] = field(default_factory=dict)
    replicas: int = 1
    engine: str = ""
    model: str = ""
    port: int = 0
    service: str = ""


def pods(path: str, block: Block) -> Iterator[Pod]:
    """The pods that an object stands for."""
    kind = block.text("kind")
    if kind == "InferenceService":
        yield _inference_service(path, block)
    elif kind == "NIMService":
        yield _nim_service(path, block)
    elif kind in _TEMPLATES:
        template = block
        for key in _TEMPLATES[kind]:
            template = template.block(key)
        own = block.block("spec").block("model").text("name") if kind.startswith("LLM") else ""
        engine = "vllm" if kind.startswith("LLM") else ""
        yield _pod(path, block, template, engine=engine, model=own)


def labels_of(block: Block) -> dict[str, str]:
    """The labels of an object or of a template."""
    labels = block.block("metadata").block("labels")
    return {key: labels.text(key) for key in labels}


def namespace_of(block: Block) -> str:
    """Where the object is; what names no namespace is in the default one."""
    return block.block("metadata").text("namespace") or "default"


def _pod(path: str, block: Block, template: Block, *, engine: str = "", model: str = "") -> Pod:
    spec = template.block("spec") or template
    containers = [one for one in spec.items_of("containers") if isinstance(one, Block)]
    return Pod(
        path=path,
        line=block.place[0],
        kind=block.text("kind"),
        name=block.block("metadata").text("name"),
        namespace=namespace_of(block),
        labels={**labels_of(block), **labels_of(template)},
        containers=tuple(map(_container, containers)),
        ports={
            port.text("name") or str(port.whole("containerPort")): port.whole("containerPort")
            for one in containers
            for port in one.items_of("ports")
            if isinstance(port, Block)
        },
        replicas=block.block("spec").whole("replicas", 1),
        engine=engine,
        model=model,
    )


def _container(block: Block) -> Container:
    variables = (one for one in block.items_of("env") if isinstance(one, Block))
    return Container(
        image=block.text("image"),
        command=(*block.texts("command"), *block.texts("args")),
        environment={one.text("name"): one.text("value") for one in variables if "value" in one},
    )


def _inference_service(path: str, block: Block) -> Pod:
    """KServe: a predictor with a container of one's own, or a format for which KServe has one."""
    predictor = block.block("spec").block("predictor")
    name = block.block("metadata").text("name")
    formats = {key: inner for key, inner in predictor.blocks() if key in _FORMATS}
    inner = predictor.block("model") or next(iter(formats.values()), Block(block.place))
    format_name = inner.block("modelFormat").text("name") or next(iter(formats), "")
    container = _container(inner)
    flags = [word for word in container.command if word.startswith("--model_name=")]
    served = flags[0].partition("=")[2] if flags else name
    if "containers" in predictor:
        return _of_kserve(_pod(path, block, predictor), name)
    return _of_kserve(
        Pod(
            path=path,
            line=block.place[0],
            kind="InferenceService",
            name=name,
            namespace=namespace_of(block),
            labels=labels_of(block),
            containers=(container,) if container.image else (),
            replicas=predictor.whole("minReplicas", 1),
            engine=_FORMATS.get(format_name.lower(), "kserve"),
            model=served,
            port=8080,
        ),
        name,
    )


def _of_kserve(pod: Pod, name: str) -> Pod:
    """With the labels and the Service that KServe gives to it."""
    own = {"serving.kserve.io/inferenceservice": name, "app": f"isvc.{name}-predictor"}
    return replace(pod, labels={**pod.labels, **own}, service=f"{name}-predictor:80")


def _nim_service(path: str, block: Block) -> Pod:
    spec = block.block("spec")
    image = spec.block("image")
    service = spec.block("expose").block("service")
    name = block.block("metadata").text("name")
    port = service.whole("port", 8000)
    variables = (one for one in spec.items_of("env") if isinstance(one, Block))
    container = Container(
        image=f"{image.text('repository')}:{image.text('tag')}".rstrip(":"),
        environment={one.text("name"): one.text("value") for one in variables},
    )
    return Pod(
        path=path,
        line=block.place[0],
        kind="NIMService",
        name=name,
        namespace=namespace_of(block),
        labels={**labels_of(block), "app": name},
        containers=(container,),
        replicas=spec.whole("replicas", 1),
        service=f"{service.text('name') or name}:{port}",
    )
