"""Remote write: would Prometheus take it, and does it give away a secret?"""

from urllib.parse import urlsplit

from modelwatch.catalogue import metrics
from modelwatch.context import Context
from modelwatch.meaning_secrets import KEY_LIKE, check_files, has_login, key_in_query
from modelwatch.problems import Place
from modelwatch.tree import Block

_INTO_A_FILE = "write the path of a file with the key as 'token_file' or 'password_file'"
OF_PROMETHEUS = {
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "user-agent",
    "www-authenticate",
    "proxy-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
}
"""Headers that Prometheus sets itself: it refuses a configuration that names one."""

_OF_ALERTS = {"alertname", "confidence", "hold", "modelwatch", "signal_class"}
_OF_TARGETS = {"instance", "le", "quantile"}


def check_remote_write(context: Context) -> None:
    """Report storages that could not be written to, and labels that others have already."""
    settings = context.root.block("settings")
    first: dict[str, Place] = {}
    for block in settings.items_of("remote_write"):
        if isinstance(block, Block):
            _check_storage(context, block)
            _check_once(context, block, first)
    _check_labels(context, settings.block("external_labels"))


def _check_storage(context: Context, block: Block) -> None:
    check_files(context, block, ("password_file", "token_file"))
    _check_address(context, block, "url", "http://storage:8428/api/v1/write")
    if "query_url" in block:
        _check_address(context, block, "query_url", "http://storage:8428")
    _check_login(context, block)
    _check_headers(context, block.block("headers"))


def _check_address(context: Context, block: Block, key: str, like: str) -> None:
    place, url = block.at(key), block.text(key)
    if has_login(url):
        context.report.add(
            place,
            f"'{key}' holds a login",
            "remove what stands before the '@', and write it as 'username' and 'password_file'",
            secret=True,
        )
    elif named := key_in_query(url):
        context.report.add(
            place, f"'{key}' seems to hold a secret: '{named}'", _INTO_A_FILE, secret=True
        )
    elif not _host(url):
        context.report.add(place, f"'{key}' names no host", f"write it like {like}")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _check_login(context: Context, block: Block) -> None:
    pair = ("username", "password_file")
    for key, other in (pair, pair[::-1]):
        if key in block and other not in block and context.is_whole("settings"):
            context.report.add(
                block.key_at(key), f"'{key}' is of no use without '{other}'", f"add '{other}'"
            )
    if "token_file" in block and "password_file" in block:
        context.report.add(
            block.key_at("token_file"),
            "a request has either a token or a name and password",
            "remove 'token_file', or 'username' and 'password_file'",
        )


def _check_headers(context: Context, headers: Block) -> None:
    for name in headers:
        if KEY_LIKE.search(name):
            context.report.add(
                headers.key_at(name),
                f"the header '{name}' would be a secret in the inventory",
                _INTO_A_FILE,
                secret=True,
            )
        elif name.lower() in OF_PROMETHEUS:
            context.report.add(
                headers.key_at(name),
                f"Prometheus sets the header '{name}' itself, and takes no other",
                "remove it",
            )


def _check_once(context: Context, block: Block, first: dict[str, Place]) -> None:
    """Of two that are the same Prometheus would take none."""
    place, url = block.at("url"), block.text("url")
    if first.setdefault(url, place) != place:
        context.report.add(
            place,
            f"this storage is already in line {first[url][0]}",
            "remove one of them: it would keep each sample twice",
        )


def _check_labels(context: Context, labels: Block) -> None:
    """A label that series have already would be theirs on some and this on the others."""
    ours = {label for metric in metrics() for label in metric.labels}
    for name in labels:
        if name in ours | _OF_ALERTS | _OF_TARGETS:
            context.report.add(
                labels.key_at(name),
                f"'{name}' is a label that series of models or alerts have",
                "give it a name of its own, such as 'cluster'",
            )
        elif name.startswith("__"):
            context.report.add(
                labels.key_at(name),
                f"'{name}' is kept for Prometheus itself",
                "begin it with a letter",
            )
