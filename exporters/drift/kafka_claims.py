"""Who counts which messages of a Kafka topic, so that several exporters count each of them once.

Before messages are counted they are claimed: their end is committed to the broker as the group's
offset, and beside it, as its metadata, who claimed from where to where. The broker refuses that
from a member whose partition went to another. How far was counted is kept with the counts, on disk
every few seconds; a claim reaches back to what is on disk for certain. So whoever was killed finds
in its claim what it must count again, and nobody else counts that meanwhile. The last claim of each
member stays beside the offset, whoever reads there now.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST_BYTES = 4000
"""Brokers take 4096 as they come (`offset.metadata.max.bytes`): about a hundred members."""

_VERSION = "modelwatch1"
_CLAIM = re.compile(r"([0-9a-f]+):(\d+)-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Messages from `start` up to, and without, `end`."""

    start: int
    end: int


def read(metadata: str | None) -> dict[str, Claim]:
    """The last claim of each member, the newest first; none where others wrote the metadata."""
    version, *found = (metadata or "").split(" ")
    if version != _VERSION:
        return {}
    matches = (_CLAIM.fullmatch(text) for text in found)
    return {match[1]: Claim(start=int(match[2]), end=int(match[3])) for match in matches if match}


def claimed(claims: Mapping[str, Claim], member: str, claim: Claim) -> dict[str, Claim]:
    """The claims with a new one of `member`, the newest first."""
    return {member: claim, **{name: one for name, one in claims.items() if name != member}}


def written(claims: Mapping[str, Claim]) -> str:
    """The claims as metadata; the oldest are left out where there are too many."""
    text = _VERSION
    for name, one in claims.items():
        more = f" {name}:{one.start}-{one.end}"
        if len(text) + len(more) > MOST_BYTES:
            break
        text += more
    return text
