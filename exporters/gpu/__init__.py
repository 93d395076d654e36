"""NVIDIA cards of one host, asked through NVML: health, use, heat, errors, links, slices, users."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click

from exporters.base.exporter import Context, Exporter, Parts
from exporters.base.families import Family
from exporters.gpu.cards import Cards
from exporters.gpu.dcgm import dcgm_names
from exporters.gpu.library import BINDING, load
from exporters.gpu.page import Snapshot, own_names
from exporters.gpu.place import Place, place
from exporters.gpu.session import Session
from exporters.gpu.usage import Usage, terms
from exporters.gpu.xid import Xids
from modelwatch.catalogue import gpu, gpu_usage
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Inventory

CARD_TIMEOUT_S = 2.0
"""A healthy card answers everything in a tenth of it, most of which is measuring PCIe traffic."""

NAMES = {"modelwatch": own_names, "dcgm": dcgm_names}


@dataclass(frozen=True, slots=True)
class Nvml:
    """Whether NVML can be used at all; the reason goes to the log."""

    session: Session
    name: str = "nvml"

    def collect(self) -> Iterable[Family]:
        """No samples of its own.

        Raises:
            Unreachable: there is no library, no driver or no permission.
        """
        self.session.ready()
        return ()


@dataclass(slots=True)
class CardsPage:
    """All cards of the host, whatever state they are in. It answers without a driver, too."""

    cards: Cards
    xids: Xids
    place: Place
    names: str = "modelwatch"
    name: str = "cards"

    def collect(self) -> Iterable[Family]:
        """Fresh samples."""
        return NAMES[self.names](
            Snapshot(
                place=self.place,
                readings=tuple(self.cards.read()),
                xids=self.xids.seen(),
                last_xids=dict(self.xids.last),
            )
        )


def start(context: Context) -> Parts:
    """Begin to listen for XID errors, and answer scrapes."""
    options = context.options
    own = {key: options.get(key) or "" for key in ("host", "pool", "environment")}
    session = Session(load(options.get("library") or BINDING))
    deadline_s = float(options.get("card_timeout") or CARD_TIMEOUT_S)
    xids = Xids(session)
    page = CardsPage(
        cards=Cards(session, deadline_s=deadline_s),
        xids=xids,
        place=place(context.inventory, **own),
        names=options.get("names") or "modelwatch",
    )

    usage = Usage(session, terms(context.inventory, page.place), deadline_s=deadline_s)

    def reconfigure(inventory: Inventory) -> None:
        page.place = place(inventory, **own)
        usage.terms = terms(inventory, page.place)

    return Parts(collectors=(Nvml(session), page, usage), work=(xids,), reconfigure=reconfigure)


def _metrics() -> tuple[Metric, ...]:
    return tuple(
        value
        for module in (gpu, gpu_usage)
        for value in vars(module).values()
        if isinstance(value, Metric)
    )


def _option(name: str, text: str, **more: Any) -> click.Option:
    return click.Option([name], help=text, **more)


EXPORTER = Exporter(
    name="gpu",
    title="GPU exporter",
    question="Are all cards there, healthy and busy?",
    port=9465,
    metrics=_metrics(),
    start=start,
    options=(
        _option("--pool", "Pool of this host's cards; otherwise the one that lists the host."),
        _option("--environment", "Environment of the pool, where several have one of its name."),
        _option("--host", "Name of this host in labels; otherwise the system's."),
        _option(
            "--names",
            "Serve the facts under modelwatch's own names, or under those of dcgm-exporter.",
            type=click.Choice(sorted(NAMES)),
            default="modelwatch",
            show_default=True,
        ),
        _option(
            "--card-timeout",
            "Seconds until a card that does not answer counts as hung.",
            type=click.FloatRange(min=0.1),
            default=CARD_TIMEOUT_S,
            show_default=True,
        ),
        _option(
            "--library",
            "Python module that stands in for NVIDIA's binding, such as simulated cards.",
            default=BINDING,
            show_default=True,
        ),
    ),
    needs_inventory=False,
)
