"""Concept drift: is more wrong than a week ago, and is that more than chance?

Two windows that do not overlap, the last day and the week before it, compared by Hoeffding's
inequality: it holds for shares of any distribution, and needs counts only, so that replicas add up.
The first label counts; that of a correction does not.
"""

from alerts.recorded.windows import SLOW, events
from modelwatch.catalogue.accuracy import (
    STREAM,
    STREAM_BOUND,
    STREAM_CHANGE,
    STREAM_EVENTS,
    STREAM_WRONG,
)
from modelwatch.catalogue.labels import (
    LABELS_TOTAL,
)
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.quality import QUALITY_JUDGEMENTS_TOTAL
from modelwatch.promql import on, or_zero, rate, seconds, select, total
from modelwatch.rules import Record, RecordGroup

# ln(2 / delta) / 2 at a delta of 0.002: one comparison in a thousand is beyond it by chance and
# worse, if errors were as spread as they can be. It is the default of ADWIN, which bounds the same.
BOUND = "3.4539"

_STREAM = STREAM_CHANGE.labels
_WINDOWS = {
    "1d": events(STREAM, over="1d", every=SLOW),
    # Each sample tells of an hour, so that the week before the last day ends 25 hours ago.
    "7d": f"sum_over_time({STREAM}[7d] offset 25h) * {seconds(SLOW)}",
}


def _stream(stream: str, counter: Metric, verdicts: dict[str, str], *score: str) -> list[Record]:
    """A counter with two verdicts as a stream of right and wrong."""
    return [
        Record(
            metric=STREAM,
            labels={"stream": stream, "verdict": verdict},
            expr=total(rate(counter, over="1h", where={"verdict": own}), by=(*MODEL, *score)),
        )
        for verdict, own in verdicts.items()
    ]


def _events(window: str) -> str:
    return total(select(STREAM_EVENTS, window=window), by=_STREAM)


_ALL = total(STREAM_EVENTS, by=STREAM_WRONG.labels)
_WRONG = total(select(STREAM_EVENTS, verdict="wrong"), by=STREAM_WRONG.labels)

GROUPS = (
    RecordGroup(
        name="modelwatch-accuracy-stream-slow",
        interval=SLOW,
        records=(
            *_stream("labels", LABELS_TOTAL, {"right": "right", "wrong": "wrong"}),
            *_stream(
                "judgements", QUALITY_JUDGEMENTS_TOTAL, {"right": "good", "wrong": "bad"}, "score"
            ),
            *(
                Record(
                    metric=STREAM_EVENTS,
                    labels={"window": window},
                    expr=total(counted, by=(*_STREAM, "verdict")),
                )
                for window, counted in _WINDOWS.items()
            ),
            Record(metric=STREAM_WRONG, expr=f"{or_zero(_WRONG, _ALL)} / ({_ALL} > 0)"),
            Record(
                metric=STREAM_CHANGE,
                expr=f"""
                    {select(STREAM_WRONG, window="1d")}
                      - {on(*_STREAM)}
                    {select(STREAM_WRONG, window="7d")}
                """,
            ),
            Record(
                metric=STREAM_BOUND,
                expr=f"sqrt({BOUND} * (1 / ({_events('1d')} > 0) + 1 / ({_events('7d')} > 0)))",
            ),
        ),
    ),
)
