"""Tokens: how many of which kind, per request, and from the cache?"""

from alerts.recorded.windows import FAST, MID, per_second
from modelwatch.catalogue.recorded import (
    CACHE_HIT,
    ENGINE_TOKENS,
    REQUESTS_1H,
    TOKENS,
    TOKENS_1H,
    TOKENS_PER_REQUEST,
)
from modelwatch.promql import ratio, select, total
from modelwatch.rules import Record, RecordGroup

# No kind contains another, so that the prompt is the sum of both.
_PROMPT = total(select(TOKENS_1H, kind="~input|cached_input"))
_CACHED = total(select(TOKENS_1H, kind="cached_input"))

GROUPS = (
    RecordGroup(
        name="modelwatch-tokens",
        interval=FAST,
        records=(Record(metric=TOKENS, expr=total(ENGINE_TOKENS, by=TOKENS.labels)),),
    ),
    RecordGroup(
        name="modelwatch-tokens-mid",
        interval=MID,
        records=(
            Record(metric=TOKENS_1H, expr=per_second(TOKENS, over="1h")),
            Record(metric=TOKENS_PER_REQUEST, expr=ratio(total(TOKENS_1H), f"{REQUESTS_1H}")),
            Record(metric=CACHE_HIT, expr=ratio(_CACHED, _PROMPT)),
        ),
    ),
)
