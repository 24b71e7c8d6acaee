"""Sounds as 16-bit samples and back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.layout import MAX_SOUND_SAMPLES, SOUND_RATES

_FULL = 32_767
_MOST_CHANNELS = 8


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound of one channel.

    Attributes:
        samples: int16 [samples], 32,767 for full scale.
        rate: samples a second.
    """

    samples: NDArray[np.int16]
    rate: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.samples.size / self.rate


def checked_sound(samples: NDArray[Any], rate: float) -> Sound:
    """A sound as it is stored; several channels become their mean.

    Args:
        samples: int16 or floating, 1 for full scale; [samples], [1 to 8, samples], or
            [samples, 1 to 8].
        rate: samples a second.

    Raises:
        ValueError: it is something else; the sentence says what and the remedy.
    """
    lowest, highest = SOUND_RATES
    if not lowest <= rate <= highest:
        raise ValueError(f"a sound has {lowest:g} to {highest:g} samples a second, not {rate:g}")
    shape = " x ".join(str(length) for length in samples.shape)
    if samples.ndim == 2 and 0 < min(samples.shape) <= _MOST_CHANNELS:
        channels = samples if len(samples) <= _MOST_CHANNELS else samples.T
        samples = channels[0] if len(channels) == 1 else _mixed(channels)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"a sound is [samples] or [channels, samples], not {shape}")
    if samples.size > MAX_SOUND_SAMPLES:
        raise ValueError(f"a sound of {shape} samples has more than {MAX_SOUND_SAMPLES:,}; cut it")
    if samples.dtype == np.int16:
        return Sound(np.ascontiguousarray(samples, "<i2"), float(rate))
    if samples.dtype.kind != "f":
        raise ValueError(
            f"a sound holds int16, or floating numbers from -1 to 1, not {samples.dtype}; scale it"
        )
    if not np.isfinite(samples).all():
        raise ValueError("a sound holds a sample that is NaN or infinite")
    # What is louder than full scale is cut off, as any player would.
    scaled = np.rint(np.clip(samples, -1, 1) * _FULL)
    return Sound(np.ascontiguousarray(scaled, "<i2"), float(rate))


def _mixed(channels: NDArray[Any]) -> NDArray[Any]:
    """The mean of channels [channels, samples], of their own kind."""
    mean: NDArray[Any] = channels.mean(axis=0)
    return mean if channels.dtype.kind == "f" else np.rint(mean).astype(channels.dtype)


def sound_digest(sound: Sound) -> bytes:
    """SHA-256 of a sound's rate and samples: equal only for equal sounds."""
    return hashlib.sha256(f"{sound.rate!r}\n".encode() + sound.samples.tobytes()).digest()
