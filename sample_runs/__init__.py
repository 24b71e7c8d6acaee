"""Real recorded runs that open on first start, and the checkpoints that they were recorded from."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sample:
    """Sample runs that belong together.

    Attributes:
        name: of the system.
        paths: the hard run and the soft one, over the same examples; they open as A and B.
        story: in two sentences, what is to be seen.
    """

    name: str
    paths: tuple[Path, ...]
    story: str


def samples() -> tuple[Sample, ...]:
    """The sample runs of every system of the zoo."""
    stories = {
        "glimpse": "A classifier looks at a digit through six small windows, drawn one after "
        "another (A) or blended (B). The hard one covers three quarters of the ink and is right on "
        "98 of 100 digits all the same.",
        "pointer": "A network answers which points are the convex hull of ten by pointing at them, "
        "counter-clockwise until it is back. The hard one (A) goes on from the point it chose, the "
        "soft one (B) from a blend of all.",
        "memory": "A question is answered by one of sixteen facts, and three quarters of the "
        "others share a word with it. Nobody told the networks which fact to read: the choices of "
        "the hard one (A) learnt it from reward alone, the soft one (B) through its blend.",
        "captioner": "A scene of three digits is read out a word at a time, with one look for each "
        "word: a cell that is drawn (A), or all cells blended (B). Nobody told either where a "
        "digit is, and for the name of a digit both look at it.",
        "localiser": "One digit hides in a picture of 512 × 512 pixels full of torn pieces of "
        "others. The hard one (A) reads one crop of 256 that a coarse overview points at, the soft "
        "one (B) reads and weighs all of them.",
        "video": "A clip of sixteen frames shows three digits for two frames each, and a word asks "
        "where one of them is seen. The hard one (A) reads one frame, which the word finds at a "
        "glance, and the soft one (B) blends all.",
        "speech": "Four spoken digits are written down, from a voice that was never heard before. "
        "The hard listener (A) stops at one moment for each and never goes back, the soft one (B) "
        "weighs every moment by how likely it would stop there.",
        "vqa": "A question in words is asked about a picture of one coloured shape. The hard "
        "answerer (A) sees one region of 64, drawn from where the question points, and the soft "
        "one (B) a blend of all.",
        "latent": "A digit is kept as the number of one code of 64, whose drawings are beside it. "
        "The hard model (A) learnt its draws by REBAR, the other (B) from relaxed samples.",
    }
    return tuple(
        Sample(name, (_FOLDER / f"{name}-hard.h5", _FOLDER / f"{name}-soft.h5"), story)
        for name, story in stories.items()
    )


def checkpoints() -> dict[str, Path]:
    """The trained models by name: ``glimpse-hard``, ``glimpse-soft``, ``pointer-hard`` …"""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.safetensors"))}
