"""`init --discover` from containers, a LiteLLM configuration and Kubernetes manifests."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from generator.discover.images import recognised
from generator.opening import inventory_at
from modelwatch.inventory import Inventory, Source
from modelwatch.loading import load_all
from modelwatch.problems import InventoryError
from tests.command import Said, run
from tests.small_site import page, serving

HERE = Path(__file__).parent / "discover"
LITELLM = HERE / "litellm.yaml"
MANIFESTS = HERE / "manifests"
CONTAINERS: list[dict[str, Any]] = json.loads((HERE / "containers.json").read_text("utf-8"))
SECRETS = ("sk-", "pa55word", "s3cr3t", "hf_secret", "AZURE")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drafted(*discover: str) -> tuple[Inventory, Said]:
    said = run("init", "models.yaml", *(word for one in discover for word in ("--discover", one)))
    assert said.code == 0, said.err
    assert run("check", "models.yaml").code == 0
    text = Path("models.yaml").read_text(encoding="utf-8")
    assert not any(secret in text + said.out + said.err for secret in SECRETS)
    return inventory_at("models.yaml"), said


def sources(fleet: Inventory) -> dict[tuple[str, str], list[Source]]:
    return {model.key: list(model.sources) for model in fleet.models}


# Containers.


@contextmanager
def engine(containers: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The address of a server that speaks as much of Docker's API as is asked for."""

    class Docker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answers: dict[str, Any] = {"/version": {"ApiVersion": "1.47", "Version": "28.0"}}
            answers["/v1.47/containers/json"] = [{"Id": one["Id"]} for one in containers]
            answers |= {f"/v1.47/containers/{one['Id']}/json": one for one in containers}
            self.send_response(200 if path in answers else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answers.get(path, {"message": path})).encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Docker)) as port:
        yield f"tcp://127.0.0.1:{port}"


@pytest.fixture(name="docker")
def _docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with engine(CONTAINERS) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield


@pytest.mark.usefixtures("docker")
def test_containers_are_told_by_image_command_and_environment() -> None:
    fleet, said = drafted("docker")
    found = sources(fleet)
    assert found.keys() == {
        ("bge-m3", "production"),
        ("llama-3-1-8b-instruct", "staging"),
        ("reason", "production"),
    }
    (chat,) = found["llama-3-1-8b-instruct", "staging"]
    assert chat.targets == ("localhost:8001", "localhost:8000")
    assert chat.engine_model == "meta-llama/Llama-3.1-8B-Instruct"
    (embeddings,) = found["bge-m3", "production"]
    assert (embeddings.engine, embeddings.targets) == ("tei", ("172.17.0.3:8080",))
    (reason,) = found["reason", "production"]
    assert (reason.engine, reason.targets) == ("sglang", ("127.0.0.1:30000",))
    text = Path("models.yaml").read_text(encoding="utf-8")
    assert "start it with --enable-metrics, or there are no metrics" in text
    assert "image vllm/vllm-openai v0.11.0" in text
    assert "Triton Inference Server is at localhost:8002, but which models" in said.err
    assert "container ollama: Ollama exposes no metrics" in said.err


@pytest.mark.usefixtures("docker")
def test_the_exporter_of_cards_becomes_a_pool_whose_cards_nobody_counted() -> None:
    fleet, _ = drafted("docker")
    (pool,) = fleet.pools
    assert (pool.cards, pool.sources[0].targets) == (0, ("localhost:9400",))


@pytest.mark.usefixtures("docker")
def test_the_gateway_of_a_container_has_the_models_of_its_configuration() -> None:
    fleet, _ = drafted("docker", f"litellm={LITELLM}")
    gateways = [s for m in fleet.models for s in m.sources if s.engine == "litellm"]
    assert {source.engine_model for source in gateways} >= {"gpt-4o", "cheap"}
    assert {source.targets for source in gateways} == {("[::1]:4001",)}


def test_a_docker_engine_that_does_not_answer_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    said = run("init", "models.yaml", "--discover", "docker")
    assert (said.code, said.err) == (3, "error: no Docker engine answers at tcp://127.0.0.1:1\n")
    assert not list(Path().iterdir())


def test_containers_without_an_engine_are_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with engine(CONTAINERS[-1:]) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        said = run("init", "models.yaml", "--discover", "docker")
    assert said.code == 1
    assert said.err == "error: no model was found; looked for engines among 1 running container\n"


