"""Retrieval (RAG): do models get the documents they need, fast enough, and use them well?"""

from dashboards.shared import (
    LEGEND,
    MODEL_EVENTS,
    OUTCOME_COLORS,
    TO_DRIFT,
    TO_MODEL,
    limit,
    of,
    top,
)
from modelwatch.board import Board, Line, Panel, Row
from modelwatch.catalogue.drift import DRIFT
from modelwatch.catalogue.recorded import (
    AGENT_STEPS,
    FLAGS,
    LAST_SUCCESS_SEEN,
    QUANTILES,
    RERANKER_SCORE_MEAN,
    RETRIEVAL_EMPTY,
    RETRIEVAL_LATENCY,
    RETRIEVAL_RECIPROCAL_RANK_MEAN,
    RETRIEVAL_TOP_SCORE_MEAN,
    RETRIEVALS,
    SCORE,
    TOKENS,
    TOKENS_PER_REQUEST,
    TOOL_CALLS,
    WEEK_BEFORE,
)
from modelwatch.promql import largest, total

_NO_RETRIEVAL = "no retrieval is counted"
_AGE = f"time() - {largest(of(LAST_SUCCESS_SEEN))}"


def _a_week_before(signal: str) -> Line:
    return Line(
        query=of(WEEK_BEFORE, signal=signal), legend=f"a week before ({LEGEND})", color="purple"
    )


_FINE = Row(
    title="Do models get documents",
    panels=(
        Panel(
            title="Retrievals",
            question="Is retrieval used at all? A zero with traffic means that it is switched off.",
            type="stat",
            unit="reqps",
            width=6,
            lines=(Line(query=f"sum({of(RETRIEVALS)})"),),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Most empty retrievals",
            question="What is the largest share of retrievals that found nothing?",
            type="stat",
            unit="percentunit",
            width=6,
            lines=(Line(query=f"max({of(RETRIEVAL_EMPTY)})"),),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Slowest retrieval",
            question="How long does retrieval take (p95) where it takes longest?",
            type="stat",
            unit="s",
            width=6,
            lines=(Line(query=f"max({of(RETRIEVAL_LATENCY, quantile='0.95')})"),),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Oldest index",
            question="How long ago was the stalest index or feature set refreshed?",
            type="stat",
            unit="s",
            width=6,
            lines=(Line(query=f"max({_AGE})"),),
            no_data="no refresh is reported",
        ),
    ),
)

_FOUND = Row(
    title="Are they the right ones",
    panels=(
        Panel(
            title="Empty retrievals",
            question="Since when does the search find nothing? Check the index and the filters.",
            unit="percentunit",
            lines=(Line(query=top(of(RETRIEVAL_EMPTY)), legend=LEGEND), limit("retrieval_empty")),
            links=(TO_MODEL,),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Hit rate",
            question="How many retrievals find anything? A slow fall is an index that no longer "
            "grows with the questions; violet is a week before.",
            unit="percentunit",
            lines=(
                Line(query=f"1 - {of(RETRIEVAL_EMPTY)}", legend=LEGEND),
                _a_week_before("retrieval_hit"),
            ),
            links=(TO_MODEL,),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Reciprocal rank",
            question="Does the first fitting document stand further down? 1 is at the top, 0.5 is "
            "second place: look at the ranking before the prompt.",
            unit="percentunit",
            lines=(Line(query=top(of(RETRIEVAL_RECIPROCAL_RANK_MEAN)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no ranks are reported",
        ),
        Panel(
            title="Best similarity score",
            question="Are the best documents less similar than a week ago (violet)? Questions, "
            "documents or the embedding model changed.",
            unit="none",
            lines=(
                Line(query=top(of(RETRIEVAL_TOP_SCORE_MEAN)), legend=LEGEND),
                _a_week_before("retrieval_top_score"),
            ),
            links=(TO_MODEL,),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Reranker score",
            question="Does the reranker like its best document less than a week ago (violet)?",
            unit="none",
            lines=(
                Line(query=top(of(RERANKER_SCORE_MEAN)), legend=LEGEND),
                _a_week_before("reranker_score"),
            ),
            links=(TO_MODEL,),
            no_data="no reranker is scored",
        ),
        Panel(
            title="Context relevance",
            question="Do judges find the documents relevant? If not, and scores of answers are "
            "fine, the model answers without them.",
            unit="none",
            lines=(
                Line(
                    query=of(SCORE, score="~context.*|retrieval.*"),
                    legend=f"{{{{score}}}} of {LEGEND}",
                ),
            ),
            links=(TO_MODEL,),
            no_data="no score is named context_... or retrieval_...",
        ),
    ),
)

_CHANGED = Row(
    title="Did questions or documents change",
    panels=(
        Panel(
            title="Shift of the scores",
            question="Did the scores of the best documents change their shape, not only their "
            "mean, since the week before (grey is the limit)?",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=of(
                        DRIFT,
                        feature_name="~retrieval_top_score|reranker_score",
                        baseline="week_before",
                    ),
                    legend=f"{{{{feature_name}}}} of {LEGEND}",
                ),
                limit("drift_own_past"),
            ),
            links=(TO_DRIFT,),
            no_data="no scores with a past",
        ),
        Panel(
            title="Drift of embeddings",
            question="Did questions, answers or documents move away from the baseline? Another "
            "topic, another language, another embedding model.",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=top(of(DRIFT, method="~cosine|mmd", window="6h")),
                    legend=f"{{{{method}}}} of {{{{feature_name}}}} of {LEGEND}",
                ),
                limit("drift", by=("method",), method="~cosine|mmd"),
            ),
            links=(TO_DRIFT,),
            no_data="no embedding watched",
        ),
    ),
)

