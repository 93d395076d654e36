"""What can happen in the demo fleet, on demand, and who is told of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notification: an alert with these labels (`about`) goes to this receiver.

    One that `stays` is not resolved when the incident ends: what is spent is spent.
    """

    alert: str
    severity: str
    receiver: str
    about: Mapping[str, str]
    stays: bool = False

    @property
    def statuses(self) -> tuple[str, ...]:
        """What is delivered, one notification each."""
        return ("firing",) if self.stays else ("firing", "resolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What happens, and the promise of what is delivered.

    Without `told` nobody is told: that is a promise too. `muted` names the alerts that fire as well
    and reach nobody: symptoms of what is told, or hints for boards. An incident with `minutes` ends
    by itself after so many minutes of the fleet's own time.
    """

    what: str
    told: tuple[Told, ...] = ()
    muted: tuple[str, ...] = ()
    minutes: float | None = None


def of_model(alert: str, severity: str, team: str, model: str, **about: str) -> Told:
    """A notification about a model in production, by the way of its team."""
    about |= {"model": model, "environment": "production"}
    return Told(alert=alert, severity=severity, receiver=f"{team}/{severity}", about=about)


def of_pool(alert: str, severity: str, pool: str) -> Told:
    """A notification about a pool of GPUs, which are the platform team's."""
    return Told(
        alert=alert, severity=severity, receiver=f"platform/{severity}", about={"pool": pool}
    )


def of_budget(alert: str, severity: str, team: str, budget: str, *, stays: bool = False) -> Told:
    """A notification about a budget, by the way of the team whose money it is."""
    return Told(
        alert=alert,
        severity=severity,
        receiver=f"{team}/{severity}",
        about={"budget": budget},
        stays=stays,
    )


INCIDENTS = {
    "vision-slow": Incident(
        what="the vision model takes three times as long (p95 far above 200 ms)",
        told=(of_model("ModelLatencyHigh", "page", "vision", "vision"),),
    ),
    "chat-queue": Incident(
        what="chat runs out of KV cache: requests queue and first tokens are late",
        told=(of_model("ModelFirstTokenSlow", "page", "assist", "chat"),),
        muted=("ModelKvCacheFull", "ModelPreemptionsHigh", "ModelRequestsWaiting"),
    ),
    "chat-silent": Incident(
        what="no traffic reaches chat any more",
        told=(of_model("ModelTrafficDropped", "page", "assist", "chat"),),
    ),
    "chat-errors": Incident(
        what="one in five chat requests fails inside the engine",
        told=(of_model("ModelAvailabilityBurn1h", "page", "assist", "chat"),),
        muted=("ModelProviderErrorBurst",),
    ),
    "provider-errors": Incident(
        what="the provider of chat-hosted answers one request in three with 503",
        told=(of_model("ModelErrorsHigh", "ticket", "assist", "chat-hosted"),),
        muted=("ModelProviderErrorBurst",),
    ),
    "rate-limited": Incident(
        what="the provider of summarize answers four requests in ten with 429",
        told=(of_model("ModelErrorsHigh", "ticket", "assist", "summarize"),),
        muted=("ModelRateLimited",),
    ),
    "provider-burst": Incident(
        what="for four minutes the provider of chat-hosted fails one call in four with 503; "
        "the gateway's three retries absorb it",
        minutes=4,
    ),
    "vision-down": Incident(
        what="the server of the vision model does not answer any more",
        told=(of_model("ModelEndpointDown", "page", "vision", "vision"),),
        muted=("ModelSilent",),
    ),
    "summarize-silent": Incident(
        what="after an upgrade the gateway has no series of summarize any more",
        told=(of_model("ModelSilent", "ticket", "assist", "summarize"),),
    ),
    "chat-restarts": Incident(
        what="the server of chat restarts: away for a minute, its counters begin anew", minutes=1
    ),
    "vision-restarts": Incident(
        what="the server of vision restarts: away for a minute, its counters begin anew", minutes=1
    ),
    "gateway-restarts": Incident(
        what="the gateway restarts: away for a minute, its counters begin anew", minutes=1
    ),
    "chat-rollout": Incident(
        what="within an hour the traffic of chat moves to the server of its next version"
    ),
    "agent-runaway": Incident(
        what="the agent loops: ten times as many calls, with five times the input tokens each",
        told=(of_budget("BudgetRunaway", "ticket", "platform", "agent-daily"),),
    ),
    "summarize-archive": Incident(
        what="a job lets summarize read the archive: documents are 80 times as long",
        told=(of_budget("BudgetShareSpent", "ticket", "assist", "summarize-daily", stays=True),),
    ),
    "agent-tokens": Incident(
        what="the agent reads ten times as many input tokens per request; boards compare it with "
        "the weeks before, once there are any"
    ),
    "chat-wrong": Incident(
        what="chat answers golden prompts wrongly",
        told=(of_model("ModelProbeWrongAnswers", "ticket", "assist", "chat"),),
    ),
    "chat-swapped": Incident(
        what="another model answers under the name of chat",
        told=(of_model("ModelServedSilentlySwapped", "ticket", "assist", "chat"),),
    ),
    "quality-drop": Incident(
        what="four chat answers in five are judged to be ungrounded",
        told=(of_model("ModelScoreLow", "ticket", "assist", "chat"),),
    ),
    "chat-regression": Incident(
        what="half of chat's answers come from version 2.2, and one in three of them is ungrounded",
        told=(of_model("ModelVersionScoresWorse", "ticket", "assist", "chat", version="2.2"),),
    ),
    "chat-crowded": Incident(
        what="the KV cache of chat fills up within ten minutes; it drops what answers rest on",
        told=(of_model("ModelQualityAndInfra", "page", "assist", "chat"),),
        muted=("ModelKvCacheFull", "ModelScoreLow"),
    ),
    "chat-language": Incident(
        what="every second question to chat comes in a language that it was not tested on",
        told=(
            of_model(
                "ModelCriticalFeatureDrifted", "ticket", "assist", "chat", feature_name="language"
            ),
        ),
    ),
    "judge-silent": Incident(
        what="the judge of chat judges nothing any more",
        told=(of_model("ModelEvaluatorSilent", "ticket", "assist", "chat"),),
    ),
    "retrieval-empty": Incident(
        what="the index of chat is all but empty: nine retrievals in ten find nothing",
        told=(of_model("ModelRetrievalEmpty", "ticket", "assist", "chat"),),
    ),
    "chat-clicks": Incident(
        what="users click on one answer of chat in fifty instead of one in nine; it shows against "
        "the week before, as soon as there was one",
        told=(of_model("ModelKpiDropped", "ticket", "assist", "chat"),),
    ),
    "gpu-hot": Incident(
        what="card 1 of the pool is too hot and throttles",
        told=(of_pool("GpuTemperatureHigh", "ticket", "a100"),),
    ),
    "gpu-lost": Incident(
        what="card 3 of the pool is gone",
        told=(of_pool("GpuCardMissing", "ticket", "a100"),),
    ),
    "card-hot": Incident(
        what="card 1 of the second pool is too hot and throttles",
        told=(of_pool("GpuTemperatureHigh", "ticket", "l4"),),
    ),
    "card-xid": Incident(
        what="card 0 of the second pool reports XID 94, and works on",
        told=(of_pool("GpuXidErrors", "ticket", "l4"),),
    ),
    "card-lost": Incident(
        what="card 1 of the second pool reports XID 79 and falls off the bus",
        told=(of_pool("GpuCardMissing", "ticket", "l4"),),
    ),
}
"""Name to what happens."""


@dataclass(slots=True, kw_only=True)
class Incidents:
    """Which incidents are going on, and since when on the fleet's clock."""

    now: Callable[[], float] = time.monotonic
    compression: float = 1.0
    began: dict[str, float] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """Let it happen from now on.

        Raises:
            KeyError: there is no incident of this name.
        """
        self.began[{known: known for known in INCIDENTS}[name]] = self.now()

    def end(self, name: str) -> None:
        """End one, if it goes on."""
        self.began.pop(name, None)

    def clear(self) -> None:
        """End all of them."""
        self.began.clear()

    def minutes(self, name: str) -> float:
        """For how long it has been going on in the fleet's own time; 0 when it is not."""
        return self._gone(name) if name in self else 0.0

    def __contains__(self, name: str) -> bool:
        lasts = INCIDENTS[name].minutes if name in INCIDENTS else None
        return name in self.began and (lasts is None or self._gone(name) < lasts)

    def _gone(self, name: str) -> float:
        return (self.now() - self.began[name]) * self.compression / 60
