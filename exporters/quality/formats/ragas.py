"""RAGAS: the table of an evaluation or an experiment, a row per answer and a column per metric."""

from exporters.quality import frames
from exporters.quality.results import Format, Items

_SAMPLE = frozenset(
    {
        "user_input",
        "response",
        "reference",
        "retrieved_contexts",
        "reference_contexts",
        "retrieved_context_ids",
        "reference_context_ids",
        "multi_responses",
        "reference_tool_calls",
        "reference_topics",
        "rubrics",
        "persona_name",
        "query_style",
        "query_length",
    }
)
"""Columns of the evaluated samples. Source: the fields of its two sample classes."""


def _read(body: bytes) -> Items:
    return frames.scores(frames.rows(body), _SAMPLE, "ragas")


FORMAT = Format(title="RAGAS", proved="0.4.3", read=_read)
