"""Feedback of users: a table with columns for votes, ratings and texts, of any application.

Of a text its length is taken and nothing else. `best` is the best rating, such as 5 for five stars;
without it ratings are from 0 to 1.
"""

from typing import Any

from exporters.quality import frames
from exporters.quality.events import Event, Refused
from exporters.quality.json_events import from_json
from exporters.quality.results import Format, Items, snake

_VOTES = ("vote", "thumb", "thumbs", "feedback")
_TEXTS = ("text", "comment", "message")
_UP = ("up", "thumbs_up", "👍", "like", "positive", "yes")
_DOWN = ("down", "thumbs_down", "👎", "dislike", "negative", "no")


def _read(body: bytes) -> Items:
    for number, row in enumerate(frames.rows(body), 1):
        try:
            yield number, _event({snake(name): cell for name, cell in row.items()})
        except Refused as refused:
            yield number, refused


def _event(row: dict[str, Any]) -> Event:
    told = {
        "kind": "feedback",
        "model": "",
        "vote": next((_vote(row[key]) for key in _VOTES if row.get(key) is not None), None),
        "rating": frames.number(row.get("rating")),
        "best": frames.number(row.get("best")),
        "text_length": _length(row),
        "time": frames.number(row.get("time")),
        **{key: row.get(key) for key in ("environment", "version", "id")},
    }
    if row.get("model") is not None:
        told["model"] = row["model"]
    if told["vote"] is told["rating"] is told["text_length"] is None:
        raise Refused("missing_field", "one of `vote`, `rating` and `text` is needed")
    return from_json(told)


def _vote(cell: object) -> str:
    """Up or down; of numbers and booleans those above zero are up."""
    found = frames.number(cell)
    if isinstance(found, int | float):
        return "up" if found > 0 else "down"
    word = cell.lower().replace(" ", "_") if isinstance(cell, str) else ""
    if word in _UP:
        return "up"
    if word in _DOWN:
        return "down"
    raise Refused("unknown_value", "`vote` is up or down, true or false, 1 or -1")


def _length(row: dict[str, Any]) -> object:
    if row.get("text_length") is not None:
        return frames.number(row["text_length"])
    found = [row[key] for key in _TEXTS if row.get(key) is not None]
    return len(str(found[0])) if found else None


FORMAT = Format(title="Feedback of users", proved="", read=_read)
