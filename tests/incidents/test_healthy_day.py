"""A whole simulated day on which nothing is wrong: nobody is told anything.

The day is not quiet: traffic comes and goes with the hours, servers restart, and a new version
takes over. It passes in 20 minutes (`COMPRESSION`). Faster is not possible on two cores: the
shortest interval of rules is 30 s, here 417 ms, and all groups together take about a quarter of a
second of one core. Pages are scraped every minute instead of every 15 s, here every 833 ms, so that
scrapes do not take the rest.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from compose import answers
from compose.demo import playing
from compose.demo.playing import BUSY
from compose.demo.scene import Scene, await_answers, await_measured, reload, set_up, tear_down
from compose.demo.story import Teller
from generator import stack
from generator.opening import inventory_at
from modelwatch.catalogue.stack import RULE_DURATION, RULE_INTERVAL, RULE_MISSED
from tests.incidents.acts import DEMO, delivery, on_free_ports, story

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

COMPRESSION = 72
HOURS = 24

OLD = """\
      - engine: vllm
        targets: ["127.0.0.1:9401"]
        model: meta-llama/Llama-3.1-8B-Instruct
        version: "2.1"
"""
NEW = OLD.replace("9401", "9410").replace("2.1", "2.2")
DAY = DEMO.replace("time_compression: 20", f"time_compression: {COMPRESSION}").replace(
    "scrape_interval: 15s", "scrape_interval: 60s"
)


def test_nobody_is_told_anything_on_a_healthy_day(tmp_path: Path, native_path: str) -> None:
    file = tmp_path / "fleet.yaml"
    both = on_free_ports(DAY.replace(OLD, OLD + NEW))
    old, new = sources(both)
    before, after = both.replace(new, ""), both.replace(old, "").replace(port(old), port(new))
    file.write_text(both)
    simulated = inventory_at(str(file))
    file.write_text(before)
    inventory = inventory_at(str(file))
    teller = Teller(say=say)
    try:
        scene = set_up(
            inventory,
            stack.write,
            tmp_path / "scene",
            teller=teller,
            path=native_path,
            simulated=simulated,
            usual_ports=False,
        )
        await_answers(scene)
        await_measured(scene, inventory)
        playing.calm(scene)

        def take(text: str) -> Callable[[], None]:
            def take_over() -> None:
                file.write_text(text)
                reload(scene, inventory_at(str(file)), stack.write, path=native_path)

            return take_over

        since = live(
            scene,
            {
                2: lambda: scene.begin("chat-restarts"),
                4: lambda: scene.begin("vision-restarts"),
                6: take(both),
                6.5: lambda: scene.begin("chat-rollout"),
                9: take(after),
                14: lambda: scene.begin("gateway-restarts"),
                18: lambda: scene.begin("vision-restarts"),
            },
        )
        record = playing.watched(scene, since)
        say(rounds(scene))
    finally:
        tear_down(tmp_path / "scene")
    say(story(record))
    told = [delivery(one) for one in record.notifications if not one.names <= BUSY]
    assert told == []
    assert {one.labels["alertname"] for one in record.fired} <= BUSY


def sources(text: str) -> tuple[str, str]:
    """The entries of the old and of the new version, as they stand in the inventory."""
    lines = text.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if "engine: vllm" in line)
    size = len(OLD.splitlines())
    return "".join(lines[first : first + size]), "".join(lines[first + size : first + 2 * size])


def port(source: str) -> str:
    """Where it is served: `127.0.0.1:<port>`."""
    return source.partition('targets: ["')[2].partition('"')[0]


def live(scene: Scene, plan: dict[float, Callable[[], None]]) -> float:
    """Let a day pass, and do what is planned at its hours; when it began."""
    since = time.time()
    for hour, act in sorted(plan.items()):
        wait_until(since + hour * 3600 / COMPRESSION)
        say(f"hour {hour:g}")
        act()
    wait_until(since + HOURS * 3600 / COMPRESSION)
    assert all(one.alive for one in scene.running)
    return since


def wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def rounds(scene: Scene) -> str:
    """What rules cost: so many groups, seconds per round, rounds missed in the day."""
    url = scene.stack.prometheus_url
    day_s = round(HOURS * 3600 / COMPRESSION)
    busy = f"sum({RULE_DURATION} / {RULE_INTERVAL})"
    asked = {
        "rule groups": f"count({RULE_INTERVAL})",
        "seconds for one round of all": f"sum(avg_over_time({RULE_DURATION}[{day_s}s]))",
        "share of a core": f"avg_over_time(({busy})[{day_s}s:10s])",
        "largest share of its interval that a group took": (
            f"max(max_over_time(({RULE_DURATION} / {RULE_INTERVAL})[{day_s}s:5s]))"
        ),
        "rounds missed": f"sum(increase({RULE_MISSED}[{day_s}s]))",
    }
    values = {what: answers.query(url, expr) for what, expr in asked.items()}
    return "\n".join(f"{what}: {one[0].value:.3f}" for what, one in values.items() if one)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
