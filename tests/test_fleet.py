import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from compose.fleet.answering import answer
from compose.fleet.serve import PAGES, PORTS
from compose.fleet.traffic import LONGEST_STEP_S, Arrivals, World, poisson, season
from modelwatch.catalogue import Layer, metrics
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine, Expression, Mean, Quantiles, Row
from tests.fleet_pages import Clock, Fleet, samples, total, types

pytestmark = pytest.mark.servers


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.mark.parametrize("name", PAGES)
def test_counters_and_buckets_never_fall(fleet: Fleet, name: str) -> None:
    text = fleet.pages[name]()
    known = types(text)
    rising = {
        metric
        for metric, _ in samples(text)
        if known.get(metric) == "counter" or known.get(metric.rpartition("_")[0]) == "histogram"
    }
    assert rising
    last = samples(text)
    for _ in range(20):
        now = fleet.scrape(name)
        fell = {key for key in last if key[0] in rising and now[key] < last[key]}
        assert not fell
        last = now


@pytest.mark.parametrize(
    "name", [name for name in PAGES if name not in {"dcgm_exporter", "modelwatch", "vllm_next"}]
)
def test_buckets_rise_to_the_count(fleet: Fleet, name: str) -> None:
    found = fleet.scrape(name, rounds=20)
    histograms = 0
    for (metric, labels), count in found.items():
        base = metric.removesuffix("_count")
        buckets = {
            float(dict(have)["le"]): value
            for (one, have), value in found.items()
            if one == f"{base}_bucket" and {k: v for k, v in have if k != "le"} == dict(labels)
        }
        if metric.endswith("_count") and buckets:
            histograms += 1
            ordered = [value for _, value in sorted(buckets.items())]
            assert ordered == sorted(ordered)
            assert ordered[-1] == count
            assert (f"{base}_sum", labels) in found
    assert histograms > 0 or name == "triton"  # Triton has summaries


def test_what_a_request_touches_agrees(fleet: Fleet) -> None:
    vllm = fleet.scrape("vllm", rounds=40)
    requests_done = total(vllm, "vllm:request_success_total")
    assert requests_done > 100
    for name in ("e2e_request_latency", "time_to_first_token", "request_queue_time"):
        assert total(vllm, f"vllm:{name}_seconds_count") == requests_done
    assert total(vllm, "vllm:e2e_request_latency_seconds_sum") == pytest.approx(
        total(vllm, "vllm:request_queue_time_seconds_sum")
        + total(vllm, "vllm:request_prefill_time_seconds_sum")
        + total(vllm, "vllm:request_decode_time_seconds_sum")
    )
    assert total(vllm, "vllm:prompt_tokens_by_source_total") == total(
        vllm, "vllm:prompt_tokens_total"
    )
    assert total(vllm, "vllm:generation_tokens_total") == total(
        vllm, "vllm:request_generation_tokens_sum"
    )

    triton = fleet.scrape("triton", rounds=40)
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert total(triton, "nv_inference_request_duration_us") == sum(
        total(triton, f"nv_inference_{part}_duration_us") for part in parts
    )
    done = total(triton, "nv_inference_request_success")
    done += total(triton, "nv_inference_request_failure")
    assert total(triton, "nv_inference_request_summary_us_count") == done

    litellm = fleet.scrape("litellm", rounds=40)
    assert total(litellm, "litellm_total_tokens_metric_total") == total(
        litellm, "litellm_input_tokens_metric_total"
    ) + total(litellm, "litellm_output_tokens_metric_total")
    assert total(litellm, "litellm_proxy_total_requests_metric_total") == total(
        litellm, "litellm_deployment_total_requests_total"
    )


def test_every_answer_of_the_gpu_host_fits_its_cards(fleet: Fleet) -> None:
    found = fleet.scrape("dcgm_exporter", rounds=3)
    cards = {dict(labels)["gpu"] for name, labels in found if name == "DCGM_FI_DEV_GPU_UTIL"}
    assert cards == {"0", "1", "2", "3"}
    for gpu in cards:
        parts = ("FREE", "USED", "RESERVED")
        memory = sum(total(found, f"DCGM_FI_DEV_FB_{part}", gpu=gpu) for part in parts)
        assert memory == pytest.approx(81920, abs=1)
        assert 60 < total(found, "DCGM_FI_DEV_POWER_USAGE", gpu=gpu) < 400


def test_a_day_of_seasons_passes_in_compressed_time(fleet: Fleet) -> None:
    assert fleet.world.hour_of_week == pytest.approx(34)
    fleet.clock.seconds += 24 * 3600 / 20
    assert fleet.world.hour_of_week == pytest.approx(58)
    fleet.clock.seconds += 7 * 24 * 3600 / 20
    assert fleet.world.hour_of_week == pytest.approx(58)


