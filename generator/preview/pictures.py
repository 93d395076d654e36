"""Pictures of the boards, taken by a Chromium without a window."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from modelwatch.problems import ModelwatchError, Unreachable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT_S = 300
_WIDTH = 1600


def browser() -> str:
    """The path of a Chromium.

    Raises:
        Unreachable: none is on PATH.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise Unreachable(f"--png needs a Chromium on PATH, under one of the names {', '.join(NAMES)}")


def command(program: str, profile: Path, height: int, scale: float = 1) -> list[str]:
    """Chromium with nothing of the user's, waiting until the page has drawn."""
    return [
        program,
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        "--virtual-time-budget=15000",
        f"--window-size={_WIDTH},{height}",
        f"--force-device-scale-factor={scale:g}",
        f"--user-data-dir={profile}",
        # Its sandbox cannot be made by root, which is who runs in a container.
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]


def take(page: Path, anchor: str, picture: Path, height: int, scale: float = 1) -> None:
    """Write the picture of one board of the page, in the size of the window times `scale`.

    Raises:
        ModelwatchError: Chromium wrote none.
    """
    with tempfile.TemporaryDirectory() as profile:
        asked = [
            *command(browser(), Path(profile), height, scale),
            f"--screenshot={picture.resolve()}",
            f"{page.resolve().as_uri()}#{anchor}",
        ]
        try:
            done = subprocess.run(
                asked, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as failure:
            raise ModelwatchError(
                f"no picture of {anchor}: Chromium took over {_TIMEOUT_S} seconds"
            ) from failure
    if done.returncode or not picture.exists():
        raise ModelwatchError(f"no picture of {anchor}: {done.stderr.strip()[-300:]}")
