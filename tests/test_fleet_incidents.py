"""Every incident of the fleet shows where it should, and ends."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests

from compose.fleet import vllm
from compose.fleet.answering import answer
from compose.fleet.audience import Audience
from compose.fleet.incidents import INCIDENTS
from compose.fleet.judge import Judge
from compose.fleet.sending import Event
from compose.fleet.serve import AWAY
from modelwatch.catalogue.exposed import KPI_EVENTS_TOTAL, KPI_OPPORTUNITIES_TOTAL
from tests.fleet_pages import Fleet, samples, serving, total

pytestmark = pytest.mark.servers


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def _p95_vision(fleet: Fleet) -> float:
    found = fleet.scrape("triton", rounds=20)
    return total(found, "nv_inference_request_summary_us", quantile="0.95") / 1e6


def _share(
    name: str, page: str, part: Mapping[str, str], **labels: str
) -> Callable[[Fleet], float]:
    def share(fleet: Fleet) -> float:
        grown = fleet.gained(page, 80)
        return total(grown, name, **{**labels, **part}) / max(1.0, total(grown, name, **labels))

    return share


def _gauge(name: str, page: str, **labels: str) -> Callable[[Fleet], float]:
    return lambda fleet: total(fleet.scrape(page, rounds=4), name, **labels)


INPUT = {"gen_ai_token_type": "input"}


def _prompt_tokens(fleet: Fleet) -> float:
    grown = fleet.gained("otel_genai", 80)
    calls = total(grown, "gen_ai_client_token_usage_count", **INPUT)
    return total(grown, "gen_ai_client_token_usage_sum", **INPUT) / calls


def _chat_requests(fleet: Fleet) -> float:
    return total(fleet.gained("vllm"), "vllm:request_success_total")


def _chat_answer(fleet: Fleet) -> Mapping[str, Any]:
    asked = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
    found = answer("vllm", "/v1/chat/completions", json.dumps(asked).encode(), fleet.world)
    assert found.status == 200
    document: Mapping[str, Any] = json.loads(found.pieces[0])
    return document


def _wrong_answers(fleet: Fleet) -> float:
    return float("Paris" not in _chat_answer(fleet)["choices"][0]["message"]["content"])


def _swapped_answers(fleet: Fleet) -> float:
    return float(_chat_answer(fleet)["model"] != vllm.MODEL)


def _said(fleet: Fleet) -> list[Event]:
    """What evaluators and users say within a minute."""
    judge = Judge(fleet.world)
    judge()  # what was judged before
    said: list[Event] = []
    for _ in range(80):
        fleet.clock.seconds += 0.75
        said += judge()
    return said


def _judged(fleet: Fleet) -> list[Event]:
    return [one for one in _said(fleet) if "score" in one]


def _in_polish(fleet: Fleet) -> float:
    """Share of the questions within a minute."""
    audience = Audience(fleet.world)
    fleet.clock.seconds += 30
    languages = [one["features"]["language"] for one in audience()]  # type: ignore[index]  # ours
    return languages.count("pl") / len(languages)


def _ungrounded(fleet: Fleet) -> float:
    scores = [float(str(one["value"])) for one in _judged(fleet)]
    return sum(score < 0.7 for score in scores) / len(scores)


def _of_the_next_version(fleet: Fleet) -> float:
    """Share of what is judged; where there is any, it is worse than the rest."""
    judged = _judged(fleet)
    scores = [float(str(one["value"])) for one in judged if one["version"] == "2.2"]
    assert not scores or sum(score < 0.7 for score in scores) / len(scores) > 0.2
    return len(scores) / len(judged)


def _filled(fleet: Fleet) -> float:
    """The KV cache a quarter of an hour later."""
    fleet.clock.seconds += 15 * 60 / fleet.world.compression
    return total(fleet.scrape("vllm"), "vllm:kv_cache_usage_perc")


def _empty(fleet: Fleet) -> float:
    found = [one["hits"] for one in _said(fleet) if one.get("kind") == "retrieval"]
    return found.count(0) / len(found)


def _clicked(fleet: Fleet) -> float:
    grown = fleet.gained("modelwatch", 80)
    return total(grown, KPI_EVENTS_TOTAL.name) / total(grown, KPI_OPPORTUNITIES_TOTAL.name)


def _agent_calls(fleet: Fleet) -> float:
    grown = fleet.gained("otel_genai", 80)
    return total(grown, "gen_ai_client_token_usage_count", **INPUT)


def _summarized_tokens(fleet: Fleet) -> float:
    """Input tokens per request."""
    grown = fleet.gained("litellm", 80)
    of_model = {"requested_model": "claude-haiku"}
    tokens = total(grown, "litellm_input_tokens_metric_total", **of_model)
    return tokens / total(grown, PROXY, **of_model)


def _burst_absorbed(fleet: Fleet) -> float:
    """Share of calls to the provider that fail, while callers of the gateway see next to none."""
    grown = fleet.gained("litellm", 12)
    of_model = {"requested_model": "gpt-4o-mini"}
    failed = total(grown, PROXY, **of_model, status_code="503")
    assert failed / total(grown, PROXY, **of_model) < 0.03
    sent = total(grown, "litellm_deployment_total_requests_total", **of_model)
    refused = total(grown, "litellm_deployment_failure_responses_total", **of_model)
    return refused / sent


def _claude_series(fleet: Fleet) -> float:
    return sum("claude" in str(labels) for _, labels in fleet.scrape("litellm", rounds=8))


def _following(fleet: Fleet) -> float:
    """Share of the requests that the server of the next version gets."""
    before, after = (
        total(fleet.gained(page, 40), "vllm:request_success_total")
        for page in ("vllm", "vllm_next")
    )
    return after / (before + after)


PROXY = "litellm_proxy_total_requests_metric_total"

EFFECTS: dict[str, tuple[Callable[[Fleet], float], tuple[float, float], tuple[float, float]]] = {
    # what is measured; range while healthy; range during the incident
    "vision-slow": (_p95_vision, (0.10, 0.17), (0.28, 0.60)),
    "chat-queue": (_gauge("vllm:num_requests_waiting", "vllm"), (0, 5), (30, 100)),
    "chat-silent": (_chat_requests, (200, 1000), (0, 0)),
    "chat-errors": (
        _share("vllm:request_success_total", "vllm", {"finished_reason": "error"}),
        (0, 0.01),
        (0.1, 0.3),
    ),
    "provider-errors": (
        _share(PROXY, "litellm", {"status_code": "503"}, requested_model="gpt-4o-mini"),
        (0, 0.01),
        (0.2, 0.5),
    ),
    "rate-limited": (
        _share(PROXY, "litellm", {"status_code": "429"}, requested_model="claude-haiku"),
        (0, 0.03),
        (0.25, 0.55),
    ),
    "provider-burst": (_burst_absorbed, (0, 0.02), (0.15, 0.4)),
    "summarize-silent": (_claude_series, (20, 1000), (0, 0)),
    "chat-rollout": (_following, (0, 0), (0.05, 1)),
    "agent-tokens": (_prompt_tokens, (500, 1200), (5000, 12000)),
    "chat-wrong": (_wrong_answers, (0, 0), (1, 1)),
    "chat-swapped": (_swapped_answers, (0, 0), (1, 1)),
    "quality-drop": (_ungrounded, (0, 0.06), (0.6, 1.0)),
    "chat-regression": (_of_the_next_version, (0, 0), (0.3, 0.7)),
    "chat-crowded": (_filled, (0.05, 0.9), (0.98, 0.99)),
    "chat-language": (_in_polish, (0, 0), (0.4, 0.6)),
    "judge-silent": (lambda fleet: len(_judged(fleet)), (50, 400), (0, 0)),
    "retrieval-empty": (_empty, (0, 0.06), (0.8, 1.0)),
    "chat-clicks": (_clicked, (0.07, 0.15), (0, 0.05)),
    "agent-runaway": (_agent_calls, (80, 300), (900, 2500)),
    "summarize-archive": (_summarized_tokens, (600, 1600), (45_000, 120_000)),
    "gpu-hot": (_gauge("DCGM_FI_DEV_GPU_TEMP", "dcgm_exporter", gpu="1"), (50, 75), (91, 91)),
    "gpu-lost": (_gauge("DCGM_FI_DEV_FB_USED", "dcgm_exporter", gpu="3"), (5e4, 7e4), (0, 0)),
}


def test_an_incident_that_nobody_is_told_of_is_measured_here() -> None:
    untold = {name for name, incident in INCIDENTS.items() if not incident.told}
    assert untold <= set(EFFECTS) | set(AWAY)
    assert set(EFFECTS) <= set(INCIDENTS)


@pytest.mark.parametrize("name", EFFECTS)
def test_an_incident_shows_and_ends(fleet: Fleet, name: str) -> None:
    measure, healthy, broken = EFFECTS[name]
    assert healthy[0] <= measure(fleet) <= healthy[1]
    fleet.world.incidents.begin(name)
    assert broken[0] <= measure(fleet) <= broken[1]
    fleet.world.incidents.clear()
    measure(fleet)  # the summaries and gauges forget
    assert healthy[0] <= measure(fleet) <= healthy[1]


def test_an_unknown_incident_does_not_begin(fleet: Fleet) -> None:
    with pytest.raises(KeyError):
        fleet.world.incidents.begin("vision-fast")


def test_pages_and_control_over_http(fleet: Fleet) -> None:
    with serving(fleet, "triton", "control") as urls:
        page = requests.get(f"{urls['triton']}/metrics", timeout=5)
        assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "nv_inference_request_success" in page.text
        assert requests.get(f"{urls['triton']}/", timeout=5).status_code == 404

        began = requests.post(f"{urls['control']}/incident/vision-slow", timeout=5)
        assert began.text == INCIDENTS["vision-slow"].what + "\n"
        listed = requests.get(f"{urls['control']}/incident", timeout=5).json()
        assert [name for name, one in listed.items() if one["active"]] == ["vision-slow"]
        unknown = requests.post(f"{urls['control']}/incident/vision-fast", timeout=5)
        assert unknown.status_code == 404
        assert "vision-slow" in unknown.text
        requests.post(f"{urls['control']}/incident/clear", timeout=5)
        assert "vision-slow" not in fleet.world.incidents


def test_one_incident_ends_and_the_others_go_on(fleet: Fleet) -> None:
    with serving(fleet, "control") as urls:
        for name in ("vision-slow", "chat-errors", "chat-errors/end"):
            assert requests.post(f"{urls['control']}/incident/{name}", timeout=5).ok
        assert "vision-slow" in fleet.world.incidents
        assert "chat-errors" not in fleet.world.incidents
        unknown = requests.post(f"{urls['control']}/incident/vision-fast/end", timeout=5)
        assert unknown.status_code == 404


def test_the_control_page_says_who_is_told(fleet: Fleet) -> None:
    with serving(fleet, "control") as urls:
        listed = requests.get(f"{urls['control']}/incident", timeout=5).json()
    (told,) = listed["vision-slow"]["told"]
    assert told["alert"] == "ModelLatencyHigh"
    assert told["receiver"] == "vision/page"
    assert listed["provider-burst"]["told"] == []


def test_an_incident_of_some_minutes_ends_by_itself(fleet: Fleet) -> None:
    fleet.world.incidents.begin("provider-burst")
    fleet.clock.seconds += 4 * 60 / fleet.world.compression - 0.1
    assert "provider-burst" in fleet.world.incidents
    fleet.clock.seconds += 0.2
    assert "provider-burst" not in fleet.world.incidents
    assert fleet.world.incidents.minutes("provider-burst") == 0


@pytest.mark.parametrize(("name", "page"), AWAY.items())
def test_a_server_that_is_away_answers_nothing_and_begins_anew(
    fleet: Fleet, name: str, page: str
) -> None:
    with serving(fleet, page) as urls:
        fleet.clock.seconds += 20
        requests.get(f"{urls[page]}/metrics", timeout=5)
        fleet.clock.seconds += 20
        before = requests.get(f"{urls[page]}/metrics", timeout=5).text
        fleet.world.incidents.begin(name)
        for ask in (requests.get, requests.post):
            with pytest.raises(requests.ConnectionError):
                ask(f"{urls[page]}/metrics", timeout=5)
        fleet.world.incidents.end(name)
        after = requests.get(f"{urls[page]}/metrics", timeout=5).text
    assert counted(after) < counted(before) / 2


def counted(page: str) -> float:
    """Requests since its start."""
    names = ("request_success_total", "inference_request_success", "total_requests_metric_total")
    return sum(value for (name, _), value in samples(page).items() if name.endswith(names))


def test_the_next_server_answers_as_the_one_before(fleet: Fleet) -> None:
    asked = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
    with serving(fleet, "vllm", "vllm_next") as urls:
        said = {
            requests.post(f"{url}/v1/chat/completions", json=asked, timeout=5).json()["model"]
            for url in urls.values()
        }
    assert said == {vllm.MODEL}
