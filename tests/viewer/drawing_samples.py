"""Small frames and canvases that the tests of painters and figures share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QPainter

from hardattn_viewer.session.frames import Frame, Place


def window_boxes() -> NDArray[np.float32]:
    """49 windows of 8 × 8 px, 4 px apart, over a 28 × 28 image; the outer ones reach out by 2."""
    edges = np.arange(7) * 4 - 2
    return np.array([[x, y, x + 8, y + 8] for y in edges for x in edges], dtype=np.float32)


def make_frame(
    probabilities: Sequence[float] | NDArray[np.floating] | None = None,
    *,
    boxes: NDArray[np.float32] | None = None,
    image: NDArray[np.uint8] | None = None,
    selections: Sequence[Sequence[int]] = (),
    step: int = 0,
    hard: bool = True,
    run_name: str = "glimpse",
    seed: int = 0,
) -> Frame:
    """A frame over the 49 windows unless told otherwise."""
    boxes = window_boxes() if boxes is None else boxes
    steps = max(1, len(selections))
    if probabilities is None:
        drawn = np.random.default_rng(seed).dirichlet(np.full(len(boxes), 0.2), steps)
        distributions = drawn.astype(np.float32)
    else:
        distributions = np.tile(np.asarray(probabilities, dtype=np.float32), (steps, 1))
    return Frame(
        run_name=run_name,
        place=Place(example=3, step=step, snapshot=0, site="glimpse", head=None, query=0),
        hard=hard,
        mechanism="sampled" if hard else "soft",
        example_name="test-3",
        label=7,
        prediction=1,
        confidence=0.61,
        label_probability=0.2,
        steps=steps,
        image=np.zeros((28, 28), dtype=np.uint8) if image is None else image,
        boxes=boxes,
        tokens=None,
        probabilities=distributions[step],
        distributions=distributions,
        selections=tuple(tuple(keys) for keys in selections),
        scalars={"entropy": np.full(steps, 1.5)},
    )


def painted(
    width: int,
    height: int,
    paint: Callable[[QPainter], None],
    *,
    background: str = "#123456",
    ratio: float = 1.0,
) -> NDArray[np.uint8]:
    """What ``paint`` leaves on a canvas, uint8 [height · ratio, width · ratio, 3]."""
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(background))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return pixels(image)


def pixels(image: QImage) -> NDArray[np.uint8]:
    """A picture as uint8 [height, width, 3], red green blue."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), dtype=np.uint8).reshape(
        plain.height(), plain.bytesPerLine()
    )
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()


def near(pixel: NDArray[np.uint8], colour: Sequence[float], tolerance: float = 2.0) -> bool:
    """Whether a pixel has a colour up to rounding."""
    return bool((np.abs(pixel.astype(float) - np.asarray(colour, dtype=float)) <= tolerance).all())
