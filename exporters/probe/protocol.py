"""What a protocol is to a probe: a request to make, and a reading of the JSON that comes back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwatch.inventory import Probe, Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one JSON document says: a whole answer, or one event of a streamed one.

    `thought` is true where the model produced tokens that are no part of the answer. `finished`
    says that the answer is complete, `last` that nothing of use follows. `failed` is an outcome.
    """

    text: str = ""
    thought: bool = False
    tokens: Mapping[str, int] = field(default_factory=dict)
    served: str = ""
    finished: bool = False
    last: bool = False
    failed: str = ""


def bearer(key: str) -> Mapping[str, str]:
    """The header that most servers expect a key in."""
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The constant `API` of each file in `apis/`.

    `body` is an object, or the text itself. `whole` and `event` read what a server sent; they may
    raise ValueError, TypeError or LookupError where it is not what the protocol says. `event` is
    None where nothing streams. `optional` are fields of the body that some servers refuse: a
    request refused for one of them is sent again with the field under the other name, or without
    it where that is empty. `least_tokens` is asked for also where a prompt wants fewer.
    """

    url: Callable[[Probe], str]
    body: Callable[[Probe, Prompt], dict[str, Any] | str]
    whole: Callable[[Probe, Any], Part]
    event: Callable[[Any], Part] | None = None
    authorization: Callable[[str], Mapping[str, str]] = bearer
    headers: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    least_tokens: int = 1


def below(base: str, path: str) -> str:
    """The address of a path under a base address, whose query stays at the end."""
    address, mark, query = base.partition("?")
    return f"{address.rstrip('/')}/{path}{mark}{query}"


def dig(document: Any, *path: str | int) -> Any:
    """What stands at the path, None where something on the way is missing or of another kind."""
    for step in path:
        listed = isinstance(document, list) and isinstance(step, int) and step < len(document)
        if listed or (isinstance(document, dict) and step in document):
            document = document[step]
        else:
            return None
    return document


def at_path(document: Any, path: str) -> str:
    """What stands at `keys.and.0.indices`: text as it is, anything else as JSON.

    Raises:
        LookupError: nothing stands there.
    """
    for step in path.split(".") if path else ():
        document = document[int(step) if isinstance(document, list) else step]
    return document if isinstance(document, str) else json.dumps(document)


def text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of typed parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text(dig(part, "text")) for part in content)
    return ""


def counted(**kinds: Any) -> dict[str, int]:
    """The kinds that the server gave a number for."""
    return {
        kind: number
        for kind, number in kinds.items()
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0
    }


def openai_tokens(usage: Any, given: str = "prompt", made: str = "completion") -> dict[str, int]:
    """Tokens by kind from a `usage` in which cached and reasoning tokens are parts of others.

    xAI counts reasoning beside the completion, which the total shows.
    """
    asked = counted(
        all=dig(usage, f"{given}_tokens"),
        cached=dig(usage, f"{given}_tokens_details", "cached_tokens"),
    )
    answered = counted(
        all=dig(usage, f"{made}_tokens"),
        thought=dig(usage, f"{made}_tokens_details", "reasoning_tokens"),
    )
    kinds: dict[str, int] = {}
    if "all" in asked:
        kinds["input"] = max(0, asked["all"] - asked.get("cached", 0))
    if "cached" in asked:
        kinds["cached_input"] = asked["cached"]
    if "all" in answered:
        thought = answered.get("thought", 0)
        beside = dig(usage, "total_tokens") == asked.get("all", 0) + answered["all"] + thought
        kinds["output"] = answered["all"] if beside else max(0, answered["all"] - thought)
    if "thought" in answered:
        kinds["reasoning"] = answered["thought"]
    return kinds


def failure(error: Any) -> str:
    """The outcome that an error inside an answer with status 200 stands for."""
    code = str(dig(error, "code") or "")
    kind = str(dig(error, "type") or "")
    if code == "429" or "rate_limit" in code or "rate_limit" in kind:
        return "rate_limited"
    if (code.isascii() and code.isdigit() and 400 <= int(code[:9]) < 500) or kind in REFUSALS:
        return "client_error"
    return "server_error"


REFUSALS = ("invalid_request_error", "authentication_error", "permission_error", "not_found_error")
"""Types of errors that blame the request, at OpenAI and Anthropic alike."""
