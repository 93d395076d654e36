"""The stack: do rules, configuration and notifications work, so that silence means health?"""

from alerts.about_stack import PAGE, TICKET, about_stack
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.stack import (
    ALERTMANAGER_RELOADED,
    CONFIG_RELOADED,
    NOTIFICATIONS_DROPPED,
    NOTIFICATIONS_FAILED,
    RECORDED_SERIES,
    RULE_DURATION,
    RULE_FAILURES,
    RULE_INTERVAL,
    RULE_MISSED,
    WAL_CORRUPTIONS,
)
from modelwatch.promql import on, select, total
from modelwatch.rules import Given

# `rule_group` is the path of the file and the name of the group; other people's groups are theirs.
_OURS = {"rule_group": "~.*;modelwatch-.*"}
_GROUP = {"rule_group": "/etc/prometheus/rules/alerts-latency.yml;modelwatch-alerts-latency"}
_PROMETHEUS = {"job": "prometheus", "instance": "localhost:9090"}
_ALERTMANAGER = {"job": "alertmanager", "instance": "localhost:9093"}
_OF_GROUP = on("job", "instance", "rule_group")

_SLOW = 0.8
"""Share of its interval that a group may take: the rest is its reserve for a busy minute."""


def _new(counter: str, *, by: tuple[str, ...]) -> str:
    """New events of a counter in five minutes, where there are any."""
    return f"{total(f'increase({counter}[5m])', by=by)} > 0"


def _one_a_minute(counter: Metric, labels: dict[str, str]) -> tuple[Given, ...]:
    """A counter that grows by one each minute, and one that stands still."""
    return (Given(metric=counter, labels=labels, fires=1, below=0, ramp=True),)


