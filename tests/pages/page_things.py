"""What pages speak of and do not make themselves: model folders, texts, pictures, runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from hugging_face_folders import bert_folder, clip_folder, gpt2_folder, vit_folder
from PIL import Image

from sample_runs import paths, text_path

SAMPLES = Path(paths()[0]).parent
LINES = "the cat sat\nthe dog looked at a mat\n"


def put_things(folder: Path, text: str) -> None:
    """Put everything that a page names into the folder where its code runs."""
    for name, make in THINGS.items():
        if re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w-])", text):
            make(folder / name)
    # Links of their own, so that what is written beside a run stays in the folder.
    (folder / "sample_runs").mkdir()
    for path in SAMPLES.iterdir():
        (folder / "sample_runs" / path.name).symlink_to(path)


def _photos(folder: Path) -> None:
    folder.mkdir()
    for seed, name in enumerate(("a.png", "b.jpg")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def _package(folder: Path) -> None:
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "my_module.py").write_text(
        "from torch import nn\n\n\n"
        "class Patches(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.patches = nn.Conv2d(3, 16, kernel_size=32, stride=32)\n"
        "        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)\n\n"
        "    def forward(self, pictures):\n"
        "        return self.layer(self.patches(pictures).flatten(2).transpose(1, 2))\n\n\n"
        "make = Patches\n"
    )


def _model(make: Callable[[Path], Path]) -> Callable[[Path], None]:
    @cache
    def made() -> Path:
        return make(Path(mkdtemp(prefix="hardattn-pages-")) / "model")

    return lambda folder: folder.symlink_to(made())


THINGS: dict[str, Callable[[Path], None]] = {
    "my-bert": _model(bert_folder),
    "my-gpt2": _model(gpt2_folder),
    "my-vit": _model(vit_folder),
    "my-clip": _model(clip_folder),
    "lines.txt": lambda path: path.write_text(LINES) and None,
    "captions.txt": lambda path: path.write_text(LINES) and None,
    "photos": _photos,
    "my_package": _package,
    "run.h5": lambda path: path.symlink_to(paths()[0]),
    "text.h5": lambda path: path.symlink_to(text_path()),
}
