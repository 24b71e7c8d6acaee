"""Real recorded runs that open on first start, and the checkpoints that they were recorded from."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def paths() -> tuple[Path, Path]:
    """The hard run and the soft one, over the same examples; they open as A and B."""
    return _FOLDER / "glimpse-hard.h5", _FOLDER / "glimpse-soft.h5"


def text_path() -> Path:
    """The run of a sentence encoder: all-MiniLM-L6-v2 on a dozen sentences."""
    return _FOLDER / "minilm-text.h5"


def training_paths() -> tuple[Path, Path]:
    """A hard and a soft classifier followed through their training, over the same examples."""
    return _FOLDER / "training-hard.h5", _FOLDER / "training-soft.h5"


def checkpoints() -> dict[str, Path]:
    """The trained models by name: ``glimpse-hard``, ``glimpse-soft``, ``glimpse-random``."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.safetensors"))}
