"""A Grafana of this machine, where one is installed: found, given settings of our own, started.

It has the settings of the one in compose.yaml. Its data, log and password are in a folder of its
own: a Grafana that runs here already, its database and its configuration are left alone.
"""

import configparser
import hashlib
import io
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from compose import programs
from compose.native import processes
from compose.native.processes import Process
from compose.ports import Ports

NAMES = ("grafana", "grafana-server")
"""Names that the program goes by: today's, and the one of releases before 13."""
PACKAGED = "/usr/share/grafana/bin"
"""Where Grafana's packages for Linux put it; their commands are not on the PATH of every user."""
OLDEST = 11
"""The release that the boards are written for."""
READY_WITHIN_S = 300.0
"""Its first start makes a database, which takes a minute on a slow disk."""

TITLE = "Grafana"
_HEAD = "# Written by `modelwatch up`; changes are overwritten. Variables named GF_... win.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grafana:
    """A Grafana that was found; `home` is the folder of its pages and defaults."""

    program: Path
    home: Path
    version: str


def find(path: str | None = None) -> Grafana | None:
    """The Grafana in the folders of `path` (default: PATH), if it can show our boards."""
    places = os.pathsep.join([os.environ.get("PATH", ""), PACKAGED]) if path is None else path
    for name in NAMES:
        if command := shutil.which(name, path=places):
            home = _home(Path(command))
            if home and (found := _in(home, Path(command))):
                return found
    return None


def password_file(data_dir: Path) -> Path:
    """The first password of the user `admin`; later it can be changed in Grafana."""
    return data_dir / "grafana" / "admin-password"


def mark(config_dir: Path, data_dir: Path, ports: Ports) -> str:
    """Another one when something changed that Grafana reads only at its start."""
    return f"--config={_ini(config_dir, data_dir, ports)}"


def start(found: Grafana, config_dir: Path, data_dir: Path, ports: Ports) -> Process:
    """With the generated data sources and boards, a new password at the first time."""
    folder = data_dir / "grafana"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_password(password_file(data_dir))
    ini = _ini(config_dir, data_dir, ports)
    for old in folder.glob("grafana-*.ini"):
        old.unlink()
    ini.write_text(_text(config_dir, data_dir, ports), encoding="utf-8")
    subcommand = ["server"] if found.program.name == "grafana" else []
    return processes.spawn(
        TITLE,
        [found.program, *subcommand, f"--homepath={found.home}", f"--config={ini}"],
        mark=f"--config={ini}",
        log=data_dir / "logs" / "grafana.log",
    )


def settings(config_dir: Path, data_dir: Path, ports: Ports) -> dict[str, dict[str, str]]:
    """Section to key to value, as in compose.yaml but for ports and paths."""
    own, generated = data_dir / "grafana", config_dir / "grafana"
    return {
        "paths": {
            "data": str(own),
            "logs": str(own / "log"),
            "plugins": str(own / "plugins"),
            "provisioning": str(generated / "provisioning"),
        },
        "server": {
            "http_addr": "127.0.0.1",
            "http_port": str(ports.boards),
            "root_url": f"{ports.boards_url}/",
        },
        "security": {
            "admin_password": f"$__file{{{password_file(data_dir)}}}",
            "disable_gravatar": "true",
        },
        "auth.anonymous": {"enabled": "false"},
        "users": {"allow_sign_up": "false"},
        "analytics": {
            "reporting_enabled": "false",
            "check_for_updates": "false",
            "check_for_plugin_updates": "false",
        },
        "news": {"news_feed_enabled": "false"},
        "dashboards": {
            "default_home_dashboard_path": str(generated / "dashboards" / "modelwatch-fleet.json")
        },
        "log": {"mode": "console"},
    }


def _text(config_dir: Path, data_dir: Path, ports: Ports) -> str:
    ini = configparser.RawConfigParser()
    ini.read_dict(settings(config_dir, data_dir, ports))
    text = io.StringIO()
    ini.write(text)
    return _HEAD + text.getvalue()


def _ini(config_dir: Path, data_dir: Path, ports: Ports) -> Path:
    """The settings file, named after its content and that of the data sources.

    New boards Grafana finds by itself.
    """
    read = [_text(config_dir, data_dir, ports)]
    sources = config_dir / "grafana" / "provisioning" / "datasources"
    read += [file.read_text(encoding="utf-8") for file in sorted(sources.glob("*.yml"))]
    digest = hashlib.sha256("\0".join(read).encode()).hexdigest()[:8]
    return data_dir / "grafana" / f"grafana-{digest}.ini"


def _home(command: Path) -> Path | None:
    """Above the program in an unpacked release; `share/grafana` beside `bin` in a package."""
    for place in dict.fromkeys([command.absolute(), command.resolve()]):
        for home in (place.parent.parent, place.parent.parent / "share" / "grafana"):
            if (home / "conf" / "defaults.ini").is_file():
                return home
    return None


def _in(home: Path, command: Path) -> Grafana | None:
    """The program itself: the command of a package is a script that adds the system's settings."""
    beside = home / "bin" / "grafana"
    program = beside if os.access(beside, os.X_OK) else command
    version = programs.version_of(str(program))
    if not version or int(version.split(".")[0]) < OLDEST:
        return None
    return Grafana(program=program, home=home, version=version)


def _make_password(file: Path) -> None:
    """Once, readable by nobody else at any moment."""
    if file.exists():
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as new:
        new.write(secrets.token_urlsafe(24))
