"""kill -9 at random moments; `python tests/faults/campaign.py` does it hundreds of times."""

import kills
import pytest


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_killed_at_any_moment_keeps_every_step_that_it_acknowledged(seed):
    assert kills.killed(1000 + seed)["kills"] == 1


def test_a_recorder_killed_at_any_moment_keeps_every_step_that_it_acknowledged():
    assert kills.killed(1005, torch=True)["kills"] == 1


@pytest.mark.campaign
def test_two_hundred_kills_lose_nothing():
    counts, failed = kills.campaign(200)
    assert not failed, failed[:3]
    assert counts["kills"] == 200
    assert counts["read"] >= counts["acknowledged"] > 0
