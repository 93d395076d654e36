"""Turns the events of one batch into counts, by what the inventory says of their model."""

from bisect import bisect_left
from dataclasses import dataclass, field

from exporters.base.families import OTHER
from exporters.base.moments import recent
from exporters.base.remembered import Remembered, id_hash
from exporters.quality import kinds
from exporters.quality.declared import Declared, Scale, Target
from exporters.quality.events import VERDICTS, Event, Refused, Score
from exporters.quality.names import Names
from exporters.quality.tally import BOUNDS, SCORE_BOUNDS, SLOTS, Bins, Counts, Scored
from modelwatch.catalogue import quality

MOST_ID_CHARACTERS = 200


@dataclass(slots=True)
class _Place:
    """Where the scores of one model, score and version are counted."""

    target: Target
    scale: Scale
    scored: Scored
    within: int
    """Keeps ids of this score apart from those of others."""


@dataclass(slots=True)
class Batch:
    """The counts of one batch, and the ids of its events, none of which was counted before."""

    declared: Declared
    names: Names
    remembered: Remembered
    now: float
    counts: Counts = field(default_factory=Counts)
    ids: dict[int, None] = field(default_factory=dict)
    _places: dict[tuple[str, str, str, str], _Place] = field(default_factory=dict)

    def take(self, event: Event) -> bool:
        """Count an event; false for one that was counted before.

        Raises:
            Refused: it cannot be counted.
        """
        return self._score(event) if type(event) is Score else self._other(event)

    def done(self) -> Counts:
        """What was counted. Nothing may be taken afterwards."""
        self.counts.scores = {
            key: scored for key, scored in self.counts.scores.items() if any(scored.bins.counts)
        }
        self.counts.forgotten = self.names.evicted()
        return self.counts

    def refuse(self, refused: Refused, event: Event | Refused) -> None:
        """Count an event that is refused, under its model where there is one."""
        try:
            target = self.declared.target(event.model, event.environment)
            identity = (target.model, target.environment)
        except Refused:
            identity = (OTHER, OTHER)  # no model of that name, which may be why it is refused
        key = (quality.QUALITY_REJECTED_TOTAL.name, *identity, refused.reason)
        self.counts.counters[key] += 1

    def _score(self, event: Score) -> bool:
        key = (event.model, event.environment, event.score, event.version)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = self._place(event)
        _check(event, place)
        time_s = self.now if event.time_s is None else recent("time", event.time_s, self.now)
        if event.id and not self._is_new(event.id, place.within):
            self._duplicate(place.target)
            return False
        _count(event, place, time_s)
        return True

    def _place(self, event: Score) -> _Place:
        target = self.declared.target(event.model, event.environment)
        scale = self.declared.scale(target, event.score)
        version = self._version(target, event.version)
        key = (target.model, target.environment, event.score, version)
        scored = self.counts.scores.get(key)
        if scored is None:
            scored = self.counts.scores[key] = Scored(width_s=scale.every_s / SLOTS)
        return _Place(target, scale, scored, id_hash("\0".join(("score", *key[:3])), 0))

    def _other(self, event: Event) -> bool:
        target = self.declared.target(event.model, event.environment)
        identity = (target.model, target.environment)

        def named(label: str, name: str) -> str:
            return self.names(label, *identity, name, self.now)

        version = "" if not hasattr(event, "version") else self._version(target, event.version)
        if event.time_s is not None:
            recent("time", event.time_s, self.now)
        added = kinds.added(event, version, named)
        within = id_hash("\0".join((type(event).__name__, *identity)), 0)
        if event.id and not self._is_new(event.id, within):
            self._duplicate(target)
            return False
        for metric, labels, number in added:
            key = (metric.name, *identity, *labels)
            if metric.kind == "counter":
                self.counts.counters[key] += number
            else:
                bounds = BOUNDS[metric]
                bins = self.counts.bins.setdefault(key, Bins([0] * (len(bounds) + 1)))
                bins.counts[bisect_left(bounds, number)] += 1
                bins.sum += number
        return True

    def _version(self, target: Target, version: str) -> str:
        if not version or version == target.version:
            return target.version
        return self.names("version", target.model, target.environment, version, self.now)

    def _is_new(self, text: str, within: int) -> bool:
        if len(text) > MOST_ID_CHARACTERS:
            raise Refused("bad_text", f"`id` has up to {MOST_ID_CHARACTERS} characters")
        try:
            hashed = id_hash(text, within)
        except UnicodeEncodeError:
            raise Refused("bad_text", "`id` has half a character in it") from None
        if hashed in self.ids or hashed in self.remembered:
            return False
        self.ids[hashed] = None
        return True

    def _duplicate(self, target: Target) -> None:
        key = (quality.QUALITY_DUPLICATES_TOTAL.name, target.model, target.environment)
        self.counts.counters[key] += 1


def _check(event: Score, place: _Place) -> None:
    scale = place.scale
    if not scale.low <= event.value <= scale.high:
        kinds.within("value", event.value, scale.low, scale.high)
    if event.verdict:
        kinds.one_of("verdict", event.verdict, VERDICTS)
    if event.sampled is not None:
        kinds.within("sampled", event.sampled, 0, 1)
    if (event.evaluator, event.evaluator_version) not in place.scored.evaluators:
        kinds.printable("evaluator", event.evaluator)
        kinds.printable("evaluator_version", event.evaluator_version)
    if event.trace_id:
        kinds.printable("trace_id", event.trace_id)


def _count(event: Score, place: _Place, time_s: float) -> None:
    scale, scored, value = place.scale, place.scored, event.value
    part = (value - scale.low) / (scale.high - scale.low)
    bucket = bisect_left(SCORE_BOUNDS, part)
    scored.bins.counts[bucket] += 1
    scored.bins.sum += part
    good = _is_good(event.verdict, value, scale)
    if good:
        scored.good += 1
    elif good is not None:
        scored.bad += 1
    recent = scored.recent.setdefault(int(time_s / scored.width_s), [0.0, 0.0])
    recent[0] += value
    recent[1] += 1
    if time_s >= scored.newest_s:
        scored.newest_s = time_s
        if event.sampled is not None:
            scored.sampled = event.sampled
    if event.evaluator or event.evaluator_version:
        scored.evaluators[event.evaluator, event.evaluator_version] = time_s
    if event.trace_id:
        scored.exemplars[bucket] = (event.trace_id, part, time_s)


def _is_good(verdict: str, value: float, scale: Scale) -> bool | None:
    if verdict:
        return verdict == "good"
    if scale.good is None:
        return None
    return value >= scale.good if scale.higher else value <= scale.good
