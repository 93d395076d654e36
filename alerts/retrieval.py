"""Retrieval: does the model still find the documents that its answers rest on?"""

from alerts.limits import PLENTY, enough, few, limit, over_limit
from alerts.told import unless_told
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    ALERT_POLICY,
    LIMIT,
    RERANKER_SCORE_MEAN,
    RETRIEVAL_EMPTY,
    RETRIEVAL_TOP_SCORE_MEAN,
    RETRIEVALS,
    WEEK_BEFORE,
)
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_ENOUGH = enough(RETRIEVALS, signal="retrieval", over="1h")
_SOME = Given(metric=RETRIEVALS, fires=PLENTY, quiet=few(signal="retrieval", over="1h"))

_HITS_LOST = 0.5
"""Share of last week's hits without which most answers have lost their ground: every second one."""


def _lost(metric: Metric, signal: str) -> str:
    """The share of the score that was lost since a week ago, where it is over the limit."""
    return f"""
        1 - {metric}
          / {on()}
        ({select(WEEK_BEFORE, signal=signal)} > 0)
          > {on()} group_left (limit)
        {limit(signal)}
          and {on()}
        {_ENOUGH}
    """


def _proof_of_lost(metric: Metric, signal: str) -> Proof:
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        reachable=lambda facts: facts.limit < 1,
        value=lambda facts: (1 + facts.limit) / 2,
        given=(
            Given(
                metric=metric,
                fires=lambda facts: 0.8 * (1 - facts.limit) / 2,
                below=lambda facts: 0.8 * (1 - 0.99 * facts.limit),
            ),
            Given(metric=WEEK_BEFORE, labels={"signal": signal}, fires=0.8),
            _SOME,
        ),
    )


ALERTS = [
    Alert(
        name="ModelRetrievalEmpty",
        signal="retrieval_empty",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        condition=f"""
            {over_limit(RETRIEVAL_EMPTY, "retrieval_empty")}
              and {on()}
            {_ENOUGH}
            {unless_told("ModelRetrievalHitsLost", over="1h", own="ModelRetrievalEmpty")}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="{{ $value | humanizePercentage }} of the retrievals of {{ $labels.model }} find "
        "nothing, over its limit of {{ $labels.limit }}.",
        description="The share of retrievals without any document over an hour (one minus the hit "
        "rate) has been above the limit of the inventory for the whole hold time.",
        action=(
            "Check the newest indexing run: did it fail, or end with fewer documents?",
            "Look for a changed score threshold, filter or embedding model.",
            "Read some of the queries: a new topic that nobody indexed looks the same.",
        ),
        lies="Users who ask about what was never indexed raise it on a healthy index.",
        board="modelwatch-retrieval",
        proof=Proof(
            row=LIMIT,
            where={"signal": "retrieval_empty"},
            reachable=lambda facts: facts.limit < 1,
            given=(
                Given(
                    metric=RETRIEVAL_EMPTY,
                    fires=lambda facts: min(1.0, 2 * facts.limit),
                    below=lambda facts: 0.99 * facts.limit,
                ),
                _SOME,
            ),
        ),
    ),
    Alert(
        name="ModelRetrievalHitsLost",
        signal="retrieval_hit",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.NOW,
        condition=f"""
            1 - (1 - {RETRIEVAL_EMPTY})
              / {on()}
            ({select(WEEK_BEFORE, signal="retrieval_hit")} > 0)
              > {_HITS_LOST}
              and {on()}
            {_ENOUGH}
        """,
        hold="10m",
        keep_firing="10m",
        summary="The hit rate of {{ $labels.model }}'s retrieval is "
        "{{ $value | humanizePercentage }} lower than a week ago; the limit is 50%.",
        description="More than half of the retrievals that would have found documents a week ago "
        "find none now: the model answers without its ground, or not at all.",
        action=(
            "Check that the vector store answers and that its collection has documents.",
            "Compare the embedding model of queries with that of the index: they must be the same.",
            "Roll back the newest index or embedding change; tell users that answers lack sources.",
        ),
        lies="A job that asks many hopeless queries at once pulls the rate down for everybody.",
        board="modelwatch-retrieval",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "now"},
            value=lambda _: 0.75,
            given=(
                Given(metric=RETRIEVAL_EMPTY, fires=0.8, below=1 - 0.8 * (1 - 0.99 * _HITS_LOST)),
                Given(metric=WEEK_BEFORE, labels={"signal": "retrieval_hit"}, fires=0.8),
                _SOME,
            ),
        ),
    ),
    Alert(
        name="ModelRetrievalScoreDropped",
        signal="retrieval_top_score",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        condition=_lost(RETRIEVAL_TOP_SCORE_MEAN, "retrieval_top_score"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="The best documents that {{ $labels.model }} finds score "
        "{{ $value | humanizePercentage }} lower than a week ago, over its limit of "
        "{{ $labels.limit }}.",
        description="The mean best similarity score over an hour against the mean of a day that "
        "ended a week ago: documents fit the questions less than they did.",
        action=(
            "Look for a new embedding model, chunk size or index since last week.",
            "Read queries with low scores: is it a new topic?",
            "Compare groundedness and empty retrievals: do answers suffer yet?",
        ),
        lies="Scores of different embedding models cannot be compared: after a planned change this "
        "alert is to be expected for a week. Scores that are negative are not compared.",
        board="modelwatch-retrieval",
        proof=_proof_of_lost(RETRIEVAL_TOP_SCORE_MEAN, "retrieval_top_score"),
    ),
    Alert(
        name="ModelRerankerScoreDropped",
        signal="reranker_score",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        condition=_lost(RERANKER_SCORE_MEAN, "reranker_score"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="The reranker of {{ $labels.model }} scores its best document "
        "{{ $value | humanizePercentage }} lower than a week ago, over its limit of "
        "{{ $labels.limit }}.",
        description="The mean score that the reranker gives its best document over an hour against "
        "the mean of a day that ended a week ago.",
        action=(
            "Compare with the similarity score: if only the reranker fell, look at the reranker.",
            "Look for a new reranker version or a changed number of candidates.",
            "Compare groundedness of the answers: do they suffer yet?",
        ),
        lies="Another reranker version has another scale. Scores that are negative, such as raw "
        "logits, are not compared.",
        board="modelwatch-retrieval",
        proof=_proof_of_lost(RERANKER_SCORE_MEAN, "reranker_score"),
    ),
]
