"""What evaluators, judges and users of the chat model say, as events for the quality exporter."""

from collections.abc import Iterator

from compose.fleet.sending import Event
from compose.fleet.traffic import Arrivals, World

CHAT = {"model": "chat"}
JUDGED = 0.12
"""Share of answers that the judge looks at."""

BAD = 0.015
"""Share of judged answers without ground on an ordinary day."""

UNGROUNDED = {"quality-drop": 0.8, "chat-crowded": 0.8}
"""The same in an incident, whatever the version."""

VERSION, FOLLOWING = "2.1", "2.2"
FOLLOWING_SHARE, FOLLOWING_BAD = 0.5, 0.35
"""Share of answers that come from the next version once it is there, and how many are bad."""

EMPTY, EMPTY_IN_INCIDENT = 0.03, 0.9
FLAGS = {"refusal": 0.012, "guardrail": 0.006, "hallucination": 0.008, "toxicity": 0.0004}


class Judge:
    """Events of the answers since the last call."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrivals = Arrivals(world=world, peak=24.0)
        self.before = [self._judgement() for _ in range(200)]

    def __call__(self) -> list[Event]:
        """Let time pass; the first call also tells of some answers of before."""
        silent = "chat-silent" in self.world.incidents
        events, self.before = self.before, []
        for _ in range(self.arrivals.since_last(0.0 if silent else 1.0)):
            events += self._answer()
        return events

    def _answer(self) -> Iterator[Event]:
        for flag, probability in FLAGS.items():
            if self.world.happens(probability):
                yield {**CHAT, "kind": "flag", "flag": flag}
        if self.world.happens(JUDGED) and "judge-silent" not in self.world.incidents:
            yield self._judgement()
        if self.world.happens(0.05):
            vote = "down" if self.world.happens(0.08) else "up"
            yield {**CHAT, "kind": "feedback", "vote": vote}
        yield self._retrieval()

    def _judgement(self) -> Event:
        version, bad = self._version()
        low, high = (0.1, 0.6) if self.world.happens(bad) else (0.8, 1.0)
        value = round(self.world.chance.uniform(low, high), 3)
        return {
            **CHAT,
            "score": "groundedness",
            "value": value,
            "sampled": JUDGED,
            "version": version,
            "evaluator": "simulated judge",
            "evaluator_version": "1",
        }

    def _version(self) -> tuple[str, float]:
        """Which version answered, and how likely its answer is bad."""
        there = "chat-regression" in self.world.incidents
        if there and self.world.happens(FOLLOWING_SHARE):
            return FOLLOWING, FOLLOWING_BAD
        going_on = (bad for name, bad in UNGROUNDED.items() if name in self.world.incidents)
        return VERSION, max(going_on, default=BAD)

    def _retrieval(self) -> Event:
        searched = {**CHAT, "kind": "retrieval", "duration": round(self.world.spread(0.06, 0.4), 4)}
        empty = EMPTY_IN_INCIDENT if "retrieval-empty" in self.world.incidents else EMPTY
        if self.world.happens(empty):
            return {**searched, "hits": 0}
        best = round(min(0.99, max(0.1, self.world.chance.gauss(0.82, 0.06))), 4)
        rank = 1 / (1 + int(self.world.chance.expovariate(1.5)))
        found = {"hits": 4, "reciprocal_rank": rank, "top_score": best}
        return {**searched, **found, "reranker_score": min(0.999, best + 0.05)}
