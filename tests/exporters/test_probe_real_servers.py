"""Probes of servers as people run them: MLServer with a scikit-learn model, a LiteLLM proxy.

`real_servers.sh FOLDER` installs them; PROBE_SERVERS_VENV names the folder.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from exporters.probe.answers import served_as_asked
from exporters.probe.measuring import Measured, measure
from modelwatch.inventory import Expectation, Prompt
from tests import real
from tests.exporters.probing import PARIS, probe

pytestmark = pytest.mark.real

FOLDER = "PROBE_SERVERS_VENV"
LLM_KEY = "sk-of-this-test"
TRAIN = """
import joblib
from sklearn.linear_model import LogisticRegression
joblib.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1]), "model.joblib")
"""


def program(environment: str, name: str) -> str:
    folder = os.environ.get(FOLDER)
    if not folder:
        real.missing(f"{FOLDER} names no folder of real_servers.sh")
    found = Path(folder, environment, "bin", name)
    if not found.exists():
        real.missing(f"there is no {found}")
    return str(found)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], ready: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """The server, from when it says at `ready` that it is."""
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        deadline = time.monotonic() + 90
        while not _answers(ready):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own server
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def mlserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlserver")
    subprocess.run([program("mlserver", "python"), "-c", TRAIN], cwd=folder, check=True)
    model = {
        "name": "flower",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "v1"},
    }
    port = free_port()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_endpoint": None,
        "parallel_workers": 0,
    }
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "settings.json").write_text(json.dumps(settings))
    url = f"http://127.0.0.1:{port}"
    command = [program("mlserver", "mlserver"), "start", "."]
    with running(command, f"{url}/v2/models/flower/ready", folder, {}):
        yield url


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A proxy of mock models, and of itself.

    A mock answers chats, and other protocols in one piece. Where the proxy is the provider behind
    its own model, it translates the mock's stream: for DeepSeek it makes responses from chats, for
    vLLM messages.
    """
    folder = tmp_path_factory.mktemp("litellm")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers = {
        "mock": "Paris is the capital of France.",
        "broken": "litellm.InternalServerError",
        "limited": "litellm.RateLimitError",
    }
    models = {
        name: {"model": "openai/gpt-4o-mini", "api_key": "none", "mock_response": answer}
        for name, answer in answers.items()
    }
    models["vectors"] = {**models["mock"], "model": "openai/text-embedding-3-small"}
    models["vectors"]["mock_response"] = [0.5, -0.25]  # type: ignore[assignment]
    behind = {"api_base": f"{url}/v1", "api_key": LLM_KEY}
    models["for-responses"] = {"model": "deepseek/mock", **behind}
    models["for-messages"] = {"model": "hosted_vllm/mock", **behind}
    config = {
        "model_list": [
            {"model_name": name, "litellm_params": given} for name, given in models.items()
        ],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": LLM_KEY},
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    command = [program("litellm", "litellm"), "--config", "config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # Its price list is otherwise fetched from the network.
    offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with running(command, f"{url}/health/liveliness", folder, offline):
        yield url


FLOWER = Prompt(
    name="flower",
    body=json.dumps(
        {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 1]}]}
    ),
    expect=Expectation(kind="number", value="1"),
)


def test_mlserver_says_which_class_a_flower_has(mlserver: str) -> None:
    asked = probe(mlserver, api="kserve", asks_for="flower", stream=False)
    shown = measure(asked, FLOWER, key="")
    assert (shown.outcome, shown.answer, shown.correct) == ("success", '{"predict": [1]}', True)
    assert served_as_asked(asked, shown.served) is True
    assert list(shown.phases_s) == ["dns", "connect", "first_byte", "body"]


def test_mlserver_is_read_as_any_endpoint_too(mlserver: str) -> None:
    url = f"{mlserver}/v2/models/flower/infer"
    asked = probe(url, api="http", stream=False, answer="outputs.0.data.0")
    shown = measure(asked, FLOWER, key="")
    assert (shown.outcome, shown.answer, shown.correct) == ("success", "1", True)


def test_mlserver_refuses_a_model_that_it_has_not(mlserver: str) -> None:
    asked = probe(mlserver, api="kserve", asks_for="tree", stream=False)
    assert measure(asked, FLOWER, key="").outcome == "client_error"


def test_mlserver_fails_at_a_flower_of_another_shape(mlserver: str) -> None:
    body = json.dumps(
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 1, 1]}]}
    )
    asked = probe(mlserver, api="kserve", asks_for="flower", stream=False)
    assert measure(asked, replace(FLOWER, body=body), key="").outcome == "server_error"


TALKS = [
    ("openai_chat", "mock", True),
    ("openai_chat", "mock", False),
    ("openai_completions", "mock", True),
    ("openai_completions", "mock", False),
    ("openai_responses", "for-responses", True),
    ("openai_responses", "mock", False),
    ("anthropic", "for-messages", True),
    ("anthropic", "mock", False),
]


def asked_litellm(url: str, api: str, model: str, *, stream: bool, key: str = LLM_KEY) -> Measured:
    asked = probe(f"{url}/v1", api=api, asks_for=model, stream=stream, seconds="30")
    return measure(asked, PARIS, key=key)


@pytest.mark.parametrize(("api", "model", "stream"), TALKS)
def test_litellm_names_the_capital(litellm: str, api: str, model: str, stream: bool) -> None:
    shown = asked_litellm(litellm, api, model, stream=stream)
    assert (shown.outcome, shown.correct) == ("success", True)
    assert shown.answer == "Paris is the capital of France."
    assert shown.served in {model, "mock"}
    assert shown.tokens["input"] > 0
    assert shown.tokens["output"] > 0
    assert (shown.time_to_first_token_s is not None) == stream
    assert bool(shown.gaps_s) == stream


def test_litellm_gives_a_vector(litellm: str) -> None:
    shown = asked_litellm(litellm, "openai_embeddings", "vectors", stream=False)
    assert (shown.outcome, shown.answer) == ("success", "[0.5, -0.25]")
    assert shown.tokens["input"] > 0


REFUSED = [
    ("broken", "server_error", LLM_KEY),
    ("limited", "rate_limited", LLM_KEY),
    ("unknown", "client_error", LLM_KEY),
    ("mock", "client_error", "sk-of-nobody"),
]


@pytest.mark.parametrize("api", ["openai_chat", "openai_completions", "anthropic"])
@pytest.mark.parametrize(("model", "outcome", "key"), REFUSED)
@pytest.mark.parametrize("stream", [True, False])
def test_litellm_fails_as_it_is_told_to(  # noqa: PLR0917 - one per column
    litellm: str, api: str, model: str, outcome: str, key: str, stream: bool
) -> None:
    assert asked_litellm(litellm, api, model, stream=stream, key=key).outcome == outcome


def test_litellm_that_streams_a_mock_message_in_one_piece_is_not_taken_for_a_stream(
    litellm: str,
) -> None:
    shown = asked_litellm(litellm, "anthropic", "mock", stream=True)
    assert shown.outcome == "bad_answer"
    assert shown.tokens["output"] > 0
