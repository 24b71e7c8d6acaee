"""Rows of spoken digits: voices of espeak-ng that say one digit after another, with pauses.

The words were made by ``tasks/voices.py`` and travel with the package. Speakers of validation and
test are heard nowhere else.
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
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.scenes import DIGITS
from hardattn_models.tasks.voices import RATE, SPEAKERS, expanded

BUNDLED = Path(__file__).parent / "data" / "spoken-digits.npz"
SECONDS = 0.8
"""Length of a row for each of its digits; the longest word takes less."""
WINDOW, HOP, MELS = 256, 160, 40
"""Samples of a frame, between two frames, and bands that each is summed into."""
_LOWEST, _SOFTEST, _NOISE = 80.0, 0.4, 0.003
_FLOOR = 1e-5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SpokenBatch:
    """Rows of spoken digits, all of one length.

    Attributes:
        mels: float32 ``[batch, frames, 40]``, logarithmic energies; see :func:`log_mels`.
        digits: int64 ``[batch, n]``, what is said.
        spans: float32 ``[batch, n, 2]``, when each digit begins and ends, s.
        sounds: int16 ``[batch, samples]``, what is heard, 8,000 samples a second.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    mels: Tensor
    digits: Tensor
    spans: Tensor
    sounds: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


@cache
def _words(part: str) -> list[list[Floats]]:
    """What the voices of a part say, by digit.

    Raises:
        TaskError: the bundled file is missing or not the one that belongs here.
    """
    try:
        with np.load(BUNDLED, allow_pickle=False) as kept:
            samples, ends = kept["samples"], kept["ends"]
            digits, parts = kept["digits"], kept["parts"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TaskError(
            f"{BUNDLED} cannot be read ({error}); install hardattn again, or make it with: "
            "python -m hardattn_models.tasks.voices"
        ) from error
    sounds = np.split(expanded(samples), ends[:-1])
    number = list(SPEAKERS).index(part)
    return [
        [sounds[at] for at in np.flatnonzero((digits == digit) & (parts == number))]
        for digit in range(len(DIGITS))
    ]


@cache
def _bands() -> Floats:
    """Triangles ``[bins, 40]``, evenly spread over mel ``2595 log10(1 + f / 700)``."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, RATE / 2))
    edges = 700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rise = (hertz - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - hertz) / np.diff(edges)[1:]
    found: Floats = np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)
    return found


def log_mels(sounds: npt.NDArray[np.floating]) -> Floats:
    """Logarithms of the energy in 40 mel bands, shifted and scaled to about -1 … 1.

    Frames are 32 ms long, 20 ms apart, under a Hann window. Davis and Mermelstein 1980, before the
    cosine transform.

    Args:
        sounds: ``[batch, samples]`` from -1 to 1; the samples are a multiple of 160.

    Returns:
        ``[batch, samples / 160, 40]``.
    """
    padded = np.pad(sounds, ((0, 0), (0, WINDOW - HOP)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=1)[:, ::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=-1)
    power = (np.abs(spectrum) ** 2 / WINDOW).astype(np.float32)
    found: Floats = (np.log(power @ _bands() + _FLOOR) + 6) / 5
    return found.astype(np.float32)


def _make(
    random: np.random.Generator, count: int, number: int, size: int, part: str
) -> SpokenBatch:
    words = _words(part)
    voices = len(words[0])
    length = round(size * SECONDS * RATE)
    digits = random.integers(0, len(DIGITS), (count, size))
    speakers = random.integers(0, voices, count)
    sounds = random.normal(0, _NOISE, (count, length)).astype(np.float32)
    loudness = random.uniform(_SOFTEST, 1, (count, size))
    pauses = random.dirichlet(np.ones(size + 1), count)
    spans = np.empty((count, size, 2), np.float32)
    for row in range(count):
        said = [words[digit][speakers[row]] for digit in digits[row]]
        quiet = length - sum(map(len, said))
        at = 0.0
        for place, word in enumerate(said):
            at += pauses[row, place] * quiet
            begin = int(at)
            sounds[row, begin : begin + len(word)] += 0.5 * loudness[row, place] * word
            spans[row, place] = begin / RATE, (begin + len(word)) / RATE
            at += len(word)
    kept = np.round(np.clip(sounds, -1, 1) * 32_767).astype(np.int16)
    return SpokenBatch(
        torch.from_numpy(log_mels(kept.astype(np.float32) / 32_767)),
        torch.from_numpy(digits),
        torch.from_numpy(spans),
        torch.from_numpy(kept),
    )


def _describe(batch: SpokenBatch, row: int) -> dict[str, Any]:
    sound = batch.sounds[row].numpy()
    return {"audio": sound, "rate": RATE, "input_span": (0.0, len(sound) / RATE)}


@cache
def spoken(size: int) -> GeneratedTask:
    """Rows of ``size`` spoken digits."""
    return GeneratedTask(
        name=f"spoken-{size}",
        source=f"{size} digits said one after another by voices of espeak-ng",
        make=partial(_make, size=size, part="train"),
        describe=_describe,
        facts={"classes": len(DIGITS), "bands": MELS},
        parts={part: partial(_make, size=size, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 5, "test": 10},
    )
