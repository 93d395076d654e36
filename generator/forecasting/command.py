"""The command that forecasts what models do, for whoever reads a Prometheus page."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from alerts.recorded.baselines import SIGNALS
from generator.asking import Prometheus, QueryError
from generator.connecting import Access, access_options, session, web_address
from generator.forecasting.wanted import Wanted
from generator.opening import inventory_at
from generator.text_files import write_whole
from modelwatch.catalogue.forecast import DETECTORS
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError

if TYPE_CHECKING:
    from generator.forecasting.history import History

Key = tuple[str, str]
"""Name and environment of a model."""
Answer = TypeVar("Answer")
_STDOUT = "-"
_EXTRA = ("numpy", "pandas", "prophet", "pyod")
_LONGEST_H = 22
"""Hours after which a page that is read by the hour of the day would begin to repeat itself."""


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--prometheus",
    "url",
    callback=web_address,
    default="http://localhost:9090",
    show_default=True,
    metavar="URL",
    help="Whoever answers Prometheus' queries and keeps what our rules record.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default=_STDOUT,
    metavar="FILE",
    help="The page to write, such as modelwatch.prom of a textfile collector.  [default: -]",
)
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option(
    "--detector",
    "detectors",
    multiple=True,
    type=click.Choice(DETECTORS),
    help="Bands by Prophet, or outliers by PyOD's ECOD; may be repeated.  [default: both]",
)
@click.option(
    "--weeks",
    type=click.IntRange(2, 52),
    default=8,
    show_default=True,
    help="How much of the past to learn from; less is taken where less is known.",
)
@click.option(
    "--width",
    type=click.FloatRange(0.5, 0.9999),
    default=0.99,
    show_default=True,
    help="Share of healthy hours that the bands hold; the rest are false alarms.",
)
@click.option(
    "--contamination",
    type=click.FloatRange(0.0001, 0.5),
    default=0.01,
    show_default=True,
    help="Share of healthy hours that ECOD calls outliers.",
)
@click.option(
    "--valid",
    "valid_h",
    type=click.FloatRange(0.1, _LONGEST_H),
    default=3,
    show_default=True,
    metavar="HOURS",
    help="How long what is written counts; run the command more often than that.",
)
@access_options
def forecast(
    inventory: str,
    *,
    url: str,
    output: str,
    models: tuple[str, ...],
    detectors: tuple[str, ...],
    weeks: int,
    width: float,
    contamination: float,
    valid_h: float,
    access: Access,
) -> None:
    """Forecast the coming day of each model from its past in a Prometheus, as a page to scrape.

    Example: modelwatch forecast models.yaml -o modelwatch.prom
    """
    if any(importlib.util.find_spec(name) is None for name in _EXTRA):
        raise click.UsageError(
            "forecasting needs prophet and pyod; run: pip install 'modelwatch[forecast]'"
        )
    from generator.forecasting.page import page  # noqa: PLC0415  # needs the extra

    chosen = _chosen(inventory_at(inventory), models)
    prometheus = Prometheus(url=url, session=session(access))
    now = _asked(prometheus.clock)
    made = page(
        _known(prometheus, chosen, now, weeks),
        Wanted(
            detectors=detectors or DETECTORS,
            width=width,
            contamination=contamination,
            valid_s=valid_h * 3600,
        ),
        now,
    )
    for note in made.notes:
        click.echo(f"note: no forecast of {note}", err=True)
    if not made.signals:
        raise ModelwatchError(
            f"nothing can be forecast from {prometheus.shown}: it takes two weeks of what our "
            "rules record, and a day"
        )
    if output == _STDOUT:
        click.echo(made.text, nl=False)
    else:
        # A collector may read the file at any moment.
        write_whole(Path(output), made.text)
    click.echo(
        f"{output}: forecasts of {_counted(made.signals, 'signal')} of "
        f"{_counted(made.models, 'model')}, valid for {valid_h:g} hours",
        err=output == _STDOUT,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _chosen(fleet: Inventory, models: tuple[str, ...]) -> tuple[Key, ...]:
    """The models that are asked for."""
    unknown = set(models) - {model.name for model in fleet.models}
    if unknown:
        raise click.UsageError(f"{fleet.path} has no model {', '.join(sorted(unknown))}")
    return tuple(model.key for model in fleet.models if not models or model.name in models)


def _known(
    prometheus: Prometheus, chosen: tuple[Key, ...], now: float, weeks: int
) -> "Mapping[Key, Sequence[History]]":
    """What there is of each model."""
    from generator.forecasting.history import histories  # noqa: PLC0415  # needs the extra

    known: dict[Key, list[History]] = {key: [] for key in chosen}
    for signal in SIGNALS:
        for history in _asked(partial(histories, prometheus, signal, now, weeks)):
            if (key := (history.model, history.environment)) in known:
                known[key].append(history)
    return known


def _asked(question: Callable[[], Answer]) -> Answer:
    """The answer of a Prometheus that answers at all."""
    try:
        return question()
    except QueryError as failure:
        raise ModelwatchError(f"Prometheus cannot answer: {failure}") from failure
