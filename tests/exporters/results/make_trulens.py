"""Takes the TruLens captures: the table of records and feedback of an app, as JSON and CSV.

pip install trulens-core==2.16.0 trulens-feedback==2.16.0
python make_trulens.py OUT
"""

# mypy: ignore-errors
# The library is in an environment of its own: nothing of it is known here.
import sys
from pathlib import Path

from trulens.apps.app import TruApp
from trulens.core import Metric, TruSession
from trulens.core.otel.instrument import instrument
from trulens.otel.semconv.trace import SpanAttributes

ANSWERS = {"Capital of France?": "Paris is the capital", "Capital of Peru?": "Cusco is pretty"}


class Assistant:
    """Answers from a table."""

    @instrument(
        span_type=SpanAttributes.SpanType.RECORD_ROOT,
        attributes={
            SpanAttributes.RECORD_ROOT.INPUT: "question",
            SpanAttributes.RECORD_ROOT.OUTPUT: "return",
        },
    )
    def answer(self, question: str) -> str:
        return ANSWERS[question]


def relevance(prompt: str, response: str) -> float:
    """Share of the prompt's words that the answer repeats."""
    words = prompt.lower().strip("?").split()
    return sum(word in response.lower() for word in words) / len(words)


def explained(prompt: str, response: str) -> tuple[float, dict[str, str]]:
    return 1.0 if prompt and "is" in response else 0.0, {"reason": "says what something is"}


def main() -> None:
    out = Path(sys.argv[1])
    session = TruSession(database_url=f"sqlite:///{out}/trulens.sqlite")
    session.reset_database()
    metrics = [
        Metric(implementation=relevance, name="Answer Relevance").on_input().on_output(),
        Metric(implementation=explained, name="groundedness").on_input().on_output(),
    ]
    assistant = Assistant()
    app = TruApp(
        assistant,
        app_name="chat",
        app_version="2.1",
        feedbacks=metrics,
        main_method=assistant.answer,
    )
    for question in ANSWERS:
        with app:
            assistant.answer(question)
    session.force_flush()
    app.compute_feedbacks()
    session.force_flush()
    frame, _ = session.get_records_and_feedback(app_name="chat")
    frame.to_json(out / "trulens-2.16.0.json", orient="records")
    frame.to_json(out / "trulens-2.16.0-columns.json", default_handler=str)
    frame.to_csv(out / "trulens-2.16.0.csv", index=False)


main()
