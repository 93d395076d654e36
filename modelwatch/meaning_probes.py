"""Probes: can each be sent and judged, does it cost what is meant, does it give away a secret?"""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, SchemaError

from modelwatch import defaults
from modelwatch.context import Context, Draft
from modelwatch.inventory import Model, Probe
from modelwatch.meaning_secrets import (
    KEY_LIKE,
    check_files,
    has_login,
    key_in_query,
)
from modelwatch.problems import Place
from modelwatch.reading_probes import STREAMING, TALKING, WAYS, is_priced, plain
from modelwatch.schema_words import choices
from modelwatch.tree import Block


def check_probes(context: Context, models: Sequence[Draft]) -> None:
    """Report probes that could not be sent or judged, or that would say a secret."""
    first: dict[str, Place] = {}
    for draft in models:
        blocks = draft.block.block("probes")
        for name in blocks.keys_at:
            _check_name(context, name, blocks.key_at(name), first)
        for probe in draft.model.probes:
            _check_probe(context, draft.model, probe, blocks.block(probe.name))
        _check_limits(context, draft)


def _check_name(context: Context, name: str, place: Place, first: dict[str, Place]) -> None:
    if first.setdefault(name, place) != place:
        context.report.add(
            place,
            f"probe '{name}' is already in line {first[name][0]}",
            "give one of them another name",
        )


def _check_probe(context: Context, model: Model, probe: Probe, block: Block) -> None:
    _check_secrets(context, block)
    _check_api(context, probe, block)
    _check_times(context, probe, block)
    _check_caps(context, model, probe, block)
    for name, prompt in block.block("prompts").blocks():
        _check_prompt(context, probe, name, prompt)


def _check_secrets(context: Context, block: Block) -> None:
    check_files(context, block, ("key_file",))
    place, url = block.at("url"), block.text("url")
    if has_login(url):
        context.report.add(
            place,
            "'url' holds a login",
            "remove what stands before the '@', and write the path of a file with the key as "
            "'key_file'",
            secret=True,
        )
    elif named := key_in_query(url):
        context.report.add(
            place,
            f"'url' seems to hold a secret: '{named}'",
            "remove it, and write the path of a file with the key as 'key_file'",
            secret=True,
        )
    headers = block.block("headers")
    for name in headers:
        if KEY_LIKE.search(name):
            context.report.add(
                headers.key_at(name),
                f"the header '{name}' would be a secret in the inventory",
                "put the key into a file of its own and write its path as 'key_file'",
                secret=True,
            )


def _check_api(context: Context, probe: Probe, block: Block) -> None:
    if probe.stream and probe.api not in STREAMING:
        context.report.add(
            block.at("stream"),
            f"{probe.api} does not answer token by token",
            f"remove 'stream', or use one of {choices(STREAMING)}",
        )
    if "answer" in block and probe.api != "http":
        context.report.add(
            block.key_at("answer"),
            f"where the answer of {probe.api} is need not be said",
            "remove 'answer', or use `api: http`",
        )
    try:
        host = urlsplit(probe.url).hostname
    except ValueError:
        host = None
    if not host:
        context.report.add(
            block.at("url"), "'url' names no host", "write it like http://gpu1:8000/v1"
        )


def _check_times(context: Context, probe: Probe, block: Block) -> None:
    if probe.every.value < 1:
        context.report.add(
            block.at("every"),
            f"every {probe.every.text} would be load, not a probe",
            "write 1s or more",
        )
    elif not 0 < probe.timeout.value <= probe.every.value:
        context.report.add(
            block.at("timeout"),
            f"an answer may take {probe.timeout.text}, but the next probe begins after "
            f"{probe.every.text}",
            "write a shorter 'timeout', or a longer 'every'",
        )


def _check_caps(context: Context, model: Model, probe: Probe, block: Block) -> None:
    if probe.tokens_per_day is not None and probe.api not in TALKING:
        context.report.add(
            block.key_at("tokens_per_day"),
            f"{probe.api} does not count tokens",
            "remove 'tokens_per_day'",
        )
    if probe.usd_per_day is None:
        return
    if not is_priced(model, probe.api):
        context.report.add(
            block.at("usd_per_day"),
            f"'{model.name}' has no price that {probe.api} is paid by: nothing to count with",
            "add `price:` to the model, or limit 'tokens_per_day' instead"
            if probe.api in TALKING
            else "add a price of a `request` to the model, or remove 'usd_per_day'",
        )
    elif not probe.usd_per_day.value:
        context.report.add(
            block.at("usd_per_day"),
            "with nothing to spend no probe is ever sent",
            "write more, or off for no cap",
        )


def _check_prompt(context: Context, probe: Probe, name: str, block: Block) -> None:
    wanted, other = ("prompt", "body") if probe.api in TALKING else ("body", "prompt")
    if other in block.keys_at:
        context.report.add(
            block.key_at(other), f"{probe.api} takes no '{other}'", f"write `{wanted}:` instead"
        )
    elif wanted not in block.keys_at:
        context.report.add(block.place, f"'{name}' asks nothing of {probe.api}", f"add `{wanted}:`")
    if "body" in block and wanted == "body":
        try:
            json.loads(block.text("body"))
        except ValueError as error:
            where = getattr(error, "colno", 1)
            context.report.add(
                block.at("body"),
                f"the body of '{name}' is no JSON from its character {where} on",
                "write it like '{\"inputs\": []}'",
            )
    if "expect" in block:
        _check_expectation(context, name, block.block("expect"))


def _check_expectation(context: Context, name: str, block: Block) -> None:
    given = [way for way in WAYS if way in block.keys_at]
    if len(given) != 1:
        place = block.key_at(given[1]) if given else block.place
        said = "in several ways" if given else "in no way"
        context.report.add(
            place,
            f"what the answer to '{name}' must be is said {said}",
            "keep one of them" if given else "add one, such as `contains: Paris`",
        )
        return
    if "tolerance" in block and given != ["number"]:
        context.report.add(
            block.key_at("tolerance"), "only a number can be a little off", "remove 'tolerance'"
        )
    if "regex" in block:
        _check_pattern(context, block)
    if "json_schema" in block:
        _check_schema(context, block)


def _check_pattern(context: Context, block: Block) -> None:
    text, place = block.text("regex"), block.at("regex")
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        at = getattr(error, "pos", None)
        where = f" from its character {at + 1} on" if at is not None else ""
        context.report.add(
            place,
            f"the regular expression cannot be read{where}",
            "correct it, or use `contains` for plain text",
        )


def _check_schema(context: Context, block: Block) -> None:
    try:
        Draft202012Validator.check_schema(plain(block.block("json_schema")))
    except SchemaError as error:
        at = ".".join(str(part) for part in error.path)
        context.report.add(
            block.at("json_schema"),
            f"'{at}' of 'json_schema' cannot be so",
            "write it as JSON Schema 2020-12 has it",
        )


def _check_limits(context: Context, draft: Draft) -> None:
    """Limits that nothing of the model is ever compared with."""
    limits = draft.block.block("limits")
    if "probes" not in draft.block.keys_at:
        for key in defaults.OF_PROBES:
            if key in limits.keys_at:
                context.report.add(
                    limits.key_at(key),
                    f"'{key}' says nothing: '{draft.model.name}' is not probed",
                    "add `probes:`, or remove it",
                )
    if "retirement" in limits.keys_at and "retires" not in draft.block.keys_at:
        context.report.add(
            limits.key_at("retirement"),
            f"'retirement' says nothing: '{draft.model.name}' has no last day",
            "add `retires:`, or remove it",
        )
