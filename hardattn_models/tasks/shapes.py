"""Questions about pictures of one coloured shape, with short answers: easy-VQA.

Victor Zhou 2019, MIT licence; ``tasks/easy_vqa.py`` says which of it travels with the package.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.easy_vqa import VALIDATION
from hardattn_models.tasks.generated import GeneratedTask

BUNDLED = Path(__file__).parent / "data" / "easy-vqa.npz"
ANSWERS = (
    "black", "blue", "brown", "circle", "gray", "green", "no", "rectangle", "red", "teal",
    "triangle", "yellow", "yes",
)  # fmt: skip
"""What can be answered; an answer's number is its place here."""
KINDS = ("yes or no", "form", "colour")
"""What can be asked for, told by the answer; a kind's number is its place here."""
SIDE = 64
"""Height and width of a picture in pixels."""
_FAR = 100
"""Summed difference of a pixel's colours from the background's from which on it is of the shape."""
_FORMS, _JUDGEMENTS = ("circle", "rectangle", "triangle"), ("no", "yes")
_KIND = np.array(
    [0 if word in _JUDGEMENTS else 1 if word in _FORMS else 2 for word in ANSWERS], np.int64
)


@dataclass(frozen=True, eq=False)
class ShapeBatch:
    """Pictures, each with a question.

    Attributes:
        images: uint8 ``[batch, 64, 64, 3]``.
        question: int64 ``[batch, words]``, numbers of its words, 0 from its end on.
        answer: int64 ``[batch]``, numbers in ``ANSWERS``.
        kind: int64 ``[batch]``, what is asked for, as numbers in ``KINDS``.
        shape: bool ``[batch, 64, 64]``, the pixels of the shape.
        text: int64 ``[batch]``, which of all questions it is.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    images: Tensor
    question: Tensor
    answer: Tensor
    kind: Tensor
    shape: Tensor
    text: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Questions:
    """All of the bundle.

    Attributes:
        words: that questions consist of; the first is none.
        texts: the questions as words.
        coded: int64 ``[questions, words]``, the same as numbers.
        images: of each part, uint8 ``[n, 64, 64, 3]``.
        asked: of each part, int64 ``[m, 3]``: number of the question, of the answer, of the image.
    """

    words: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    coded: npt.NDArray[np.int64]
    images: dict[str, npt.NDArray[np.uint8]]
    asked: dict[str, npt.NDArray[np.int64]]


@cache
def questions() -> _Questions:
    """The bundle.

    Raises:
        TaskError: the file is missing or not the one that belongs here.
    """
    try:
        with np.load(BUNDLED, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        told = tuple(answer.decode() for answer in arrays["answers"])
        if told != ANSWERS:
            raise ValueError(f"its answers are {', '.join(told)}")
        texts = [[*text.decode().rstrip("?").split(), "?"] for text in arrays["texts"]]
        words = ("", *sorted({word for text in texts for word in text}))
        coded = np.zeros((len(texts), max(map(len, texts))), np.int64)
        for row, text in enumerate(texts):
            coded[row, : len(text)] = [words.index(word) for word in text]
        asked = arrays["train_questions"].astype(np.int64)
        cut = len(arrays["train_images"]) - VALIDATION
        return _Questions(
            words,
            tuple(map(tuple, texts)),
            coded,
            dict.fromkeys(("train", "validation"), arrays["train_images"])
            | {"test": arrays["test_images"]},
            {
                "train": asked[asked[:, 2] < cut],
                "validation": asked[asked[:, 2] >= cut],
                "test": arrays["test_questions"].astype(np.int64),
            },
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TaskError(
            f"{BUNDLED} cannot be read ({error}); install hardattn again, or make it with: "
            "python -m hardattn_models.tasks.easy_vqa FOLDER"
        ) from error


def _make(random: np.random.Generator, count: int, number: int, part: str) -> ShapeBatch:
    known = questions()
    taken = known.asked[part][random.integers(0, len(known.asked[part]), count)]
    text, answer, image = taken.T
    images = known.images[part][image]
    if part == "train":
        # No answer depends on left and right, and 1,700 images are few.
        turned = random.random(count) < 0.5
        images[turned] = images[turned, :, ::-1]
    # A corner is background: no shape reaches it.
    away = np.abs(images.astype(np.int16) - images[:, :1, :1].astype(np.int16)).sum(-1)
    return ShapeBatch(
        torch.from_numpy(images),
        torch.from_numpy(known.coded[text]),
        torch.from_numpy(answer.copy()),
        torch.from_numpy(_KIND[answer]),
        torch.from_numpy(away > _FAR),
        torch.from_numpy(text.copy()),
    )


def _describe(batch: ShapeBatch, row: int) -> dict[str, Any]:
    return {
        "image": batch.images[row].numpy(),
        "tokens": questions().texts[int(batch.text[row])],
        "label": int(batch.answer[row]),
    }


@cache
def shapes() -> GeneratedTask:
    """Questions about pictures of one shape, drawn from those of easy-VQA."""
    known = questions()
    return GeneratedTask(
        name="easy-vqa",
        source="easy-VQA (Victor Zhou 2019, MIT licence), its first 2,000 training and 500 test "
        "images with all of their questions",
        make=partial(_make, part="train"),
        describe=_describe,
        facts={"words": len(known.words), "answers": len(ANSWERS), "size": SIDE},
        parts={part: partial(_make, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 10, "test": 20},
    )
