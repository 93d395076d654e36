"""What engines expose, and what the inventory makes of it: scopes, versions, renames, units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from modelwatch import custom
from modelwatch.engine import Counter, Engine, Gauge, Histogram, Unit, boundaries
from modelwatch.inventory import CustomEngine, CustomSignal, Inventory, Source
from tests.engine_pages import ENGINES, inventory, model, pool
from tests.rule_cases import growing, still

REQUESTS = "engine:requests:rate5m"
BUCKETS = "engine:request_duration_seconds_bucket:rate5m"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An inventory, what is scraped, and what must be recorded."""

    fleet: Inventory
    scraped: Mapping[str, str]
    recorded: Mapping[str, Mapping[str, float]]
    engines: Mapping[str, Engine] = field(default_factory=lambda: ENGINES)


def requests(outcome: str, environment: str = "production", **more: str) -> str:
    labels = {"engine": "vllm", "environment": environment, "model": "chat", **more}
    text = ", ".join(f'{name}="{value}"' for name, value in {**labels, "outcome": outcome}.items())
    return f"{{{text}}}"


def finished(job: str, instance: str, reason: str = "stop", name: str = "llama") -> str:
    return (
        f'vllm:request_success_total{{job="{job}",instance="{instance}",model_name="{name}",'
        f'engine="0",finished_reason="{reason}"}}'
    )


SUCCESSES = f'{REQUESTS}{{outcome="success"}}'
THREE_REPLICAS = {
    finished("vllm", "a:8000"): growing(1),
    finished("vllm", "b:8000"): growing(2),
    finished("vllm", "c:8000"): growing(4),
}
RENAMED = Engine(
    name="renamed",
    title="Renamed",
    versions=("1", "2"),
    port=1,
    model_label="m",
    rows=(
        Counter(
            signal="requests", names=("new_total", "middle_total", "old_total"), value="success"
        ),
        Gauge(signal="requests_running", names=("new_running", "old_running")),
        Histogram(
            signal="request_duration",
            names=("new_ms", "old_ms"),
            buckets=boundaries("5 250 1000000 2500000"),
            unit=Unit.MILLISECONDS,
        ),
    ),
)
COLON = Engine(
    name="colon",
    title="Colon",
    versions=("1",),
    port=1,
    model_label="model_name",
    rows=(
        Counter(
            signal="requests",
            names=(':a:count{kind!="x"}',),
            label="status",
            values={"success": "OK"},
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=(":a:latency",),
            unit=Unit.MICROSECONDS,
            buckets=boundaries("10 1.5 1274823.6216396084 1000000"),
        ),
    ),
)
OWN = CustomEngine(
    name="ranker",
    model_label="name",
    signals=(
        CustomSignal(
            signal="requests",
            kind="counter",
            metric="rank_total",
            label="code",
            values={"success": "2..", "server_error": "5.."},
        ),
        CustomSignal(
            signal="request_duration",
            kind="histogram",
            metric="rank_ms",
            unit="milliseconds",
            buckets=(Decimal(50), Decimal(200)),
        ),
        CustomSignal(signal="requests_running", kind="gauge", metric="rank_running"),
        CustomSignal(
            signal="time_to_first_token",
            kind="promql",
            promql='max by (job, instance, name) (rank_first_ms{q="0.95"}) / 1000',
        ),
    ),
)

ASKED = CustomEngine(
    name="asked",
    model_label="model",
    signals=tuple(
        CustomSignal(signal="requests", kind="promql", value=outcome, promql=promql)
        for outcome, promql in (
            ("success", "sum by (job, instance, model) (rate(asked_ok_total[5m]))"),
            ("server_error", "rate(asked_bad_total[5m])"),
        )
    ),
)


def on_job(engine: str, job: str = "j", name: str = "llama") -> Source:
    return Source(engine=engine, engine_model=name, job=job)


