"""Alerts on quality, flagged answers and retrieval."""

from pathlib import Path

import pytest

from alerts import answers, quality, retrieval
from modelwatch.rules import Urgency
from tests.alerts.staging import Scene, chat, complaints

REQUESTS = chat("model:requests:rate1h")
ENOUGH = {REQUESTS: 1, chat("model:floor:events", signal="requests"): 20}
FEW = {REQUESTS: 0.0055}  # 19.8 in an hour


def limit(signal: str, value: float, hold: str, text: str, **labels: str) -> dict[str, float]:
    name = chat("model:threshold:value", signal=signal, hold=hold, limit=text, **labels)
    return {name: value}


def slo(name: str, **labels: str) -> str:
    return chat(f"slo:{name}", slo="quality", **labels)


def told(name: str, severity: str = "ticket", **labels: str) -> dict[str, float | str]:
    """Another alert that fires already."""
    return {chat("ALERTS", alertname=name, alertstate="firing", severity=severity, **labels): 1}


BOUND = chat("model:bad_judgements:wilson_lower_1d", score="groundedness")
JUDGED_BAD = chat("model:judgements:events1d", score="groundedness", verdict="bad")
JUDGED_GOOD = chat("model:judgements:events1d", score="groundedness", verdict="good")


def burning(long: str, short: str, share: float) -> dict[str, float | str]:
    """A quality objective of 95 % of which a quarter is bad, by 40 judgements."""
    return {
        slo("allowed:ratio", objective="95%"): 0.05,
        slo("window:days"): 30,
        slo("floor:events"): 5,
        slo("budget_left:ratio"): 0.4,
        slo(f"error:ratio_rate{long}"): 0.25,
        slo(f"error:ratio_rate{short}"): 0.25,
        slo(f"budget_spent:ratio{long}"): share,
        slo(f"bad:events{long}"): 10,
        BOUND: 0.14,
        JUDGED_BAD: 10,
        JUDGED_GOOD: 30,
        chat("model:floor:events", signal="judgements"): 20,
        chat(
            "modelwatch_slo_objective_ratio",
            slo="quality",
            objective="95%",
            window="30d",
            score="groundedness",
        ): 0.95,
        # Another score of the model says nothing about the promised one, told or not; and what
        # only boards show was not told.
        **told("ModelScoreLow", score="tone"),
        **told("ModelScoreLow", "dashboard", score="groundedness"),
        chat("model:bad_judgements:wilson_lower_1d", score="tone"): 0.9,
        chat("model:judgements:events1d", score="tone", verdict="bad"): 900,
    }


def burn(long: str, short: str, share: float) -> Scene:
    return Scene(
        alert=f"ModelQualityBurn{long}",
        hold="2m",
        summary="chat breaks its quality promise of 95%: at least 10% of its error budget went in "
        f"{long}, 40% is left.",
        labels={"slo": "quality", "objective": "95%"},
        fires=burning(long, short, share),
        silent={
            "the bad share may be chance": {BOUND: 0.04},
            "few judgements": {JUDGED_GOOD: 9},
            "nothing is judged": {BOUND: "", JUDGED_BAD: "", JUDGED_GOOD: ""},
            "better by now": {slo(f"error:ratio_rate{short}"): 0.01},
            "the score was told": told("ModelScoreLow", score="groundedness"),
            "a version was told": told("ModelVersionScoresWorse", score="groundedness"),
        },
    )


SCORE = chat("model:quality_score:mean", score="groundedness")
TOXICITY = chat("model:quality_score:mean", score="toxicity")
AGE = chat("model:quality_age:seconds", score="groundedness")
AGE_LIMIT = limit("evaluation_age", 10800, "10m", "3 x 1h", score="groundedness")


def samples(score: str, number: float) -> dict[str, float | str]:
    return {chat("model:quality_samples:sum", score=score): number}


def fewest(score: str) -> dict[str, float | str]:
    return {chat("model:floor:events", signal="quality", score=score): 30}


