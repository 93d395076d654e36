"""What is exposed about answers: scores, flags, feedback, retrieval, tools.

Where there are replicas, each counts its own part: counters and histograms are summed, a mean is
weighted by the samples behind it.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric

TOOL_OUTCOMES = ("success", "error", "timeout", "denied")
GUARDRAIL_ACTIONS = ("passed", "flagged", "changed", "blocked")


def _exposed(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


# Scores.

QUALITY_SCORE = _exposed(
    "quality_score",
    "gauge",
    "score",
    "Mean of the named score over its last evaluation.",
    "score",
    "version",
)
QUALITY_SAMPLES = _exposed(
    "quality_samples",
    "gauge",
    "count",
    "Answers behind the named score's mean.",
    "score",
    "version",
)
QUALITY_JUDGEMENTS_TOTAL = _exposed(
    "quality_judgements_total",
    "counter",
    "judgements",
    "Judged answers by verdict: good or bad.",
    "score",
    "verdict",
    "version",
)
QUALITY_DISTRIBUTION = _exposed(
    "quality_score_ratio",
    "histogram",
    "ratio",
    "Scores by their place in the declared range, from 0 to 1.",
    "score",
    "version",
)
QUALITY_LAST_EVALUATION = _exposed(
    "quality_last_evaluation_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the named score was last evaluated, in seconds since 1970.",
    "score",
    "version",
)
QUALITY_SAMPLING = _exposed(
    "quality_sampling_ratio",
    "gauge",
    "ratio",
    "Share of answers that the evaluator looks at, as it last said.",
    "score",
    "version",
)
QUALITY_EVALUATOR_INFO = _exposed(
    "quality_evaluator_info",
    "gauge",
    "info",
    "Who last judged the named score.",
    "score",
    "evaluator",
    "evaluator_version",
)

# Answers.

ANSWER_FLAGS_TOTAL = _exposed(
    "answer_flags_total",
    "counter",
    "answers",
    "Answers flagged as refusal, guardrail, hallucination or toxicity.",
    "flag",
    "version",
)
GUARDRAIL_EVENTS_TOTAL = _exposed(
    "guardrail_events_total",
    "counter",
    "events",
    "What guardrails did by action: passed, flagged, changed or blocked.",
    "guardrail",
    "action",
    "version",
)
FORMAT_CHECKS_TOTAL = _exposed(
    "format_checks_total",
    "counter",
    "answers",
    "Answers checked for the form asked for by result: valid or invalid.",
    "result",
    "version",
)
FEEDBACK_TOTAL = _exposed(
    "feedback_total",
    "counter",
    "votes",
    "Votes of users by verdict: up or down.",
    "verdict",
    "version",
)
FEEDBACK_RATING = _exposed(
    "feedback_rating_ratio",
    "histogram",
    "ratio",
    "Ratings of users, from 0 (worst) to 1 (best).",
    "version",
)
FEEDBACK_TEXT = _exposed(
    "feedback_text_characters",
    "histogram",
    "characters",
    "Length of what users wrote; the text is not kept.",
    "version",
)

# Retrieval and agents.

RETRIEVAL_QUERIES_TOTAL = _exposed(
    "retrieval_queries_total", "counter", "queries", "Retrievals by result: hit or empty.", "result"
)
RETRIEVAL_DOCUMENTS = _exposed(
    "retrieval_documents", "histogram", "documents", "Documents that a retrieval found."
)
RETRIEVAL_RECIPROCAL_RANK = _exposed(
    "retrieval_reciprocal_rank_ratio",
    "histogram",
    "ratio",
    "1 over the position of the first document that fits, 0 for none.",
)
RETRIEVAL_TOP_SCORE = _exposed(
    "retrieval_top_score", "histogram", "score", "Best similarity score of a retrieval."
)
RERANKER_SCORE = _exposed(
    "reranker_score", "histogram", "score", "Score that the reranker gave its best document."
)
RETRIEVAL_DURATION = _exposed(
    "retrieval_duration_seconds", "histogram", "seconds", "Time of a retrieval."
)
TOOL_CALLS_TOTAL = _exposed(
    "tool_calls_total",
    "counter",
    "calls",
    "Tool calls of agents by outcome: success, error, timeout or denied.",
    "tool",
    "outcome",
)
AGENT_STEPS_TOTAL = _exposed("agent_steps_total", "counter", "steps", "Steps taken by agents.")
AGENT_RUNS_TOTAL = _exposed("agent_runs_total", "counter", "runs", "Tasks finished by agents.")

# What the exporter says about what it was sent.

QUALITY_REJECTED_TOTAL = _exposed(
    "quality_events_rejected_total",
    "counter",
    "events",
    "Events refused by reason; the model is other where the inventory has none of that name.",
    "reason",
)
QUALITY_DUPLICATES_TOTAL = _exposed(
    "quality_events_duplicate_total",
    "counter",
    "events",
    "Events not counted because one with the same id was.",
)
QUALITY_STATE_WRITABLE = Metric(
    name="modelwatch_quality_state_writable",
    help="1 when what arrives can be kept on disk; with 0 senders are told to try again.",
    unit="bool",
    labels=(),
    layer=Layer.EXPOSED,
)
QUALITY_STATE_BYTES = Metric(
    name="modelwatch_quality_state_bytes",
    help="Size of the counters' files on disk.",
    unit="bytes",
    labels=(),
    layer=Layer.EXPOSED,
)