def test_traffic_has_nights_and_weekends() -> None:
    tuesday, saturday = 24.0, 120.0
    assert season(tuesday + 14) == pytest.approx(1.0)
    assert season(tuesday + 2) == pytest.approx(0.35)
    assert season(saturday + 14) == pytest.approx(0.55)
    assert all(0 < season(hour) <= 1 for hour in range(168))


def test_arrivals_follow_the_rate(fleet: Fleet) -> None:
    arrivals = Arrivals(world=fleet.world, peak=20.0)
    came = 0
    for _ in range(400):
        fleet.clock.seconds += 0.75
        came += arrivals.since_last()
    assert came / 300 == pytest.approx(20 * season(34.5), rel=0.3)


def test_nobody_catches_up_on_a_long_silence(fleet: Fleet) -> None:
    arrivals = Arrivals(world=fleet.world, peak=20.0)
    fleet.clock.seconds += 86_400
    assert arrivals.since_last() < 20 * LONGEST_STEP_S * 1.5


@pytest.mark.parametrize("mean", [0.0, 0.3, 12.0, 400.0])
def test_drawn_counts_have_the_mean_that_was_asked_for(mean: float) -> None:
    chance = World(now=Clock()).chance
    drawn = [poisson(chance, mean) for _ in range(3000)]
    assert sum(drawn) / len(drawn) == pytest.approx(mean, rel=0.1, abs=0.02)


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {one.name: one for one in constants_named("exporters.engines", "ENGINE").values()}


@pytest.mark.parametrize(
    "name", [name for name in PAGES if name not in {"modelwatch", "vllm_next"}]
)
def test_a_page_has_every_signal_that_the_engine_table_reads(
    fleet: Fleet, engines: dict[str, Engine], name: str
) -> None:
    shown = {metric for metric, _ in fleet.scrape(name, rounds=40)}
    supplied, wanted = set(), set()
    for row in engines[name].rows:
        if not row.opt_in:
            wanted.add(row.signal)
        names = {metric.split("{")[0] for metric in _metrics(row)}
        if {*names, *(f"{metric}_bucket" for metric in names)} & shown:
            supplied.add(row.signal)
    assert wanted
    assert wanted <= supplied


def _metrics(row: Row) -> Iterable[str]:
    if isinstance(row, Mean):
        return (*row.sums, *row.counts)
    if isinstance(row, Quantiles):
        return row.metrics.values()
    return row.metrics if isinstance(row, Expression) else row.names


def test_the_canonical_page_is_of_the_catalogue(fleet: Fleet) -> None:
    kinds = {one.name: one.kind for one in metrics() if one.layer is Layer.EXPOSED}
    text = fleet.pages["modelwatch"]()
    assert types(text)
    for metric, kind in types(text).items():
        assert kinds[metric] == kind


@pytest.mark.real
@pytest.mark.parametrize("name", PAGES)
def test_promtool_can_read_a_page(fleet: Fleet, promtool: Path, name: str) -> None:
    fleet.scrape(name, rounds=5)
    answer = subprocess.run(
        [promtool, "check", "metrics"],
        input=fleet.pages[name](),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode in {0, 3}, answer.stderr  # 3: the vendor's names are no good style


def test_the_ports_are_those_of_the_example() -> None:
    example = (Path(__file__).parent.parent / "examples" / "demo.yaml").read_text()
    for name in ("vllm", "triton", "litellm", "otel_genai", "dcgm_exporter"):
        assert f"127.0.0.1:{PORTS[name]}" in example


# What the simulated servers answer to requests.


def test_an_answer_is_streamed_as_events_that_end() -> None:
    asked = {
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "What is two plus two?"}],
    }
    found = answer("vllm", "/v1/chat/completions", json.dumps(asked).encode(), World())
    events = b"".join(found.written(sleep=lambda _: None)).decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    said = "".join(
        choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"]
    )
    assert said.split() == ["That", "is", "4."]
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert len(found.pauses_s) < len(found.pieces)


@pytest.mark.parametrize(
    ("name", "path", "body", "status"),
    [
        ("triton", "/v2/models/vision_detector/infer", b"{}", 200),
        ("triton", "/v2/models/other/infer", b"{}", 404),
        ("vllm", "/v1/chat/completions", b"{", 400),
        ("litellm", "/v1/chat/completions", b"{}", 404),
    ],
)
def test_requests_get_the_status_that_they_deserve(
    name: str, path: str, body: bytes, status: int
) -> None:
    assert answer(name, path, body, World()).status == status
