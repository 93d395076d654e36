"""Coverage: is everything watched that should be, once, and without a flood of series?"""

from alerts.about_stack import PAGE, TICKET, about_stack
from modelwatch.catalogue.inventory import GPU_SOURCE, MODEL_INFO, SERIES_PREDICTED, SOURCE
from modelwatch.catalogue.probe import PROBE_ENGINE
from modelwatch.catalogue.stack import RECORDED_SERIES, UP
from modelwatch.promql import on, select
from modelwatch.rules import Given

_STACK_JOBS = select(UP, job="~prometheus|alertmanager|modelwatch.*")
_PROBES = select(SOURCE, engine=PROBE_ENGINE)
_TARGET = {"job": "dcgm_exporter", "instance": "gpu1:9400"}
_TWICE = {"model": "chat", "environment": "production"}

ALERTS = [
    about_stack(
        "TargetDown",
        signal="target_up",
        severity=TICKET,
        # Targets of a model are told as the model's, ModelEndpointDown or ModelReplicaDown: once.
        # Other people's jobs in the same Prometheus are theirs.
        condition=f"""
            max by (job, instance) ({UP} == 0)
              and {on("job")}
            ({_PROBES} or {GPU_SOURCE} or {_STACK_JOBS})
        """,
        # A rolling deployment or a restart of an exporter is over by then.
        hold="5m",
        summary="Target {{ $labels.instance }} of job {{ $labels.job }} does not answer scrapes.",
        description="Prometheus could not scrape the target for the whole hold time. Alerts that "
        "need its series are silent. Targets of models have alerts of their own.",
        action=(
            "Read the error on the Targets page of Prometheus.",
            "Is the program up, and does its port answer from the machine of Prometheus?",
            "If the target is gone for good, take it out of the inventory.",
        ),
        lies="A page that is too slow or too large fails like a program that is down.",
        given=(
            Given(metric=UP, labels=_TARGET, fires=0, below=1),
            Given(
                metric=GPU_SOURCE,
                labels={
                    **_TARGET,
                    "engine": "dcgm_exporter",
                    "pool": "a100",
                    "environment": "production",
                },
                fires=1,
            ),
        ),
        labels=_TARGET,
    ),
    about_stack(
        "InventoryMissing",
        signal="inventory",
        # Every alert joins the inventory's series: without them nothing at all can fire.
        severity=PAGE,
        condition=f"absent({MODEL_INFO})",
        hold="5m",
        summary="The inventory's series are gone: {{ $value | humanize }} inventory is missing, "
        "the limit is none. No alert about any model can fire.",
        description="No model is declared in this Prometheus: the rule file with the inventory is "
        "not loaded, or the exporter that serves it is gone.",
        action=(
            "Does prometheus.yml name the rule files, and did its last reload work?",
            "Where the inventory comes from an exporter: is it up?",
            "Generate again, check with promtool, reload.",
        ),
        lies="Right after the start of Prometheus the first round of rules is still to come.",
        given=(Given(metric=MODEL_INFO, labels=_TWICE, fires=0, below=1, absent_firing=True),),
        value=1,
    ),
    about_stack(
        "InventoryDuplicate",
        signal="inventory_duplicate",
        severity=TICKET,
        condition=f"count by (model, environment) ({MODEL_INFO}) > 1",
        hold="5m",
        summary="{{ $labels.model }} is declared {{ $value | humanize }} times, the limit is once: "
        "which owner and severity its alerts get is chance.",
        description="Two inventories, or an old and a new rule file, declare the same model with "
        "different facts. One of them is used, the other is ignored.",
        action=(
            "Compare the rows of the model's info series: job, team, tier and version tell them "
            "apart.",
            "Remove the rule file or exporter that is not meant.",
            "Reload Prometheus.",
        ),
        lies="For five minutes after a change of team or version both rows exist.",
        given=(
            Given(metric=MODEL_INFO, labels={**_TWICE, "team": "assist"}, fires=1),
            Given(
                metric=MODEL_INFO,
                labels={**_TWICE, "team": "search"},
                fires=1,
                absent_below=True,
            ),
        ),
        labels=_TWICE,
        value=2,
    ),
    about_stack(
        "SeriesAbovePrediction",
        signal="series",
        severity=TICKET,
        # Not the head of Prometheus: that also holds what other people scrape.
        condition=f"""
            {RECORDED_SERIES}
              > on () group_left ()
            {select(SERIES_PREDICTED, part="total")}
        """,
        hold="30m",
        summary="modelwatch keeps {{ $value | humanize }} series, over its limit of what the "
        "inventory was predicted to need.",
        description="More series are recorded than the inventory can explain: a label has more "
        "values than it should, such as versions, scores or names that an engine makes up.",
        action=(
            "On the stack board see which series grew.",
            "Look for a label whose values look like ids, versions or free text.",
            "Drop or shorten that label at the source, before the disk or memory fills up.",
        ),
        lies="Series of models that were removed count until Prometheus forgets them, in minutes.",
        given=(
            Given(metric=RECORDED_SERIES, fires=12000, below=9900),
            Given(metric=SERIES_PREDICTED, labels={"part": "total"}, fires=10000),
        ),
    ),
]
