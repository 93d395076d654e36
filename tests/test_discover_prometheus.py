"""`init --discover prometheus=URL` against a real Prometheus with pages and series of all kinds."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from generator.opening import inventory_at
from modelwatch.engine import Page
from modelwatch.inventory import Inventory, Model
from modelwatch.promql import quoted
from tests import engine_pages
from tests.command import Said, run
from tests.engine_pages import CAPTURED, expected, recorded, rules, stem
from tests.real import path_of_three
from tests.small_site import eventually, prometheus

pytestmark = pytest.mark.real

MINUTES = 30
HOSTED = 120
ODD = (
    'say "hi"/Qwen 3',
    "smörgåsbord-模型-🦙",
    "back\\slash",
    "two\nlines",
    " spaces ",
    "-",
    "no",
    "1e3",
    "# confirm: me",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What the command said, and the draft that it wrote."""

    said: Said
    path: Path
    fleet: Inventory
    url: str

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def model(self, name: str, environment: str = "production") -> Model:
        return next(m for m in self.fleet.models if m.key == (name, environment))

    def lines_of(self, name: str) -> list[str]:
        """The lines of the model's entry."""
        found = re.search(
            rf'^  - name: "?{name}"?(?:  #.*)?\n((?:    .*\n)*)', self.text, re.MULTILINE
        )
        assert found, name
        return found[1].splitlines()


def ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=2).ok
    except requests.ConnectionError:
        return False


def drafted(folder: Path, url: str) -> Drafted:
    eventually(lambda: ready(url))
    path = folder / "models.yaml"
    said = run("init", path, "--discover", f"prometheus={url}")
    assert said.code == 0, said.err
    return Drafted(said=said, path=path, fleet=inventory_at(str(path)), url=url)


@pytest.fixture(name="pages", scope="module")
def _pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drafted]:
    folder = tmp_path_factory.mktemp("pages")
    with engine_pages.prometheus(folder, {"groups": []}) as url:
        yield drafted(folder, url)


def series(until: float) -> Iterator[str]:
    """A company in which nothing is as in the manual."""
    for name, labels, value, grows in _company():
        inner = ",".join(f"{key}={quoted(text)}" for key, text in labels.items())
        for minute in range(MINUTES + 1):
            now = value * minute if grows else value
            yield f"{name}{{{inner}}} {now!r} {until - 60 * (MINUTES - minute):.3f}\n"
    yield "# EOF\n"


Sample = tuple[str, dict[str, str], float, bool]