@pytest.mark.parametrize(
    ("image", "command", "variables", "model", "port"),
    [
        ("vllm/vllm-openai:latest", "--model a/b --served-model-name c d", {}, "c", 0),
        ("vllm/vllm-openai:latest", "serve a/b --port 81", {}, "a/b", 81),
        ("vllm/vllm-openai", "--model /models/llama", {}, "/models/llama", 0),
        (
            "vllm/vllm-openai",
            "--model $(MODEL) --port=${PORT}",
            {"MODEL": "a/b", "PORT": "9"},
            "a/b",
            9,
        ),
        ("vllm/vllm-openai", "--model $FROM_A_SECRET", {}, "", 0),
        ("vllm/vllm-openai", "/bin/start a/b", {}, "", 0),
        (
            "ghcr.io/huggingface/text-generation-inference:3.3",
            "--model-id a/b -p 80",
            {},
            "a/b",
            80,
        ),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda", "-m /m.gguf -a tiny --metrics", {}, "tiny", 0),
        ("nvcr.io/nim/meta/llama-3.1-8b-instruct:1.3.3", "", {}, "meta/llama-3.1-8b-instruct", 0),
        ("nvcr.io/nim/meta/llama:1", "", {"NIM_SERVED_MODEL_NAME": "mine"}, "mine", 0),
        ("localhost:5000/team/sglang:v1", "--model-path=a/b --enable-metrics", {}, "a/b", 0),
        ("tensorflow/serving:2.19.1", "", {"MODEL_NAME": "half"}, "half", 0),
        ("nvcr.io/nvidia/tritonserver:26.06-py3", "--metrics-port 9002", {}, "", 9002),
        ("vllm/vllm-openai", "--model", {}, "", 0),
        ("vllm/vllm-openai", "--port http --model a/b", {}, "a/b", 0),
    ],
)
def test_flags_and_variables_say_model_and_port(
    image: str, command: str, variables: dict[str, str], model: str, port: int
) -> None:
    found = recognised(image, command.split(), variables)
    assert found
    assert (found.model, found.port) == (model, port)


@pytest.mark.parametrize("image", ["nginx", "postgres:17", "vllm-docs/site", "", ":", "ray-tracer"])
def test_other_images_are_no_engines(image: str) -> None:
    assert recognised(image, [], {}) is None


# LiteLLM.


def test_the_configuration_of_a_gateway_gives_models_prices_and_fallbacks() -> None:
    fleet, said = drafted(f"litellm={LITELLM}")
    prices = {m.name: {k: q.text for k, q in m.prices.tokens.items()} for m in fleet.models}
    assert prices["gpt-4o"]["input"] == "2.5 USD per million tokens"
    assert prices["gpt-4o"]["output"] == "10 USD per million tokens"
    assert prices["cheap"] == {}
    found = sources(fleet)
    assert found["llama-3-schnell", "production"][0].engine_model == "team a/llama 3 (schnell)"
    assert found["llama-3-1-8b-instruct", "production"][0].targets == ("gpu1.example:8000",)
    text = Path("models.yaml").read_text(encoding="utf-8")
    assert "falls back to cheap" in text
    assert "localhost:4000 is its usual place, and nothing else" in text
    assert "'anthropic/*' in" in said.err
    assert "write `callbacks: [prometheus]` under litellm_settings" in said.err


def test_a_configuration_that_cannot_be_read_shows_no_secret() -> None:
    Path("c.yaml").write_text("model_list:\n  - api_key: 'sk-in-clear\n", encoding="utf-8")
    said = run("init", "models.yaml", "--discover", "litellm=c.yaml")
    assert said.code == 1
    assert "note: c.yaml:" in said.err
    assert "sk-in-clear" not in said.err
    assert "error: no model was found; looked for `model_list` in c.yaml" in said.err
    assert not Path("models.yaml").exists()


def test_a_key_that_stands_twice_shows_no_secret_and_the_rest_is_read() -> None:
    Path("c.yaml").write_text(
        "litellm_settings: {callbacks: [prometheus]}\nmodel_list:\n  - model_name: a\n"
        "    litellm_params: {model: b, api_key: sk-one, api_key: sk-two}\n",
        encoding="utf-8",
    )
    fleet, said = drafted("litellm=c.yaml")
    assert [m.name for m in fleet.models] == ["a"]
    assert "note: c.yaml:4:" in said.err


# Kubernetes.


