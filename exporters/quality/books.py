"""What is counted, as it is in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporters.base.families import OTHER
from exporters.base.receipts import MOST_TOLD, Receipt, Rejection
from exporters.base.remembered import Remembered
from exporters.quality.counting import Batch
from exporters.quality.declared import Declared
from exporters.quality.events import REASONS, Event, Refused
from exporters.quality.names import LIMITS, Names
from exporters.quality.tally import COUNTED, SLOTS, Counts, Key, Scored
from modelwatch.catalogue import quality


@dataclass(slots=True, kw_only=True)
class Books:
    """All counts, and what is needed to count more.

    `waiting` are refused and known events that are not worth a record each: they are not in
    `counts` yet. `began` is when a series did that is new on the page: there it stands at zero for
    a while, so that scrapes see its first events as a rise. A batch is often all that there is of a
    version for an hour, and a counter that begins at 500 has never risen. Scores of the inventory
    are at zero from the start, and need no waiting.
    """

    declared: Declared
    remembered: Remembered
    names: Names = field(default_factory=Names)
    counts: Counts = field(default_factory=Counts)
    waiting: Counts = field(default_factory=Counts)
    began: dict[Key, float] = field(default_factory=dict)

    def counted(
        self, events: Iterable[tuple[int, Event | Refused]], marks: Mapping[str, str], now: float
    ) -> tuple[Receipt, Counts, Sequence[int]]:
        """What became of the events, what they count, and their ids. Nothing is added yet."""
        batch = Batch(self.declared, self.names, self.remembered, now)
        accepted = duplicates = rejected = 0
        told: list[Rejection] = []
        for line, event in events:
            try:
                if isinstance(event, Refused):
                    raise event
                if batch.take(event):
                    accepted += 1
                else:
                    duplicates += 1
            except Refused as refused:
                rejected += 1
                batch.refuse(refused, event)
                if len(told) < MOST_TOLD:
                    told.append(
                        Rejection(line=line, reason=refused.reason, message=refused.message)
                    )
        receipt = Receipt(
            accepted=accepted, duplicates=duplicates, rejected=rejected, told=tuple(told)
        )
        counts = batch.done()
        counts.marks.update(marks)
        return receipt, counts, list(batch.ids)

    def add(self, counts: Counts, ids: Sequence[int], now: float) -> None:
        """Add what is on disk."""
        self._note_new(counts, now)
        self.counts.add(counts)
        self.remembered.add(ids)

    def wait(self, counts: Counts, now: float) -> None:
        """Add what need not be on disk at once."""
        self._note_new(counts, now)
        self.waiting.add(counts)

    def declare(self, declared: Declared) -> None:
        """Count by another inventory: what it does not name is forgotten, what it does is zero."""
        self.declared = declared
        known = dict(_known(declared, self.counts))
        self.counts.scores = {key: one for key, one in self.counts.scores.items() if known[key[:3]]}
        for numbers in (self.counts.counters, self.counts.bins):
            for key in [key for key in numbers if not known[key[1], key[2], ""]]:
                del numbers[key]
        counters = self.counts.counters
        for reason in REASONS:
            counters[quality.QUALITY_REJECTED_TOTAL.name, OTHER, OTHER, reason] += 0
        for target in declared.targets():
            identity = (target.model, target.environment)
            counters[(quality.QUALITY_DUPLICATES_TOTAL.name, *identity)] += 0
            for name, scale in target.scores.items():
                score = (*identity, name, target.version)
                self.counts.scores.setdefault(score, Scored(scale.every_s / SLOTS))

    def learn(self, now: float) -> None:
        """Take the label values that were read from disk as used now."""
        own = {(one.model, one.environment): one.version for one in self.declared.targets()}
        for key in self.counts.series():
            labels = dict(zip(COUNTED[key[0]].labels, key[1:], strict=True))
            identity = (labels["model"], labels["environment"])
            for label in LIMITS.keys() & labels.keys():
                if labels[label] not in (OTHER, "", own.get(identity)):
                    self.names(label, *identity, labels[label], now)

    def grow_up(self, now: float) -> None:
        """Show what is not new any more."""
        since = now - self.declared.new_for_s
        self.began = {key: at for key, at in self.began.items() if since < at <= now}

    def _note_new(self, counts: Counts, now: float) -> None:
        for key in counts.series():
            if key not in self.counts and key not in self.waiting:
                self.began[key] = now


def _known(declared: Declared, counts: Counts) -> Iterator[tuple[tuple[str, str, str], bool]]:
    """Model, environment and score (or none) of every series: are they declared?"""
    models = {(key[1], key[2], "") for key in counts.series()}
    for model, environment, score in {*models, *(key[:3] for key in counts.scores)}:
        if model == OTHER:
            yield (model, environment, score), True
            continue
        try:
            target = declared.target(model, environment)
            if score:
                declared.scale(target, score)
            yield (model, environment, score), True
        except Refused:
            yield (model, environment, score), False
