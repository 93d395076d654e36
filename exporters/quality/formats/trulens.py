"""TruLens: the table of `get_records_and_feedback()`, a row per record, columns per feedback.

Each feedback has a column of its name and one that ends in `_calls`. The table's times have no
zone, so that of the file counts. A record that is exported again is counted once.
"""

from exporters.quality import frames
from exporters.quality.events import Refused
from exporters.quality.results import Format, Items, scored, text

_CALLS = "_calls"


def _read(body: bytes) -> Items:
    table = frames.rows(body)
    columns = dict.fromkeys(name for row in table for name in row)
    feedbacks = [name for name in columns if f"{name}{_CALLS}" in columns]
    if not feedbacks or "record_id" not in columns:
        raise Refused("missing_field", "the table has no `record_id` or no feedback")
    for place, row in enumerate(table, 1):
        for name in feedbacks:
            if row.get(name) is not None:  # none yet: feedback is computed later than the record
                yield (
                    place,
                    scored(
                        name,
                        frames.number(row[name]),
                        id=text(row.get("record_id")),
                        model=text(row.get("app_name")),
                        version=text(row.get("app_version")),
                        evaluator="trulens",
                    ),
                )


FORMAT = Format(title="TruLens", proved="2.16.0", read=_read)
