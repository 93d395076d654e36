"""The command that runs a bundled exporter."""

import importlib
import logging
import os
import pkgutil
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import click

import exporters
from exporters.base import running
from exporters.base.exporter import Exporter
from exporters.base.serving import LOOPBACK
from generator import inventory_series
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.series import predict
from modelwatch.inventory import Inventory
from modelwatch.rules import Constant
from modelwatch.schema_words import choices, close

_FILE = click.Path(dir_okay=False, path_type=Path)


class Exporters(click.Group):
    """Each package of `exporters` that has the constant EXPORTER; read when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all exporters."""
        del ctx
        names = sorted(found.name for found in pkgutil.iter_modules(exporters.__path__))
        return [name for name in names if _exporter(name)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of one exporter."""
        names = {found.name for found in pkgutil.iter_modules(exporters.__path__)}
        found = _exporter(name) if name in names else None
        if found:
            return _command(found)
        known = self.list_commands(ctx)
        advice = close(name, known) or f"there are: {choices(known)}"
        raise click.UsageError(f"no exporter is called '{name}'; {advice}", ctx)


@click.command(cls=Exporters, subcommand_metavar="NAME [OPTIONS]")
def exporter() -> None:
    """Run one of the bundled exporters until it is ended.

    Example: modelwatch exporter gpu --inventory models.yaml
    """


def _exporter(name: str) -> Exporter | None:
    return getattr(importlib.import_module(f"exporters.{name}"), "EXPORTER", None)


def _command(found: Exporter) -> click.Command:
    inventory = " --inventory models.yaml" if found.needs_inventory else ""
    return click.Command(
        found.name,
        callback=partial(_run, found),
        params=[*_options(found), *found.options],
        help=f"{found.question}\n\nExample: modelwatch exporter {found.name}{inventory}",
        short_help=found.question,
    )


def _options(found: Exporter) -> list[click.Option]:
    """What every exporter can be told."""
    return [
        click.Option(
            ["--inventory"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            required=found.needs_inventory,
            help="Read again when it changes, and on SIGHUP.",
        ),
        click.Option(
            ["--listen", "address"],
            default=f"{LOOPBACK}:{found.port}",
            show_default=True,
            metavar="HOST:PORT",
            help="`:PORT` is every address of this machine.",
        ),
        click.Option(
            ["--web-config"],
            type=_FILE,
            help="TLS and users, in the file that Prometheus and its exporters use.",
        ),
        click.Option(
            ["--token-file"],
            type=_FILE,
            help="The token that senders of data must show, as `Authorization: Bearer`.",
        ),
        click.Option(
            ["--state-dir"],
            type=click.Path(file_okay=False, path_type=Path),
            help="What must outlive a restart.  [default: ~/.local/state/modelwatch/NAME]",
        ),
    ]


def _run(
    found: Exporter,
    *,
    inventory: Path | None,
    address: str,
    web_config: Path | None,
    token_file: Path | None,
    state_dir: Path | None,
    **options: Any,
) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    running.run(
        running.Plan(
            exporter=found,
            address=address,
            state_dir=state_dir or _state_dir(found.name),
            read_inventory=inventory_at,
            constants=constants,
            inventory=inventory,
            web_config=web_config,
            token_file=token_file,
            options=options,
        )
    )
    _leave()


def constants(inventory: Inventory) -> tuple[Constant, ...]:
    """Every series of the inventory, with how many series it may need in all."""
    known = definitions()
    return (
        *inventory_series.constants(inventory, known.engines_of(inventory)),
        *inventory_series.predicted(predict(inventory, known).total),
    )


def _state_dir(name: str) -> Path:
    """Where the XDG Base Directory Specification wants it; a relative path there does not count."""
    root = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not root.is_absolute():
        root = Path.home() / ".local" / "state"
    return root / "modelwatch" / name


def _leave() -> None:
    """End now, even if a thread hangs in a driver or waits for the network."""
    if threading.active_count() > 1:
        logging.shutdown()
        os._exit(0)
