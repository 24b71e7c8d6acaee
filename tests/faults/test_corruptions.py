"""Damaged runs; `python tests/faults/campaign.py` damages thousands."""

import corruptions
import pytest


def test_a_damaged_run_is_refused_or_read_right_in_one_sentence_and_never_crashes_or_hangs():
    counts, _, bad = corruptions.campaign(60, first=100_000)
    assert not bad, bad[:3]
    assert counts["refused"] and counts["read without a part"] and counts["all right"]


@pytest.mark.campaign
def test_two_thousand_damaged_runs():
    counts, _, bad = corruptions.campaign(2000)
    assert not bad, bad[:3]
    assert sum(counts.values()) == 2000
