"""The command: what it says, how it starts, and that it ends within a second whatever hangs."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from exporters.base.serving import is_loopback, listen
from modelwatch.problems import ModelwatchError, Unreachable
from tests.command import run
from tests.exporters.sample import ROOT, TOKEN, Sample, running, until

MINIMAL = ROOT / "examples" / "minimal.yaml"


def refused(tmp_path: Path, *arguments: str | Path) -> tuple[int, str]:
    """Exit code and last line of an exporter that does not start."""
    sample = Sample(tmp_path / "state", *arguments)
    try:
        code = sample.process.wait(20)
    finally:
        if sample.process.poll() is None:
            sample.process.kill()
    assert until(lambda: bool(sample.log))
    sample.end_reading()
    return code, "\n".join(sample.log)


def test_help_lists_the_exporters_with_their_question() -> None:
    said = run("exporter", "--help")
    assert said.code == 0
    assert re.search(r"^  gpu +Are all cards there", said.out, re.MULTILINE)


def test_help_of_an_exporter_shows_options_of_all_and_its_own() -> None:
    command = [sys.executable, "-m", "tests.exporters.more", "exporter", "sample", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Does the server do what it should?" in said
    for option in ("--inventory", "--listen", "--web-config", "--token-file", "--state-dir"):
        assert option in said
    assert "127.0.0.1:9499" in said
    assert "--hang" in said


def test_an_exporter_that_is_none_is_wrong_usage_with_advice() -> None:
    said = run("exporter", "gpus")
    assert said.code == 2
    assert "no exporter is called 'gpus'; did you mean 'gpu'?" in said.err


def test_other_commands_do_not_load_the_server() -> None:
    program = (
        "import sys\nfrom generator.cli import main\n"
        f"main(['check', {str(MINIMAL)!r}], standalone_mode=False)\n"
        "print(sorted({'tornado', 'bcrypt', 'generator.exporter'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.endswith("[]\n")


@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGTERM, ()), (signal.SIGINT, ()), (signal.SIGTERM, ("--hang", "60"))],
    ids=["TERM", "INT", "TERM while a scrape hangs"],
)
def test_it_ends_within_a_second_with_its_work_done(
    tmp_path: Path, number: signal.Signals, options: tuple[str, ...]
) -> None:
    with running(tmp_path / "state", *options) as sample:
        with sample.connect() as connection, sample.connect() as idle:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            if options:
                time.sleep(0.2)  # nothing tells from outside that a scrape has begun
            assert sample.end(number) < 1
            assert idle.recv(1) == b""
        assert sample.process.returncode == 0
        assert (tmp_path / "state" / "state").read_text() == "stopped"
        assert sample.said("exporter sample has ended")


def test_it_ends_while_it_is_still_starting(tmp_path: Path) -> None:
    sample = Sample(tmp_path, "--start-takes", "60", "--listen", "127.0.0.1:0")
    assert until(lambda: _is_listening(sample.process.pid))
    assert sample.end() < 1
    sample.end_reading()
    assert sample.process.returncode == 0


def _is_listening(pid: int) -> bool:
    """Whether the process has a socket and handles SIGTERM itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = re.search(r"SigCgt:\s+([0-9a-f]+)", status)
    return bool(caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_a_port_that_is_taken_is_said_with_exit_code_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = refused(tmp_path, "--listen", address)
    assert code == 3
    assert said == (
        f"error: cannot listen on {address}: Address already in use; choose another with --listen"
    )


REFUSED = {
    "open doors for everybody": (
        ("--listen", ":0"),
        2,
        r"error: anybody who reaches http://\S+ could send data to /v1/things; "
        "give --token-file or a --web-config with basic_auth_users, or listen on 127.0.0.1",
    ),
    "no address": (("--listen", "here"), 1, "error: 'here' is no address; write host:port"),
    "an unknown host": (("--listen", "no.such.host.invalid:1"), 3, "error: cannot listen on no.su"),
    "no token file": (
        ("--token-file", "gone"),
        1,
        "error: cannot read the token file gone: No such file or directory",
    ),
    "no web configuration": (
        ("--web-config", "gone.yml"),
        1,
        "error: cannot read gone.yml: No such file or directory",
    ),
    "no inventory": (("--inventory", "gone.yaml"), 2, "File 'gone.yaml' does not exist"),
    "no state directory": (
        ("--state-dir", "/dev/null/state"),
        1,
        "error: cannot make /dev/null/state: Not a directory; choose another with --state-dir",
    ),
}


@pytest.mark.parametrize(("arguments", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_run_is_said_clearly(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, log = refused(tmp_path, *arguments)
    assert re.search(said, log)
    assert "Traceback" not in log
    assert found == code


def test_problems_of_files_are_shown_with_their_place(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("users: {}\n")
    code, said = refused(tmp_path, "--web-config", web)
    assert code == 1
    assert said.startswith(f"{web}:1:1: unknown key 'users'; known here:")


def test_with_a_token_or_without_doors_everybody_may_connect(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    for options in (("--token-file", token), ("--without-doors",)):
        with running(tmp_path / "state", "--listen", ":0", *options) as sample:
            assert requests.get(f"http://127.0.0.1:{sample.port}/", timeout=5).ok


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:0", True),
        ("127.1.2.3:0", True),
        ("localhost:0", True),
        (":0", False),
        ("0.0.0.0:0", False),
    ],
)
def test_loopback_is_known_by_the_address_that_was_bound(address: str, loopback: bool) -> None:
    sockets = listen(address)
    try:
        assert is_loopback(sockets) is loopback
    finally:
        for one in sockets:
            one.close()


def test_ipv6_addresses_are_written_in_brackets() -> None:
    try:
        sockets = listen("[::1]:0")
    except Unreachable:
        pytest.skip("this machine has no IPv6")
    assert is_loopback(sockets)
    for one in sockets:
        one.close()


@pytest.mark.parametrize(
    "address", ["", "host", "::1:80", "[::1]", "1.2.3.4:", "a:99999", "a b:1", "a:-1"]
)
def test_what_is_no_address_is_not_guessed(address: str) -> None:
    with pytest.raises(ModelwatchError, match="is no address"):
        listen(address)


def test_the_state_directory_is_private_and_where_xdg_wants_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.exporters.more", "exporter", "sample"]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    folder = tmp_path / "modelwatch" / "sample"
    try:
        assert until((folder / "state").exists)
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        process.terminate()
        process.wait(10)