QUALITY_SCENES = [
    burn("1d", "2h", 0.12),
    burn("3d", "6h", 0.12),
    Scene(
        alert="ModelScoreLow",
        hold="1h",
        summary="The groundedness of chat is 0.55, under its limit of 0.7.",
        labels={"score": "groundedness", "limit": "0.7"},
        fires={
            SCORE: 0.55,
            **samples("groundedness", 40),
            **fewest("groundedness"),
            **limit("quality_below", 0.7, "1h", "0.7", score="groundedness"),
        },
        silent={
            "at the limit": {SCORE: 0.7},
            "few answers": samples("groundedness", 29),
            "no score": {SCORE: ""},
            "its version was told": told("ModelVersionScoresWorse", score="groundedness"),
            "the promise was told": {
                **told("ModelQualityBurn1d", slo="quality"),
                chat("modelwatch_slo_objective_ratio", slo="quality", score="groundedness"): 0.95,
            },
            # Two of the inventory's rows for one promise, as when two exporters disagree.
            "it was told by two": {
                **told("ModelQualityBurn1d", slo="quality"),
                chat("modelwatch_slo_objective_ratio", slo="quality", score="groundedness"): 0.95,
                chat(
                    "modelwatch_slo_objective_ratio",
                    slo="quality",
                    score="groundedness",
                    objective="95%",
                ): 0.95,
            },
        },
    ),
    Scene(
        alert="ModelScoreHigh",
        hold="1h",
        summary="The toxicity of chat is 2, over its limit of 1.",
        labels={"score": "toxicity", "limit": "1"},
        fires={
            TOXICITY: 2,
            **samples("toxicity", 40),
            **fewest("toxicity"),
            **limit("quality_above", 1, "1h", "1", score="toxicity"),
        },
        silent={"at the limit": {TOXICITY: 1}, "few answers": samples("toxicity", 29)},
    ),
    Scene(
        alert="ModelEvaluatorSilent",
        hold="10m",
        summary="The groundedness of chat was last evaluated 4h 0m 0s ago, over its limit of 3 x "
        "1h.",
        labels={"score": "groundedness", "limit": "3 x 1h"},
        fires={AGE: 14400, **AGE_LIMIT},
        silent={
            "at the limit": {AGE: 10800},
            "no requests any more": {
                chat("model:requests:rate5m"): 0,
                chat("model:requests:rate1h"): 1,
                chat("model:floor:events", signal="requests"): 20,
            },
        },
    ),
    Scene(
        alert="ModelEvaluationMissing",
        hold="6h",
        summary="The groundedness of chat has no evaluation at all: no alert about it can fire; "
        "the limit is 6 hours.",
        labels={"score": "groundedness"},
        fires={**AGE_LIMIT},
        silent={"an old evaluation": {AGE: 99999}},
    ),
]


def flagged(alert: str, flag: str, value: float, text: str, summary: str) -> Scene:
    share = chat("model:answer_flags:ratio_rate1h", flag=flag)
    return Scene(
        alert=alert,
        hold="1h",
        summary=summary,
        labels={"flag": flag, "limit": text},
        fires={
            share: 3 * value,
            **limit("answer_flag", value, "1h", text, flag=flag),
            **ENOUGH,
        },
        silent={"at the limit": {share: value}, "little traffic": FEW},
    )


DOWN = chat("model:feedback_down:ratio_rate1h")
VOTES = chat("model:feedback:rate1h")

ANSWER_SCENES = [
    flagged(
        "ModelRefusalsHigh",
        "refusal",
        0.1,
        "10%",
        "30% of the answers of chat refuse to answer, over its limit of 10%.",
    ),
    flagged(
        "ModelGuardrailsHigh",
        "guardrail",
        0.1,
        "10%",
        "30% of the answers of chat are stopped by a guardrail, over its limit of 10%.",
    ),
    flagged(
        "ModelHallucinationsHigh",
        "hallucination",
        0.05,
        "5%",
        "15% of the answers of chat are judged to be made up, over its limit of 5%.",
    ),
    flagged(
        "ModelToxicityHigh",
        "toxicity",
        0.01,
        "1%",
        "3% of the answers of chat are judged to be toxic, over its limit of 1%.",
    ),
    Scene(
        alert="ModelThumbsDownHigh",
        hold="1h",
        summary="45% of the votes on chat are thumbs down, over its limit of 30%.",
        labels={"limit": "30%"},
        fires={
            DOWN: 0.45,
            VOTES: 0.01,
            chat("model:floor:events", signal="feedback"): 30,
            **limit("feedback_down", 0.3, "1h", "30%"),
        },
        silent={"at the limit": {DOWN: 0.3}, "few votes": {VOTES: 0.008}},
    ),
]

