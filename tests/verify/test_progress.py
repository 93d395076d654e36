"""What somebody sees who waits for `modelwatch verify`."""

import io

from generator.verify.progress import Progress


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def _said(stream: io.StringIO) -> str:
    now = iter([0.0, 1.0, 4.0, 4.1, 9.0])
    progress = Progress(stream=stream, clock=lambda: next(now))
    for text in ("1 of 4", "2 of 4", "3 of 4", "4 of 4"):
        progress(text)
    progress.end()
    return stream.getvalue()


def test_progress_is_one_line_from_the_third_second_on_and_gone_at_the_end() -> None:
    erase = "\r\x1b[K"
    assert _said(Terminal()) == f"{erase}2 of 4{erase}4 of 4{erase}"


def test_where_nobody_watches_there_is_no_progress() -> None:
    assert _said(io.StringIO()) == ""
