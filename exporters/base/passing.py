"""A request as a door gets it. Runs in a thread: unpacking and the door may take their time."""

from urllib.parse import parse_qsl

from tornado.httputil import HTTPHeaders

from exporters.base.exporter import Door, Reply, Request
from exporters.base.intake import Refused, unzipped

_MOST_FIELDS = 100
_OURS = frozenset(("authorization", "cookie", "proxy-authorization"))
"""Headers that no door has any business with."""


def pass_through(door: Door, path: str, query: str, headers: HTTPHeaders, body: bytes) -> Reply:
    """What the door answers.

    Raises:
        Refused: the request is not what it must be, or the door does not want it.
    """
    if headers.get("Content-Encoding", "").lower() == "gzip":
        body = unzipped(body, door.max_body_bytes)
    request = Request(
        path=path,
        query=_fields(query),
        headers={k.lower(): v for k, v in headers.items() if k.lower() not in _OURS},
        body=body,
    )
    return door.answer(request)


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeDecodeError as error:
        raise Refused(400, "utf8", "the query is not UTF-8") from error
    except ValueError as error:
        raise Refused(400, "malformed", f"more than {_MOST_FIELDS} fields in the query") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused(400, "malformed", "a field is twice in the query")
    return fields
