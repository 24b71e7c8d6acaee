"""The spectrogram against closed forms: sine waves, silence, a click."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardattn_viewer.measures.spectrogram import spectrogram, spectrogram_image

RATE = 8_000


def sine(hertz, seconds=0.5, amplitude=0.5, rate=RATE):
    time = np.arange(int(seconds * rate)) / rate
    return np.rint(32_767 * amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


@given(st.integers(5, 90), st.floats(0.01, 0.9))
def test_a_sine_wave_has_its_amplitude_at_its_frequency(bin_, amplitude):
    # A window of 200 samples at 8 kHz has frequencies 40 Hz apart.
    found = spectrogram(sine(40 * bin_, amplitude=amplitude), RATE)
    inner = found.decibels[:, 3:-3]
    assert (inner.argmax(axis=0) == bin_).all()
    np.testing.assert_allclose(inner[bin_], 20 * np.log10(amplitude), atol=0.1)


def test_every_column_is_the_transform_of_what_lies_around_its_centre():
    rng = np.random.default_rng(0)
    samples = rng.integers(-20_000, 20_000, 4_000).astype(np.int16)
    found = spectrogram(samples, RATE)
    assert found.decibels.shape == (101, 50) and found.step == pytest.approx(0.01)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 201) / 201)
    for column in (10, 25, 40):
        centre = round((column + 0.5) * 80)
        piece = samples[centre - 100 : centre + 100] / 32_767 * window
        waves = np.exp(-2j * np.pi * np.outer(np.arange(101), np.arange(200)) / 200)
        expected = 20 * np.log10(2 * np.abs(waves @ piece) / window.sum())
        np.testing.assert_allclose(found.decibels[:, column], expected, atol=0.01)


def test_silence_is_black_and_the_loudest_is_white_at_its_height():
    assert spectrogram_image(spectrogram(np.zeros(800, np.int16), RATE)).max() == 0
    image = spectrogram_image(spectrogram(sine(1_000), RATE))
    assert image.shape == (101, 50)
    assert image[:, 25].argmax() == 100 - 25 and image.max() == 255


def test_long_sounds_have_a_bounded_number_of_columns_and_short_ones_one():
    long = spectrogram(np.zeros(RATE * 100, np.int16), RATE)
    assert long.decibels.shape[1] == 2_000 and long.step == pytest.approx(0.05)
    short = spectrogram(np.ones(3, np.int16), RATE)
    assert short.decibels.shape[1] == 1 and np.isfinite(short.decibels).all()
