"""What an application reports under modelwatch's own names: quality, feedback, retrieval, KPI."""

import time
from collections.abc import Callable

from compose.fleet.series import Histogram, Value, labels, page
from compose.fleet.traffic import Arrivals, World
from modelwatch.catalogue import exposed
from modelwatch.catalogue.metric import Metric

CHAT = labels(model="chat", environment="production")
SCORE = ("score", "groundedness")
KPI = ("kpi", "click_through_rate")
EVALUATED_EVERY_S = 3600.0
JUDGED = 0.12
"""Share of answers that the judge looks at."""

BAD, BAD_IN_INCIDENT = 0.015, 0.33
_SCORES = tuple(round(0.05 * n, 2) for n in range(1, 21))
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
FLAGS = {"refusal": 0.012, "guardrail": 0.006, "hallucination": 0.008, "toxicity": 0.0004}


class Families:
    """Everything on the page, in its order."""

    def __init__(self) -> None:
        self.score = _value(exposed.QUALITY_SCORE)
        self.samples = _value(exposed.QUALITY_SAMPLES)
        self.judgements = _value(exposed.QUALITY_JUDGEMENTS_TOTAL)
        self.evaluated = _value(exposed.QUALITY_LAST_EVALUATION)
        self.feedback = _value(exposed.FEEDBACK_TOTAL)
        self.flags = _value(exposed.ANSWER_FLAGS_TOTAL)
        self.retrievals = _value(exposed.RETRIEVAL_QUERIES_TOTAL)
        self.top_score = _histogram(exposed.RETRIEVAL_TOP_SCORE, _SCORES)
        self.reranked = _histogram(exposed.RERANKER_SCORE, _SCORES)
        self.retrieval_time = _histogram(exposed.RETRIEVAL_DURATION, _SECONDS)
        self.clicks = _value(exposed.KPI_EVENTS_TOTAL)
        self.views = _value(exposed.KPI_OPPORTUNITIES_TOTAL)


class Canonical:
    """The assistant's own page. A score is the mean of what was judged since the last one."""

    def __init__(self, world: World, wall_clock: Callable[[], float] = time.time) -> None:
        self.world = world
        self.wall_clock = wall_clock
        self.arrivals = Arrivals(world=world, peak=24.0)
        self.on = Families()
        self.judged: list[float] = []
        self.next_evaluation = world.now()
        self._begin()

    def __call__(self) -> str:
        """Let time pass and write the page."""
        silent = "chat-silent" in self.world.incidents
        for _ in range(self.arrivals.since_last(0.0 if silent else 1.0)):
            self._answer()
        if self.world.now() >= self.next_evaluation and self.judged:
            self._evaluate()
        return page(vars(self.on).values())

    def _begin(self) -> None:
        """Show zeros, so that the first event is an increase; judge some answers of before."""
        for verdict in ("good", "bad"):
            self.on.judgements.add((*CHAT, SCORE, ("verdict", verdict)), 0)
        for verdict in ("up", "down"):
            self.on.feedback.add((*CHAT, ("verdict", verdict)), 0)
        for flag in FLAGS:
            self.on.flags.add((*CHAT, ("flag", flag)), 0)
        for result in ("hit", "empty"):
            self.on.retrievals.add((*CHAT, ("result", result)), 0)
        for _ in range(200):
            self._judge()

    def _answer(self) -> None:
        for flag, probability in FLAGS.items():
            if self.world.happens(probability):
                self.on.flags.add((*CHAT, ("flag", flag)))
        if self.world.happens(JUDGED):
            self._judge()
        if self.world.happens(0.05):
            verdict = "down" if self.world.happens(0.08) else "up"
            self.on.feedback.add((*CHAT, ("verdict", verdict)))
        self._retrieve()
        self.on.views.add((*CHAT, KPI))
        if self.world.happens(0.11):
            self.on.clicks.add((*CHAT, KPI))

    def _judge(self) -> None:
        bad = BAD_IN_INCIDENT if "quality-drop" in self.world.incidents else BAD
        good = not self.world.happens(bad)
        score = self.world.chance.uniform(0.8, 1.0) if good else self.world.chance.uniform(0.1, 0.6)
        self.judged.append(score)
        self.on.judgements.add((*CHAT, SCORE, ("verdict", "good" if good else "bad")))

    def _retrieve(self) -> None:
        empty = self.world.happens(0.03)
        self.on.retrievals.add((*CHAT, ("result", "empty" if empty else "hit")))
        self.on.retrieval_time.observe(CHAT, self.world.spread(0.06, 0.4))
        if not empty:
            best = min(0.99, max(0.1, self.world.chance.gauss(0.82, 0.06)))
            self.on.top_score.observe(CHAT, best)
            self.on.reranked.observe(CHAT, min(0.999, best + 0.05))

    def _evaluate(self) -> None:
        self.on.score.set((*CHAT, SCORE), round(sum(self.judged) / len(self.judged), 4))
        self.on.samples.set((*CHAT, SCORE), len(self.judged))
        self.on.evaluated.set((*CHAT, SCORE), round(self.wall_clock(), 3))
        self.judged.clear()
        self.next_evaluation = self.world.now() + EVALUATED_EVERY_S / self.world.compression


def _value(metric: Metric) -> Value:
    return Value(
        name=metric.name,
        help=metric.help,
        kind="counter" if metric.kind == "counter" else "gauge",
    )


def _histogram(metric: Metric, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name=metric.name, help=metric.help, buckets=buckets)
