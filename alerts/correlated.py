"""Correlated: do two signals together say what neither can alone?

A proxy such as a judge's score or drift pages only when something else agrees. The combined alert
has the label `correlated`, and inhibits its parts. It reads `ALERTS`, so it comes one evaluation
after its parts, which is well before a ticket is sent. Where trouble in serving has paged already,
bad answers are no news, and there is no second page.
"""

from modelwatch.catalogue.inventory import GPU_MODEL
from modelwatch.catalogue.recorded import ALERT_POLICY
from modelwatch.catalogue.stack import ALERTS as FIRING
from modelwatch.promql import on, select
from modelwatch.rules import Alert, Given, Proof, SignalClass, Urgency

_OURS = {"alertstate": "firing", "modelwatch": "true", "correlated": ""}


def _firing(**labels: str) -> str:
    """Alerts of ours that fire now and are not combined ones themselves."""
    return select(FIRING, _OURS | labels)


# Accuracy is of other moments: labels speak of days ago, and scores only of what is expected.
_BY_ANSWERS = "!~drift.*|estimated_accuracy|realised_accuracy|concept_drift"
_PENDING = select(
    FIRING,
    _OURS | {"alertstate": "pending", "signal_class": "quality"},
    signal=_BY_ANSWERS,
    model="!",
)
# Agreement replaces most of the hour that a score alone has to stay low.
_QUALITY = f"""(
    {_firing(signal_class="quality", signal=_BY_ANSWERS, model="!")}
    or
    {_PENDING} and {_PENDING} offset 10m
)"""
# A baseline that is too old, or missing observations, are no drift: their class is another.
_DRIFT = _firing(signal_class="quality", signal="~drift.*", model="!")
_ESTIMATED = _firing(signal="estimated_accuracy", model="!")
_REALISED = _firing(signal="realised_accuracy", model="!")
_OF_MODEL = _firing(signal_class="~infra|latency", model="!")
_PAGED = f"max_over_time({_firing(signal_class='~infra|latency', urgency='now', model='!')}[1h])"
_OWN = select(FIRING, alertstate="firing", alertname="ModelQualityAndInfra")
_OF_POOL = _firing(signal_class="infra", pool="!", model="")
# What is wrong with a pool is wrong with every model that runs there.
_TROUBLE = f"({_OF_MODEL} or ({GPU_MODEL} and {on('environment', 'pool')} {_OF_POOL}))"


def _count(alerts: str) -> str:
    return f"count by (model, environment) ({alerts})"


def _given(name: str, signal: str, signal_class: str, *, absent_below: bool = False) -> Given:
    return Given(
        metric=FIRING,
        labels={
            "alertname": name,
            "alertstate": "firing",
            "modelwatch": "true",
            "signal": signal,
            "signal_class": signal_class,
        },
        fires=1,
        absent_below=absent_below,
    )


def _proof(*given: Given) -> Proof:
    """Two alerts that fire at once; one of them alone is not enough."""
    return Proof(
        row=ALERT_POLICY,
        where={"urgency": "now"},
        value=lambda _: 2,
        has_quiet=False,
        given=given,
    )


ALERTS = [
    Alert(
        name="ModelQualityAndInfra",
        signal="correlated_infra",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.NOW,
        condition=f"""
            {_count(_QUALITY)} + {on()} {_count(_TROUBLE)}
              unless {on()}
            ({_PAGED} unless {on()} {_OWN})
        """,
        extra={"correlated": "true"},
        # Each part has waited for itself already.
        hold="0m",
        # Its parts stay muted while one of them flaps.
        keep_firing="10m",
        summary="Answers of {{ $labels.model }} got worse while its serving is in trouble: "
        "{{ $value | humanize }} alerts at once; the limit is one kind at a time.",
        description="A latency or infrastructure signal of the model, or of the GPU pool it runs "
        "in, fires while a quality signal is bad for ten minutes at least: usually one cause. The "
        "parts are muted. A model whose serving has paged within the hour is not paged again.",
        action=(
            "Start with the infrastructure: down replicas, errors, GPUs, queue and latency on the "
            "model board.",
            "Did it begin with a deployment or version change? Roll back first.",
            "When serving is well again, check that quality follows within one evaluation.",
        ),
        lies="Two independent troubles can meet; quality then stays bad when serving is repaired.",
        board="modelwatch-model",
        proof=_proof(
            _given("ModelScoreLow", "quality_below", "quality"),
            _given("ModelKvCacheFull", "kv_cache", "infra", absent_below=True),
        ),
    ),
    Alert(
        name="ModelDriftAndQuality",
        signal="correlated_drift",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.NOW,
        # With trouble in serving as well, or where scores said so too, another combined alert
        # has paged: once is enough.
        condition=f"""
            {_count(f"({_QUALITY} or {_REALISED})")} + {on()} {_count(_DRIFT)}
              unless {on()}
            {_count(_TROUBLE)}
              unless {on()}
            ({_count(_ESTIMATED)} + {on()} {_count(_REALISED)})
        """,
        extra={"correlated": "true"},
        hold="0m",
        keep_firing="10m",
        summary="What {{ $labels.model }} sees has changed and its answers got worse: "
        "{{ $value | humanize }} alerts at once; the limit is one kind at a time.",
        description="Drift of the inputs and a quality signal of the same model fire at the same "
        "time: the drift is not harmless. The parts are muted.",
        action=(
            "On the drift board see which feature drifted, and since when.",
            "Is a source of that feature broken, or did the users change? Repair the former.",
            "For real change: fall back to a simpler model or rule, and plan a retraining.",
        ),
        lies="A judge that changed together with the traffic looks the same.",
        board="modelwatch-quality",
        proof=_proof(
            _given("ModelScoreLow", "quality_below", "quality"),
            _given("ModelDriftHigh", "drift", "quality", absent_below=True),
        ),
    ),
    Alert(
        name="ModelAccuracyDropped",
        signal="correlated_accuracy",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.NOW,
        condition=f"{_count(_ESTIMATED)} + {on()} {_count(_REALISED)}",
        extra={"correlated": "true"},
        hold="0m",
        keep_firing="10m",
        summary="{{ $labels.model }} is right less often, by its labels and by today's scores: "
        "{{ $value | humanize }} alerts at once; the limit is one kind at a time.",
        description="Labels of the last days show that accuracy has fallen, and the scores of "
        "today's predictions say that it still is where it fell to. The parts are muted.",
        action=(
            "On the drift board see which features moved with the score, and since when.",
            "Is a source of these features broken, or are the users others? Repair the former.",
            "For real change: fall back to a simpler model or rule, and plan a retraining.",
        ),
        lies="Labels that come from the model's own answers, or from doubtful cases only, agree "
        "with its scores without saying anything of the rest.",
        board="modelwatch-quality",
        proof=_proof(
            _given("ModelRealisedAccuracyLow", "realised_accuracy", "quality"),
            _given("ModelEstimatedAccuracyLow", "estimated_accuracy", "quality", absent_below=True),
        ),
    ),
]
