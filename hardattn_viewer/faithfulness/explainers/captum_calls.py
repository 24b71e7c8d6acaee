"""What every call of Captum needs: its own random numbers, and none of its warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.rankings import generator_of


@contextmanager
def drawing(asked: Asked, name: str) -> Iterator[None]:
    """Random numbers that depend on what is explained alone; torch's and numpy's are put back."""
    seed = int(generator_of(asked.seed, name, asked.example).integers(2**31))
    before = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # They tell of hooks that are set and removed, and of what is passed on purpose.
        warnings.filterwarnings("ignore", module="captum.*")
        warnings.filterwarnings("ignore", message=".*(forward, backward hooks|Input Tensor)")
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
