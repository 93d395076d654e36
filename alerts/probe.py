"""Probes: does the model answer who asks it now, rightly, fast, and as itself?"""

from alerts.burn import fast_burns
from alerts.limits import limit
from alerts.told import unless_told
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.probe import (
    OF_PROBE,
    PROBE_CAP_REACHED,
    PROBE_CERTIFICATE_LEFT,
    PROBE_FAILURES,
    PROBE_QUANTILES,
    PROBE_RAN,
    PROBE_RECENT_FAILED,
    PROBE_RECENT_WRONG,
    PROBE_SERVED_AS_ASKED,
    PROBE_SERVED_INFO,
    PROBE_WRONG,
    RETIREMENT_LEFT,
)
from modelwatch.catalogue.recorded import ALERT_POLICY, LIMIT
from modelwatch.promql import largest, on, total
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_DAY = 86400
_SEVERAL = 2
"""Runs, of the last five, without which nothing is said: one that failed is no news."""
_CERTIFICATE_DAYS = 14
"""Certificates that renew themselves do so a month before their end, or at a third of their time:
with this little left, that did not work."""
_GOLDEN = {"probe": "golden"}
_PROMPT = {**_GOLDEN, "prompt": "capital"}


# A probe that fails because of what real requests or scrapes have told says nothing more.
_HURT = ("ModelErrorsHigh", "ModelLatencyHigh", "ModelFirstTokenSlow")
_TOLD = ("ModelEndpointDown", *_HURT, *fast_burns("ModelAvailability"))


def _often(share: Metric, count: Metric, signal: str, by: tuple[str, ...]) -> str:
    """A share of the last five runs where it is over its limit, and more than one run's doing.

    Runs are rarer while they fail: after an outage the last five still remember it for a while.
    """
    return f"""
        {share}
          > {on()} group_left (limit)
        {limit(signal)}
          and {on(*by)}
        {total(count, by=by)} >= {_SEVERAL}
        {unless_told(*_TOLD, over="10m")}
    """


def _proof_of_often(share: Metric, count: Metric, signal: str, labels: dict[str, str]) -> Proof:
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        labels=labels,
        reachable=lambda facts: facts.limit < 1,
        value=lambda facts: (1 + facts.limit) / 2,
        given=(
            Given(
                metric=share,
                labels=labels,
                fires=lambda facts: (1 + facts.limit) / 2,
                below=lambda facts: 0.99 * facts.limit,
            ),
            Given(metric=count, labels=labels, fires=4, quiet=_SEVERAL - 1),
        ),
    )


def _slow(signal: str) -> str:
    return f"""
        {PROBE_QUANTILES[signal]}
          > {on("model", "environment", "quantile")} group_left (limit)
        {limit(signal)}
    """


def _proof_of_slow(signal: str) -> Proof:
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        # Few runs have no quantile at all: the recording leaves it out.
        has_quiet=False,
        given=(
            Given(
                metric=PROBE_QUANTILES[signal],
                labels={"quantile": "$quantile"},
                fires=lambda facts: 2 * facts.limit,
                below=lambda facts: 0.99 * facts.limit,
            ),
        ),
    )


_LIES_SLOW = (
    "A quantile needs two of an hour's runs beyond it, p95 thus 40 runs: for a probe that runs "
    "less often than every ninety seconds set a limit of p90 or p50. What a minute of trouble did "
    "stays in the figure for an hour. The way from the exporter to the model is part of the time."
)


def _half_of_limit(facts: Facts) -> float:
    return facts.limit / 2


