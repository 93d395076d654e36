"""`gh api` for the comments of one pull request, which it keeps in a file: no more than is used."""

import json
import os
import subprocess
import sys
from pathlib import Path

KEPT = Path(os.environ["GH_COMMENTS"])
LISTING = "repos/acme/models/issues/7/comments"
ONE = "repos/acme/models/issues/comments/"


def main(arguments: list[str]) -> None:
    """Answer as the API does; whatever else is asked fails."""
    assert os.environ["GH_TOKEN"] == "the-token"  # noqa: S105  # of nobody
    assert arguments.pop(0) == "api"
    comments = json.loads(KEPT.read_text(encoding="utf-8"))
    if arguments[0] == "--paginate":
        _, path, flag, expression = arguments
        assert (path, flag) == (LISTING, "--jq")
        subprocess.run(["jq", "-r", expression], input=json.dumps(comments), text=True, check=True)
        return
    silent, method_flag, method, path, field_flag, field = arguments
    assert (silent, method_flag, field_flag) == ("--silent", "--method", "--field")
    body = Path(field.removeprefix("body=@")).read_text(encoding="utf-8")
    if method == "POST":
        assert path == LISTING
        author = {"login": "github-actions[bot]"}
        comments.append({"id": 100 + len(comments), "user": author, "body": body})
    else:
        assert method == "PATCH"
        (found,) = [one for one in comments if one["id"] == int(path.removeprefix(ONE))]
        found["body"] = body
    KEPT.write_text(json.dumps(comments), encoding="utf-8")


main(sys.argv[1:])
