"""Inhibition: the cause is told, its symptoms are not.

Alertmanager takes a label that is missing on both sides as equal, so that an alert about a host
would mute one about a fleet. Every label that must be equal is therefore asked for on both sides.
The rules form no circle (tested): two alerts that mute each other would both be lost.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from modelwatch.catalogue.metric import MODEL

CAUSE = "targets_up"
"""Signal of the alert that a model's targets are down: the cause of everything else about it."""

WINDOWS = ("1h", "6h", "1d", "3d")
"""Label `window` of burn alerts, from fast to slow."""

Rule = dict[str, Any]


def inhibit_rules() -> list[Rule]:
    """Every rule, the strongest cause first."""
    return [
        # Nothing answers: latency, errors, quality, cost and traffic follow from it.
        _mutes([f'signal="{CAUSE}"'], [f'signal!="{CAUSE}"'], equal=MODEL),
        # A combined alert says what its parts say, once.
        _mutes(
            ['correlated="true"'],
            [
                'signal_class=~"infra|latency|quality|business"',
                'correlated!="true"',
                f'signal!="{CAUSE}"',
            ],
            equal=MODEL,
        ),
        # Answers of a failing model are bad, and that is not the evaluator's news.
        _mutes(
            ['signal_class="infra"', 'urgency="now"', 'correlated!="true"'],
            ['signal_class="quality"', 'correlated!="true"'],
            equal=MODEL,
        ),
        # Failed requests that page are told once: neither as the burst that they began with,
        # nor by the budget that they burn.
        _mutes(
            ['signal=~"availability|error_ratio"', 'urgency="now"'],
            ['trouble="transient"'],
            equal=MODEL,
        ),
        _mutes(['signal="error_ratio"'], ['signal="availability"'], equal=MODEL),
        # Users wait: that is told, and the full cache or queue that it comes from is not.
        _mutes(
            [
                'signal=~"request_duration|time_to_first_token|inter_token_latency|queue_duration"',
                'urgency="now"',
            ],
            ['signal=~"kv_cache|preemptions|waiting_requests|concurrency"'],
            equal=MODEL,
        ),
        # What lasts is told; that it began as a burst is not.
        _mutes(['trouble="systematic"'], ['trouble="transient"'], equal=MODEL),
        *_faster_burns(equal=(*MODEL, "slo")),
        # Names of budgets are unique, and those of several environments carry none.
        *_faster_burns(equal=("budget",)),
    ]


def _faster_burns(*, equal: Sequence[str]) -> Iterator[Rule]:
    """The same budget burnt faster: the slower alert adds nothing."""
    for number, window in enumerate(WINDOWS[:-1], 1):
        slower = "|".join(WINDOWS[number:])
        yield _mutes([f'window="{window}"'], [f'window=~"{slower}"'], equal=equal)


def _mutes(source: Sequence[str], target: Sequence[str], *, equal: Sequence[str]) -> Rule:
    there = [f'{label}=~".+"' for label in equal]
    return {
        "source_matchers": [*source, *there],
        "target_matchers": [*target, *there],
        "equal": list(equal),
    }
