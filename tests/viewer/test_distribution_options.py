"""Distributions sorted, logarithmic, cumulative, named, and with how often each key was drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import make_frame, painted
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.distribution import (
    DistributionPicture,
    bar_at,
    bars_in,
    distribution_picture,
    paint_distribution,
)
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.display import BarOption, Display, toggled
from hardattn_viewer.session.draws import Draws, draws_of, has_repeats, repeats_of
from hardattn_viewer.session.frames import Frame, Place, load_frame
from hardattn_viewer.session.session import Session
from recorders import read_run
from recorders.run.writer import SegmentWriter

RECT = QRectF(10, 10, 490, 120)
SORTED = Display(sorted_bars=True, bar_names=False)


def keys_frame(values: np.ndarray, chosen: tuple[int, ...] = ()) -> Frame:
    row = values.astype(np.float32)
    return replace(
        make_frame(),
        boxes=None,
        image=None,
        probabilities=row,
        distributions=row[None],
        selections=(chosen,),
    )


def shown(picture: DistributionPicture) -> np.ndarray:
    return painted(520, 140, lambda p: paint_distribution(p, RECT, picture, DARK)).astype(int)


def is_colour(pixels: np.ndarray, colour: str) -> np.ndarray:
    return np.asarray(np.abs(pixels - rgb(colour)).max(axis=-1) < 8)


def test_every_option_is_one_switch() -> None:
    options: tuple[BarOption, ...] = ("sorted_bars", "log_bars", "cumulative", "bar_names")
    for option in options:
        once = toggled(Display(), option)
        assert getattr(once, option) is not getattr(Display(), option)
        assert toggled(once, option) == Display()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=1200), st.integers(0, 5))
def test_sorted_bars_fall_and_each_is_found_again(values: list[float], missing: int) -> None:
    row = np.array(values)
    row[:missing] = np.nan
    picture = distribution_picture(keys_frame(row), 1.0, display=SORTED)
    bars = bars_in(picture, RECT)
    heights = np.nan_to_num(picture.values[bars.peak], nan=-1.0)
    assert (np.diff(heights) <= 0).all()
    assert heights[0] == np.nan_to_num(picture.values, nan=-1.0).max()
    for bar in {0, len(bars.peak) // 2, len(bars.peak) - 1}:
        point = QPointF(bars.column(bar).center().x(), bars.area.center().y())
        assert bar_at(picture, RECT, point) == bars.peak[bar]
        assert bars.bar_of(picture.place_of(int(bars.peak[bar]))) == bar


def test_of_thousands_of_keys_no_peak_is_lost() -> None:
    row = np.full(5000, 1e-5)
    row[[17, 4321]] = 0.5, 0.4
    bars = bars_in(distribution_picture(keys_frame(row), 0.5), RECT)
    assert {17, 4321} <= set(bars.peak.tolist())
    # Sorted, neighbours of the largest are the next ones, and the first bar is the largest.
    bars = bars_in(distribution_picture(keys_frame(row), 0.5, display=SORTED), RECT)
    assert bars.peak[0] == 17 and bars.merged > 1


def test_the_chosen_key_is_marked_at_its_rank() -> None:
    row = np.array([0.1, 0.05, 0.6, 0.25])
    picture = distribution_picture(keys_frame(row, (3,)), 0.6, display=SORTED)
    pixels, bars = shown(picture), bars_in(picture, RECT)
    orange = np.flatnonzero(is_colour(pixels, DARK.hard).any(axis=0))
    column = bars.column(1)
    assert column.left() - 1 <= orange.min() and orange.max() <= column.right() + 1


def test_a_logarithmic_axis_gives_every_decade_the_same_height() -> None:
    row = np.array([0.5, 0.05, 0.005, 0.0005, 0.0])
    display = Display(log_bars=True, bar_names=False)
    picture = distribution_picture(keys_frame(row), 0.5, display=display)
    assert picture.low == pytest.approx(1e-4)
    shares = [picture.share(float(value)) for value in row]
    assert shares[0] == 1.0 and shares[4] == 0.0
    np.testing.assert_allclose(np.diff(shares[:4]), shares[1] - shares[0], rtol=1e-6)
    assert picture.share(1e-4) == pytest.approx(0.0, abs=1e-9)
    linear = distribution_picture(keys_frame(row), 0.5)
    assert [linear.share(float(v)) for v in row] == pytest.approx([1, 0.1, 0.01, 0.001, 0])


def test_the_line_is_the_mass_so_far() -> None:
    row = np.array([0.5, 0.25, 0.25, 0.0])
    for display, expected in (
        (Display(cumulative=True, bar_names=False), (0.5, 0.75, 1.0, 1.0)),
        (Display(cumulative=True, sorted_bars=True, bar_names=False), (0.5, 0.75, 1.0, 1.0)),
    ):
        picture = distribution_picture(keys_frame(row[::-1] if not display.sorted_bars else row),
                                       1.0, display=display)  # fmt: skip
        mass = expected if display.sorted_bars else (0.0, 0.25, 0.5, 1.0)
        bars = bars_in(picture, RECT)
        without = shown(replace(picture, cumulative=False))
        drawn = np.abs(shown(picture) - without).max(axis=-1) > 30
        # Below the heading, which says what the line is.
        drawn[: int(bars.area.top()) - 2] = False
        for bar, share in enumerate(mass):
            x = int(bars.area.left() + (bar + 0.5) * bars.pitch)
            rows = np.flatnonzero(drawn[:, x])
            y = bars.area.bottom() - share * bars.area.height()
            assert rows.size and abs(rows.mean() - y) < 2


def test_the_largest_keys_are_named_and_an_even_spread_is_not() -> None:
    row = np.full(10, 0.02)
    row[[2, 7]] = 0.6, 0.24
    frame = replace(keys_frame(row), tokens=tuple("abcdefghij"))
    assert distribution_picture(frame, 0.6, display=Display()).names == ((2, "c"), (7, "h"))
    assert distribution_picture(keys_frame(np.full(10, 0.1)), 0.1, display=Display()).names == ()
    named = shown(distribution_picture(frame, 0.6, display=Display()))
    bare = shown(distribution_picture(frame, 0.6, display=Display(bar_names=False)))
    assert (named != bare).any()


def test_ticks_stand_at_the_share_of_the_draws() -> None:
    row = np.array([0.5, 0.3, 0.2])
    draws = Draws(np.array([6, 3, 1]), "n = 10 repeats")
    np.testing.assert_allclose(draws.shares, [0.6, 0.3, 0.1])
    picture = distribution_picture(keys_frame(row), 1.0, 1, draws=draws)
    assert picture.hover_text.endswith("drawn 3 of 10")
    bars = bars_in(picture, RECT)
    plain = replace(picture, hover=None, hover_text="")
    drawn = np.abs(shown(plain) - shown(replace(plain, draws=None))).max(axis=-1) > 60
    drawn[: int(bars.area.top()) - 2] = False
    for bar, share in enumerate(draws.shares):
        column = bars.column(bar)
        ticks = np.flatnonzero(drawn[:, int(column.left()) + 2])
        y = column.bottom() - share * column.height()
        assert ticks.size and abs(ticks.mean() - y) < 2


def write_repeats(path: Path) -> Path:
    """Four runs of one input and one of another; two heads; two draws a step."""
    writer = SegmentWriter(path)
    site = writer.add_site("look", mechanism="sampled", hard=True, heads=2)
    tokens = ("a", "b", "c")
    examples = np.array(
        [writer.add_example(f"same-{i}", tokens=tokens) for i in range(4)]
        + [writer.add_example("other", tokens=("x", "y", "z"))]
    )
    beam = writer.add_beam(0, 1)
    writer.add_snapshot(0)
    p = np.broadcast_to([0.5, 0.25, 0.25], (5, 2, 1, 3))
    chosen = np.array([[[0, 0], [1, 2]], [[0, 1], [0, 0]], [[2, 2], [0, 1]], [[0, 0], [0, 0]],
                       [[1, 1], [1, 1]]])[:, :, None, :]  # fmt: skip
    common = {"site": site, "step": 0, "snapshot": 0}
    writer.add_events(
        examples=examples,
        probabilities=p,
        log_prob=np.log(p.max(-1)),
        entropy=-(p * np.log(p)).sum(-1),
        selection=chosen,
        **common,
    )
    writer.add_events(
        examples=np.array([beam]),
        probabilities=p[:1],
        log_prob=np.log(p[:1].max(-1)),
        entropy=-(p[:1] * np.log(p[:1])).sum(-1),
        selection=chosen[:1] * 0 + 2,
        **common,
    )
    writer.close()
    return path


def test_draws_of_one_step_and_of_all_its_repeats_are_counted(tmp_path: Path) -> None:
    path = write_repeats(tmp_path / "run.h5")
    with read_run(path) as run:
        assert has_repeats(run)
        # A further beam has the content of its example, and is no repeat of it.
        assert repeats_of(run, 1) == (0, 1, 2, 3)
        assert repeats_of(run, 4) == (4,)
        own = draws_of(load_frame(run, Place(example=0, head=0)))
        assert own is not None and own.counts.tolist() == [2, 0, 0]
        both = draws_of(load_frame(run, Place(example=0)))
        assert both is not None and both.counts.tolist() == [2, 1, 1]
        assert both.words == "n = 4 choices of 2 heads"
        assert draws_of(load_frame(run, Place(example=0, head=1))) is None, "two items, each once"
    session = Session()
    session.open([path])
    session.go_to_head(0)
    result = session.state.studies["draws"]
    assert result.finished and isinstance(result.value, dict)
    draws = result.value["A"]
    # Head 0 of the four: 0 0, 0 1, 2 2, 0 0.
    assert draws.counts.tolist() == [5, 1, 2]
    assert draws.words == "8 draws in 4 repeats"
    session.go_to_row(4)
    assert session.state.studies["draws"].value == {}
    session.close()


def test_a_run_without_repeats_asks_for_none(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "run.h5")
    site = writer.add_site("look", hard=True)
    numbers = np.array([writer.add_example(f"e{i}", label=i) for i in range(3)])
    writer.add_snapshot(0)
    p = np.full((3, 1, 1, 2), 0.5)
    writer.add_events(
        site=site, examples=numbers, step=0, snapshot=0, probabilities=p,
        log_prob=np.log(p.max(-1)), entropy=np.full((3, 1, 1), np.log(2)),
        selection=np.zeros((3, 1, 1, 1), np.int64),
    )  # fmt: skip
    writer.close()
    session = Session()
    session.open([tmp_path / "run.h5"])
    assert "draws" not in session.state.studies
    session.close()
