"""Pictures from a folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.notes import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


class PictureError(Exception):
    """A file that is no picture, or none that may be opened; says why."""


def picture_files(folder: str) -> list[Path]:
    """The picture files of a folder, sorted by name, without those of its folders.

    Raises:
        CommandError: it is no folder, or holds none.
    """
    path = Path(folder)
    if not path.is_dir():
        raise CommandError(f"{folder} is not a folder; --images takes a folder of pictures")
    try:
        files = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()]
    except OSError as error:
        raise CommandError(f"{folder} cannot be read: {error.strerror}") from error
    if not files:
        raise CommandError(f"{folder} holds no picture ({', '.join(SUFFIXES)})")
    return sorted(files, key=lambda file: file.name)


def read_picture(path: Path) -> Image:
    """A picture as RGB, turned upright as its camera says.

    Raises:
        PictureError: it is damaged, of another format than its name may have, or so large
            that opening it is an attack on the memory.
    """
    import numpy as np
    from PIL import Image, ImageOps

    from recorders.run.layout import MAX_IMAGE_PIXELS

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                if picture.width * picture.height > MAX_IMAGE_PIXELS:
                    raise PictureError(
                        f"{picture.width} x {picture.height} are more than "
                        f"{MAX_IMAGE_PIXELS:,} pixels; make it smaller"
                    )
                upright = ImageOps.exif_transpose(picture)
                if upright.mode.startswith("I"):
                    # Pillow clips 16 bits to 8 where it should scale them.
                    deep = np.asarray(upright).astype(np.uint32)
                    upright = Image.fromarray((deep >> 8).clip(0, 255).astype(np.uint8))
                return upright.convert("RGB")
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureError(one_line(error)) from error
