"""Whether a selector can find anything on one page, by a rule, or in the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generator.verify import unknown
from generator.verify.expression import Selector
from generator.verify.matching import OPEN_NAME, Matcher, matched
from generator.verify.pages import Captured
from generator.verify.query import Query
from generator.verify.shapes import ANYTHING, Shape, shape
from generator.verify.verdict import ALIVE, Verdict, dead
from generator.verify.world import World, catalogue, exposers, signals
from modelwatch.catalogue import Layer

_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Answers about one world from pages, rules and the catalogue alone."""

    world: World
    shapes: dict[str, Shape] = field(default_factory=dict)

    def owned(self, selector: Selector) -> frozenset[str]:
        """The engines that expose the series, or exposed it once."""
        if selector.name in self.world.recorders or selector.name in self.world.constants:
            return frozenset()
        return self.world.owners.get(selector.name, frozenset())

    def recorded(self, name: str) -> Verdict:
        """A rule that is alive is enough."""
        del name
        return ALIVE

    def shape_of(self, selector: Selector) -> Shape:
        """The labels of what a selector finds; of a series that is recorded from itself, any."""
        if selector.name not in self.shapes:
            self.shapes[selector.name] = ANYTHING
            self.shapes[selector.name] = self._shape(selector.name)
        return self.shapes[selector.name]

    def _shape(self, name: str) -> Shape:
        world = self.world
        known = catalogue().get(name)
        if name in world.constants:  # an empty label is a missing one
            written = frozenset(key for row in world.constants[name] for key in row)
            return Shape(labels=written | (known.labels if known else frozenset()))
        if recorders := world.recorders.get(name):
            found = Shape()
            for query in recorders:
                inner = shape(query.tree, self.shape_of) if query.tree else ANYTHING
                found |= (inner or Shape()) | Shape(labels=frozenset(query.labels))
            return found
        labels = frozenset(
            key for page in world.pages for series in page.series.get(name, ()) for key in series
        )
        if name in world.exposed:
            return Shape(labels=labels | world.target_labels)
        if known:
            return Shape(labels=known.labels | world.target_labels, open=name.startswith("ALERTS"))
        return ANYTHING

    def on_page(self, selector: Selector, page: Captured | None) -> Verdict:
        """Whether the selector finds something when an engine answers with this page.

        Series that no engine exposes are looked for in rules, constants and the catalogue.
        """
        if selector.name in ("", OPEN_NAME) or any(
            each.label == "__name__" for each in selector.matchers
        ):
            return self._by_pattern(selector)
        if page is not None and selector.name in page.series:
            return self._among(selector, page.series[selector.name], page)
        return self._elsewhere(selector, page)

    def _elsewhere(self, selector: Selector, page: Captured | None) -> Verdict:
        """Whether rules, constants or the catalogue have it; what else is on no page."""
        if rows := self.world.constants.get(selector.name):
            return self._of_constants(selector, rows)
        if recorders := self.world.recorders.get(selector.name):
            return self._recorded(selector, recorders)
        if selector.name in self.world.declared:
            return dead(
                "not-captured",
                "there is no page of what this inventory names itself",
                "put captured pages into the folder of --pages, or ask a Prometheus",
                level="note",
                listed=True,
            )
        if self.owned(selector):
            return unknown.of_engine(selector.name, self.owned(selector), page, self.world)
        if known := catalogue().get(selector.name):
            return self._catalogued(selector, known.labels, known.metric.layer)
        return unknown.anywhere(selector.name, self.world)

    def _by_pattern(self, selector: Selector) -> Verdict:
        """A selector without a name; alive when any series may be meant."""
        for each in selector.matchers:
            if each.label == "__name__" and not each.is_open:
                names = (*self.world.exposed, *self.world.recorders, *catalogue())
                if not any(each.accepts(name) for name in names):
                    return unknown.no_name(str(each))
        return ALIVE

    def _among(
        self, selector: Selector, series: Sequence[Mapping[str, str]], page: Captured
    ) -> Verdict:
        added = self.world.target_labels
        asked = tuple(each for each in selector.matchers if each.label not in added)
        if any(matched(labels, asked) for labels in series):
            return ALIVE
        have = sorted({label for labels in series for label in labels})
        for each in asked:
            if each.needs_label and each.label not in have:
                return _no_label(selector, each, have, page.title)
        named = self.world.engines.get(page.engine)
        chosen = {
            label
            for labels in (
                (
                    named.model_label,
                    named.gpu_label,
                    named.environment_label,
                    named.version_label,
                    *named.host_labels,
                )
                if named
                else ()
            )
            for label in labels.split(" or ")
        }
        for each in asked:
            values = sorted({labels.get(each.label, "") for labels in series})
            if each.label not in chosen and not any(map(each.accepts, values)):
                return _no_value(selector, each, values, page.title)
        return ALIVE  # each condition is met by some series: a page shows only some of them

    def _of_constants(self, selector: Selector, rows: Sequence[Mapping[str, str]]) -> Verdict:
        if any(matched(row, selector.matchers) for row in rows):
            return ALIVE
        return _not_configured()

    def _recorded(self, selector: Selector, recorders: Sequence[Query]) -> Verdict:
        fitting = [query for query in recorders if _may_be(query, selector.matchers)]
        if not fitting and selector.name in catalogue():
            return _not_configured()
        if not fitting:
            each = next(
                one
                for one in selector.matchers
                if not any(
                    one.label not in query.labels or one.accepts(query.labels[one.label])
                    for query in recorders
                )
            )
            values = sorted({query.labels.get(each.label, "") for query in recorders})
            return _no_value(selector, each, values, "the rules", level="error")
        found = self.shape_of(selector)
        for each in selector.matchers:
            if each.needs_label and not each.is_open and not found.has(each.label):
                return _no_label(selector, each, sorted(found.labels), "the rules")
        return dead("recorded", "", through=selector.name)

    def _catalogued(self, selector: Selector, labels: frozenset[str], layer: Layer) -> Verdict:
        world = self.world
        for each in selector.matchers:
            if (
                each.needs_label
                and not each.is_open
                and each.label not in labels | world.target_labels
            ):
                return _no_label(selector, each, sorted(labels), "the catalogue")
        if layer is Layer.STACK:
            return ALIVE
        if layer is Layer.EXPOSED:
            ours = exposers().get(selector.name, ())
            if not ours or not world.sources or set(ours) & world.exporters:
                return ALIVE
            return dead(
                "not-configured",
                f"the exporter {' or '.join(ours)} is not in this inventory",
                "add it under exporters, if you want what it tells",
                level="note",
                listed=True,
            )
        if selector.name in signals():
            return unknown.unsupplied(selector.name, world)
        return _not_configured()


def _may_be(query: Query, matchers: Sequence[Matcher]) -> bool:
    """Whether the labels that a rule adds are those that are asked for."""
    return all(
        each.accepts(query.labels[each.label]) for each in matchers if each.label in query.labels
    )


def _not_configured() -> Verdict:
    return dead(
        "not-configured",
        "nothing in this inventory asks for it",
        level="note",
        listed=True,
    )


def _no_label(selector: Selector, each: Matcher, have: Sequence[str], where: str) -> Verdict:
    said = ", ".join(have) or "none"
    return dead(
        "label-missing",
        f"{selector.name} has no label {each.label} ({where}); its labels are {said}",
        "use one of these, or say --target-label "
        f"{each.label} if your scrape configuration adds it",
    )


def _no_value(
    selector: Selector, each: Matcher, values: Sequence[str], where: str, level: str = "warning"
) -> Verdict:
    said = ", ".join(values[:_SHOWN]) + (", ..." if len(values) > _SHOWN else "")
    return dead(
        "label-value-missing",
        f"no series of {selector.name} has {each} ({where}); {each.label} is {said or 'empty'}",
        "check the spelling",
        level="error" if level == "error" else "warning",
    )
