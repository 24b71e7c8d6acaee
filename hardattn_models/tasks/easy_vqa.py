"""Makes the bundled questions about shapes: ``python -m hardattn_models.tasks.easy_vqa FOLDER``.

They are the first images of easy-VQA (Victor Zhou 2019, MIT licence), with all of their questions.
FOLDER is ``easy_vqa/data`` of the Python package ``easy-vqa`` 1.0, unpacked.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

IMAGES = {"train": 2_000, "test": 500}
VALIDATION = 300
"""Of the training images: the last ones."""


def write_subset(folder: Path, path: Path) -> None:
    """Write images, questions and answers of the subset as one compressed file of arrays.

    Args:
        folder: with ``train/`` and ``test/``, each with ``images/`` and ``questions.json``.
        path: file to write.
    """
    told: dict[str, list[list[Any]]] = {
        part: [
            one
            for one in json.loads((folder / part / "questions.json").read_text())
            if one[2] < count
        ]
        for part, count in IMAGES.items()
    }
    every = [one for questions in told.values() for one in questions]
    texts, answers = (sorted({one[at] for one in every}) for at in (0, 1))
    arrays: dict[str, npt.NDArray[Any]] = {
        "texts": np.array(texts, "S"),
        "answers": np.array(answers, "S"),
    }
    for part, count in IMAGES.items():
        images = [Image.open(folder / part / "images" / f"{at}.png") for at in range(count)]
        arrays[f"{part}_images"] = np.stack([np.asarray(one.convert("RGB")) for one in images])
        arrays[f"{part}_questions"] = np.array(
            [(texts.index(a), answers.index(b), image) for a, b, image in told[part]], np.uint16
        )
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="easy_vqa/data of the package easy-vqa")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "data" / "easy-vqa.npz"
    )
    arguments = parser.parse_args()
    write_subset(arguments.folder, arguments.output)