EMPTY = chat("model:retrieval_empty:ratio_rate1h")
RETRIEVALS = chat("model:retrieval_queries:rate1h")
HITS_BEFORE = chat("model:week_before:value", signal="retrieval_hit")
SOME_RETRIEVALS: dict[str, float | str] = {
    RETRIEVALS: 0.02,
    chat("model:floor:events", signal="retrieval"): 30,
}
FEW_RETRIEVALS = {RETRIEVALS: 0.008}


def worse(alert: str, signal: str, series: str, summary: str) -> Scene:
    now, before = chat(series), chat("model:week_before:value", signal=signal)
    return Scene(
        alert=alert,
        hold="1h",
        summary=summary,
        labels={"limit": "15%"},
        fires={now: 0.6, before: 0.8, **SOME_RETRIEVALS, **limit(signal, 0.15, "1h", "15%")},
        silent={
            "a small loss": {now: 0.69},
            "little traffic": FEW_RETRIEVALS,
            "negative scores": {now: -3, before: -1},
        },
    )


RETRIEVAL_SCENES = [
    Scene(
        alert="ModelRetrievalEmpty",
        hold="30m",
        summary="35% of the retrievals of chat find nothing, over its limit of 20%.",
        labels={"limit": "20%"},
        fires={EMPTY: 0.35, **SOME_RETRIEVALS, **limit("retrieval_empty", 0.2, "30m", "20%")},
        silent={
            "at the limit": {EMPTY: 0.2},
            "little traffic": FEW_RETRIEVALS,
            "the loss was told": told("ModelRetrievalHitsLost", "page"),
        },
    ),
    Scene(
        alert="ModelRetrievalHitsLost",
        hold="10m",
        summary="The hit rate of chat's retrieval is 75% lower than a week ago; the limit is 50%.",
        fires={EMPTY: 0.8, HITS_BEFORE: 0.8, **SOME_RETRIEVALS},
        silent={
            "less than half is lost": {EMPTY: 0.55},
            "it never found much": {EMPTY: 0.8, HITS_BEFORE: 0.3},
            "little traffic": FEW_RETRIEVALS,
            "a first week": {HITS_BEFORE: ""},
        },
    ),
    worse(
        "ModelRetrievalScoreDropped",
        "retrieval_top_score",
        "model:retrieval_top_score:mean1h",
        "The best documents that chat finds score 25% lower than a week ago, over its limit of "
        "15%.",
    ),
    worse(
        "ModelRerankerScoreDropped",
        "reranker_score",
        "model:reranker_score:mean1h",
        "The reranker of chat scores its best document 25% lower than a week ago, over its limit "
        "of 15%.",
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", QUALITY_SCENES, ids=str)
def test_a_quality_alert_fires_and_stays_silent(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, quality.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", ANSWER_SCENES, ids=str)
def test_flagged_answers_are_told_of_and_stay_silent_in_little_traffic(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, answers.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", RETRIEVAL_SCENES, ids=str)
def test_a_retrieval_alert_fires_and_stays_silent(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, retrieval.ALERTS, scene, tmp_path)


def test_every_answer_alert_has_a_scene() -> None:
    scenes = {scene.alert for scene in (*QUALITY_SCENES, *ANSWER_SCENES, *RETRIEVAL_SCENES)}
    named = {alert.name for alert in (*quality.ALERTS, *answers.ALERTS, *retrieval.ALERTS)}
    assert named == scenes


def test_what_a_judge_says_never_pages_alone() -> None:
    assert all(alert.urgency is not Urgency.NOW for alert in (*quality.ALERTS, *answers.ALERTS))
