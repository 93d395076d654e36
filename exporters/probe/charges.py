"""What a request costs: at the most before it is sent, and in fact afterwards."""

from dataclasses import dataclass, field
from decimal import Decimal

from exporters.probe.measuring import Measured
from exporters.probe.spending import NOTHING, Amount
from exporters.probe.targets import Target
from modelwatch.catalogue.probe import NO_KEY
from modelwatch.inventory import Prompt
from modelwatch.reading_probes import TALKING

TEMPLATE_TOKENS = 20
"""What a chat template adds to a prompt: markers of roles and turns."""

UNBILLED = (
    "rate_limited",
    "client_error",
    "server_error",
    "connect_error",
    "tls_error",
    "dns_error",
    NO_KEY,
)
"""Failures before an answer began: providers bill answers, not refusals."""
_OTHERWISE = {"cached_input": "input", "reasoning": "output"}
"""Whose price a kind of token has, where it has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one run is held against the cap with. `tokens` are reported ones, by kind."""

    amount: Amount = NOTHING
    tokens: dict[str, int] = field(default_factory=dict)
    is_estimate: bool = False


def worst(target: Target, prompt: Prompt) -> Amount:
    """The most that the request can use.

    A tokenizer makes at the most one token of each byte. An engine that ignores `max_tokens` can
    use more; then what it reports is counted, and at the most that one request is over the cap.
    """
    if not _counts_tokens(target):
        return Amount(usd=_request_price(target))
    asked = len((prompt.body or prompt.text).encode()) + TEMPLATE_TOKENS
    answered = 0 if target.probe.api == "openai_embeddings" else prompt.max_tokens
    dearest = max(_price(target, "output"), _price(target, "reasoning"))
    usd = asked * _price(target, "input") + answered * dearest + _request_price(target)
    return Amount(tokens=asked + answered, usd=usd)


def charge(target: Target, prompt: Prompt, measured: Measured) -> Charge:
    """What the request used: as reported, else the most that it can have used."""
    per_request = _request_price(target) if measured.outcome == "success" else Decimal(0)
    tokens = {kind: count for kind, count in measured.tokens.items() if count > 0}
    if tokens:
        usd = sum((count * _price(target, kind) for kind, count in tokens.items()), per_request)
        return Charge(amount=Amount(tokens=sum(tokens.values()), usd=usd), tokens=tokens)
    if measured.outcome in UNBILLED:
        return Charge()
    if not _counts_tokens(target):
        return Charge(amount=Amount(usd=per_request))
    return Charge(amount=worst(target, prompt), is_estimate=True)


def _counts_tokens(target: Target) -> bool:
    """Whether its requests are made of tokens: a classifier's are not, unless a cap says so."""
    return target.probe.api in TALKING or target.probe.tokens_per_day is not None


def _price(target: Target, kind: str) -> Decimal:
    prices = target.prices.tokens
    found = prices.get(kind) or prices.get(_OTHERWISE.get(kind, ""))
    return found.value if found else Decimal(0)


def _request_price(target: Target) -> Decimal:
    return target.prices.request.value if target.prices.request else Decimal(0)
