"""Our exporters: do they read, accept and reload all that they should?"""

from alerts.about_stack import TICKET, about_stack
from modelwatch.catalogue.drift import DRIFT_STATE_WRITABLE
from modelwatch.catalogue.exporters import (
    EXPORTER_OVERFLOW_TOTAL,
    EXPORTER_REJECTED_TOTAL,
    EXPORTER_RELOADED,
    EXPORTER_UP,
)
from modelwatch.catalogue.labels import LABELS_WRITABLE
from modelwatch.catalogue.quality import QUALITY_STATE_WRITABLE
from modelwatch.promql import total
from modelwatch.rules import Given

_QUALITY = {"job": "modelwatch-quality", "instance": "localhost:9467", "exporter": "quality"}
_STALE = {**_QUALITY, "collector": "scores"}
_REFUSED = {**_QUALITY, "reason": "too_large"}
_LUMPED = {**_QUALITY, "label": "version"}
_ONE = ("job", "instance", "exporter")
_SCORES = {"job": "modelwatch-quality", "instance": "localhost:9467"}

_HALF = 0.5
"""A collector that answers less often than this leaves holes that boards and alerts trip over."""

_FEW = 10
"""Refused requests in half an hour that a person at a keyboard may cause."""


ALERTS = [
    about_stack(
        "ExporterStale",
        signal="exporter_up",
        severity=TICKET,
        # The share, not the last scrape: one success now and then would start the hold anew.
        # Without any answer it fires after 15 minutes: 5 for the share, 10 to hold.
        condition=f"""
            avg by (job, instance, exporter, collector) (avg_over_time({EXPORTER_UP}[10m]))
              < {_HALF}
        """,
        # One failed read of a slow source is no news.
        hold="10m",
        summary="Collector {{ $labels.collector }} of exporter {{ $labels.exporter }} answers "
        "{{ $value | humanizePercentage }} of scrapes, below its limit of 50%: "
        "its figures disappear.",
        description="An exporter of ours fails to read one of its sources, or the source hangs. "
        "The exporter itself answers scrapes, so only this says that figures are missing.",
        action=(
            "Read the log of the exporter: it says once an hour what went wrong.",
            "Check the driver, key, address and rights of the source.",
            "Until it works, alerts that rest on this source are silent: watch them by hand.",
        ),
        lies="A source that is empty by intention counts as read. A source that needs longer than "
        "the scrape timeout fails like one that is broken.",
        given=(Given(metric=EXPORTER_UP, labels=_STALE, fires=0, below=1),),
        labels=_STALE,
        value=0,
    ),
    about_stack(
        "ExporterReloadFailed",
        signal="exporter_reload",
        severity=TICKET,
        condition=f"min by (job, instance, exporter) ({EXPORTER_RELOADED}) == 0",
        hold="5m",
        summary="Exporter {{ $labels.exporter }} at {{ $labels.instance }} refused its new "
        "configuration and runs on with the old one.",
        description="The last reload failed: what changed in the inventory since is not in force "
        "in this exporter, such as new models, probes, prices or scores.",
        action=(
            "Read the error in the log of the exporter: it names file, line and column.",
            "`modelwatch check` finds every mistake of the inventory.",
            "Repair the file; the exporter reads it again by itself.",
        ),
        lies="It stays until the next reload works, even if the file was repaired since.",
        given=(Given(metric=EXPORTER_RELOADED, labels=_QUALITY, fires=0, below=1),),
        labels=_QUALITY,
    ),
    about_stack(
        "ExporterRefusesRequests",
        signal="exporter_refusals",
        severity=TICKET,
        condition=f"""
            {total(f"increase({EXPORTER_REJECTED_TOTAL}[30m])", by=(*_ONE, "reason"))}
              > {_FEW}
        """,
        hold="10m",
        summary="Exporter {{ $labels.exporter }} refused {{ $value | humanize }} requests in half "
        "an hour ({{ $labels.reason }}), over its limit of 10: what they carried is lost.",
        description="A program keeps sending what the exporter cannot take. The reason says what "
        "is wrong with it; nothing of a refused request is counted.",
        action=(
            "See in the log of the exporter who sends it, and in the answer what is wrong.",
            "Did the sender change its format, its size of batches or its token?",
            "Send again what was refused once it is repaired.",
        ),
        lies="A scanner that tries paths and passwords is refused too, and carries nothing.",
        given=(
            Given(metric=EXPORTER_REJECTED_TOTAL, labels=_REFUSED, fires=60, below=0, ramp=True),
        ),
        labels=_REFUSED,
        value=30 * 60,
        minutes=30,
    ),
    about_stack(
        "ExporterStateNotWritable",
        signal="exporter_state",
        severity=TICKET,
        # Probes that cannot write down what they spend send nothing, which is told of each.
        condition=f"""
            min by (job, instance) ({QUALITY_STATE_WRITABLE} or {DRIFT_STATE_WRITABLE})
              == 0
              or
            min by (job, instance) ({LABELS_WRITABLE}) == 0
        """,
        # It tries again twice a second; senders that keep what was refused bring it later.
        hold="5m",
        summary="The exporter {{ $labels.job }} at {{ $labels.instance }} cannot keep what it is "
        "sent: scores and labels are refused, drift is counted in memory only.",
        description="Its state directory cannot be read or written. The quality exporter answers "
        "every request with 503 and lets followed files wait, so that alerts about quality rest on "
        "what came before. The drift exporter counts on, and loses these counts with a restart; it "
        "refuses labels.",
        action=(
            "Read the log of the exporter: it says once what the disk answered.",
            "Is the disk full, read-only or gone, or does the directory belong to somebody else?",
            "It goes on by itself when it can write; then send again what senders gave up on.",
        ),
        lies="Senders that try again, and followed files, lose nothing until they give up.",
        given=(Given(metric=QUALITY_STATE_WRITABLE, labels=_SCORES, fires=0, below=1),),
        labels=_SCORES,
        value=0,
    ),
    about_stack(
        "ExporterLabelsOverflow",
        signal="exporter_overflow",
        severity=TICKET,
        condition=f"""
            {total(f"increase({EXPORTER_OVERFLOW_TOTAL}[30m])", by=(*_ONE, "label"))}
              > 0
        """,
        hold="5m",
        summary="Exporter {{ $labels.exporter }} counted {{ $value | humanize }} samples in half "
        "an hour as {{ $labels.label }} `other`; the limit is none.",
        description="The label has more distinct values than it may have, so that new ones are "
        "counted together: figures and alerts of a new value are missing.",
        action=(
            "Look at the values of the label on the exporter's page: are there ids, dates or "
            "free text among them?",
            "Let the sender use few, lasting names.",
            "Restart the exporter once the sender is repaired; values that are gone make room.",
        ),
        lies="It ends when nothing new arrives, but what was counted as `other` stays there.",
        given=(Given(metric=EXPORTER_OVERFLOW_TOTAL, labels=_LUMPED, fires=1, below=0, ramp=True),),
        labels=_LUMPED,
        value=30,
        minutes=30,
    ),
]
