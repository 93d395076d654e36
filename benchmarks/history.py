"""Writing the past of series into blocks that Prometheus finds when it starts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import usage
from modelwatch.promql import select

BLOCK_S = 2 * 3_600
"""Length of a block, as Prometheus cuts them; one file for each, so that none is read twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Series of one name that all have the same values.

    `value` is a function of the Unix time; there is a sample every `step_s` seconds of the last
    `window_s`.
    """

    name: str
    series: Sequence[Mapping[str, str]]
    value: Callable[[float], float]
    window_s: int
    step_s: int

    def lines(self, start: int, end: int) -> Iterator[str]:
        """The samples from `start` to before `end`, series by series, in the text format."""
        first = -(-start // self.step_s) * self.step_s
        samples = [f" {self.value(time):.10g} {time}\n" for time in range(first, end, self.step_s)]
        for labels in self.series:
            series = select(self.name, labels)
            yield "".join([series + sample for sample in samples])


def write(past: Iterable[Past], *, until: int, storage: Path, scratch: Path) -> int:
    """Blocks with everything up to a Unix time; returns how many samples they hold."""
    past = tuple(past)
    first = until - max(one.window_s for one in past)
    samples = 0
    for begin in range(first - first % BLOCK_S, until, BLOCK_S):
        text = scratch / f"{begin}.om"
        with text.open("w", encoding="utf-8") as file:
            for one in past:
                start = max(begin, until - one.window_s)
                for lines in one.lines(start, min(begin + BLOCK_S, until)):
                    samples += lines.count("\n")
                    file.write(lines)
            file.write("# EOF\n")
        usage(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, storage])
        text.unlink()
    return samples