ALERTS = [
    Alert(
        name="ModelProbeFailing",
        signal="probe_failures",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        condition=_often(PROBE_FAILURES, PROBE_RECENT_FAILED, "probe_failures", OF_PROBE),
        labels=("probe", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} does not answer: {{ $value | humanizePercentage }} of the "
        "last runs of probe {{ $labels.probe }} failed, over its limit of {{ $labels.limit }}.",
        description="Synthetic requests, sent as a user would send them, do not succeed. The share "
        "is of the last five runs, and at least two of them failed, for the whole hold time.",
        action=(
            "On the model board see the outcomes of the probe: a refused connection, a time out, a "
            "429 and a wrong key are four different causes.",
            "Send the same request by hand from another place: is it the model, or the way to it?",
            "Compare with the failures of real requests; if users are hurt too, switch to the "
            "fallback model before searching for the cause.",
        ),
        lies="The probe has its own key, network and limits: client_error and no_key are about the "
        "probe as often as about the model. A probe that keeps failing is slowed down to one run "
        "in five minutes, so that the end is seen that much later.",
        board="modelwatch-model",
        proof=_proof_of_often(PROBE_FAILURES, PROBE_RECENT_FAILED, "probe_failures", _GOLDEN),
    ),
    Alert(
        name="ModelProbeWrongAnswers",
        signal="probe_wrong",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        condition=_often(PROBE_WRONG, PROBE_RECENT_WRONG, "probe_wrong", (*OF_PROBE, "prompt")),
        labels=("probe", "prompt", "limit"),
        hold=HOLD,
        keep_firing="10m",
        summary="{{ $labels.model }} answers {{ $value | humanizePercentage }} of the last golden "
        "prompts {{ $labels.prompt }} (probe {{ $labels.probe }}) wrong, over its limit of "
        "{{ $labels.limit }}.",
        description="The model answers, but not what the inventory expects of this prompt. The "
        "share is of its last five answers, and at least two of them were wrong, for the whole "
        "hold time.",
        action=(
            "Send the prompt by hand and read the answer: is it wrong, or only worded differently?",
            "Look for a new model version, system prompt or sampling setting at the time it began; "
            "does the answer name the model that was asked for?",
            "Roll back what changed, or correct the expectation in the inventory.",
        ),
        lies="An expectation that is too narrow fails on a good answer. Answers that were cut off "
        "by `max_tokens` are wrong for no fault of the model.",
        board="modelwatch-model",
        proof=_proof_of_often(PROBE_WRONG, PROBE_RECENT_WRONG, "probe_wrong", _PROMPT),
    ),
    Alert(
        name="ModelProbeSlow",
        signal="probe_duration",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        condition=_slow("probe_duration"),
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="Probes of {{ $labels.model }} take {{ $value | humanizeDuration }} (quantile "
        "{{ $labels.quantile }} of an hour), over its limit of {{ $labels.limit }}.",
        description="The whole time of a synthetic request, from looking up the name to the last "
        "byte, has been above the limit of the inventory for the whole hold time.",
        action=(
            "On the model board compare the phases of the probe: a slow name server, connection or "
            "TLS handshake is not the model's doing.",
            "Compare with the duration of real requests: probes are short, so that they show "
            "queues rather than long answers.",
            "Scale out, or shed load, before restarting anything.",
        ),
        lies=_LIES_SLOW,
        board="modelwatch-model",
        proof=_proof_of_slow("probe_duration"),
    ),
    Alert(
        name="ModelProbeFirstTokenSlow",
        signal="probe_time_to_first_token",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        condition=_slow("probe_time_to_first_token"),
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="Probes of {{ $labels.model }} wait {{ $value | humanizeDuration }} for the first "
        "token (quantile {{ $labels.quantile }} of an hour), over its limit of "
        "{{ $labels.limit }}.",
        description="The time from the start of a synthetic request to its first token has been "
        "above the limit of the inventory for the whole hold time.",
        action=(
            "On the model board compare the phases of the probe: is the first byte late, or the "
            "connection?",
            "Golden prompts are short and always the same: if they wait, requests are queueing. "
            "Look at waiting requests and the KV cache.",
            "Add replicas, or shed load.",
        ),
        lies=_LIES_SLOW,
        board="modelwatch-model",
        proof=_proof_of_slow("probe_time_to_first_token"),
    ),
    Alert(
        name="ModelServedSilentlySwapped",
        signal="served_model",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        # A window longer than most intervals between probes, so that a gateway which sends only
        # some requests elsewhere is seen as well.
        condition=f"""
            (min by ({", ".join(OF_PROBE)}) (min_over_time({PROBE_SERVED_AS_ASKED}[5m])) == 0)
              + {on(*OF_PROBE)} group_left (served_model)
            topk by ({", ".join(OF_PROBE)}) (1, 0 * {
            largest(PROBE_SERVED_INFO, by=PROBE_SERVED_INFO.labels)
        })
        """,
        labels=("probe", "served_model"),
        hold="10m",
        keep_firing="10m",
        summary="Answers of {{ $labels.model }} come from another model: probe "
        "{{ $labels.probe }} was last answered by {{ $labels.served_model }}; the limit is the "
        "model that was asked for.",
        description="The answer to a synthetic request names a model that the inventory does not "
        "expect there. Cost, quality and legal terms may be those of another model.",
        action=(
            "Ask the gateway or provider: is it a fallback, a canary, or a replacement for good?",
            "Compare quality, latency and cost before and after the change.",
            "If it is meant, write what may answer as `serves` of the probe.",
        ),
        lies="Some servers name a snapshot or a file instead of the model. Servers that name "
        "nothing are never caught, and neither are those that name the wrong one.",
        board="modelwatch-model",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "soon"},
            labels={**_GOLDEN, "served_model": "smaller-model"},
            value=lambda _: 0.0,
            has_quiet=False,
            minutes=7,
            given=(
                Given(metric=PROBE_SERVED_AS_ASKED, labels=_GOLDEN, fires=0, below=1),
                Given(
                    metric=PROBE_SERVED_INFO,
                    labels={**_GOLDEN, "served_model": "smaller-model"},
                    fires=1,
                ),
            ),
        ),
    ),
    Alert(
        name="ModelRetiresSoon",
        signal="retirement",
        signal_class=SignalClass.BUSINESS,
        urgency=Urgency.SOON,
        condition=f"""
            {RETIREMENT_LEFT} / {_DAY}
              < {on()} group_left (limit)
            {limit("retirement")}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="1h",
        summary='The provider retires {{ $labels.model }} in {{ printf "%.0f" $value }} days, '
        "under its limit of {{ $labels.limit }} days.",
        description="The day on which the provider switches the model off, as the inventory "
        "declares it, is near. From then on every request fails.",
        action=(
            "Read the provider's notice: which model takes its place, at which price?",
            "Run the golden prompts and evaluations against that model.",
            "Plan the change with the owners of the applications, and declare the new model.",
        ),
        lies="The day is the inventory's: providers move it. A negative number is a day that has "
        "passed.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "retirement"},
            value=_half_of_limit,
            has_quiet=False,
            given=(
                Given(
                    metric=RETIREMENT_LEFT,
                    fires=lambda facts: _DAY * _half_of_limit(facts),
                    below=lambda facts: _DAY * 1.01 * facts.limit,
                ),
            ),
        ),
    ),
    Alert(
        name="ModelProbeSilent",
        signal="probe_silent",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        condition=f"""
            ({PROBE_RAN} == 0)
              + {on()} group_left (hold)
            0 * {largest(limit("probe_silent"), by=("model", "environment", "hold"))}
              unless {on(*OF_PROBE)}
            ({PROBE_CAP_REACHED} == 1)
        """,
        labels=("probe", "hold"),
        hold=HOLD,
        summary="Probe {{ $labels.probe }} of {{ $labels.model }} is declared, but has brought "
        "nothing for {{ $labels.hold }}: it watches nothing now.",
        description="No run of the probe has ended for three of its intervals, or the exporter "
        "does not know it, and so it has been for the whole hold time. Alerts that rest on the "
        "probe cannot fire. A cap that is used up has an alert of its own.",
        action=(
            "Does the probe exporter run with this inventory? Its page says whether the last "
            "reload worked.",
            "Look at the runs that were skipped, by reason: backoff is a server that asked for "
            "patience, fault and state are in the log.",
            "Does Prometheus scrape it, with honor_labels?",
        ),
        lies="A server that asked with Retry-After to be left alone is left alone.",
        board="modelwatch-stack",
        proof=Proof(
            row=LIMIT,
            where={"signal": "probe_silent"},
            labels=_GOLDEN,
            value=lambda _: 0.0,
            has_quiet=False,
            given=(Given(metric=PROBE_RAN, labels=_GOLDEN, fires=0, below=1),),
        ),
    ),
    Alert(
        name="ModelProbeCapReached",
        signal="probe_cap",
        signal_class=SignalClass.META,
        urgency=Urgency.WATCH,
        condition=f"{largest(PROBE_CAP_REACHED, by=OF_PROBE)} == 1",
        labels=("probe",),
        hold="10m",
        keep_firing="10m",
        summary="Probe {{ $labels.probe }} of {{ $labels.model }} has used up its cap of the day: "
        "nothing is sent until midnight UTC.",
        description="The next request could cost more than is left of the tokens or the money that "
        "probes of this model may use per day. Until the day ends the probe watches nothing.",
        action=(
            "See on the model board what is left, and since when there is nothing.",
            "Probe less often, with shorter prompts, or raise `tokens_per_day` or `usd_per_day`.",
            "A server that reports no tokens is counted by an upper estimate: let it report them.",
        ),
        lies="Caps are the model's: another of its probes may have used it up.",
        board="modelwatch-model",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "watch"},
            labels=_GOLDEN,
            has_quiet=False,
            given=(Given(metric=PROBE_CAP_REACHED, labels=_GOLDEN, fires=1, below=0),),
        ),
    ),
    Alert(
        name="ModelCertificateExpiresSoon",
        signal="certificate",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        condition=f"{PROBE_CERTIFICATE_LEFT} / {_DAY} < {_CERTIFICATE_DAYS}",
        labels=("probe",),
        hold="10m",
        keep_firing="1h",
        summary='The certificate of {{ $labels.model }} ends in {{ printf "%.0f" $value }} days, '
        "under the limit of 14 (probe {{ $labels.probe }}).",
        description="The certificate that the model's server shows ends soon and has not been "
        "renewed. From then on every client that checks it fails.",
        action=(
            "Who renews it: cert-manager, a load balancer, a person? Look there for the last try.",
            "Is it renewed but not loaded? Then reload the server.",
            "Renew it by hand before it ends.",
        ),
        lies="Behind several servers only one of them may show the old certificate.",
        board="modelwatch-model",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "soon"},
            labels=_GOLDEN,
            value=lambda _: 7.0,
            has_quiet=False,
            given=(
                Given(
                    metric=PROBE_CERTIFICATE_LEFT,
                    labels=_GOLDEN,
                    fires=7 * _DAY,
                    below=1.01 * _CERTIFICATE_DAYS * _DAY,
                ),
            ),
        ),
    ),
]
