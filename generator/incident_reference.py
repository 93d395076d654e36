"""The table of the demo's incidents: what happens, and who is told of it."""

from compose.fleet.incidents import INCIDENTS, Incident, Told
from generator.tables import table

HEAD = ("incident", "what happens", "who is told, of what", "fires as well, and reaches nobody")


def blocks() -> dict[str, str]:
    """The tables of the page, by the name of their place."""
    return {"incidents": table(HEAD, (_row(*each) for each in INCIDENTS.items()))}


def _row(name: str, incident: Incident) -> tuple[str, ...]:
    told = "; ".join(_told(each) for each in incident.told) or "nobody"
    return (f"`{name}`", incident.what, told, ", ".join(f"`{each}`" for each in incident.muted))


def _told(one: Told) -> str:
    about = ", ".join(value for label, value in one.about.items() if label != "environment")
    return f"`{one.receiver}`: `{one.alert}` of {about}"
