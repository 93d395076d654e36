"""What is said about one selector."""

from dataclasses import dataclass

from generator.verify.finding import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a selector finds something; if not, a stable word why, and the same in words.

    `through` names the series whose own rules are dead: they say more. A `listed` message is told
    once, with a list of the selectors that it is about.
    """

    alive: bool
    reason: str = ""
    message: str = ""
    advice: str = ""
    level: Level = "error"
    through: str = ""
    listed: bool = False


ALIVE = Verdict(alive=True)


def dead(
    reason: str,
    message: str,
    advice: str = "",
    *,
    level: Level = "error",
    through: str = "",
    listed: bool = False,
) -> Verdict:
    """A selector that finds nothing."""
    return Verdict(
        alive=False,
        reason=reason,
        message=message,
        advice=advice,
        level=level,
        through=through,
        listed=listed,
    )