def _company() -> Iterator[Sample]:
    yield from _vllm("fleet", "10.0.0.1:8000", "shared", 300, namespace="llm-prod", team="Assist")
    yield from _vllm("fleet", "10.0.0.2:8000", "shared", 300, namespace="llm-staging")
    yield from _vllm("stable", "a:8000", "org/chat", 300)
    yield from _vllm("canary", "b:8000", "org/chat", 10)
    for place, name in enumerate(ODD):
        yield from _vllm("odd", f"odd-{place}:8000", name, 1)
    yield from _vllm("odd", "long:8000", "x" * 301, 1)
    yield from _vllm("pods", "p1:8000", "twice", 300)
    yield from _vllm("tei", "p2:80", "apart", 300)
    yield "te_request_success", {"job": "tei", "instance": "p3:80", "model": "bge"}, 30.0, True
    yield "te_request_success", {"job": "tei", "instance": "p4:80", "model": "e5"}, 30.0, True
    triton = {"job": "pods", "instance": "p5:8002", "model": "twice"}
    yield "nv_inference_request_success", triton, 300.0, True
    yield "nv_inference_request_failure", {**triton, "reason": "OTHER"}, 0.0, True
    for number in range(HOSTED):
        labels = {"job": "gateway", "instance": "g:4000", "requested_model": f"hosted/{number}"}
        yield (
            "litellm_proxy_total_requests_metric_total",
            {**labels, "status_code": "200"},
            1.0,
            True,
        )
    gateway = {"job": "gateway", "instance": "g:4000", "requested_model": "org/chat"}
    yield "litellm_proxy_total_requests_metric_total", {**gateway, "status_code": "500"}, 50.0, True
    for gpu in range(4):
        card = {
            "job": "pods",
            "instance": "n1:9400",
            "Hostname": "n1",
            "gpu": str(gpu),
            "UUID": f"GPU-{gpu}",
        }
        yield "DCGM_FI_DEV_GPU_UTIL", {**card, "modelName": "NVIDIA L4"}, 50.0, False
    yield "node_memory_MemTotal_bytes", {"job": "nodes", "instance": "n1:9100"}, 1e9, False
    yield "node_memory_MemAvailable_bytes", {"job": "nodes", "instance": "n1:9100"}, 1e9, False
    yield "node_memory_MemTotal_bytes", {"job": "nodes", "instance": "other:9100"}, 1e9, False
    yield "node_memory_MemAvailable_bytes", {"job": "nodes", "instance": "other:9100"}, 1e9, False
    own = {"job": "app", "instance": "s:9464", "model": "own", "environment": "production"}
    yield "modelwatch_requests_total", {**own, "outcome": "success"}, 300.0, True
    yield "modelwatch_quality_score", {**own, "score": "rank"}, 0.5, False
    further = {**own, "instance": "t:9464", "model": "chat"}
    yield "modelwatch_requests_running", further, 3.0, False
    told = {"job": "evals", "instance": "e:9467", "environment": "production"}
    yield (
        "modelwatch_quality_score",
        {**told, "model": "chat", "score": "groundedness"},
        0.83,
        False,
    )
    yield "modelwatch_quality_score", {**told, "model": "alone", "score": "rank"}, -3.5, False
    yield "modelwatch_quality_score", {**told, "model": "alone", "score": "Ünicode"}, 1.0, False
    yield "modelwatch_kpi_value", {**told, "model": "chat", "kpi": "conversion"}, 0.2, False


def _vllm(job: str, instance: str, model: str, per_minute: int, **more: str) -> Iterator[Sample]:
    labels = {"job": job, "instance": instance, "model_name": model, **more}
    yield (
        "vllm:request_success_total",
        {**labels, "finished_reason": "stop"},
        per_minute * 1.0,
        True,
    )
    yield (
        "vllm:request_success_total",
        {**labels, "finished_reason": "error"},
        per_minute / 200,
        True,
    )
    for le, share in (("1.0", 0.5), ("2.5", 0.9), ("5.0", 0.99), ("+Inf", 1.0)):
        name = "vllm:e2e_request_latency_seconds_bucket"
        yield name, {**labels, "le": le}, per_minute * share, True
    yield "vllm:prompt_tokens_total", labels, per_minute * 100.0, True


@pytest.fixture(name="company", scope="module", params=["2", "3"])
def _company_drafted(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Drafted]:
    path = path_of_three() if request.param == "3" else None
    folder = tmp_path_factory.mktemp("company")
    lines = sorted_by_name(list(series(time.time())))
    with engine_pages.prometheus(folder, {"groups": []}, lines=lines, path=path) as url:
        yield drafted(folder, url)


def sorted_by_name(lines: Sequence[str]) -> list[str]:
    """Each metric in one piece, as the format asks; the end stays at the end."""
    return [*sorted(lines[:-1], key=lambda line: line.partition("{")[0]), lines[-1]]


# Pages of every engine.


def sources(fleet: Inventory) -> set[tuple[str, str, str]]:
    return {
        (source.scraped_job, source.engine, source.engine_model)
        for model in fleet.models
        for source in model.sources
    }


