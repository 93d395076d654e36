"""The same series, counted by others and by us: error ratios agree to the last digits.

The rules of Sloth were written by Sloth itself. Those of Pyrra are the expressions that its
`slo/rules.go` builds for each kind of indicator, over the metrics of the document.
"""

import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from generator.build import build
from generator.definitions import definitions
from modelwatch.catalogue.recorded import SLO_ERROR
from modelwatch.promql import select
from modelwatch.reading import read
from tests.command import run
from tests.real import program

FOLDER = Path(__file__).parent / "slo_formats"
STEPS = 120
"""Of 30 seconds each way: traffic is uneven, so that a wrong weight shows."""

ASSISTANT = 'job="vllm-prod",instance="a:8000",model_name="meta-llama/Llama-3.1-8B-Instruct"'
CHAT = 'job="vllm",instance="b:8000",model_name="chat"'
PREDICT = 'job="checkout",instance="c:80",handler="/predict"'


def counter(slow: int, fast: int) -> str:
    """Rises slowly, then fast."""
    return f"0+{slow}x{STEPS} {slow * STEPS + fast}+{fast}x{STEPS}"


def histogram(name: str, labels: str, within: tuple[int, int], le: str) -> dict[str, str]:
    """Two buckets of a hundred observations a step, then of two hundred."""
    return {
        f'{name}_bucket{{{labels},le="{le}"}}': counter(*within),
        f'{name}_bucket{{{labels},le="+Inf"}}': counter(100, 200),
        f"{name}_count{{{labels}}}": counter(100, 200),
    }


def finished(labels: str, **reasons: tuple[int, int]) -> dict[str, str]:
    return {
        f'vllm:request_success_total{{{labels},finished_reason="{reason}"}}': counter(*speed)
        for reason, speed in reasons.items()
    }


SERIES = {
    **finished(ASSISTANT, stop=(90, 180), length=(9, 12), error=(1, 8), abort=(5, 5)),
    **histogram("vllm:e2e_request_latency_seconds", ASSISTANT, (97, 170), "5.0"),
    **histogram("vllm:time_to_first_token_seconds", ASSISTANT, (80, 150), "0.5"),
    **finished(CHAT, stop=(95, 190), error=(2, 30)),
    **histogram("vllm:e2e_request_latency_seconds", CHAT, (90, 185), "10.0"),
    **histogram("http_request_duration_seconds", PREDICT, (99, 160), "0.3"),
    f'http_requests_total{{{PREDICT},code="200"}}': counter(90, 150),
    f'http_requests_total{{{PREDICT},code="404"}}': counter(3, 5),
    f'http_requests_total{{{PREDICT},code="429"}}': counter(4, 30),
    f'http_requests_total{{{PREDICT},code="503"}}': counter(3, 15),
    'http_requests_total{job="checkout",instance="c:80",handler="/other",code="503"}': "0+50x240",
    'http_requests_total{job="embed",instance="d:80",handler="/a",code="200"}': counter(50, 20),
    'http_requests_total{job="embed",instance="d:80",handler="/a",code="500"}': counter(1, 5),
    'jobs_total{job="queue",instance="e:80",kind="real"}': counter(40, 80),
    'jobs_total{job="queue",instance="e:80",kind="test"}': counter(40, 80),
    'dropped_jobs_total{job="queue",instance="e:80"}': counter(1, 9),
    'probe_success{job="blackbox",instance="f"}': f"{'1 1 1 0 ' * 60}",
}

SLOTH = (
    ("assistant", "availability", "requests-availability"),
    ("assistant", "latency", "requests-latency"),
    ("assistant", "time_to_first_token", "first-token"),
    ("checkout", "availability", "http"),
    ("checkout", "latency", "http-latency"),
    ("queue", "availability", "dropped"),
)
"""Models and kinds of objectives of `sloth.yaml`, with the name that they have there."""


def failing(errors: str, total: str, over: str) -> str:
    """What Pyrra computes of a `ratio`."""
    return f"sum(rate({errors}[{over}])) / sum(rate({total}[{over}]))"


def slow(success: str, total: str, over: str) -> str:
    """What Pyrra computes of a `latency`."""
    whole = f"sum(rate({total}[{over}]))"
    return f"({whole} - sum(rate({success}[{over}]))) / {whole}"


