"""The command that draws our boards from any Prometheus, without a Grafana."""

import asyncio
import importlib.util
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from exporters.base.reloading import LOOK_EVERY_S, Reloading, Watched
from exporters.base.serving import LOOPBACK, listen, url_of
from generator.asking import Prometheus
from generator.connecting import Access, access_options, session, web_address
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Settings
from modelwatch.problems import ModelwatchError, Unreachable

_PORT = 9475
_DURATION = re.compile(r"(\d+(ms|s|m|h|d|w))+")


def _since(_: click.Context, __: click.Parameter, value: str) -> str:
    if value and not (_DURATION.fullmatch(value) and re.search("[1-9]", value)):
        raise click.BadParameter("write a duration such as 30m, 6h or 7d")
    return value


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--prometheus",
    "url",
    callback=web_address,
    default="http://localhost:9090",
    show_default=True,
    metavar="URL",
    help="Whoever answers Prometheus' queries.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page to write; it needs no other file and no network.",
)
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option(
    "--environment", "environments", multiple=True, help="Only this environment; may be repeated."
)
@click.option(
    "--since", default="", callback=_since, help="How far to look back.  [default: the board's own]"
)
@click.option(
    "--serve",
    "address",
    is_flag=False,
    flag_value=f"{LOOPBACK}:{_PORT}",
    metavar="[HOST:PORT]",
    help=f"Serve the boards and draw them anew with each request.  [default: {LOOPBACK}:{_PORT}]",
)
@click.option(
    "--png",
    "pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write a picture per board, with the Chromium on PATH.",
)
@access_options
def preview(
    inventory: str,
    *,
    url: str,
    output: Path | None,
    models: tuple[str, ...],
    environments: tuple[str, ...],
    since: str,
    address: str | None,
    pictures: Path | None,
    access: Access,
) -> None:
    """Draw the boards from a Prometheus as one page, without a Grafana.

    Example: modelwatch preview models.yaml -o boards.html
    """
    if (output is None) == (address is None):
        raise click.UsageError("say where to write with -o FILE, or --serve")
    if pictures and output is None:
        raise click.UsageError("--png needs -o FILE: the pictures are taken of that page")
    if importlib.util.find_spec("plotly") is None:
        raise ModelwatchError("drawing needs plotly; run: pip install 'modelwatch[preview]'")
    settings = inventory_at(inventory).settings
    wanted = {"model": models, "environment": environments}
    prometheus = Prometheus(url=url, session=session(access))
    if address is not None:
        current = _followed(inventory, settings)
        _serve(address, prometheus, settings=current, wanted=wanted, since=since)
    elif output is not None:
        _write(output, pictures, prometheus, settings=settings, wanted=wanted, since=since)


def _write(
    output: Path,
    pictures: Path | None,
    prometheus: Prometheus,
    *,
    settings: Settings,
    wanted: Mapping[str, tuple[str, ...]],
    since: str,
) -> None:
    from generator.preview import drawing  # noqa: PLC0415  # needs the extra
    from generator.preview import pictures as taking  # noqa: PLC0415
    from generator.preview.page import height_of  # noqa: PLC0415

    if pictures:
        taking.browser()
    boards = definitions().boards
    drawn = drawing.draw(boards, wanted, prometheus, settings, since)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(drawn.html, encoding="utf-8")
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise ModelwatchError(f"cannot write {output}: {failure.strerror}") from failure
    for note in drawn.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(
        f"{output}: {len(boards)} boards, {drawn.panels} panels, {drawn.empty} without data, "
        f"{drawn.failed} failed queries"
    )
    for board in boards if pictures else ():
        picture = Path(pictures or "") / f"{board.uid}.png"
        taking.take(output, drawn.anchors[board.uid], picture, height_of(board))
        click.echo(f"{picture}")
    if drawn.failed:
        raise ModelwatchError(f"{drawn.failed} queries failed; the end of {output} lists them")


def _followed(path: str, settings: Settings) -> Callable[[], Settings]:
    """The inventory's settings as they are now; a file with mistakes changes nothing."""
    known = [settings]

    def read() -> None:
        known[:] = [inventory_at(path).settings]

    if path != "-":
        watched = Watched(name=path, files=lambda: [Path(path)], read=read)
        Reloading([watched], LOOK_EVERY_S).start()
    return lambda: known[0]


def _serve(
    address: str,
    prometheus: Prometheus,
    *,
    settings: Callable[[], Settings],
    wanted: Mapping[str, tuple[str, ...]],
    since: str,
) -> None:
    from tornado.httpserver import HTTPServer  # noqa: PLC0415

    from generator.preview import drawing, serving  # noqa: PLC0415  # needs the extra

    drawing.reach(prometheus)
    site = serving.Site(
        boards=definitions().boards,
        prometheus=prometheus,
        settings=settings,
        wanted=wanted,
        since=since,
    )
    logging.getLogger("tornado.access").disabled = True

    async def run() -> None:
        try:
            sockets = listen(address)
        except Unreachable as failure:
            raise Unreachable(str(failure).replace("--listen", "--serve")) from failure
        HTTPServer(serving.application(site)).add_sockets(sockets)
        click.echo(f"boards at {url_of(sockets, 'http')}; end with Ctrl-C")
        await asyncio.Event().wait()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        click.echo("ended", err=True)