@pytest.mark.parametrize(
    ("engine", "page"),
    [
        pytest.param(engine.name, page, id=stem(page))
        for engine, page in CAPTURED
        if engine.kind == "model" and engine.name != "modelwatch_probe"
    ],
)
def test_every_model_of_a_page_becomes_a_source_of_its_engine(
    pages: Drafted, engine: str, page: Page
) -> None:
    names = {written.partition("@")[0] for written in expected(page)["models"]}
    here = {source for source in sources(pages.fleet) if source[0] == stem(page)}
    assert here >= {(stem(page), engine, name) for name in names}
    assert {source[1] for source in here} == {engine}


def test_every_kind_of_card_becomes_a_pool_with_its_cards_and_hosts(pages: Drafted) -> None:
    pools = {pool.sources[0].engine: pool for pool in pages.fleet.pools}
    assert pools.keys() == {engine.name for engine, _ in CAPTURED if engine.kind == "gpu"}
    assert all(pool.cards and pool.hosts for pool in pools.values())


def test_a_draft_of_every_engine_passes_check_and_is_generated(
    pages: Drafted, tmp_path: Path
) -> None:
    said = run("check", pages.path)
    assert (said.code, said.err) == (0, "")
    said = run("generate", pages.path, "-o", tmp_path / "out")
    assert said.code == 0, said.err


def test_what_is_drafted_is_recorded_by_the_rules_of_the_draft(
    pages: Drafted, tmp_path: Path
) -> None:
    with engine_pages.prometheus(tmp_path, rules(pages.fleet)) as url:
        found = {dict(labels).get("model") for (name, labels) in recorded(url)}
    assert {model.name for model in pages.fleet.models} <= found


def test_an_older_release_is_told_by_its_names(pages: Drafted) -> None:
    assert "names of an older release: litellm_input_tokens_total" in pages.text


def test_no_objective_is_between_two_buckets(pages: Drafted) -> None:
    lines = pages.lines_of("llama-3-1-8b-instruct")
    assert any(re.match(r"      latency: 95% under 20s  # confirm: p95 was 17\.", x) for x in lines)


def test_a_time_that_no_bucket_ends_near_becomes_a_limit(pages: Drafted) -> None:
    (limit,) = (
        t
        for t in pages.model("tgi-3-3").thresholds
        if t.labels.get("quantile") and "25s" in t.limit.text
    )
    assert limit.hold == "10m"


# One Prometheus in which nothing is as in the manual.


def test_the_odd_draft_passes_check(company: Drafted) -> None:
    said = run("check", company.path)
    assert (said.code, said.err) == (0, "")


def test_a_model_in_two_environments_of_one_job_is_told_by_instances(company: Drafted) -> None:
    both = [company.model("shared", name) for name in ("prod", "staging")]
    assert [m.sources[0].instances for m in both] == [("10.0.0.1:8000",), ("10.0.0.2:8000",)]
    assert [m.team for m in both] == ["assist", "unassigned"]
    assert company.fleet.settings.production == ("prod", "production")


def test_a_canary_is_a_second_source_of_its_model(company: Drafted) -> None:
    chat = company.model("chat")
    assert [source.job for source in chat.sources if source.engine == "vllm"] == [
        "canary",
        "stable",
    ]


def test_an_application_that_counts_no_requests_is_a_source_of_its_model(company: Drafted) -> None:
    jobs = {source.job: source.engine for source in company.model("chat").sources}
    assert jobs["app"] == "modelwatch"
    assert "evals" not in jobs


def test_a_gateway_before_an_engine_is_a_model_of_its_own(company: Drafted) -> None:
    assert [source.engine for source in company.model("chat-litellm").sources] == ["litellm"]
    assert any("'chat' has the same name" in line for line in company.lines_of("chat-litellm"))


def test_a_gateway_with_many_models_is_one_endpoint(company: Drafted) -> None:
    hosted = [m for m in company.fleet.models if m.sources[0].engine == "litellm"]
    assert len(hosted) == HOSTED + 1
    assert company.text.count("endpoint: gateway") == HOSTED + 1


