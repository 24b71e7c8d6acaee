"""Handwritten digits: the MNIST database, whole, and a subset that travels with the package.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges (LeCun et al. 1998,
"Gradient-based learning applied to document recognition"), 28 × 28 pixels, ten classes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_dir

from hardattn_models.errors import TaskError
from hardattn_models.tasks.idx import parse_idx, read_bytes
from hardattn_models.tasks.images import ImageTask, Split

FOLDER_VARIABLE = "HARDATTN_DATA"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
BUNDLED = Path(__file__).parent / "data"

_TIMEOUT_SECONDS = 30.0
_MOST_DOWNLOAD_BYTES = 32 * 2**20


@dataclass(frozen=True)
class _Edition:
    """One published state of the four files: SHA-256 of what is in them, decompressed."""

    name: str
    train_images: str
    train_labels: str
    test_images: str
    test_labels: str
    validation: int
    source: str

    def files(self) -> dict[str, str]:
        return {
            "train-images-idx3-ubyte": self.train_images,
            "train-labels-idx1-ubyte": self.train_labels,
            "t10k-images-idx3-ubyte": self.test_images,
            "t10k-labels-idx1-ubyte": self.test_labels,
        }


_WHOLE = _Edition(
    name="mnist",
    train_images="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    train_labels="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    test_images="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    test_labels="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    validation=5_000,
    source="MNIST (LeCun, Cortes, Burges), all 70,000 images, CC BY-SA 3.0",
)
_SMALL = _Edition(
    name="mnist-small",
    train_images="2889698e6bc3614913e76901316712919d1998fc2b44512451bfe65bc1e668b1",
    train_labels="651e38e2ac0632f5113ec18f1df4977117f953197819034009971a6675a0df78",
    test_images="3f6bd66dee48df299584c67669bceee490faa25f931496bd7473b42106d7daed",
    test_labels="7b098e5f6a3065807cebeabf36fb1724a8aff19f2673ac08b4923e0e8c715bce",
    validation=1_000,
    source="MNIST (LeCun, Cortes, Burges), first 10,000 training and first 2,000 test images, "
    "CC BY-SA 3.0",
)


def load_mnist(folder: str | os.PathLike[str] | None = None) -> ImageTask:
    """All of MNIST: 55,000 images to train on, 5,000 to validate, 10,000 to test.

    The validation images are the last 5,000 of the training files.

    Args:
        folder: where the four IDX files lie, gzipped or not. Otherwise the folder named by the
            environment variable ``HARDATTN_DATA``; otherwise the user's cache folder, into which
            they are downloaded (11 MB) the first time.

    Returns:
        The task, named "mnist".

    Raises:
        TaskError: if a file is missing, cannot be read or downloaded, or is not the published
            one (SHA-256 of its decompressed content).
    """
    place = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    if place:
        return _read(_WHOLE, Path(place).expanduser())
    cache = Path(user_cache_dir("hardattn")) / "mnist"
    for name, digest in _WHOLE.files().items():
        if _find(cache, name) is None:
            _download(name, digest, cache)
    return _read(_WHOLE, cache)


def load_mnist_small() -> ImageTask:
    """The bundled subset: 9,000 images to train on, 1,000 to validate, 2,000 to test; offline.

    These are the first 10,000 training and the first 2,000 test images of MNIST, in their order;
    the validation images are the last 1,000 of the former.

    Returns:
        The task, named "mnist-small".

    Raises:
        TaskError: if the bundled files were removed or changed.
    """
    return _read(_SMALL, BUNDLED)


def _read(edition: _Edition, folder: Path) -> ImageTask:
    arrays = [_array(folder, name, digest) for name, digest in edition.files().items()]
    train_images, train_labels, test_images, test_labels = arrays
    cut = len(train_labels) - edition.validation
    return ImageTask(
        name=edition.name,
        classes=10,
        train=_split("train", train_images[:cut], train_labels[:cut]),
        validation=_split("validation", train_images[cut:], train_labels[cut:]),
        test=_split("test", test_images, test_labels),
        source=edition.source,
    )


def _split(name: str, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Split:
    return Split(name=name, images=images, labels=labels.astype(np.int64))


def _find(folder: Path, name: str) -> Path | None:
    # Some distributions write train-images.idx3-ubyte.
    for candidate in (f"{name}.gz", name, name.replace("-idx", ".idx")):
        path = folder / candidate
        if path.is_file():
            return path
    return None


def _array(folder: Path, name: str, digest: str) -> npt.NDArray[np.uint8]:
    path = _find(folder, name)
    if path is None:
        raise TaskError(
            f"{folder} holds no {name}.gz (or {name}); put the four MNIST files there, "
            f"or use the task mnist-small, which needs none"
        )
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise TaskError(
            f"{path} is not the published MNIST file (its SHA-256 differs); fetch it again from "
            f"{MIRRORS[0]}"
        )
    return parse_idx(content, str(path))


def _download(name: str, digest: str, folder: Path) -> None:
    reasons = []
    for mirror in MIRRORS:
        url = f"{mirror}{name}.gz"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
                packed = answer.read(_MOST_DOWNLOAD_BYTES + 1)
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            reasons.append(f"{url}: {reason}")
            continue
        if _keep(packed, digest, folder / f"{name}.gz"):
            return
        reasons.append(f"{url}: not the published file (its SHA-256 differs)")
    raise TaskError(
        f"MNIST could not be downloaded ({'; '.join(reasons)}); put the four files into a folder "
        f"and name it in {FOLDER_VARIABLE}, or use the task mnist-small, which needs no download"
    )


def _keep(packed: bytes, digest: str, path: Path) -> bool:
    """Store a download under its name if, and only if, it is the published file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(packed)
    except OSError as error:
        raise TaskError(
            f"{path.parent} cannot be written to ({error.strerror}); name a folder that holds "
            f"the MNIST files in {FOLDER_VARIABLE}"
        ) from error
    partial = Path(file.name)
    try:
        published = hashlib.sha256(read_bytes(partial)).hexdigest() == digest
    except TaskError:
        published = False
    if published:
        partial.replace(path)
    else:
        partial.unlink()
    return published
