"""What users ask of the chat model, as observations for the drift exporter.

python -m compose.fleet.audience > chat.csv
modelwatch baseline build chat.csv --model chat --version 2.1 -o examples/baselines/chat.json
"""

import csv
import sys
from collections.abc import Iterator

from compose.fleet.sending import Event
from compose.fleet.traffic import Arrivals, World

LANGUAGES = {"en": 0.70, "de": 0.20, "fr": 0.08, "it": 0.02}
NEW_LANGUAGE, NEW_SHARE = "pl", 0.5
"""In the incident so many questions come in a language that nobody spoke before."""

PROMPT_TOKENS, SPREAD = 180.0, 0.6
WITHOUT_LENGTH = 0.004
"""Share of requests of which no length is known."""

ROWS = 20_000
"""As many does a baseline know."""


class Audience:
    """Observations of the requests since the last call, every one of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrivals = Arrivals(world=world, peak=24.0)

    def __call__(self) -> list[Event]:
        """Let time pass."""
        silent = "chat-silent" in self.world.incidents
        came = self.arrivals.since_last(0.0 if silent else 1.0)
        return [
            {"model": "chat", "sampling": 1.0, "features": features}
            for features in self.questions(came)
        ]

    def questions(self, number: int) -> Iterator[dict[str, object]]:
        """The features of so many questions."""
        chance = self.world.chance
        abroad = "chat-language" in self.world.incidents
        for _ in range(number):
            language = chance.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
            if abroad and self.world.happens(NEW_SHARE):
                language = NEW_LANGUAGE
            length = round(self.world.spread(PROMPT_TOKENS, SPREAD))
            known = None if self.world.happens(WITHOUT_LENGTH) else length
            yield {"prompt_length": known, "language": language}


def main() -> None:
    """Write rows as they were before anything happened."""
    rows = csv.DictWriter(sys.stdout, ["prompt_length", "language"], lineterminator="\n")
    rows.writeheader()
    rows.writerows(Audience(World()).questions(ROWS))


if __name__ == "__main__":
    main()
