"""Which image holds which engine, and by which flags and variables it is told its model.

Only names of images and of their settings; what their metrics are called stands in the engines.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from generator.discover.names import cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An engine's images, as a pattern of the name without its tag.

    `served` are flags of the name that the engine shows, `models` those of what it loads, each
    with the variables that mean the same. `first_word` is after which word of the command the model
    may stand alone. `needs` must be in the command, or there are no metrics. An image without an
    engine is known, but not watched: `instead` says what to do.
    """

    pattern: str
    engine: str = ""
    served: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    ports: tuple[str, ...] = ("--port",)
    metrics_ports: tuple[str, ...] = ()
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_word: str = ""
    needs: str = ""
    instead: str = ""


IMAGES = (
    Image(
        pattern=r"(.*/)?(vllm-openai|vllm-cpu-release-repo|vllm-openai-rocm|vllm|llm-d.*)",
        engine="vllm",
        served=("--served-model-name",),
        models=("--model",),
        first_word="serve",
    ),
    Image(
        pattern=r"(.*/)?text-generation-inference",
        engine="tgi",
        models=("--model-id",),
        ports=("--port", "-p"),
        variables={"models": ("MODEL_ID",), "ports": ("PORT",)},
    ),
    Image(
        pattern=r"(.*/)?text-embeddings-inference",
        engine="tei",
        models=("--model-id",),
        ports=("--port", "-p"),
        variables={"models": ("MODEL_ID",), "ports": ("PORT",)},
    ),
    Image(
        pattern=r"(.*/)?tritonserver",
        engine="triton",
        ports=(),
        metrics_ports=("--metrics-port",),
    ),
    Image(
        pattern=r"(.*/)?sglang",
        engine="sglang",
        served=("--served-model-name",),
        models=("--model-path", "--model"),
        needs="--enable-metrics",
    ),
    Image(
        pattern=r"(.*/)?(llama\.cpp|llama-server|llama-cpp-server)",
        engine="llamacpp",
        served=("--alias", "-a"),
        models=("--model", "-m", "--hf-repo", "-hf", "-hfr"),
        variables={"models": ("LLAMA_ARG_MODEL", "LLAMA_ARG_HF_REPO")},
        needs="--metrics",
    ),
    Image(
        pattern=r"nvcr\.io/nim/.+", engine="nim", variables={"served": ("NIM_SERVED_MODEL_NAME",)}
    ),
    Image(pattern=r"(.*/)?litellm(-database|-non_root)?", engine="litellm"),
    Image(
        pattern=r"(.*/)?serving(-gpu)?|tensorflow/serving.*",
        engine="tensorflow_serving",
        served=("--model_name",),
        ports=("--rest_api_port",),
        variables={"served": ("MODEL_NAME",)},
    ),
    Image(pattern=r"(.*/)?torchserve(-kfs|-nightly)?", engine="torchserve", ports=()),
    Image(pattern=r"(.*/)?mlserver(-slim)?", engine="mlserver", ports=()),
    Image(
        pattern=r"(.*/)?huggingfaceserver(-gpu)?",
        engine="vllm",
        served=("--model_name",),
        ports=("--http_port",),
    ),
    Image(pattern=r"(.*/)?(ray|ray-llm|ray-ml)", engine="ray_serve", ports=()),
    Image(pattern=r"(.*/)?dcgm-exporter", engine="dcgm_exporter", ports=()),
    Image(pattern=r"(.*/)?nvidia_gpu_exporter", engine="nvidia_gpu_exporter", ports=()),
    Image(pattern=r"(.*/)?device-metrics-exporter", engine="amd_device_metrics_exporter", ports=()),
    Image(
        pattern=r"(.*/)?ollama",
        instead="Ollama exposes no metrics: put LiteLLM in front of it, or probe it",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What an image and its settings say."""

    image: Image
    model: str = ""
    port: int = 0
    tag: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def of_engine(cls, engine: str, model: str) -> Self:
        """What somebody else than an image says."""
        return cls(image=Image(pattern="", engine=engine), model=model)


def recognised(
    image: str, command: Sequence[str], environment: Mapping[str, str]
) -> Recognised | None:
    """The engine in a container; None where it is none that we know."""
    name, tag = parts(image)
    known = next((one for one in IMAGES if re.fullmatch(one.pattern, name)), None)
    if known is None:
        return None
    words = [_resolved(word, environment) for word in _words(command)]
    model = _value(known, "served", known.served, words, environment) or _value(
        known, "models", known.models, words, environment
    )
    if known.first_word and not model:
        model = _behind(words, known.first_word)
    if known.engine == "nim" and not model:
        model = name.partition("/nim/")[2]
    port = _value(known, "ports", known.metrics_ports or known.ports, words, environment)
    missing = known.needs and known.needs not in words
    return Recognised(
        image=known,
        model=model,
        port=int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0,
        tag=tag,
        remarks=(f"start it with {known.needs}, or there are no metrics",) if missing else (),
    )


def parts(image: str) -> tuple[str, str]:
    """An image's name and its tag; a digest is neither."""
    name = image.partition("@")[0]
    before, colon, tag = name.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (name, "")


def of_image(found: Recognised, image: str) -> str:
    """What speaks for the engine."""
    return f"image {cut(parts(image)[0])}{f' {cut(found.tag)}' if found.tag else ''}"


def _words(command: Sequence[str]) -> Iterator[str]:
    """The words of a command; what a shell is to run is split at its spaces."""
    for word in command:
        text = word.replace("\\\n", " ")
        yield from text.split() if " " in text or "\n" in text else [text]


def _resolved(word: str, environment: Mapping[str, str]) -> str:
    """The word with its variable replaced; empty where that has no value that is written out."""
    flag, equals, value = word.rpartition("=")
    found = re.fullmatch(r"\$[({]?([A-Za-z_][A-Za-z0-9_]*)[)}]?", value)
    return f"{flag}{equals}{environment.get(found[1], '')}" if found else word


def _value(
    image: Image,
    what: str,
    flags: Sequence[str],
    words: Sequence[str],
    environment: Mapping[str, str],
) -> str:
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag not in flags:
            continue
        found = value if equals else next(iter(words[index + 1 : index + 2]), "")
        if found and not found.startswith("-"):
            return found.strip("'\"")
    named = (environment.get(variable, "") for variable in image.variables.get(what, ()))
    return next((value for value in named if value), "")


def _behind(words: Sequence[str], word: str) -> str:
    """The word after this one, or the first one of all, where it is no flag."""
    start = words.index(word) + 1 if word in words else 0
    found = next(iter(words[start : start + 1]), "")
    is_program = not start and found.startswith("/")
    return found if "/" in found and not found.startswith("-") and not is_program else ""
