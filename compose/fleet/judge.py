"""What evaluators, judges and users of the chat model say, as events for the quality exporter."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import requests

from compose.fleet.traffic import Arrivals, World

CHAT = {"model": "chat"}
JUDGED = 0.12
"""Share of answers that the judge looks at."""

BAD, BAD_IN_INCIDENT = 0.015, 0.8
FLAGS = {"refusal": 0.012, "guardrail": 0.006, "hallucination": 0.008, "toxicity": 0.0004}
SEND_EVERY_S = 0.5
TIMEOUT_S = 5.0

Event = dict[str, object]


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
        if self.world.happens(JUDGED):
            yield self._judgement()
        if self.world.happens(0.05):
            vote = "down" if self.world.happens(0.08) else "up"
            yield {**CHAT, "kind": "feedback", "vote": vote}
        yield self._retrieval()

    def _judgement(self) -> Event:
        bad = BAD_IN_INCIDENT if "quality-drop" in self.world.incidents else BAD
        low, high = (0.1, 0.6) if self.world.happens(bad) else (0.8, 1.0)
        value = round(self.world.chance.uniform(low, high), 3)
        return {
            **CHAT,
            "score": "groundedness",
            "value": value,
            "sampled": JUDGED,
            "version": "2.1",
            "evaluator": "simulated judge",
            "evaluator_version": "1",
        }

    def _retrieval(self) -> Event:
        searched = {**CHAT, "kind": "retrieval", "duration": round(self.world.spread(0.06, 0.4), 4)}
        if self.world.happens(0.03):
            return {**searched, "hits": 0}
        best = round(min(0.99, max(0.1, self.world.chance.gauss(0.82, 0.06))), 4)
        rank = 1 / (1 + int(self.world.chance.expovariate(1.5)))
        found = {"hits": 4, "reciprocal_rank": rank, "top_score": best}
        return {**searched, **found, "reranker_score": min(0.999, best + 0.05)}


def send_in_background(judge: Judge, url: str, token: str = "") -> None:
    """Send what there is, twice a second, until the process ends."""
    threading.Thread(target=_send, args=(judge, url, token), daemon=True).start()


def _send(judge: Judge, url: str, token: str) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with requests.Session() as session:
        while True:
            time.sleep(SEND_EVERY_S)
            lines = "".join(f"{json.dumps(event)}\n" for event in judge())
            with contextlib.suppress(requests.RequestException):  # lost: a demo does not insist
                session.post(
                    url,
                    data=lines.encode(),
                    headers=headers,
                    timeout=TIMEOUT_S,
                )
