"""Secrets: none stands in an inventory, and none is shown by a message about it.

Those of probes, which have keys, addresses and headers: `meaning_probes.py`.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, urlsplit

from modelwatch.context import Context
from modelwatch.tree import Block

_SECRET = re.compile(r"https?://|-----BEGIN|Bearer |sk-[\w-]{16}", re.IGNORECASE)
KEY_LIKE = re.compile(
    r"(?:^|[-_.])(?:api|access|auth)?[-_.]?"
    r"(?:auth|authorization|cookie|credentials?|key|password|secret|sig|signature|token)"
    r"(?:$|[-_.])",
    re.IGNORECASE,
)
"""Names of headers and query parameters that hold secrets."""
_OWN_NETWORK = (".internal", ".local", ".lan", ".svc", ".localhost")


def check_secrets(context: Context) -> None:
    """Report secrets where paths or plain addresses belong."""
    settings = context.root.block("settings")
    for key in settings:
        if key.endswith("_url") and has_login(settings.text(key)):
            context.report.add(
                settings.at(key),
                f"'{key}' holds a login",
                "remove what stands before the '@': secrets are never written into the inventory",
                secret=True,
            )
    for block in _receivers(context):
        check_files(context, block, [key for key in block if key.endswith("_file")])
        if "url" in block and not _is_plain(block.text("url")):
            context.report.add(
                block.at("url"),
                "whoever knows this address can write to it: it is a secret",
                "put it into a file of its own and write the path as 'url_file'",
                secret=True,
            )


def _receivers(context: Context) -> Iterator[Block]:
    receivers = context.root.block("receivers")
    return (block for _, kinds in receivers.blocks() for _, block in kinds.blocks())


def check_files(context: Context, block: Block, keys: Iterable[str]) -> None:
    """Keys of secrets hold paths; a value can still be the secret itself."""
    for key in keys:
        if _SECRET.match(block.text(key)):
            context.report.add(
                block.at(key),
                f"'{key}' looks like the secret itself",
                "put it into a file of its own and write the path of that file",
                secret=True,
            )


def has_login(url: str) -> bool:
    """Whether a name or password stands before the host."""
    return "@" in url.partition("://")[2].partition("/")[0]


def key_in_query(url: str) -> str:
    """The first name in the query that looks like that of a key."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return ""
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    return next((name for name in names if name == "code" or KEY_LIKE.search(name)), "")


def _is_plain(url: str) -> bool:
    """Whether the address is one within the own network, without login or key."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if has_login(url) or parts.query:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_OWN_NETWORK)
