"""Joining what an engine counts to the models and pools of the inventory."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from generator import engine_promql as vendor
from modelwatch.catalogue.inventory import GPU_SOURCE, SOURCE
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import POOL
from modelwatch.engine import Combine, Engine, Row
from modelwatch.inventory import Source
from modelwatch.promql import on, select
from modelwatch.rules import Record

_JOB = ("job",)
_ANY = "!"
"""In a selector: the label has some value."""


def recorded_by(vector: str, by: Iterable[str], *, how: str = "sum") -> str:
    """An aggregation over several lines."""
    return f"{how} by ({', '.join(by)}) (\n{_indented(vector)}\n)"


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """How the sources of one engine are joined: by whole jobs, by single targets, or both."""

    engine: Engine
    by_job: bool
    by_target: bool

    @classmethod
    def of(cls, engine: Engine, sources: Iterable[Source]) -> Self:
        """The joins that these sources need."""
        limited = {bool(source.targets or source.instances) for source in sources}
        return cls(engine=engine, by_job=False in limited, by_target=True in limited)

    def of_server(self, row: Row) -> bool:
        """Whether a row is of a whole server although the engine tells models apart."""
        label = getattr(row, "model_label", None)
        return bool(self.engine.model_label) and label == ""

    def join(self, vector: str, *, of_server: bool = False) -> str:
        """The vector under the inventory's names."""
        scopes = [(_JOB, "")] * self.by_job + [(vendor.TARGET, _ANY)] * self.by_target
        return "\nor\n".join(
            self._branch(vector, keys, instance, of_server=of_server) for keys, instance in scopes
        )

    def _branch(self, vector: str, keys: tuple[str, ...], instance: str, *, of_server: bool) -> str:
        alias = select(self._alias(), engine=self.engine.name, instance=instance)
        if of_server:
            alias = f"({alias}\nunless {on(*keys)} count by ({', '.join(keys)}) ({alias}) > 1)"
        elif self.engine.kind == "model" and self.engine.model_label:
            keys = (*keys, vendor.ENGINE_MODEL, *self._own_environment())
        left = vector if _is_one_term(vector) else f"(\n{_indented(vector)}\n)"
        joined = f"{left}\n* {on(*keys)} group_left ({', '.join(self._given())})\n{alias}"
        if self.engine.version_label:
            return vendor.relabelled(f"\n{_indented(joined)}\n", "version", vendor.SOURCE_VERSION)
        return joined

    def _alias(self) -> Metric:
        return SOURCE if self.engine.kind == "model" else GPU_SOURCE

    def _own_environment(self) -> tuple[str, ...]:
        return ("environment",) if self.engine.environment_label else ()

    def _given(self) -> tuple[str, ...]:
        """Labels that the alias gives."""
        if self.engine.kind != "model":
            return POOL
        own = self._own_environment()
        return tuple(label for label in (*MODEL, "version") if label not in own)

    def every_alias(self) -> str:
        """The aliases of all sources of the engine."""
        return select(self._alias(), engine=self.engine.name)

    def record(self, metric: Metric, vector: str, *labels: str, how: Combine = "sum") -> Record:
        """The rule of a model engine: one sample per model, environment and version."""
        return Record(
            metric=metric,
            expr=recorded_by(vector, (*MODEL, "version", *labels), how=how),
            labels={"engine": self.engine.name},
        )


def _is_one_term(vector: str) -> bool:
    """Whether it can stand beside an operator as it is."""
    return "\n" not in vector and " * " not in vector
