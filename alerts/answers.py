"""Answers: are they refused, stopped, made up, toxic or disliked?"""

from alerts.limits import PLENTY, enough, few, over_limit
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    FEEDBACK_DOWN,
    FEEDBACK_VOTES,
    FLAGS,
    LIMIT,
    REQUESTS_1H,
)
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_OF_FLAG = on("model", "environment", "flag")
_WHAT_CHANGED = "Look for a new model version, prompt, index or judge at the time it began."

_ENOUGH_REQUESTS = enough(REQUESTS_1H, over="1h")


def _flagged(
    name: str, flag: str, *, what: str, urgency: Urgency, action: tuple[str, ...], lies: str
) -> Alert:
    return Alert(
        name=name,
        signal="answer_flag",
        signal_class=SignalClass.QUALITY,
        urgency=urgency,
        condition=f"""
            {select(FLAGS, flag=flag)}
              > {_OF_FLAG} group_left (limit)
            {select(LIMIT, signal="answer_flag", flag=flag, hold=HOLD)}
              and {on()}
            {_ENOUGH_REQUESTS}
        """,
        labels=("flag", "limit"),
        hold=HOLD,
        keep_firing="10m",
        summary=f"{{{{ $value | humanizePercentage }}}} of the answers of {{{{ $labels.model }}}} "
        f"{what}, over its limit of {{{{ $labels.limit }}}}.",
        description=f"The share of answers over an hour that {what} has been above the limit of "
        "the inventory for the whole hold time, with enough requests to believe it.",
        action=action,
        lies=lies,
        board="modelwatch-quality",
        proof=_proof_of_share(FLAGS, "answer_flag", flag, REQUESTS_1H, "requests"),
    )


def _proof_of_share(metric: Metric, signal: str, flag: str, volume: Metric, floor: str) -> Proof:
    flags = {"flag": flag} if flag else {}
    return Proof(
        row=LIMIT,
        where={"signal": signal, **flags},
        reachable=lambda facts: facts.limit < 1,
        given=(
            Given(
                metric=metric,
                labels=flags,
                fires=lambda facts: min(1.0, 2 * facts.limit),
                below=lambda facts: 0.99 * facts.limit,
            ),
            Given(metric=volume, fires=PLENTY, quiet=few(signal=floor, over="1h")),
        ),
    )


_FLAGGED = [
    _flagged(
        "ModelRefusalsHigh",
        "refusal",
        what="refuse to answer",
        # Users see each refusal, but how an application tells one is a guess.
        urgency=Urgency.WATCH,
        action=(
            "Read twenty refused requests: are they harmless?",
            "Look for a new model version or system prompt: both move what is refused.",
            "Check for one caller that tries what it should not.",
        ),
        lies="An attack raises refusals that are right.",
    ),
    _flagged(
        "ModelGuardrailsHigh",
        "guardrail",
        what="are stopped by a guardrail",
        urgency=Urgency.SOON,
        action=(
            "See which guardrail stops them, and whether its rules changed.",
            "Read twenty stopped answers: are they right to be stopped?",
            "Check for one caller that sends attacks, and limit it.",
        ),
        lies="An attack raises it while everything works as it should.",
    ),
    _flagged(
        "ModelHallucinationsHigh",
        "hallucination",
        what="are judged to be made up",
        urgency=Urgency.WATCH,
        action=(
            "Read twenty of the flagged answers: what do they have in common?",
            "Compare empty retrievals and similarity scores: without documents models make up.",
            _WHAT_CHANGED,
        ),
        lies="Judges call correct answers made up when the documents they are shown are "
        "incomplete.",
    ),
    _flagged(
        "ModelToxicityHigh",
        "toxicity",
        what="are judged to be toxic",
        urgency=Urgency.WATCH,
        action=(
            "Read the flagged answers now: one that is real matters more than the rate.",
            "Check for prompts that provoke it, from one caller.",
            "Put a guardrail in front, or roll back the newest version or prompt.",
        ),
        lies="Classifiers flag quotations, medical words and names of groups.",
    ),
]


ALERTS = [
    *_FLAGGED,
    Alert(
        name="ModelThumbsDownHigh",
        signal="feedback_down",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        condition=f"""
            {over_limit(FEEDBACK_DOWN, "feedback_down")}
              and {on()}
            {enough(FEEDBACK_VOTES, signal="feedback", over="1h")}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="{{ $value | humanizePercentage }} of the votes on {{ $labels.model }} are thumbs "
        "down, over its limit of {{ $labels.limit }}.",
        description="The share of thumbs down over an hour has been above the limit of the "
        "inventory for the whole hold time, with enough votes to believe it.",
        action=(
            "Read twenty answers that were voted down: what do they have in common?",
            _WHAT_CHANGED,
            "Compare latency and errors: slow or failed answers are voted down as well.",
        ),
        lies="Few users vote, and the annoyed vote first: the share is no measure of all answers, "
        "only its change is.",
        board="modelwatch-quality",
        proof=_proof_of_share(FEEDBACK_DOWN, "feedback_down", "", FEEDBACK_VOTES, "feedback"),
    ),
]
