"""Makes the bundled spoken digits: ``python -m hardattn_models.tasks.voices`` (needs espeak-ng).

Every voice says the ten digits once, each at a speed and pitch of its own, at 8 kHz. Amplitudes
are kept in eight bits on a logarithmic scale, µ-law: ``sgn x · ln(1 + 255 |x|) / ln 256``.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hardattn_models.tasks.scenes import DIGITS

RATE = 8_000
ACCENTS = ("en-us", "en-gb", "en-gb-scotland")
SPEAKERS = {
    "train": ("m1", "m2", "m3", "m5", "m7", "f1", "f2", "f4"),
    "validation": ("m4", "f5"),
    "test": ("m6", "f3"),
}
"""Variants of each accent: nobody speaks in two parts."""
_QUIET = 0.02
"""Share of the loudest sample below which beginning and end count as silence."""


def compressed(sound: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """A sound from -1 to 1 in eight bits a sample."""
    curved = np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256)
    found: npt.NDArray[np.uint8] = np.round(127.5 + 127.5 * curved).astype(np.uint8)
    return found


def expanded(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The sound from -1 to 1 that :func:`compressed` made these of."""
    curved = values.astype(np.float32) / np.float32(127.5) - 1
    found: npt.NDArray[np.float32] = np.sign(curved) * np.expm1(np.abs(curved) * np.log(256)) / 255
    return found.astype(np.float32)


def spoken(word: str, voice: str, speed: int, pitch: int) -> npt.NDArray[np.float64]:
    """A word at ``RATE``, without silence around it, its loudest sample 1.

    Args:
        word: to say.
        voice: name of an espeak-ng voice, with its variant.
        speed: words a minute.
        pitch: 0 to 99.
    """
    words = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word]
    told = subprocess.run(words, check=True, capture_output=True).stdout
    # The header of what goes to a pipe does not know its length, but its rate stands at byte 24.
    rate = int.from_bytes(told[24:28], "little")
    samples = np.frombuffer(told[44:], "<i2").astype(np.float64)
    length = round(len(samples) * RATE / rate)
    waves = np.fft.rfft(samples)[: length // 2 + 1]
    sound = np.fft.irfft(waves, length) * length / len(samples)
    sound /= np.abs(sound).max()
    loud = np.flatnonzero(np.abs(sound) > _QUIET)
    return sound[loud[0] : loud[-1] + 1]


def write_voices(path: Path) -> None:
    """Write the samples of all voices, and which is which."""
    random = np.random.default_rng(0)
    sounds, digits, parts = [], [], []
    for part, variants in enumerate(SPEAKERS.values()):
        for accent in ACCENTS:
            for variant in variants:
                for digit, word in enumerate(DIGITS):
                    speed, pitch = int(random.integers(160, 220)), int(random.integers(30, 71))
                    sounds.append(compressed(spoken(word, f"{accent}+{variant}", speed, pitch)))
                    digits.append(digit)
                    parts.append(part)
    np.savez_compressed(
        path,
        samples=np.concatenate(sounds),
        ends=np.cumsum([len(sound) for sound in sounds]).astype(np.int32),
        digits=np.array(digits, np.uint8),
        parts=np.array(parts, np.uint8),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "data" / "spoken-digits.npz"
    )
    write_voices(parser.parse_args().output)
