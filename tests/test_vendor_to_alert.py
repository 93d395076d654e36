"""From a vendor's series to the alert, through every rule that is generated.

The layers have tests of their own, each fed with what the layer below is said to write. Here the
rules of one inventory run together, so that a label which one layer writes and the next does not
expect is seen.
"""

import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from generator.build import build
from generator.definitions import definitions
from modelwatch.reading import read
from tests.real import program

INVENTORY = """\
receivers: {hook: {webhook: {url_file: /etc/hook}}}
teams: {assist: {page: hook}}
defaults: {team: assist, tier: 1}
models:
  - name: chat
    sources: [{engine: vllm, job: vllm, model: llama}]
    slo: {availability: 99.9%, latency: 99% under 10s}
  - name: index
    sources: [{engine: modelwatch, job: index}]
    slo: {freshness: 99% within 10m}
    limits: {silent: off}
  - name: hosted
    environments: [production, staging]
    sources:
      - {engine: litellm, job: gateway, model: gpt, environment: production}
      - {engine: litellm, job: gateway-staging, model: gpt, environment: staging}
budgets:
  - {name: everywhere, model: hosted, amount: 1000 USD per month}
"""
STEPS = 60
"""Of 30 seconds: half an hour."""
CHAT = 'job="vllm",instance="a:8000",model_name="llama"'
GATEWAY = 'instance="g:4000",requested_model="gpt"'

REFRESHED = 'modelwatch_last_success_timestamp_seconds{model="index",environment="production"}'

Series = dict[str, str]
HEALTHY: Series = {
    REFRESHED: f"0+30x{STEPS}",
    'up{job="vllm",instance="a:8000"}': f"1x{STEPS}",
    f'vllm:request_success_total{{{CHAT},finished_reason="stop"}}': f"0+150x{STEPS}",
    f'vllm:request_success_total{{{CHAT},finished_reason="error"}}': f"0x{STEPS}",
    f'vllm:e2e_request_latency_seconds_bucket{{{CHAT},le="10.0"}}': f"0+150x{STEPS}",
    f'vllm:e2e_request_latency_seconds_bucket{{{CHAT},le="+Inf"}}': f"0+150x{STEPS}",
    **{
        f'litellm_proxy_total_requests_metric_total{{job="{job}",{GATEWAY},status_code="200"}}': (
            f"0+30x{STEPS}"
        )
        for job in ("gateway", "gateway-staging")
    },
}
CASES: dict[str, tuple[Series, set[str]]] = {
    "a healthy fleet without a history": ({}, set()),
    "failures of vLLM": (
        {f'vllm:request_success_total{{{CHAT},finished_reason="error"}}': f"0+50x{STEPS}"},
        {"ModelAvailabilityBurn1h chat production"},
    ),
    "answers of vLLM that are too slow": (
        {
            f'vllm:e2e_request_latency_seconds_bucket{{{CHAT},le="10.0"}}': f"0x{STEPS}",
            f'vllm:e2e_request_latency_seconds_bucket{{{CHAT},le="60.0"}}': f"0+150x{STEPS}",
        },
        {"ModelLatencyBurn1h chat production"},
    ),
    "spend of one environment, charged to a budget of both": (
        {f'litellm_spend_metric_total{{job="gateway",{GATEWAY}}}': f"0+30x{STEPS}"},
        {"BudgetShareSpent everywhere", "BudgetRunaway everywhere"},
    ),
    "an index that is not refreshed": (
        {REFRESHED: f"0x{STEPS}"},
        {"ModelFreshnessBurn1h index production"},
    ),
    "a target that is down": (
        {'up{job="vllm",instance="a:8000"}': f"0x{STEPS}"},
        {"ModelEndpointDown chat production"},
    ),
}
FIRING = 'alertstate="firing",alertname!="Watchdog"'
SLOWER = "6h|1d|3d"
"""Burn windows that Alertmanager mutes while a faster one of the same budget fires."""
FOUND = (
    f'label_join(ALERTS{{{FIRING},window!~"{SLOWER}"}}, '
    '"found", " ", "alertname", "model", "budget", "environment")'
)


@cache
def rules() -> dict[str, str]:
    inventory = read("models.yaml", INVENTORY.encode(), definitions().engines)
    return {
        Path(path).name: text
        for path, text in build(inventory, definitions()).items()
        if path.startswith("prometheus/rules/")
    }


def joined(alert: str) -> str:
    """The alert as `FOUND` has it: a label that is missing leaves its separator. `-` is nobody."""
    name, subject, *environment = alert.replace("-", "").split(" ")
    if name.startswith("Budget"):
        return f"{name}  {subject} "
    return " ".join([name, subject, "", *(environment or [""])])


@pytest.mark.real
@pytest.mark.parametrize("case", CASES)
def test_what_a_vendor_exposes_becomes_the_alerts_that_it_should(tmp_path: Path, case: str) -> None:
    changed, alerts = CASES[case]
    for name, text in rules().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    tests = {
        "rule_files": sorted(rules()),
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [
                    {"series": series, "values": values}
                    for series, values in {**HEALTHY, **changed}.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f"group by (found) ({FOUND})",
                        "eval_time": "25m",
                        "exp_samples": [
                            {"labels": f'{{found="{joined(alert)}"}}', "value": 1}
                            for alert in sorted(alerts)
                        ],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(tests), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
