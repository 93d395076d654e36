"""What to do when Grafana refuses: one line per way that it does."""

import re
from dataclasses import dataclass

from generator.push.replies import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    status: int
    remedy: str
    said: str = ""
    kind: str = ""


_CASES = (
    _Case(
        status=400,
        said="provisioned",
        remedy="Grafana reads this board from a file and lets nobody else save or delete it; "
        "remove that file, or do not push to this Grafana",
    ),
    _Case(
        status=400,
        said="refresh interval",
        remedy="this Grafana allows no board to refresh that often; lower `min_refresh_interval` "
        "in its settings",
    ),
    _Case(
        status=400,
        said="same uid",
        remedy="a board that the token does not see has this uid: restore or delete it under "
        "Dashboards, Recently deleted, or let the token see the folder that it is in",
    ),
    _Case(
        status=400,
        said="[Ff]older not found",
        remedy="somebody deleted the folder meanwhile; run this again",
    ),
    _Case(
        status=401,
        remedy="it does not accept the token or password: wrong, expired, or of another "
        "organisation; make a token under Administration, Users and access, Service accounts",
    ),
    _Case(
        status=403,
        said="[Qq]uota",
        remedy="no more boards or folders fit into this organisation; raise its quota",
    ),
    _Case(
        status=403,
        remedy="give the service account the role Editor, or the permissions that docs/push.md "
        "lists",
    ),
    _Case(
        status=404,
        remedy="somebody deleted it meanwhile; run this again",
    ),
    _Case(
        status=409,
        said="same uid",
        remedy="a folder that the token may not see has it; let the token see it, or take another "
        "--folder",
    ),
    _Case(
        status=412,
        kind="name-exists",
        remedy="another board of this title is in the folder; rename or move it",
    ),
    _Case(
        status=412,
        kind="plugin-dashboard",
        remedy="a plugin of this Grafana owns the board; remove the plugin's board first",
    ),
    _Case(
        status=429,
        remedy="it limits how much is asked; what is done stays done",
    ),
)


def advice(refusal: Refused) -> str:
    """What Grafana said and what to do about it."""
    for case in _CASES:
        if case.status != refusal.status or (case.kind and case.kind != refusal.kind):
            continue
        if re.search(case.said, refusal.said):
            return f"{refusal}; {case.remedy}"
    if refusal.status >= 500:
        return f"{refusal}; run this again when it is well: what is done stays done"
    return str(refusal)
