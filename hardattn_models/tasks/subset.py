"""Makes the bundled subset from the whole of MNIST: ``python -m hardattn_models.tasks.subset``."""

from __future__ import annotations

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hardattn_models.tasks.idx import idx_bytes
from hardattn_models.tasks.mnist import BUNDLED, load_mnist

TRAIN_IMAGES = 10_000
TEST_IMAGES = 2_000


def write_subset(source: Path | None, folder: Path) -> dict[str, str]:
    """Write the first images of MNIST as gzipped IDX files.

    Args:
        source: folder with the whole of MNIST; see ``load_mnist``.
        folder: where to write the four files.

    Returns:
        SHA-256 of each file's decompressed content, by file name.
    """
    task = load_mnist(source)
    arrays: dict[str, npt.NDArray[np.uint8]] = {
        "train-images-idx3-ubyte.gz": task.train.images[:TRAIN_IMAGES],
        "train-labels-idx1-ubyte.gz": task.train.labels[:TRAIN_IMAGES].astype(np.uint8),
        "t10k-images-idx3-ubyte.gz": task.test.images[:TEST_IMAGES],
        "t10k-labels-idx1-ubyte.gz": task.test.labels[:TEST_IMAGES].astype(np.uint8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, array in arrays.items():
        content = idx_bytes(array)
        # Without a time stamp the same images give the same file.
        (folder / name).write_bytes(gzip.compress(content, 9, mtime=0))
        digests[name] = hashlib.sha256(content).hexdigest()
    return digests


def main() -> None:
    """Write the subset and print the digests that ``mnist.py`` holds."""
    parser = argparse.ArgumentParser(description="Write the bundled subset of MNIST.")
    parser.add_argument("source", type=Path, nargs="?", help="folder with the whole of MNIST")
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED)
    arguments = parser.parse_args()
    for name, digest in write_subset(arguments.source, arguments.output).items():
        print(digest, name)


if __name__ == "__main__":
    main()
