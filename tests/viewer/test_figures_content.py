"""What figures show and say, and the numbers behind them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import make_frame, near, painted, pixels
from PySide6.QtCore import QRectF

from hardattn_viewer.drawing.theme import DARK, LIGHT
from hardattn_viewer.figures.figure import FigureError, FigureOptions, make_figure
from hardattn_viewer.figures.numbers import compare
from hardattn_viewer.measures import jensen_shannon
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

COMPARE = FigureOptions(view="compare", width_mm=175.0)


def pair() -> tuple[Frame, Frame]:
    hard = make_frame(selections=[[24], [8], [40, 3]], step=1, seed=1, run_name="hard-run")
    soft = make_frame(selections=[[], [], []], step=1, hard=False, seed=2, run_name="soft-run")
    return hard, soft


def test_the_caption_says_where_everything_comes_from_and_what_colours_mean() -> None:
    hard, soft = pair()
    text = make_figure("compare", [hard, soft], COMPARE, Display()).caption
    top = max(hard.distributions.max(), soft.distributions.max())
    for words in (
        "hard-run",
        "soft-run",
        "site glimpse",
        "step 2 of 3",
        "test-3",
        "true 7, predicted 1 (0.61)",
        "Probabilities sum to 1 over 49 regions",
        f"0\u00a0–\u00a0{top:.2f}",
        "this example, all steps, A and B",
        "orange more in A, blue more in B",
        "Interpolation: none",
        "hardattn",
    ):
        assert words in text, words
    smooth = make_figure("compare", [hard, soft], COMPARE, Display(interpolation="smooth"))
    assert "bilinear between region centres" in smooth.caption


def test_the_caption_names_head_and_training_step_only_where_there_are_several() -> None:
    hard, _ = pair()
    plain = make_figure("regions", [hard], FigureOptions(), Display()).caption
    assert "head" not in plain
    assert "training step" not in plain
    several = replace(hard, heads=8, training_step=12_000)
    text = make_figure("regions", [several], FigureOptions(), Display()).caption
    assert "mean over 8 heads, training step 12,000" in text
    one = replace(several, place=replace(several.place, head=3))
    assert "head 3 of 8" in make_figure("regions", [one], FigureOptions(), Display()).caption


def test_runs_on_scales_of_their_own_are_captioned_with_both() -> None:
    hard, soft = pair()
    display = Display(scale="example")
    figure = make_figure("compare", [hard, soft], COMPARE, display)
    for frame in (hard, soft):
        assert f"0\u00a0–\u00a0{frame.distributions.max():.2f}" in figure.caption
    assert "each run its own" in figure.caption


def test_blocks_lie_on_the_page_and_do_not_overlap() -> None:
    hard, soft = pair()
    for figure in (
        make_figure("regions", [hard], FigureOptions(all_steps=True), Display()),
        make_figure("compare", [hard, soft], COMPARE, Display()),
        make_figure("compare", [hard, soft], replace(COMPARE, width_mm=60.0), Display()),
    ):
        page = QRectF(0, 0, figure.page.width, figure.page.height)
        rects = [block.rect for block in figure.page.blocks]
        for index, rect in enumerate(rects):
            assert page.contains(rect)
            for other in rects[index + 1 :]:
                assert not rect.adjusted(0.1, 0.1, -0.1, -0.1).intersects(other)


@pytest.mark.parametrize("width_mm", [30.0, 85.0, 175.0])
def test_no_block_inks_outside_its_place(width_mm: float) -> None:
    hard, soft = pair()
    hard = replace(hard, run_name="a run with a really very long name " * 3)
    options = FigureOptions(width_mm=width_mm, all_steps=True)
    for figure in (
        make_figure("regions", [hard], options, Display()),
        make_figure("compare", [hard, soft], options, Display()),
    ):
        width, height = int(figure.page.width) + 1, int(figure.page.height) + 1
        for block in figure.page.blocks:
            canvas = painted(width, height, lambda p, b=block: b.paint(p, b.rect))
            r = block.rect
            # The frame of a colour bar lies on the border of its place.
            y0, y1 = int(r.top()) - 1, int(r.bottom()) + 2
            canvas[max(0, y0) : y1, max(0, int(r.left()) - 1) : int(r.right()) + 2] = (18, 52, 86)
            assert near(canvas.reshape(-1, 3), (18, 52, 86), 0)


def test_a_row_of_all_steps_makes_the_figure_taller_and_shows_each_step() -> None:
    frame = pair()[0]
    without = make_figure("regions", [frame], FigureOptions(), Display())
    with_row = make_figure("regions", [frame], FigureOptions(all_steps=True), Display())
    assert with_row.size_mm[1] > without.size_mm[1] + 8
    assert len(with_row.page.blocks) == len(without.page.blocks) + 1


def test_without_a_caption_the_words_stay_with_the_file() -> None:
    frame = pair()[0]
    bare = make_figure("regions", [frame], FigureOptions(caption=False), Display())
    assert len(bare.page.blocks) == 4
    assert "hard-run" in bare.caption


def test_the_page_has_the_panel_colour_of_its_theme() -> None:
    for theme, corner in ((LIGHT, (255, 255, 255)), (DARK, (0x1B, 0x1F, 0x26))):
        figure = make_figure("regions", [pair()[0]], FigureOptions(theme=theme), Display())
        image = pixels(figure.image(400))
        assert near(image[2, 2], corner, 0)
        assert near(image[-3, -3], corner, 0)


def test_csv_gives_back_every_recorded_number(tmp_path: Path) -> None:
    hard, soft = pair()
    make_figure("compare", [hard, soft], COMPARE, Display()).save(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 49
    for slot, frame in (("A", hard), ("B", soft)):
        own = [row for row in rows if row["slot"] == slot]
        values = np.array([np.float32(row["probability"]) for row in own]).reshape(3, 49)
        assert np.array_equal(values, frame.distributions)
        boxes = [[float(row[name]) for name in ("x0_px", "y0_px", "x1_px", "y1_px")] for row in own]
        assert np.array_equal(np.array(boxes[:49]), frame.boxes)
        chosen = {(int(r["step"]), int(r["key"])) for r in own if r["selected"] == "1"}
        assert chosen == {(step, key) for step, keys in enumerate(frame.selections) for key in keys}
        assert {row["run"] for row in own} == {frame.run_name}


def test_npz_gives_back_every_recorded_number_without_pickle(tmp_path: Path) -> None:
    hard, soft = pair()
    figure = make_figure("compare", [hard, soft], COMPARE, Display())
    figure.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        for slot, frame in (("A", hard), ("B", soft)):
            assert np.array_equal(file[f"{slot}_distributions"], frame.distributions)
            assert np.array_equal(file[f"{slot}_probabilities"], frame.probabilities)
            assert np.array_equal(file[f"{slot}_boxes"], frame.boxes)
            assert np.array_equal(file[f"{slot}_image"], frame.image)
            assert np.array_equal(file[f"{slot}_scalar_entropy"], frame.scalars["entropy"])
            assert str(file[f"{slot}_run"]) == frame.run_name
        assert file["A_selected"].sum(axis=1).tolist() == [1, 1, 2]
        assert np.array_equal(file["difference"], soft.probabilities - hard.probabilities)
        assert file["difference_scale_max"] == figure.page.difference
        divergence = float(jensen_shannon(hard.probabilities, soft.probabilities))
        assert float(file["jensen_shannon_bits"]) == divergence
        assert float(file["mass_on_choice"]) == pytest.approx(soft.probabilities[8])
        assert str(file["caption"]) == figure.caption


def test_the_choice_that_is_compared_is_that_of_the_run_which_chose() -> None:
    hard, soft = pair()
    forward, backward = compare(hard, soft), compare(soft, hard)
    assert (forward.chooser, forward.looker) == ("A", "B")
    assert (backward.chooser, backward.looker) == ("B", "A")
    assert forward.mass_on_choice == backward.mass_on_choice
    assert compare(soft, soft).mass_on_choice is None
    assert compare(soft, soft).jensen_shannon == 0.0


def test_runs_over_different_keys_are_compared_in_words_only() -> None:
    hard = pair()[0]
    other = make_frame([0.5, 0.5, 0.0], boxes=hard.boxes[:3])  # type: ignore[index]
    figure = make_figure("compare", [hard, other], COMPARE, Display())
    assert figure.page.difference is None
    assert "orange" not in figure.caption
    assert pixels(figure.image(300)).std() > 0


def test_wrong_requests_are_answered_in_words() -> None:
    hard, soft = pair()
    with pytest.raises(FigureError, match=r"shows 2 run\(s\), but 1 were given"):
        make_figure("compare", [hard], COMPARE, Display())
    with pytest.raises(FigureError, match="no view 'sculpture'"):
        make_figure("sculpture", [hard], COMPARE, Display())  # type: ignore[arg-type]
    with pytest.raises(FigureError, match="make_heads_figure draws the view 'heads'"):
        make_figure("heads", [hard], COMPARE, Display())
    with pytest.raises(FigureError, match="soft-run holds no image regions at site glimpse"):
        make_figure("regions", [replace(soft, boxes=None)], COMPARE, Display())
    # Without regions on both sides a comparison is drawn as bars of every key.
    bare = make_figure("compare", [hard, replace(soft, boxes=None)], COMPARE, Display())
    assert bare.page.difference == pytest.approx(
        float(abs(soft.distributions - hard.distributions).max())
    )
    with pytest.raises(FigureError, match=r"width_mm is 5; it must lie in 20 … 1000 mm"):
        FigureOptions(width_mm=5)
    with pytest.raises(FigureError, match="font_pt is nan"):
        FigureOptions(font_pt=float("nan"))


def test_further_facts_get_chips_of_their_own() -> None:
    hard, soft = pair()
    plain = make_figure("compare", [hard, soft], COMPARE, Display())
    options = replace(COMPARE, facts=(("agree", "72.4 ± 0.9 %"), "200 examples") * 2)
    more = make_figure("compare", [hard, soft], options, Display())
    assert more.size_mm[1] > plain.size_mm[1]


def test_without_heat_no_colour_bar_of_amounts_is_shown() -> None:
    hard = pair()[0]
    with_heat = make_figure("regions", [hard], FigureOptions(), Display())
    without = make_figure("regions", [hard], FigureOptions(), Display(heat=False))
    assert len(without.page.blocks) == len(with_heat.page.blocks) - 1
    assert "viridis" in with_heat.caption
    assert "viridis" not in without.caption