ALERTS = [
    about_stack(
        "Watchdog",
        signal="watchdog",
        severity="none",
        condition="vector(1)",
        hold="0m",
        summary="The way from Prometheus to the receiver works; the limit is silence.",
        description="This alert always fires. Whoever receives it expects it all the time and "
        "raises an alarm of its own when it stops: then no other alert can arrive either.",
        action=(
            "When it stopped: is Prometheus up, and does it evaluate rules?",
            "Is Alertmanager up, and does Prometheus reach it?",
            "Can Alertmanager reach the receiver of the deadman's switch?",
        ),
        lies="It shows one way only: other receivers can fail while this one works.",
        given=(),
        value=1,
    ),
    about_stack(
        "RulesFailing",
        signal="rule_failures",
        # A rule that fails is silent for every model, and nobody would notice.
        severity=PAGE,
        condition=_new(select(RULE_FAILURES, _OURS), by=("rule_group",)),
        hold="5m",
        summary="Rules of {{ $labels.rule_group }} failed {{ $value | humanize }} times in five "
        "minutes; the limit is none: alerts of this group are dead.",
        description="Prometheus could not evaluate rules of the group. A rule that fails yields "
        "nothing for any model, which looks the same as health.",
        action=(
            "Read the error of the rule on the Rules page of Prometheus.",
            "`many-to-many` or `duplicate series` in it: two inventory series of one model; look "
            "for a second inventory exporter or rule file.",
            "Generate the rules again and reload Prometheus.",
        ),
        lies="A rule that was just repaired stays in the window for five minutes.",
        given=_one_a_minute(RULE_FAILURES, {**_PROMETHEUS, **_GROUP}),
        labels=_GROUP,
        value=5,
    ),
    about_stack(
        "RuleRoundsMissed",
        signal="rule_missed",
        severity=TICKET,
        condition=_new(select(RULE_MISSED, _OURS), by=("rule_group",)),
        # A restart misses a round or two; ten minutes of it is a group that is too slow.
        hold="10m",
        summary="Rule group {{ $labels.rule_group }} missed {{ $value | humanize }} rounds in five "
        "minutes; the limit is none.",
        description="The group takes longer than its interval, so that rounds are left out: "
        "alerts come late and rates have holes.",
        action=(
            "See on the stack board which group is slowest, and since when.",
            "Look at the load of Prometheus: processor, memory, large queries of boards.",
            "Give Prometheus more room, or raise the interval of the group.",
        ),
        lies="A machine that sleeps or swaps misses rounds without any fault of the rules.",
        given=_one_a_minute(RULE_MISSED, {**_PROMETHEUS, **_GROUP}),
        labels=_GROUP,
        value=5,
    ),
    about_stack(
        "RuleGroupSlow",
        signal="rule_duration",
        severity=TICKET,
        condition=f"""
            max by (rule_group) (
              {select(RULE_DURATION, _OURS)} / {_OF_GROUP} {RULE_INTERVAL}
            )
              > {_SLOW}
        """,
        hold="10m",
        summary="Rule group {{ $labels.rule_group }} takes {{ $value | humanizePercentage }} of "
        "its interval, over its limit of 80%.",
        description="The group is about to miss rounds: its last one took most of the interval.",
        action=(
            "Compare the number of series with last week: which model or label grew?",
            "Look at the load of Prometheus: processor, memory, large queries of boards.",
            "Give Prometheus more room, or raise the interval of the group.",
        ),
        lies="The duration includes waiting for a free query slot, which large boards take.",
        given=(
            Given(
                metric=RULE_DURATION,
                labels={**_PROMETHEUS, **_GROUP},
                fires=27,
                below=0.99 * _SLOW * 30,
            ),
            Given(metric=RULE_INTERVAL, labels={**_PROMETHEUS, **_GROUP}, fires=30),
        ),
        labels=_GROUP,
        value=0.9,
    ),
    about_stack(
        "PrometheusReloadFailed",
        signal="config_reload",
        severity=TICKET,
        condition=f"min by (job, instance) ({CONFIG_RELOADED}) == 0",
        hold="5m",
        summary="Prometheus {{ $labels.instance }} refused its new configuration "
        "and runs on with the old one.",
        description="The last reload failed: new models, limits and rules are not in force.",
        action=(
            "Read the error in the log of Prometheus.",
            "`promtool check config prometheus.yml` names the file and line.",
            "Generate again, check, reload.",
        ),
        lies="It stays until the next reload works, even if the file was repaired since.",
        given=(Given(metric=CONFIG_RELOADED, labels=_PROMETHEUS, fires=0, below=1),),
        labels=_PROMETHEUS,
    ),
    about_stack(
        "AlertmanagerReloadFailed",
        signal="alertmanager_reload",
        severity=TICKET,
        condition=f"min by (job, instance) ({ALERTMANAGER_RELOADED}) == 0",
        hold="5m",
        summary="Alertmanager {{ $labels.instance }} refused its new configuration "
        "and runs on with the old one.",
        description="The last reload failed: new teams, receivers and routes are not in force.",
        action=(
            "Read the error in the log of Alertmanager.",
            "`amtool check-config alertmanager.yml` names the line.",
            "Generate again, check, reload.",
        ),
        lies="It stays until the next reload works, even if the file was repaired since.",
        given=(Given(metric=ALERTMANAGER_RELOADED, labels=_ALERTMANAGER, fires=0, below=1),),
        labels=_ALERTMANAGER,
    ),
    about_stack(
        "PrometheusWalCorrupted",
        signal="wal_corruption",
        severity=TICKET,
        # Corruption is found while starting, before the first scrape: an increase would never show
        # it, and the counter starts anew with the next start.
        condition=f"max by (job, instance) ({WAL_CORRUPTIONS}) > 0",
        hold="0m",
        summary="Prometheus {{ $labels.instance }} found {{ $value | humanize }} corruptions of "
        "its log when it started; the limit is none.",
        description="Prometheus lost samples of the last hours: error budgets and spend may be "
        "counted too low.",
        action=(
            "See in the log of Prometheus what was lost.",
            "Check the disk: is it full, or failing?",
            "Restart Prometheus once the disk is sound; the alert ends with it.",
        ),
        lies="It stays until Prometheus restarts, because the counter only starts anew then.",
        given=(Given(metric=WAL_CORRUPTIONS, labels=_PROMETHEUS, fires=1, below=0),),
        labels=_PROMETHEUS,
    ),
    about_stack(
        "NothingRecorded",
        signal="recording",
        severity=PAGE,
        # Written by our own rules in every Prometheus that loads them. When its disk is full, rules
        # are still evaluated and alerts still sent: only nothing of it is kept.
        condition=f"absent_over_time({RECORDED_SERIES}[5m])",
        # It is written every four minutes, also for the first time after a start.
        hold="5m",
        summary="Prometheus has recorded nothing of ours for ten minutes: "
        "{{ $value | humanize }} heartbeat of the rules is missing, the limit is none.",
        description="Rules are evaluated, but their results are not kept: every alert and board "
        "goes blind as the last samples age. A full or failing disk is the usual reason.",
        action=(
            "Is the disk of Prometheus full, read-only or failing? Its log says `write to WAL`.",
            "Make room: it goes on by itself with the next scrape, without a restart.",
            "Then lower the retention by size below what the disk has, or give it more.",
        ),
        lies="Two restarts within ten minutes can leave out the one round that it looks for.",
        given=(Given(metric=RECORDED_SERIES, fires=0, below=1, absent_firing=True),),
        value=1,
        minutes=5,
    ),
    about_stack(
        "AlertsDropped",
        signal="notifications_dropped",
        # Pages do not arrive: this one may come by another Prometheus, or by the deadman's switch.
        severity=PAGE,
        condition=_new(str(NOTIFICATIONS_DROPPED), by=("job", "instance")),
        hold="5m",
        summary="Prometheus {{ $labels.instance }} dropped {{ $value | humanize }} alerts in five "
        "minutes; the limit is none: nobody is told of them.",
        description="Alerts never reached an Alertmanager.",
        action=(
            "Is Alertmanager up, and at the address that prometheus.yml names?",
            "Look at its load and at the network in between.",
            "Until it works, watch the alerts on the stack board by hand.",
        ),
        lies="With no working Alertmanager at all this alert cannot arrive either: then only the "
        "deadman's switch tells.",
        given=_one_a_minute(NOTIFICATIONS_DROPPED, _PROMETHEUS),
        labels=_PROMETHEUS,
        value=5,
    ),
    about_stack(
        "NotificationsFailing",
        signal="notifications_failed",
        severity=PAGE,
        condition=_new(str(NOTIFICATIONS_FAILED), by=("integration",)),
        hold="5m",
        summary="{{ $value | humanize }} notifications by {{ $labels.integration }} failed in five "
        "minutes; the limit is none: its receivers are not told.",
        description="A receiver refused notifications or did not answer, after every retry.",
        action=(
            "Read the error in the log of Alertmanager: usually a key or address that changed.",
            "Send a test notification to the receiver by hand.",
            "Until it works, tell the teams that rely on it.",
        ),
        lies="One receiver that is wrong makes the whole kind fail here: the log says which.",
        given=_one_a_minute(NOTIFICATIONS_FAILED, {**_ALERTMANAGER, "integration": "webhook"}),
        labels={"integration": "webhook"},
        value=5,
    ),
]