CASES = {
    "a source that owns a job has all its targets": Case(
        fleet=inventory([model("chat", "production", on_job("vllm", "vllm"))]),
        scraped=THREE_REPLICAS,
        recorded={SUCCESSES: {requests("success"): 7}},
    ),
    "a source with targets has only these": Case(
        fleet=inventory(
            [
                model(
                    "chat",
                    "production",
                    Source(engine="vllm", engine_model="llama", targets=("a:8000", "b:8000")),
                ),
                model(
                    "chat",
                    "staging",
                    Source(engine="vllm", engine_model="llama", targets=("c:8000",)),
                ),
            ]
        ),
        scraped=THREE_REPLICAS,
        recorded={SUCCESSES: {requests("success"): 3, requests("success", "staging"): 4}},
    ),
    "two jobs may call two models by the same name": Case(
        fleet=inventory(
            [
                model("chat", "production", on_job("vllm", "prod")),
                model("chat", "staging", on_job("vllm", "stage")),
            ]
        ),
        scraped={
            finished("prod", "a:8000"): growing(1),
            finished("stage", "a:8000"): growing(5),
        },
        recorded={SUCCESSES: {requests("success"): 1, requests("success", "staging"): 5}},
    ),
    "one engine may be joined by job here and by target there": Case(
        fleet=inventory(
            [
                model("chat", "production", on_job("vllm", "prod")),
                model(
                    "chat",
                    "staging",
                    Source(engine="vllm", engine_model="llama", job="vllm", instances=("c:8000",)),
                ),
            ]
        ),
        scraped={**THREE_REPLICAS, finished("prod", "c:8000"): growing(1)},
        recorded={SUCCESSES: {requests("success"): 1, requests("success", "staging"): 4}},
    ),
    "a canary is told apart by its version": Case(
        fleet=inventory(
            [
                model(
                    "chat",
                    "production",
                    Source(engine="vllm", engine_model="llama", targets=("a:8000",), version="1"),
                    Source(engine="vllm", engine_model="llama", targets=("b:8000",), version="2"),
                )
            ]
        ),
        scraped=THREE_REPLICAS,
        recorded={
            SUCCESSES: {requests("success", version="1"): 1, requests("success", version="2"): 2}
        },
    ),
    "an outcome not seen yet is zero": Case(
        fleet=inventory([model("chat", "production", on_job("vllm", "vllm"))]),
        scraped={finished("vllm", "a:8000"): growing(1)},
        recorded={
            REQUESTS: {
                requests("success"): 1,
                requests("cancelled"): 0,
                requests("server_error"): 0,
                requests("rate_limited"): 0,
            }
        },
    ),
    "a model that nothing counts has no outcome, not zeros": Case(
        fleet=inventory([model("chat", "production", on_job("vllm", "vllm"))]),
        scraped={finished("vllm", "a:8000", name="other"): growing(1)},
        recorded={REQUESTS: {}},
    ),
    "traffic under an undeclared name is told, in declared jobs only": Case(
        fleet=inventory([model("chat", "production", on_job("vllm", "vllm"))]),
        scraped={
            finished("vllm", "a:8000"): growing(1),
            finished("vllm", "a:8000", name="other"): growing(3),
            finished("vllm", "a:8000", name="idle"): still(4),
            finished("foreign", "a:8000", name="other"): growing(9),
        },
        recorded={
            "engine:undeclared:rate5m": {
                '{engine="vllm", job="vllm", engine_model="other"}': 3,
            }
        },
    ),
    "an engine without a model label takes the model from its source": Case(
        fleet=inventory([model("chat", "production", Source(engine="tgi", targets=("a:80",)))]),
        scraped={
            'tgi_request_success{job="tgi",instance="a:80"}': growing(2),
            'tgi_request_success{job="tgi",instance="b:80"}': growing(9),
        },
        recorded={SUCCESSES: {requests("success", engine="tgi"): 2}},
    ),
    "a counter of the whole server is nobody's where it serves two models": Case(
        fleet=inventory(
            [
                model("chat", "production", on_job("sglang", "s", "a")),
                model("code", "production", on_job("sglang", "s", "b")),
            ]
        ),
        scraped={
            'sglang:num_requests_total{job="s",instance="i",model_name="a"}': growing(1),
            'sglang:http_responses_total{job="s",instance="i",status_code="500"}': growing(3),
        },
        recorded={
            f'{REQUESTS}{{outcome="server_error"}}': {},
            SUCCESSES: {requests("success", engine="sglang"): 1},
        },
    ),
    "new or old: each target counts under the newest name that it has": Case(
        fleet=inventory([model("chat", "production", on_job("renamed"))]),
        engines={"renamed": RENAMED},
        scraped={
            'new_total{job="j",instance="both",m="llama"}': growing(1),
            'old_total{job="j",instance="both",m="llama"}': growing(1),
            'middle_total{job="j",instance="older",m="llama"}': growing(2),
            'old_total{job="j",instance="oldest",m="llama"}': growing(4),
            'new_running{job="j",instance="both",m="llama"}': still(1),
            'old_running{job="j",instance="both",m="llama"}': still(1),
            'old_running{job="j",instance="oldest",m="llama"}': still(5),
        },
        recorded={
            SUCCESSES: {requests("success", engine="renamed"): 7},
            "engine:requests_running:sum": {
                '{engine="renamed", environment="production", model="chat"}': 6
            },
        },
    ),
    "boundaries of old and new Prometheus are one, even side by side": Case(
        fleet=inventory([model("chat", "production", on_job("renamed"))]),
        engines={"renamed": RENAMED},
        scraped={
            'new_ms_bucket{job="j",instance="i",m="llama",le="5"}': growing(1),
            'new_ms_bucket{job="j",instance="i",m="llama",le="5.0"}': growing(1),
            'new_ms_bucket{job="j",instance="i",m="llama",le="250"}': growing(2),
            'new_ms_bucket{job="j",instance="i",m="llama",le="1e+06"}': growing(3),
            'new_ms_bucket{job="j",instance="k",m="llama",le="1000000.0"}': growing(3),
            'new_ms_bucket{job="j",instance="k",m="llama",le="1000000"}': growing(3),
            'new_ms_bucket{job="j",instance="k",m="llama",le="2.5e+06"}': growing(4),
            'new_ms_bucket{job="j",instance="k",m="llama",le="7.25e+06"}': growing(5),
            'new_ms_bucket{job="j",instance="k",m="llama",le="+Inf"}': growing(6),
        },
        recorded={
            f"sum by (le) ({BUCKETS})": {
                '{le="5.0e-3"}': 2,
                '{le="250.0e-3"}': 2,
                '{le="1000000.0e-3"}': 9,
                '{le="2500000.0e-3"}': 4,
                '{le="0.00725e+06"}': 5,  # no boundary of the table: right number, other text
                '{le="+Inf"}': 6,
            }
        },
    ),
    "microseconds and names that begin with a colon": Case(
        fleet=inventory([model("chat", "production", on_job("colon"))]),
        engines={"colon": COLON},
        scraped={
            '{__name__=":a:count",job="j",instance="i",model_name="llama",status="OK"}': growing(1),
            '{__name__=":a:count",job="j",instance="i",model_name="llama",status="LOST"}': growing(
                2
            ),
            '{__name__=":a:latency_bucket",job="j",instance="i",model_name="llama",'
            'le="1.2748236216396084e+06"}': growing(1),
            '{__name__=":a:latency_bucket",job="j",instance="k",model_name="llama",'
            'le="1274823.6216396084"}': growing(2),
            '{__name__=":a:latency_bucket",job="j",instance="k",model_name="llama",'
            'le="10"}': growing(1),
        },
        recorded={
            REQUESTS: {
                requests("success", engine="colon"): 1,
                requests("server_error", engine="colon"): 2,
            },
            f"sum by (le) ({BUCKETS})": {
                '{le="1274823.6216396084e-6"}': 3,
                '{le="10.0e-6"}': 1,
            },
        },
    ),
    "an engine that the inventory describes": Case(
        fleet=inventory([model("rank", "production", on_job("ranker"))], engines={"ranker": OWN}),
        engines={"ranker": custom.engine(OWN)},
        scraped={
            'rank_total{job="j",instance="i",name="llama",code="200"}': growing(3),
            'rank_total{job="j",instance="i",name="llama",code="404"}': growing(5),
            'rank_ms_bucket{job="j",instance="i",name="llama",le="200"}': growing(2),
            'rank_ms_sum{job="j",instance="i",name="llama"}': growing(500),
            'rank_ms_count{job="j",instance="i",name="llama"}': growing(2),
            'rank_running{job="j",instance="i",name="llama"}': still(4),
            'rank_first_ms{job="j",instance="i",name="llama",q="0.95"}': still(800),
        },
        recorded={
            REQUESTS: {
                requests("success", model="rank", engine="ranker"): 3,
                requests("server_error", model="rank", engine="ranker"): 0,
            },
            f"sum by (le) ({BUCKETS})": {'{le="200.0e-3"}': 2},
            "sum(engine:request_duration_seconds_sum:rate5m)": {"{}": 0.5},
            "sum(engine:requests_running:sum)": {"{}": 4},
            "sum by (quantile) (engine:time_to_first_token_seconds:quantile)": {
                '{quantile="0.95"}': 0.8
            },
        },
    ),
    "queries of ones own may keep any labels, the model's too": Case(
        fleet=inventory([model("rank", "production", on_job("asked"))], engines={"asked": ASKED}),
        engines={"asked": custom.engine(ASKED)},
        scraped={
            'asked_ok_total{job="j",instance="i",model="llama",code="200"}': growing(3),
            'asked_ok_total{job="j",instance="i",model="llama",code="204"}': growing(4),
            'asked_bad_total{job="j",instance="i",model="llama",code="500"}': growing(1),
            'asked_bad_total{job="j",instance="i",model="llama",code="503"}': growing(1),
        },
        recorded={
            REQUESTS: {
                requests("success", model="rank", engine="asked"): 7,
                requests("server_error", model="rank", engine="asked"): 2,
            },
        },
    ),
    "a period of CloudWatch without a value spoils nothing": Case(
        fleet=inventory([model("chat", "production", on_job("bedrock_cloudwatch"))]),
        scraped={
            'aws_bedrock_invocations_sum{job="j",instance="i",dimension_ModelId="llama",'
            'region="a"}': still(120),
            'aws_bedrock_invocations_sum{job="j",instance="i",dimension_ModelId="llama",'
            'region="b"}': " ".join(["NaN"] * 60),
        },
        recorded={SUCCESSES: {requests("success", engine="bedrock_cloudwatch"): 2}},
    ),
    "a new XID counts although its series is a new one": Case(
        fleet=inventory(
            pools=[pool("a100", "production", Source(engine="dcgm_exporter", job="d"))]
        ),
        scraped={
            'DCGM_FI_DEV_XID_ERRORS{job="d",instance="h:9400",UUID="GPU-1",err_code="0"}': (
                "0x40 stale"
            ),
            'DCGM_FI_DEV_XID_ERRORS{job="d",instance="h:9400",UUID="GPU-1",err_code="79"}': (
                "_x41 79x30"
            ),
            'DCGM_FI_DEV_XID_ERRORS{job="d",instance="h:9400",UUID="GPU-2",err_code="0"}': still(0),
        },
        recorded={
            "gpu:xid_errors:changes15m": {
                '{environment="production", pool="a100", host="h", gpu="GPU-1"}': 1
            }
        },
    ),
}
