"""An exporter for tests: it can be slow, hang, crash and take what is sent to it."""

import json
import threading
import time
from collections.abc import Iterator

import click

from exporters.base.exporter import Context, Door, Exporter, Parts, Reply, Request
from exporters.base.families import Family
from exporters.base.intake import Refused, json_body, media_type, ndjson
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.inventory import Inventory

MODELS = Metric(name="sample_models", help="Models.", unit="count", labels=(), layer=Layer.EXPOSED)
FILLER = Metric(
    name="sample_filler", help="Filler.", unit="count", labels=("number",), layer=Layer.EXPOSED
)


class Sample:
    """The collector, the doors and the work in one."""

    name = "sample"

    def __init__(self, context: Context) -> None:
        self.models = len(context.inventory.models) if context.inventory else 0
        self.state_dir = context.state_dir
        self.hang_s = float(context.options["hang"])
        self.size = int(context.options["size"])
        self.goes_on = threading.Event()

    def collect(self) -> Iterator[Family]:
        time.sleep(self.hang_s)
        models = Family(MODELS)
        models.add(self.models)
        yield models
        filler = Family(FILLER)
        for number in range(self.size):
            filler.add(number, str(number))
        yield filler

    def reconfigure(self, inventory: Inventory) -> None:
        if inventory.models[0].name == "refused":
            raise ValueError("this model is refused")
        self.models = len(inventory.models)

    def start(self) -> None:
        (self.state_dir / "state").write_text("started")

    def stop(self) -> None:
        (self.state_dir / "state").write_text("stopped")

    def take(self, request: Request) -> Reply:
        if media_type(request.headers) == "application/json":
            found = json_body(request.body)
        else:
            found = [value for _, value in ndjson(request.body)]
        if found == {"model": "nobody"}:
            raise Refused(422, "unknown", "no model is called nobody")
        if found == {"reason": "odd"}:
            return Reply(status=409, body=b"{}", reason="a reason nobody has declared")
        if found == {"crash": True}:
            raise RuntimeError("the sample crashes when it is asked to")
        return Reply(body=json.dumps({"bytes": len(request.body)}).encode())

    def wait(self, request: Request) -> Reply:
        del request
        self.goes_on.wait(60)
        return Reply(status=204)

    def go_on(self, request: Request) -> Reply:
        del request
        self.goes_on.set()
        return Reply()

    def echo(self, request: Request) -> Reply:
        said = {"query": dict(request.query), "headers": sorted(request.headers)}
        return Reply(body=json.dumps(said).encode())


def _start(context: Context) -> Parts:
    time.sleep(float(context.options["start_takes"]))
    sample = Sample(context)
    doors = (
        Door(path="/v1/things", method="POST", answer=sample.take, accepts=True),
        Door(path="/v1/wait", method="GET", answer=sample.wait),
        Door(path="/v1/go-on", method="GET", answer=sample.go_on),
        Door(path="/v1/echo", method="GET", answer=sample.echo),
    )
    return Parts(
        collectors=(sample,),
        doors=() if context.options["without_doors"] else doors,
        work=(sample,),
        reconfigure=sample.reconfigure,
    )


EXPORTER = Exporter(
    name="sample",
    title="Sample <exporter>",
    question="Does the server do what it should?",
    port=9499,
    metrics=(MODELS, FILLER),
    start=_start,
    options=(
        click.Option(["--hang"], type=float, default=0.0, help="Seconds that a scrape takes."),
        click.Option(["--size"], type=int, default=3, help="Samples on the page."),
        click.Option(["--start-takes"], type=float, default=0.0, help="Seconds."),
        click.Option(["--without-doors"], is_flag=True, help="Take nothing."),
    ),
    needs_inventory=False,
)
