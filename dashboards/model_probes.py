"""What opens below the Model board about probes: what synthetic requests see of it from outside."""

from collections.abc import Mapping

from dashboards.shared import limit, of
from modelwatch.board import SELECTED, Color, Line, Panel, Row, Step
from modelwatch.catalogue.probe import (
    OF_PROBE,
    PROBE_CAP_LEFT_TOKENS,
    PROBE_CAP_LEFT_USD,
    PROBE_CERTIFICATE_LEFT,
    PROBE_FAILURES,
    PROBE_OUTPUT_SPEED,
    PROBE_PHASE,
    PROBE_QUANTILES,
    PROBE_REQUESTS_TOTAL,
    PROBE_SERVED_AS_ASKED,
    PROBE_SERVED_INFO,
    PROBE_SKIPPED_TOTAL,
    PROBE_WRONG,
    RETIREMENT_LEFT,
)
from modelwatch.promql import largest, on, rate, total

_PROBE = "{{probe}} / {{environment}}"
_NONE = "no probes, or no run lately"
_OUTCOME_COLORS: Mapping[str, Color] = {
    "success": "green",
    "rate_limited": "amber",
    "client_error": "grey",
    "server_error": "red",
    "timeout": "purple",
}
_DAYS_LEFT = (Step(color="red"), Step(color="amber", at=14), Step(color="green", at=30))
_OF_SERVED = f"""
    {largest(of(PROBE_SERVED_AS_ASKED), by=OF_PROBE)}
      * {on(*OF_PROBE)} group_left (served_model)
    topk by ({", ".join(OF_PROBE)}) (1, {
    largest(of(PROBE_SERVED_INFO), by=PROBE_SERVED_INFO.labels)
})
"""


def _slow(signal: str) -> tuple[Line, Line]:
    return (
        Line(
            query=of(PROBE_QUANTILES[signal], quantile="$quantile"),
            legend="quantile of an hour {{environment}}",
        ),
        limit(signal, by=("quantile",)),
    )


PROBES = Row(
    title="Probes",
    collapsed=True,
    panels=(
        Panel(
            title="Failed probes",
            question="Does it answer a request that should always work? If real requests fail as "
            "well, users are hurt; if not, look at the key and the network of the probe.",
            unit="percentunit",
            maximum=1,
            lines=(
                Line(query=of(PROBE_FAILURES), legend=f"of the last five {_PROBE}"),
                limit("probe_failures"),
            ),
            no_data=_NONE,
        ),
        Panel(
            title="Probes by outcome",
            question="Which kind of failure is it: no connection, a certificate, a limit, a time "
            "out, or an answer that cannot be read?",
            unit="reqps",
            stacked=True,
            colors=_OUTCOME_COLORS,
            lines=(
                Line(
                    query=total(
                        rate(PROBE_REQUESTS_TOTAL, over="$__rate_interval", where=SELECTED),
                        by=("outcome",),
                    ),
                    legend="{{outcome}}",
                ),
            ),
            no_data=_NONE,
        ),
        Panel(
            title="Wrong answers to golden prompts",
            question="Does it still know what it always knew? A step at a deployment is a reason "
            "to roll back.",
            unit="percentunit",
            maximum=1,
            lines=(
                Line(query=of(PROBE_WRONG), legend="{{prompt}} / {{probe}} / {{environment}}"),
                limit("probe_wrong"),
            ),
            no_data="no golden prompts with an expectation",
        ),
        Panel(
            title="Duration of probes",
            question="Is it slow for a short, constant prompt? Then it is the queue or the way, "
            "not longer prompts.",
            unit="s",
            width=12,
            lines=_slow("probe_duration"),
            no_data="too few runs in an hour for this quantile",
        ),
        Panel(
            title="Time to first token of probes",
            question="How long does a user wait before anything appears?",
            unit="s",
            width=12,
            lines=_slow("probe_time_to_first_token"),
            no_data="too few streamed runs in an hour for this quantile",
        ),
        Panel(
            title="Phases of a probe",
            question="Where does the time go: name, connection, TLS, first byte or body?",
            unit="s",
            width=12,
            stacked=True,
            lines=(
                Line(
                    query=largest(of(PROBE_PHASE), by=(*OF_PROBE, "phase")),
                    legend=f"{{{{phase}}}} {_PROBE}",
                ),
            ),
            no_data=_NONE,
        ),
        Panel(
            title="Output speed of probes",
            question="Does it write slower than before, for one user alone?",
            unit="count:tok/s",
            width=12,
            lines=(Line(query=largest(of(PROBE_OUTPUT_SPEED), by=OF_PROBE), legend=_PROBE),),
            no_data="no streamed answers with reported tokens",
        ),
        Panel(
            title="Who answers",
            question="Is it the model that was asked for? 0 is another one: ask the provider.",
            type="table",
            unit="none",
            width=24,
            lines=(Line(query=_OF_SERVED, column="As asked", unit="bool_yes_no"),),
            columns=("model", "environment", "probe", "served_model"),
            no_data="no answer names a model",
        ),
        Panel(
            title="Tokens left today",
            question="Does the cap last for the day? At zero the probe is blind until midnight "
            "UTC: probe less often or raise it.",
            unit="short",
            lines=(
                Line(
                    query=f"min by ({', '.join(OF_PROBE)}) ({of(PROBE_CAP_LEFT_TOKENS)})",
                    legend=_PROBE,
                ),
            ),
            no_data="no cap on tokens",
        ),
        Panel(
            title="Money left today",
            question="What may probes of this model still cost until midnight UTC?",
            unit="currencyUSD",
            lines=(
                Line(
                    query=f"min by ({', '.join(OF_PROBE)}) ({of(PROBE_CAP_LEFT_USD)})",
                    legend=_PROBE,
                ),
            ),
            no_data="no cap on money",
        ),
        Panel(
            title="Skipped runs",
            question="Why did runs that were due not happen? What was not asked is not watched.",
            unit="ops",
            lines=(
                Line(
                    query=total(
                        rate(PROBE_SKIPPED_TOTAL, over="$__rate_interval", where=SELECTED),
                        by=("probe", "reason"),
                    ),
                    legend="{{reason}} {{probe}}",
                ),
            ),
            no_data="no probes",
        ),
        Panel(
            title="Days to retirement",
            question="When does the provider switch it off? Plan the change before that.",
            type="stat",
            unit="d",
            width=12,
            steps=_DAYS_LEFT,
            lines=(Line(query=f"min({of(RETIREMENT_LEFT)}) / 86400"),),
            no_data="no date declared",
        ),
        Panel(
            title="Days to the certificate's end",
            question="Was the certificate renewed in time? With less than two weeks left it was "
            "not: renew it by hand.",
            type="stat",
            unit="d",
            width=12,
            steps=_DAYS_LEFT,
            lines=(Line(query=f"min({of(PROBE_CERTIFICATE_LEFT)}) / 86400"),),
            no_data="no TLS",
        ),
    ),
)
