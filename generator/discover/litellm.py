"""The configuration of a LiteLLM proxy: its models, their prices, and what serves them.

Keys, logins and whatever else could be a secret are neither kept nor shown.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from urllib.parse import urlsplit

from generator.discover import Knowledge, World
from generator.discover.documents import documents_at
from generator.discover.found import Found, Place, Sighting
from generator.discover.names import cut
from modelwatch.tree import Block, Number

_PORT = 4000
_PRICES = {
    "input": "input_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
}
_CALLBACKS = ("callbacks", "success_callback", "failure_callback")
_SERVES = {"hosted_vllm": "vllm", "vllm": "vllm", "triton": "triton", "nvidia_nim": "nim"}
"""Providers behind whose address an engine of one's own may be."""
_MOST = Decimal(1_000_000)


def _look(where: str, _: World) -> Found:
    read = documents_at(where)
    found = [_of_config(where, block) for _, block in read.blocks]
    return Found(
        sightings=tuple(sighting for one in found for sighting in one.sightings),
        remarks=(*read.remarks, *(remark for one in found for remark in one.remarks)),
        looked_for=f"`model_list` in {where}",
    )


def _of_config(path: str, config: Block) -> Found:
    by_name: dict[str, list[Block]] = defaultdict(list)
    for entry in config.items_of("model_list"):
        if isinstance(entry, Block) and entry.text("model_name"):
            by_name[entry.text("model_name")].append(entry)
    remarks = [
        f"'{cut(name)}' in {path} stands for many models: name those that you use yourself"
        for name in by_name
        if "*" in name
    ]
    if by_name and not _has_prometheus(config):
        remarks.append(
            f"{path} does not switch metrics on: write `callbacks: [prometheus]` under "
            "litellm_settings"
        )
    fallbacks = dict(_fallbacks(config))
    sightings: list[Sighting] = []
    for name, deployments in by_name.items():
        if "*" not in name:
            sightings.append(_gateway(name, deployments, fallbacks.get(name, ())))
            sightings += _behind(name, deployments)
    return Found(sightings=tuple(sightings), remarks=tuple(remarks), looked_for=path)


def _gateway(name: str, deployments: Sequence[Block], fallbacks: Sequence[str]) -> Sighting:
    count = len(deployments)
    remarks = [f"falls back to {', '.join(map(cut, fallbacks))}"] if fallbacks else []
    prices = [dict(_prices(deployment)) for deployment in deployments]
    agreed = all(price == prices[0] for price in prices)
    if not agreed:
        remarks.append("its deployments have different prices; LiteLLM reports the cost itself")
    return Sighting(
        engine="litellm",
        model=name,
        place=Place(),
        why=f"{count} deployment{'s' * (count != 1)} in the configuration",
        remarks=tuple(remarks),
        price=prices[0] if agreed else {},
    )


def _prices(deployment: Block) -> Iterator[tuple[str, Decimal]]:
    """USD per million tokens, by kind of token."""
    for kind, key in _PRICES.items():
        for block in (deployment.block("model_info"), deployment.block("litellm_params")):
            value = block.get(key)
            if isinstance(value, Number) and 0 < round(value * _MOST, 9) < _MOST:
                yield kind, round(value * _MOST, 9)
                break


def _behind(name: str, deployments: Sequence[Block]) -> Iterator[Sighting]:
    """Engines of one's own that the proxy asks."""
    for deployment in deployments:
        parameters = deployment.block("litellm_params")
        provider, slash, model = parameters.text("model").partition("/")
        target, scheme = _address(parameters.text("api_base"))
        if slash and provider in _SERVES and target:
            yield Sighting(
                engine=_SERVES[provider],
                model=model,
                place=Place(targets=(target,), scheme=scheme),
                why=f"the `api_base` of '{cut(name)}'",
            )


def _address(url: str) -> tuple[str, str]:
    """Host and port of an address, without login, path and query; nothing for a reference."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", ""
    host = parts.hostname or ""
    if not port or not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", host):
        return "", ""
    return f"{host}:{port}", parts.scheme


def _has_prometheus(config: Block) -> bool:
    settings = config.block("litellm_settings")
    return any("prometheus" in settings.texts(key) for key in _CALLBACKS)


def _fallbacks(config: Block) -> Iterator[tuple[str, tuple[str, ...]]]:
    for section in ("router_settings", "litellm_settings"):
        for entry in config.block(section).items_of("fallbacks"):
            if isinstance(entry, Block):
                for name in entry:
                    yield name, entry.texts(name)


KNOWLEDGE = Knowledge(
    name="litellm",
    where="FILE",
    rank=4,
    look=_look,
)