def test_odd_names_stay_what_they_are_to_the_engine(company: Drafted) -> None:
    named = {s.engine_model for m in company.fleet.models for s in m.sources if s.job == "odd"}
    assert named == set(ODD)


def test_two_models_without_a_label_of_the_engine_are_told_by_instances(company: Drafted) -> None:
    found = {
        m.name: m.sources[0].instances for m in company.fleet.models if m.sources[0].engine == "tei"
    }
    assert found == {"bge": ("p3:80",), "e5": ("p4:80",)}


def test_cards_are_counted_and_the_exporter_of_their_host_is_added(company: Drafted) -> None:
    (pool,) = company.fleet.pools
    assert (pool.name, pool.cards, pool.hosts) == ("nvidia-l4", 4, ("n1",))
    assert [source.engine for source in pool.sources] == ["dcgm_exporter", "node_exporter"]
    assert pool.sources[1].instances == ("n1:9100",)


def test_scores_and_kpis_join_the_model_that_they_name(company: Drafted) -> None:
    chat, alone = company.model("chat"), company.model("alone")
    assert [(score.name, score.good.text) for score in chat.scores] == [("groundedness", "0.83")]
    assert [kpi.name for kpi in chat.kpis] == ["conversion"]
    assert [(int(score.low), int(score.high)) for score in alone.scores] == [(-4, 1)]
    assert [source.engine for source in alone.sources] == ["modelwatch"]
    assert [score.name for score in company.model("own").scores] == ["rank"]


def test_objectives_are_what_was_measured(company: Drafted) -> None:
    lines = company.lines_of("twice")
    assert "      latency: 95% under 5s  # confirm: p95 was 3.89 s in 1 hour" in lines
    assert any(line.startswith("      availability: 99.5%  # confirm: 99.") for line in lines)


def test_a_model_with_little_traffic_gets_a_floor_that_it_reaches(company: Drafted) -> None:
    assert dict(company.model("1").floors)["requests"] >= 1


def test_what_is_left_out_is_said(company: Drafted) -> None:
    assert "a model of odd has a name of more than 300 characters" in company.said.err
    assert "a model of odd has a name of more than 300 characters" in company.text


def test_every_line_that_is_guessed_is_marked_and_counted(company: Drafted) -> None:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", company.text)
    marked = sum("# confirm:" in line for line in bare.splitlines()) - 1
    assert f"{marked} guesses to confirm" in company.said.out
    guessed = re.findall(
        r"^ +- \{engine: .*$|^ +(?:latency|availability|good|cards).*$", company.text, re.MULTILINE
    )
    assert guessed
    assert all("# confirm:" in line for line in guessed)


def test_the_same_prometheus_gives_the_same_draft(company: Drafted, tmp_path: Path) -> None:
    again = drafted(tmp_path, company.url)
    steady = re.compile(r"\d[\d.]* (?=s in|requests)|[\d.]+% of")
    assert steady.sub("", again.text) == steady.sub("", company.text)


# One Prometheus in which nothing is.


@pytest.fixture(name="empty", scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("empty")) as url:
        eventually(lambda: ready(url))
        yield url


def test_a_prometheus_without_engines_is_nothing(empty: str, tmp_path: Path) -> None:
    said = run("init", tmp_path / "models.yaml", "--discover", f"prometheus={empty}")
    assert said.code == 1
    assert said.err.startswith("error: no model was found; looked for metrics of ")
    assert not list(tmp_path.iterdir())


def test_the_login_of_an_address_is_not_written_down(empty: str) -> None:
    config = Path(__file__).parent / "discover" / "litellm.yaml"
    address = empty.replace("//", "//me:hunter2@")
    said = run(
        "init", "-", "--discover", f"prometheus={address}", "--discover", f"litellm={config}"
    )
    assert said.code == 0, said.err
    assert f"from prometheus={empty}, litellm=" in said.out
    assert "hunter2" not in said.out + said.err
