"""Real recorded runs that open on first start, and the checkpoints that they were recorded from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def paths() -> tuple[Path, Path]:
    """The hard run and the soft one, over the same examples; they open as A and B."""
    return _FOLDER / "glimpse-hard.h5", _FOLDER / "glimpse-soft.h5"


def deployed_path() -> Path:
    """The run of the soft classifier where the best window is taken for each blend."""
    return _FOLDER / "deployed-hard.h5"


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
        name: of the system, or of what else was recorded.
        title: what it is called in the app.
        paths: the hard run and the soft one, over the same examples; they open as A and B.
        story: in two sentences, what is to be seen.
        kinds: of attention, ``"hard"`` or ``"soft"``, as the paths.
        is_training: whether it shows how attention came to be.
    """

    name: str
    title: str
    paths: tuple[Path, ...]
    story: str
    kinds: tuple[str, ...] = ("hard", "soft")
    is_training: bool = False


def samples() -> tuple[Sample, ...]:
    """Of every system of the zoo, of a soft model run hard, of one from elsewhere, of training."""
    return (
        *(
            Sample(name, title, (_FOLDER / f"{name}-hard.h5", _FOLDER / f"{name}-soft.h5"), story)
            for name, (title, story) in _SYSTEMS.items()
        ),
        Sample(
            "deployed",
            "Trained soft, deployed hard",
            (deployed_path(), paths()[1]),
            "A classifier that learnt from blends errs on one digit in 100 (B), and with the same "
            "weights on 48 in 100 where it gets the best window of each blend alone (A). Its "
            "blends spread over about 16 of 49 windows, so that one of them tells it little.",
        ),
        Sample(
            "minilm",
            "A sentence encoder that nobody prepared",
            (text_path(),),
            "Twelve heads in each of six layers of all-MiniLM-L6-v2 read a dozen sentences. Every "
            "map was multiplied with the values and is what the layer returned.",
            kinds=("soft",),
        ),
        Sample(
            "training",
            "How attention came to be",
            training_paths(),
            "A hard classifier (A) and a soft one (B) at 31 moments of their training, with the "
            "same 24 digits. At first every place is as likely as any other, and in the end the "
            "hard one is surer of its places than the soft one.",
            is_training=True,
        ),
    )


_SYSTEMS = {
    "glimpse": (
        "Six glimpses at a digit",
        "A classifier looks at a digit through six small windows, drawn one after another (A) or "
        "blended (B). The hard one covers three quarters of the ink and is right on 98 of 100 "
        "digits all the same.",
    ),
    "pointer": (
        "The corners of a hull",
        "A network answers which points are the convex hull of ten by pointing at them, "
        "counter-clockwise until it is back. The hard one (A) goes on from the point it chose, the "
        "soft one (B) from a blend of all.",
    ),
    "memory": (
        "One slot of a memory",
        "A question is answered by one of sixteen facts, and three quarters of the others share a "
        "word with it. Nobody told the networks which fact to read: the choices of the hard one "
        "(A) learnt it from reward alone, the soft one (B) through its blend.",
    ),
    "tools": (
        "One tool of sixteen",
        "A request comes with sixteen tools that are told by their words, and the answer is what a "
        "tool gives that is really called. The hard network (A) calls the one that it draws and is "
        "right on 93 of 100 requests, the soft one (B) has to call all sixteen and is right on 97.",
    ),
    "alignment": (
        "A translator",
        "Each word of an English verse is said from a Greek one that is chosen before the English "
        "is known, and nobody told which belong together. The hard one (A) learnt to choose by "
        "summing over all choices, the soft one (B) says its words from blends.",
    ),
    "rationale": (
        "The words that tell a book",
        "A reader tells whether a verse is from a gospel, Acts, a letter or Revelation. The hard "
        "one (A) reads four words of its own choice alone, the soft one (B) all words by their "
        "weight.",
    ),
    "copier": (
        "Names that were never learnt",
        "A name was left out of a text; most of those here were never learnt. The hard network (A) "
        "copies the word that it chooses, or says one from memory where it chooses the gap itself, "
        "the soft one (B) blends what it reads and can only say what it has learnt.",
    ),
    "answers": (
        "An answer in the text",
        "A question about three verses is answered by pointing at the first and the last word of "
        "the answer, and is asked with other words than the verses have wherever there are any. "
        "The hard network (A) goes on from the word that it chose and answers 88.7 % of questions "
        "exactly, the soft one (B) goes on from a blend and answers 87.0 %.",
    ),
    "summary": (
        "Three quotes of a passage",
        "Of eight verses three are quoted, one after another, to say as much as they can of the "
        "rest: the first three say 13.0 % of its content words, the best three 26.2 %. The quotes "
        "that the hard network (A) draws say 24.4 %, those of the soft one (B), which learnt from "
        "blends of verses, 20.9 %.",
    ),
    "captioner": (
        "A scene, read out",
        "A scene of three digits is read out a word at a time, with one look for each word: a cell "
        "that is drawn (A), or all cells blended (B). Nobody told either where a digit is, and for "
        "the name of a digit both look at it.",
    ),
    "localiser": (
        "One digit in a large image",
        "One digit hides in a picture of 512 × 512 pixels full of torn pieces of others. The hard "
        "one (A) reads one crop of 256 that a coarse overview points at, the soft one (B) reads "
        "and weighs all of them.",
    ),
    "video": (
        "The frame that a word asks for",
        "A clip of sixteen frames shows three digits for two frames each, and a word asks where "
        "one of them is seen. The hard one (A) reads one frame, which the word finds at a glance, "
        "and the soft one (B) blends all.",
    ),
    "retrieval": (
        "The clip that a caption tells of",
        "A caption looks for its clip among eight, the rows here: each step looks into one of "
        "them, and says how it ranks. The hard one (A) reads one frame of each clip and ranks the "
        "right one first for 70 captions in 100, the soft one (B), trained for as many minutes, "
        "blends all eight frames and does so for 54.",
    ),
    "speech": (
        "Spoken digits",
        "Four spoken digits are written down, from a voice that was never heard before. The hard "
        "listener (A) stops at one moment for each and never goes back, the soft one (B) weighs "
        "every moment by how likely it would stop there.",
    ),
    "vqa": (
        "A question about a picture",
        "A question in words is asked about a picture of one coloured shape. The hard answerer (A) "
        "sees what is around one region of 64 and errs on one question in 20, the soft one (B) "
        "blends all regions and errs on one in 200.",
    ),
    "latent": (
        "One code for a digit",
        "A digit is kept as the number of one code of 64, whose drawings are beside it. The hard "
        "model (A) learnt its draws by REBAR, the other (B) from relaxed samples.",
    ),
}


def checkpoints() -> dict[str, Path]:
    """The trained models by name: ``glimpse-hard``, ``glimpse-soft``, ``pointer-hard`` …"""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.safetensors"))}
