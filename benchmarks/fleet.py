"""A synthetic inventory of N models, in the shape that a fleet of vLLM servers has.

Every model has two promises and a price, every second one a limit of its own; the fleet has default
limits, teams and a budget per team. Nothing is random: the same N gives the same text.
"""

MODELS_PER_TEAM = 25
LATENCY_BOUNDARY_S = "5"
"""Seconds of the latency promise; a bucket boundary of vLLM."""

_HEAD = """\
settings: {stack_team: team-01}

defaults:
  environment: production
  slo_window: 30d
  limits:
    kv_cache: 95% for 10m
    waiting_requests: 20 for 10m
    error_ratio: 5% for 10m

receivers:
  pages: {webhook: {url: "http://127.0.0.1:9/pages"}}
  tickets: {webhook: {url: "http://127.0.0.1:9/tickets"}}

"""


def name(number: int) -> str:
    """The name of the model with this number, counted from 1."""
    return f"model-{number:05d}"


def target(number: int) -> str:
    """The address under which Prometheus knows the server of a model."""
    return f"{name(number)}.example:8000"


def inventory(models: int) -> str:
    """The inventory as YAML."""
    teams = sorted({_team(number) for number in range(1, models + 1)})
    return "".join(
        (
            _HEAD,
            "teams:\n",
            *(f"  {team}: {{page: pages, ticket: tickets}}\n" for team in teams),
            "\nmodels:\n",
            *(_model(number) for number in range(1, models + 1)),
            "\nbudgets:\n",
            *(
                f"  - {{name: {team}, team: {team}, amount: 40000 USD per month}}\n"
                for team in teams
            ),
        )
    )


def _team(number: int) -> str:
    return f"team-{(number - 1) // MODELS_PER_TEAM + 1:02d}"


def _model(number: int) -> str:
    limits = "    limits: {time_to_first_token: p95 > 1s for 5m}\n" if number % 2 else ""
    return f"""\
  - name: {name(number)}
    team: {_team(number)}
    tier: {(number - 1) % 3 + 1}
    version: "1"
    owner: Owner of {name(number)}
    sources: [{{engine: vllm, targets: ["{target(number)}"]}}]
    slo: {{availability: 99.9%, latency: 95% under {LATENCY_BOUNDARY_S}s}}
{limits}\
    price: {{input: 0.15 USD per million tokens, output: 0.60 USD per million tokens}}
"""
