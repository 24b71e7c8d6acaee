"""The pictures of the docs: all that are spoken of are there, and they stay small."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *DOCS.rglob("*.md")]
MOST = 12_000_000


@pytest.fixture
def makers() -> Iterator[tuple[object, object]]:
    """The scripts that make the pictures."""
    sys.path.insert(0, str(DOCS))
    import make_screenshots
    import screenshot_scenes

    yield make_screenshots, screenshot_scenes
    sys.path.remove(str(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_of_a_page_is_there(page: Path) -> None:
    for found in re.findall(r"\]\(([^)#]+\.png)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / found).is_file(), found


def test_every_view_is_there_dark_and_light_in_all_sizes(makers: tuple) -> None:
    made, scenes = makers
    wanted = {
        f"{scene.name}-{theme}-{size}.png"
        for scene in scenes.scenes()
        for size in scene.sizes
        for theme in ("dark", "light")
    }
    there = {path.name for path in (DOCS / "screenshots" / "views").glob("*.png")}
    assert there == wanted, "run python docs/make_screenshots.py"
    assert made.gallery() == (DOCS / "screenshots" / "README.md").read_text(encoding="utf-8")
    for name in wanted:
        size = name.removesuffix(".png").rpartition("-")[2]
        width, height, scale = scenes.SIZES[size]
        with Image.open(DOCS / "screenshots" / "views" / name) as picture:
            assert picture.size == (width * scale, height * scale)


def test_the_pictures_together_are_small() -> None:
    assert sum(path.stat().st_size for path in (DOCS / "screenshots").rglob("*.png")) < MOST


def test_fewer_colours_are_hardly_other_colours(makers: tuple, tmp_path: Path) -> None:
    made, _ = makers
    ramp = Image.linear_gradient("L").convert("RGB").resize((300, 300))
    ramp.paste((27, 31, 38), (0, 0, 300, 100))
    path = tmp_path / "ramp.png"
    ramp.save(path)
    made.shrink(path)
    with Image.open(path) as small:
        few = small.convert("RGB")
    assert few.getpixel((10, 10)) == (27, 31, 38)
    worst = max(
        abs(one - other)
        for x in range(0, 300, 7)
        for y in range(300)
        for one, other in zip(few.getpixel((x, y)), ramp.getpixel((x, y)), strict=True)
    )
    assert worst <= made.WORST + made.FINE