def test_manifests_give_jobs_where_monitors_are_and_targets_where_services_are() -> None:
    fleet, said = drafted(f"kubernetes={MANIFESTS}")
    found = {key: (s[0].engine, s[0].job, s[0].targets) for key, s in sources(fleet).items()}
    assert found == {
        ("bge-m3", "staging"): ("tei", "", ("embed.search-staging.svc:8080",)),
        ("chat-large", "prod"): ("vllm", "chat-service", ()),
        ("llama-3-1-8b-instruct", "production"): ("nim", "", ("nim-llama.nim-service.svc:8000",)),
        ("llama3", "production"): ("vllm", "", ("huggingface-llama3-predictor.models.svc:80",)),
        ("qwen2-5-7b-instruct", "production"): ("vllm", "models/qwen", ()),
        ("sklearn-iris", "production"): ("kserve", "", ("sklearn-iris-predictor.models.svc:80",)),
    }
    assert [m.team for m in fleet.models if m.name == "chat-large"] == ["assist"]
    (pool,) = fleet.pools
    assert pool.sources[0].job == "gpu-operator/dcgm"
    assert f"{MANIFESTS / 'template.yaml'}:4:10: " in said.err
    assert "looks like a template: write it with `helm template` first" in said.err
    assert "Ray Serve is at models/ranker, but which models" in said.err
    assert "3 replicas are behind one Service" in Path("models.yaml").read_text("utf-8")


def test_one_manifest_is_read_alone() -> None:
    fleet, _ = drafted(f"kubernetes={MANIFESTS / 'chat.yaml'}")
    assert [m.name for m in fleet.models] == ["chat-large"]


def test_every_document_of_a_file_is_read_with_places() -> None:
    first, second = load_all("a.yaml", b"---\na: 1\n---\n---\n- no keys\n---\nb: {c: 2}\n").roots
    assert (first.at("a"), second.block("b").at("c")) == ((2, 4), (7, 8))


def test_an_anchor_ends_with_its_document() -> None:
    with pytest.raises(InventoryError, match="stands for nothing"):
        load_all("a.yaml", b"a: &x 1\n---\nb: *x\n")


# The command.


@pytest.mark.parametrize(
    "typed",
    ["prometheus", "prometheus=localhost:9090", "docker=unix", "litellm", "consul=x", ""],
)
def test_what_cannot_be_asked_is_wrong_usage(typed: str) -> None:
    said = run("init", "models.yaml", "--discover", typed)
    assert said.code == 2
    assert "Invalid value for '--discover'" in said.err


def test_a_token_without_a_prometheus_is_wrong_usage() -> None:
    Path("token").write_text("t", encoding="utf-8")
    said = run("init", "--discover", f"litellm={LITELLM}", "--token-file", "token")
    assert said.code == 2
    assert "is for --discover prometheus=URL" in said.err


@pytest.mark.parametrize("typed", ["litellm=nowhere.yaml", "kubernetes=nowhere"])
def test_a_file_that_is_not_there_is_told(typed: str) -> None:
    said = run("init", "models.yaml", "--discover", typed)
    where = typed.partition("=")[2]
    assert (said.code, said.err) == (1, f"error: there is no file or folder {where}\n")


def test_a_prometheus_that_does_not_answer_is_3_and_nothing_is_written() -> None:
    said = run("init", "models.yaml", "--discover", "prometheus=http://me:secret@127.0.0.1:1")
    assert said.code == 3
    assert said.err == "error: no Prometheus answers at http://127.0.0.1:1\n"
    assert not list(Path().iterdir())


def test_something_else_than_a_prometheus_is_3() -> None:
    with page("hello") as port:
        said = run("init", "models.yaml", "--discover", f"prometheus=http://127.0.0.1:{port}")
    assert said.code == 3
    assert "is no Prometheus" in said.err


def test_a_draft_overwrites_nothing() -> None:
    Path("models.yaml").write_text("mine", encoding="utf-8")
    said = run("init", "models.yaml", "--discover", f"litellm={LITELLM}")
    assert (said.code, said.err) == (
        1,
        "error: models.yaml is already there; choose another name\n",
    )
    assert Path("models.yaml").read_text(encoding="utf-8") == "mine"


def test_a_dash_prints_the_draft_and_says_the_rest_elsewhere() -> None:
    said = run("init", "-", "--discover", f"litellm={LITELLM}")
    assert said.code == 0
    assert run("check", "-", stdin=said.out).code == 0
    assert "4 models; " in said.err
    assert not list(Path().iterdir())


def test_a_dash_prints_the_starter_too() -> None:
    said = run("init", "-")
    assert run("check", "-", stdin=said.out).code == 0
    assert not list(Path().iterdir())


def test_what_is_to_be_done_is_said_at_the_end() -> None:
    _, said = drafted(f"litellm={LITELLM}")
    assert said.out.splitlines()[1:] == [
        "4 models; 12 guesses to confirm, each marked `# confirm:` in models.yaml",
        "no team of their own, and nobody who is told: cheap, gpt-4o, llama-3-1-8b-instruct, "
        "llama-3-schnell",
        "tokens without a price: llama-3-1-8b-instruct",
        "next: mend it, then modelwatch check models.yaml",
    ]
