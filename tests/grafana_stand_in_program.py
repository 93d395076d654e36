"""The program of `grafana_stand_in`, which says what it is. It reads what Grafana would read."""

import argparse
import base64
import configparser
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

MINE = "VERSION"


def settings(home: Path, file: Path) -> dict[str, dict[str, str]]:
    """Defaults, then the file, then the environment; then what stands for a file is read."""
    ini = configparser.RawConfigParser()
    for each in (home / "conf" / "defaults.ini", file):
        if not ini.read(each):
            sys.exit(f"Grafana-server Init Failed: Could not find config {each}")
    found = {section: dict(ini[section]) for section in ini.sections()}
    for section, keys in found.items():
        for key, value in keys.items():
            name = f"GF_{section.replace('.', '_')}_{key}".upper()
            keys[key] = re.sub(
                r"\$__file\{(.+?)\}",
                lambda path: Path(path[1]).read_text().strip(),
                os.environ.get(name, value),
            )
    return found


def provisioned(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Data sources, and the boards that lie where the providers say."""
    sources, boards = [], []
    for file in sorted((folder / "datasources").glob("*.yml")):
        sources += yaml.safe_load(file.read_text())["datasources"]
    for file in sorted((folder / "dashboards").glob("*.yml")):
        for provider in yaml.safe_load(file.read_text())["providers"]:
            for board in sorted(Path(provider["options"]["path"]).glob("*.json")):
                content = json.loads(board.read_text())
                boards.append({"uid": content["uid"], "title": content["title"]})
    return {"/api/datasources": sources, "/api/search": boards}


def main() -> None:
    """Answer until ended."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"grafana version {MINE}\n")
        return
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["server"])
    parser.add_argument("--homepath", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    chosen = parser.parse_args()
    known = settings(chosen.homepath, chosen.config)
    users = base64.b64encode(f"admin:{known['security']['admin_password']}".encode()).decode()
    pages: dict[str, Any] = {
        **provisioned(Path(known["paths"]["provisioning"])),
        "/settings": known,
    }

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            anonymous = known["auth.anonymous"]["enabled"] == "true"
            if self.path == "/api/health":
                self.answer(200, {"database": "ok", "version": MINE})
            elif not anonymous and self.headers["Authorization"] != f"Basic {users}":
                self.answer(401, {"message": "Unauthorized"})
            else:
                self.answer(200 if self.path in pages else 404, pages.get(self.path))

        def answer(self, status: int, content: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = known["server"]
    sys.stdout.write(f"logger=http.server msg=HTTP Server Listen port={server['http_port']}\n")
    sys.stdout.flush()
    address = (server["http_addr"], int(server["http_port"]))
    ThreadingHTTPServer(address, Pages).serve_forever()


if __name__ == "__main__":
    main()
