"""Incidents of money, on the real stack: who is told, how often, how soon."""

from pathlib import Path

import pytest

from compose.demo import playing
from compose.demo.scene import reload
from compose.fleet.incidents import INCIDENTS
from compose.waiting import until
from generator import stack
from generator.opening import inventory_at
from tests.incidents import acts

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

WITHIN_S = 300.0


def test_a_runaway_is_told_once_and_a_spent_share_until_the_budget_is_raised(
    tmp_path: Path, path: str
) -> None:
    names = ("agent-runaway", "summarize-archive")
    (share,) = INCIDENTS["summarize-archive"].told
    with acts.scene(tmp_path, path, acts.PATIENT) as scene:
        played = playing.play(scene, names, watch="35m", said=acts.say)
        acts.say("\n".join(playing.times(played.played)))
        acts.check(played, *names)

        file = tmp_path / "fleet.yaml"
        text = file.read_text()
        file.write_text(text.replace("2000 USD per day", "20000 USD per day"))
        reload(scene, inventory_at(str(file)), stack.write, path=path)
        until(
            lambda: playing.notifications(scene, played.till),
            "the share to be resolved",
            WITHIN_S,
            scene.running,
        )
        (told,) = playing.notifications(scene, played.till)
        assert told.says(share, "resolved"), told
