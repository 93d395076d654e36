"""Text files that a user names on the command line."""

from pathlib import Path

from modelwatch.problems import ModelwatchError


def text_of(path: Path) -> str:
    """What is in the file, without a byte order mark.

    Raises:
        ModelwatchError: it cannot be read, or is no text in UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ModelwatchError(f"{path} is no text in UTF-8") from failure
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure


def write_whole(path: Path, text: str) -> None:
    """Write all of the file or nothing, so that nobody ever reads a part of it.

    Raises:
        ModelwatchError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as failure:
        raise ModelwatchError(f"cannot write {path}: {failure.strerror}") from failure
