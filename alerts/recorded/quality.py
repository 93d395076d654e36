"""Quality: what do evaluators, judges and users say of the answers?

Rates over an hour and longer read the counters once a minute at most; a model of which nothing bad
was ever counted has zero, not nothing.
"""

from alerts.recorded.windows import FAST, MID, SLOW, events
from modelwatch.catalogue.inventory import THRESHOLD
from modelwatch.catalogue.quality import (
    ANSWER_FLAGS_TOTAL,
    FEEDBACK_TOTAL,
    QUALITY_JUDGEMENTS_TOTAL,
    QUALITY_LAST_EVALUATION,
    QUALITY_SAMPLES,
    QUALITY_SCORE,
)
from modelwatch.catalogue.recorded import (
    BAD_JUDGEMENTS_LOWER_BOUND,
    FEEDBACK_DOWN,
    FEEDBACK_VOTES,
    FLAGS,
    JUDGEMENTS,
    JUDGEMENTS_1D,
    REQUESTS_BY_OUTCOME,
    SCORE,
    SCORE_AGE,
    SCORE_SAMPLES,
)
from modelwatch.catalogue.steps import (
    SCORE_EVALUATED,
)
from modelwatch.promql import largest, on, or_zero, rate, ratio, seconds, select, total
from modelwatch.rules import Record, RecordGroup

_SCORE = ("model", "environment", "score")


def wilson(bad: str, judged: str, end: str) -> str:
    """The lower (`-`) or upper (`+`) end of the Wilson score interval of a share, at 95 %.

    With numerator and denominator multiplied by the number of judgements, z^2 / 2 is 1.9208,
    z^2 / 4 is 0.9604 and z^2 is 3.8416.
    """
    return f"""
        clamp_min(
        ({bad} + 1.9208 {end} 1.96 * sqrt({bad} * ({judged} - {bad}) / {judged} + 0.9604))
        / ({judged} + 3.8416),
        0)
    """


# Replicas and versions each have a part of the answers: their means weigh as much as that part. A
# page that does not say how many there were counts like any other.
_MEAN = f"""
    {total(f"{QUALITY_SCORE} * {QUALITY_SAMPLES}", by=_SCORE)}
      / ({total(QUALITY_SAMPLES, by=_SCORE)} > 0)
    or
    avg by ({", ".join(_SCORE)}) ({QUALITY_SCORE})
"""

# A silent evaluator must not look fresh: of a declared score the last word is remembered.
_EVALUATED = f"""
    {largest(QUALITY_LAST_EVALUATION, by=_SCORE)}
    or
    ({SCORE_EVALUATED} and {on(*_SCORE)} {select(THRESHOLD, signal="evaluation_age")})
"""

_JUDGED = f"({total(JUDGEMENTS_1D, by=_SCORE)} > 0)"
_BAD = or_zero(total(select(JUDGEMENTS_1D, verdict="bad"), by=_SCORE), _JUDGED)
_VOTES = total(rate(FEEDBACK_TOTAL, over="1h"))
_DOWN = total(rate(FEEDBACK_TOTAL, over="1h", where={"verdict": "down"}))
_ANSWERS = total(events(select(REQUESTS_BY_OUTCOME, outcome="success"), over="1h"))
_FLAGGED = f"{total(rate(ANSWER_FLAGS_TOTAL, over='1h'), by=FLAGS.labels)} * {seconds('1h')}"

GROUPS = (
    RecordGroup(
        name="modelwatch-quality",
        interval=FAST,
        records=(
            Record(
                metric=JUDGEMENTS,
                expr=total(rate(QUALITY_JUDGEMENTS_TOTAL), by=JUDGEMENTS.labels),
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-quality-mid",
        interval=MID,
        records=(
            Record(metric=SCORE, expr=_MEAN),
            Record(metric=SCORE_SAMPLES, expr=total(QUALITY_SAMPLES, by=_SCORE)),
            Record(metric=SCORE_EVALUATED, expr=_EVALUATED),
            Record(metric=SCORE_AGE, expr=f"time() - {SCORE_EVALUATED}"),
            Record(metric=FEEDBACK_VOTES, expr=_VOTES),
            Record(
                metric=FEEDBACK_DOWN,
                expr=ratio(or_zero(_DOWN, f"{FEEDBACK_VOTES}"), f"{FEEDBACK_VOTES}"),
            ),
            Record(
                metric=FLAGS,
                # Flags and answers may be counted at different places: never over one.
                expr=f"clamp_max({_FLAGGED} / {on()} group_left () ({_ANSWERS} > 0), 1)",
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-quality-slow",
        interval=SLOW,
        records=(
            Record(metric=JUDGEMENTS_1D, expr=events(JUDGEMENTS, over="1d")),
            Record(metric=BAD_JUDGEMENTS_LOWER_BOUND, expr=wilson(_BAD, _JUDGED, "-")),
        ),
    ),
)
