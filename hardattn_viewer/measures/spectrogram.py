"""How loud each frequency of a sound is, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENCE = -120.0
"""Decibels of what is not heard at all."""

WINDOW_SECONDS = 0.025
STEP_SECONDS = 0.01
# Columns transformed at once, so that an hour of sound needs no gigabyte.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Power of short pieces of a sound.

    Attributes:
        decibels: float32 [frequencies, columns], relative to a sine wave of full scale; the
            lowest frequency first; -120 is silence.
        step: seconds from one column to the next; column c is centred at ``(c + 0.5) * step``.
        window: seconds that a column hears.
        top: the highest frequency, hertz.
    """

    decibels: NDArray[np.float32]
    step: float
    window: float
    top: float


def spectrogram(
    samples: NDArray[np.int16], rate: float, *, most_columns: int = 2_000
) -> Spectrogram:
    """Short-time Fourier transform with a Hann window.

    A column is ``20 log10(2 |Σ w[n] x[n] e^(-2πi f n)| / Σ w[n])`` for samples x in [-1, 1] and
    the window w, so that a sine wave of amplitude 1 has 0 dB (Allen & Rabiner 1977, "A unified
    approach to short-time Fourier analysis and synthesis").

    Args:
        samples: int16 [samples], 32,767 for full scale.
        rate: samples a second.
        most_columns: where ten milliseconds a column would make more, columns are further apart,
            and what lies between their windows is not heard.

    Returns:
        The spectrogram; a sound shorter than one window is padded with silence.
    """
    length = max(4, round(WINDOW_SECONDS * rate))
    step = max(STEP_SECONDS, samples.size / rate / most_columns)
    columns = max(1, round(samples.size / rate / step))
    step = samples.size / rate / columns
    window = np.hanning(length + 2)[1:-1].astype(np.float32)
    sound = np.zeros(samples.size + 2 * length, np.float32)
    sound[length : length + samples.size] = samples.astype(np.float32) / 32_767
    centres = length + np.round((np.arange(columns) + 0.5) * step * rate).astype(np.int64)
    found = np.empty((length // 2 + 1, columns), np.float32)
    for first in range(0, columns, _BLOCK):
        starts = centres[first : first + _BLOCK] - length // 2
        pieces = sound[starts[:, None] + np.arange(length)] * window
        power = np.abs(np.fft.rfft(pieces, axis=1)) * (2 / window.sum())
        found[:, first : first + _BLOCK] = 20 * np.log10(np.maximum(power, 10 ** (SILENCE / 20))).T
    return Spectrogram(found, step, length / rate, rate / 2)


def spectrogram_image(
    found: Spectrogram, *, rows: int = 256, range_decibels: float = 80.0
) -> NDArray[np.uint8]:
    """The spectrogram as a grey image, the highest frequency at the top.

    Args:
        found: the spectrogram.
        rows: most rows; where frequencies are more, a row is the loudest of several.
        range_decibels: what is so far below the loudest moment, or further, is black.

    Returns:
        uint8 [rows, columns].
    """
    decibels = found.decibels
    block = -(-len(decibels) // rows)
    edges = np.arange(0, len(decibels), block)
    pooled = np.maximum.reduceat(decibels, edges, axis=0)
    loudest = max(float(pooled.max()), SILENCE + range_decibels)
    scaled = np.clip((pooled - loudest) / range_decibels + 1, 0, 1)
    return np.ascontiguousarray(np.rint(255 * scaled[::-1]).astype(np.uint8))
