"""Files that change are read again; bad ones change nothing, and both can be seen."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
import requests

from exporters.base.reloading import Reloading, Watched
from modelwatch.problems import ModelwatchError
from tests.exporters.certificates import Authority
from tests.exporters.sample import ROOT, Sample, running, until

INVENTORY = (ROOT / "examples" / "minimal.yaml").read_text()
TWO_MODELS = f"""{INVENTORY}
  - name: second
    team: assist
    sources: [{{engine: vllm, targets: ["gpu2:8000"], model: meta-llama/Llama-3.1-8B-Instruct}}]
"""
RELOADED = "modelwatch_exporter_config_last_reload_successful{sample}"
RELOADED_AT = "modelwatch_exporter_config_last_reload_success_timestamp_seconds{sample}"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    file = tmp_path / "models.yaml"
    file.write_text(INVENTORY)
    return file


@pytest.fixture
def sample(tmp_path: Path, inventory: Path) -> Iterator[Sample]:
    with running(tmp_path / "state", "--inventory", inventory, quick=True) as started:
        yield started


def shows(sample: Sample, name: str, wanted: float) -> Callable[[], bool]:
    return lambda: sample.samples()[name] == wanted


def test_a_changed_inventory_is_read_again(sample: Sample, inventory: Path) -> None:
    before = sample.samples()
    assert before[RELOADED] == 1
    inventory.write_text(TWO_MODELS)
    assert until(shows(sample, "sample_models{}", before["sample_models{}"] + 1)), sample.log
    assert sample.samples()[RELOADED] == 1
    assert sample.samples()[RELOADED_AT] > before[RELOADED_AT]


def test_sighup_reads_again_what_has_not_changed(sample: Sample) -> None:
    before = sample.samples()[RELOADED_AT]
    sample.process.send_signal(signal.SIGHUP)
    assert until(lambda: sample.samples()[RELOADED_AT] > before)


def test_a_bad_inventory_changes_nothing_and_says_so(sample: Sample, inventory: Path) -> None:
    before = sample.samples()
    inventory.write_text(INVENTORY.replace("models:", "modles:", 1))
    assert until(shows(sample, RELOADED, 0))
    after = sample.samples()
    assert after["sample_models{}"] == before["sample_models{}"]
    assert after[RELOADED_AT] == before[RELOADED_AT]
    assert requests.get(f"{sample.url}/-/ready", timeout=5).status_code == 200
    assert sample.said(f"{inventory}:")
    assert sample.said("did you mean 'models'?")
    assert sample.said("what was read before stays in force")
    inventory.write_text(INVENTORY)
    assert until(shows(sample, RELOADED, 1))


def test_an_inventory_that_the_exporter_cannot_take_is_a_bad_one(
    sample: Sample, inventory: Path
) -> None:
    name = INVENTORY.partition("- name: ")[2].partition("\n")[0]
    inventory.write_text(INVENTORY.replace(f"name: {name}", "name: refused", 1))
    assert until(shows(sample, RELOADED, 0))
    assert sample.said("this model is refused")


def test_an_inventory_that_is_gone_is_a_bad_one(sample: Sample, inventory: Path) -> None:
    inventory.unlink()
    assert until(shows(sample, RELOADED, 0))
    assert sample.said("No such file or directory")


def test_a_replaced_link_is_seen(tmp_path: Path) -> None:
    """Kubernetes changes mounted configuration by replacing a link to its folder."""
    for name, text in {"one": INVENTORY, "two": TWO_MODELS}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "models.yaml").write_text(text)
    (tmp_path / "now").symlink_to("one")
    inventory = tmp_path / "now" / "models.yaml"
    with running(tmp_path / "state", "--inventory", inventory, quick=True) as sample:
        before = sample.samples()["sample_models{}"]
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "now")
        assert until(shows(sample, "sample_models{}", before + 1))


def test_a_new_token_counts_and_the_old_one_does_not(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a" * 32)
    with running(tmp_path / "state", "--token-file", token, quick=True) as sample:

        def status(shown: str) -> int:
            headers = {"Authorization": f"Bearer {shown}", "Content-Type": "application/json"}
            url = f"{sample.url}/v1/things"
            return requests.post(url, b"{}", headers=headers, timeout=5).status_code

        assert status("a" * 32) == 200
        token.write_text("b" * 32)
        assert until(lambda: status("b" * 32) == 200)
        assert status("a" * 32) == 401
        token.write_text("")
        assert until(lambda: sample.said("fewer than 16 characters"))
        assert status("b" * 32) == 200


def test_new_certificates_and_users_count(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    other = Authority(tmp_path, "other")
    pair = authority.sign("server", "IP:127.0.0.1")
    web = tmp_path / "web.yml"
    tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
    web.write_text(tls)
    with running(tmp_path / "state", "--web-config", web, quick=True) as sample:

        def status(trusted: Path) -> int:
            try:
                return requests.get(
                    f"{sample.url}/metrics", verify=str(trusted), timeout=5
                ).status_code
            except requests.exceptions.SSLError:
                return 0

        assert status(authority.own.cert) == 200
        new = other.sign("new", "IP:127.0.0.1")
        pair.key.write_bytes(new.key.read_bytes())
        pair.cert.write_bytes(new.cert.read_bytes())
        assert until(lambda: status(other.own.cert) == 200), sample.log
        assert status(authority.own.cert) == 0
        hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
        web.write_text(f"{tls}basic_auth_users: {{me: {hashed}}}\n")
        assert until(lambda: status(other.own.cert) == 401)
        web.write_text("")
        assert until(lambda: sample.said("TLS is switched on and off by a restart only"))
        assert status(other.own.cert) == 401


def value(reloading: Reloading) -> float:
    found = next(iter(reloading.families("sample")))
    sample = next(iter(found.samples.values()))
    assert isinstance(sample, float)
    return sample


def test_one_bad_file_is_not_hidden_by_a_good_one(tmp_path: Path) -> None:
    files = [tmp_path / "good", tmp_path / "bad"]
    read: list[str] = []

    def good() -> None:
        read.append("good")

    def bad() -> None:
        read.append("bad")
        raise ModelwatchError("it is bad")

    reloading = Reloading(
        [
            Watched(name="good", files=lambda: files[:1], read=good),
            Watched(name="bad", files=lambda: files[1:], read=bad),
        ],
        every_s=0.01,
    )
    reloading.start()
    assert value(reloading) == 1
    files[1].write_text("now it is there")
    assert until(lambda: value(reloading) == 0)
    files[0].write_text("now it is there")
    assert until(lambda: "good" in read)
    time.sleep(0.3)
    assert value(reloading) == 0
    assert read.count("bad") == 1  # not read again while it stays the same
    reloading.stop()


def test_a_file_that_is_still_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    seen: list[str] = []
    reloading = Reloading(
        [Watched(name="file", files=lambda: [file], read=lambda: seen.append(file.read_text()))],
        every_s=0.01,
    )
    reloading.start()
    with file.open("w") as writing:
        for number in range(5):
            writing.write(f"{number}\n")
            writing.flush()
            os.fsync(writing.fileno())
            time.sleep(0.05)
    assert until(lambda: bool(seen))
    assert seen[0] == "0\n1\n2\n3\n4\n"
    reloading.stop()
