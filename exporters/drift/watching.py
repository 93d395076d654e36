"""One watched model: its baseline as it is now, and what was counted against it and before."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from exporters.base.reloading import Mark, mark
from exporters.drift.baseline import Baseline, read
from exporters.drift.counting import Counting, Tally
from exporters.drift.learning import Learning
from exporters.drift.observations import Watched
from exporters.drift.state import Kept
from modelwatch.problems import ModelwatchError

_LOG = logging.getLogger(__name__)

TROUBLES = ("missing", "damaged", "other_model")
"""What can be the matter with the file of a baseline."""

KEPT_S = 3600.0
"""Counts against a baseline that is not in use any more stay on the page so long."""
MOST_KEPT = 3
"""So many of them: whoever changes the baseline every minute must not fill the page."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """A model that is watched. `counting` is None until there is a baseline."""

    watched: Watched
    counting: Counting | None = None
    tally: Tally | None = None
    before: list[Tally] = field(default_factory=list)
    trouble: str = ""
    sampling: float | None = None
    learning: Learning | None = None
    _mark: Mark = ()

    @property
    def tallies(self) -> list[Tally]:
        """Counts against each baseline that there was, the one in use last."""
        return [*self.before, *([self.tally] if self.tally else [])]

    def changed(self) -> Baseline | None:
        """The baseline, where its file is another than before and is one of this model.

        A file that cannot be used is told, and changes nothing: what was read before stays.
        """
        path = Path(self.watched.baseline)
        found = mark((path,))
        if found == self._mark:
            return None
        self._mark = found
        if found == (None,):
            if self.watched.learn_s and self.counting is None:
                self.trouble = ""
                return None
            self._tell("missing", f"{path} is not there")
            return None
        try:
            baseline = read(path)
        except ModelwatchError as problem:
            self._tell("damaged", str(problem))
            return None
        if baseline.model != self.watched.model:
            self._tell("other_model", f"{path} is the baseline of {baseline.model!r}")
            return None
        self.trouble = ""
        return baseline

    def learn(self, folder: Path, now: float) -> None:
        """Go on learning where there is no baseline yet; write it when that is done."""
        if self.counting is not None or not self.watched.learn_s:
            return
        if self.learning is None:
            self.learning = Learning(self.watched, folder)
        if self.learning.finished(now):
            self.learning.freeze(now)
        self.learning.save(now)

    def take(self, baseline: Baseline, now: float) -> None:
        """Count against this baseline from now on; what was counted before is put aside."""
        if self.learning is not None:
            self.learning.forget()
            self.learning = None
        counting = Counting(self.watched, baseline)
        if counting.absent:
            names = ", ".join(counting.absent)
            _LOG.warning("%s has no %s, which the inventory watches", self.watched.baseline, names)
        new = counting.empty()
        earlier = [one for one in self.tallies if one.identity == new.identity]
        for one in earlier:  # the same baseline once more: its counters go on
            new.add({key: one.counts[key] for key in one.counts.keys() & new.counts.keys()})
        others = [one for one in self.tallies if one.identity != new.identity]
        for one in others:
            one.retired_s = now if one.retired_s is None else one.retired_s
        self.counting, self.tally, self.before = counting, new, others[-MOST_KEPT:]

    def forget(self, now: float, kept_s: float) -> None:
        """Drop counts that were kept long enough."""
        self.before = [
            one for one in self.before if one.retired_s is None or now - one.retired_s <= kept_s
        ]

    @property
    def in_use(self) -> Baseline | None:
        """The baseline that is counted against."""
        return self.counting.baseline if self.counting else None

    def kept(self) -> Kept:
        """What must outlive the process."""
        return Kept(tallies=self.tallies, sampling=self.sampling)

    def restore(self, kept: Kept) -> None:
        """Go on from there; the baseline is yet to be read."""
        self.before, self.sampling = kept.tallies, kept.sampling

    def _tell(self, trouble: str, message: str) -> None:
        self.trouble = trouble
        identity = self.tally.identity if self.tally else ""
        stays = f"; {identity} stays in use" if identity else "; nothing is counted"
        _LOG.error("%s in %s: %s%s", *self.watched.key, message, stays)