def down(gauge: str, over: str) -> str:
    """What Pyrra computes of a `bool_gauge`."""
    seen = f"sum(count_over_time({gauge}[{over}]))"
    return f"({seen} - sum(sum_over_time({gauge}[{over}]))) / {seen}"


CHAT_OF = '{job="vllm",model_name="chat"'
FINISHED, SLOW = "vllm:request_success_total", "vllm:e2e_request_latency_seconds"


def pyrra(over: str) -> dict[tuple[str, str], str]:
    """The expressions of `pyrra.yaml` by model and kind of objective."""
    return {
        ("embed-errors", "availability"): failing(
            'http_requests_total{job="embed",code=~"5.."}', 'http_requests_total{job="embed"}', over
        ),
        ("chat", "availability"): failing(
            f'{FINISHED}{CHAT_OF},finished_reason="error"}}', f"{FINISHED}{CHAT_OF}}}", over
        ),
        ("chat", "latency"): slow(
            f'{SLOW}_bucket{CHAT_OF},le="10.0"}}', f"{SLOW}_count{CHAT_OF}}}", over
        ),
        ("probe", "availability"): down('probe_success{job="blackbox"}', over),
    }


KEPT = ("requests", "slo", "slo-mid")
"""Groups of the recorded layers that error ratios are made of."""


@cache
def rules(document: str) -> dict[str, str]:
    """The rules of the inventory that the import drafts, as far as error ratios need them."""
    said = run("import", FOLDER / document)
    assert said.code == 0, said.err
    inventory = read("draft.yaml", said.out.encode(), definitions().engines)
    built = build(inventory, definitions())
    files = {name: built[f"prometheus/rules/{name}"] for name in ("engines.yml", "inventory.yml")}
    groups = yaml.safe_load(built["prometheus/rules/recorded.yml"])["groups"]
    kept = [one for one in groups if one["name"] in {f"modelwatch-{name}" for name in KEPT}]
    assert len(kept) == len(KEPT)
    return {**files, "recorded.yml": yaml.safe_dump({"groups": kept})}


def agreement(ours: str, theirs: str, *, within: str) -> str:
    """One where both say the same, and something is wrong at all."""
    return (
        f"sum((abs({ours} - scalar({theirs})) <= bool {within} * scalar({theirs}))"
        f" * (scalar({theirs}) > bool 0.001))"
    )


def agree(folder: Path, document: str, expressions: list[str], *others: Path) -> None:
    """Promtool finds one for each expression, half an hour after traffic grew."""
    named = {**rules(document), **{path.name: path.read_text("utf-8") for path in others}}
    for name, text in named.items():
        (folder / name).write_text(text, encoding="utf-8")
    tests = {
        "rule_files": sorted(named),
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [
                    {"series": series, "values": values} for series, values in SERIES.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": expression,
                        "eval_time": "100m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                    for expression in expressions
                ],
            }
        ],
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", folder / "tests.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def ours(model: str, slo: str, over: str) -> str:
    return select(SLO_ERROR[over], model=model, slo=slo)


# Over an hour ours is a sum of rates over five minutes, which begin up to five minutes earlier: of
# an error ratio that rose tenfold within this hour it sees a little less.
TOLERANCE = {"5m": "1e-9", "1h": "0.1"}


@pytest.mark.real
def test_what_sloth_records_is_what_we_record(tmp_path: Path) -> None:
    expressions = [
        agreement(
            ours(model, slo, over),
            f'slo:sli_error:ratio_rate{over}{{sloth_service="{model}",sloth_slo="{name}"}}',
            within=within,
        )
        for over, within in TOLERANCE.items()
        for model, slo, name in SLOTH
    ]
    agree(tmp_path, "sloth.yaml", expressions, FOLDER / "sloth.rules.yaml")


@pytest.mark.real
def test_what_pyrra_records_is_what_we_record(tmp_path: Path) -> None:
    expressions = [
        agreement(ours(model, slo, over), theirs, within=within)
        for over, within in TOLERANCE.items()
        for (model, slo), theirs in pyrra(over).items()
    ]
    agree(tmp_path, "pyrra.yaml", expressions)
