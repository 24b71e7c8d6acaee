"""What a run tells of single events, of their boxes, and of tokens that came later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recorders import read_run
from recorders.run.writer import SegmentWriter


def write(path: Path) -> Path:
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "decoder.3.attn", heads=2, layer=3, module="Attention", special_keys="[CLS] [REG1]"
    )
    example = np.array([writer.add_example("e", tokens=("a", "b"))])
    boxes = writer.add_region_set([[0, 0, 4, 4], [4, 0, 8, 4]])
    for step, texts in ((1, "c"), (2, "d")):
        writer.add_events(
            site=site,
            examples=example,
            step=step,
            snapshot=0,
            probabilities=np.full((1, 2, 1, 4), 0.25),
            log_prob=np.full((1, 2, 1), np.nan),
            entropy=np.full((1, 2, 1), np.log(4)),
            first_query=step + 1,
            query_stride=2,
            first_key=1,
            first_region=2,
            region_set=boxes,
            windows=1,
            sink=True,
        )
        writer.add_later_tokens(
            examples=example,
            step=step,
            snapshot=0,
            axis=0,
            positions=np.array([step + 1]),
            ids=np.array([40 + step]),
            texts=[texts],
        )
    writer.close()
    return path


def test_an_event_says_how_large_it_is_and_where_it_lies(tmp_path: Path) -> None:
    with read_run(write(tmp_path / "run.h5")) as run:
        event = run.event("decoder.3.attn", 0, 2)
        assert (event.heads, event.queries, event.keys) == (2, 1, 4)
        assert (event.first_query, event.query_stride, event.first_key) == (3, 2, 1)
        assert (event.first_region, event.windows, event.sink) == (2, 1, True)
        np.testing.assert_array_equal(run.region_set(event.region_set)[1], [4, 0, 8, 4])
        with pytest.raises(IndexError, match="has no step 0"):
            run.event("decoder.3.attn", 0, 0)


def test_a_site_knows_its_layer_module_and_special_keys(tmp_path: Path) -> None:
    with read_run(write(tmp_path / "run.h5")) as run:
        (site,) = run.sites
    assert (site.layer, site.module, site.special_keys) == (3, "Attention", ("[CLS]", "[REG1]"))


def test_tokens_that_came_later_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    with read_run(write(tmp_path / "run.h5")) as run:
        later = run.later_tokens(0)
    assert [(t.step, t.axis, t.position, t.id, t.text) for t in later] == [
        (1, 0, 2, 41, "c"),
        (2, 0, 3, 42, "d"),
    ]