_FAST = Row(
    title="Are they fast and fresh",
    panels=(
        Panel(
            title="Retrieval time p95",
            question="Is the vector store slow? Look at its load and the size of the index.",
            unit="s",
            lines=(Line(query=top(of(RETRIEVAL_LATENCY, quantile="0.95")), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data=_NO_RETRIEVAL,
        ),
        Panel(
            title="Duration p95 of the whole request",
            question="Which part of the wait is not retrieval? If most of it, look at the model.",
            unit="s",
            lines=(
                Line(query=top(of(QUANTILES["request_duration"], quantile="0.95")), legend=LEGEND),
            ),
            links=(TO_MODEL,),
            no_data="no traffic",
        ),
        Panel(
            title="Age of the index",
            question="When was each index last refreshed? A line that only rises is a dead job.",
            unit="s",
            lines=(Line(query=_AGE, legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no refresh is reported",
        ),
    ),
)

_USED = Row(
    title="Are they used well",
    panels=(
        Panel(
            title="Scores of answers",
            question="Do answers stay with the documents? A falling groundedness with good "
            "retrieval points at the prompt.",
            unit="none",
            lines=(Line(query=of(SCORE), legend=f"{{{{score}}}} of {LEGEND}"),),
            links=(TO_MODEL,),
            no_data="nothing is scored",
        ),
        Panel(
            title="Refused and made-up answers",
            question="Do models answer without documents, or refuse because none was found?",
            unit="percentunit",
            lines=(
                Line(
                    query=top(of(FLAGS, flag="~refusal|hallucination")),
                    legend=f"{{{{flag}}}} by {LEGEND}",
                ),
            ),
            links=(TO_MODEL,),
            no_data="no answers are flagged",
        ),
        Panel(
            title="Context tokens",
            question="Do the documents fill the prompt? That costs time and money.",
            unit="count:tok/s",
            lines=(Line(query=top(total(of(TOKENS, kind="~input|cached_input"))), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no tokens counted",
        ),
    ),
)

_AGENTS = Row(
    title="Agents and tools",
    collapsed=True,
    panels=(
        Panel(
            title="Tool calls by outcome",
            question="Do tools fail? An agent retries them and the request takes longer.",
            unit="ops",
            stacked=True,
            colors=OUTCOME_COLORS,
            lines=(Line(query=total(of(TOOL_CALLS), by=("outcome",)), legend="{{outcome}}"),),
            no_data="no tool calls are counted",
        ),
        Panel(
            title="Steps per request",
            question="Does an agent loop? Its steps rise while requests stay the same.",
            unit="none",
            lines=(Line(query=top(of(AGENT_STEPS)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no agent steps are counted",
        ),
        Panel(
            title="Tokens per request",
            question="What does a loop cost? Compare with the steps beside it.",
            unit="short",
            lines=(Line(query=top(of(TOKENS_PER_REQUEST)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no tokens counted",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-retrieval",
    title="Retrieval",
    question="Do models get the documents they need, fast enough, and do they use them well?",
    role="retrieval",
    rows=(_FINE, _FOUND, _CHANGED, _FAST, _USED, _AGENTS),
    annotations=MODEL_EVENTS,
    since="now-24h",
)
