"""Records the sample runs: ``python -m sample_runs.record_runs [--minilm FOLDER] [--training]``.

With ``--systems`` the other systems are trained and recorded too (52 CPU minutes), with ``--systems
NAME`` those of that name alone.

The glimpse runs hold the same first test images of MNIST, which are bundled, so this works offline.
The text run is only recorded again where the folder of all-MiniLM-L6-v2 is named.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import sample_runs
from hardattn_models import load_system, read_metadata, save_system
from hardattn_viewer.cli import main as hardattn

EXAMPLES = 300
SEED = 0
SYSTEMS = (
    ("pointer-hard", "pointer --mechanism argmax --gradient likelihood", "hull-10", 60),
    ("pointer-soft", "pointer --mechanism soft --gradient backprop --steps 1500", "hull-10", 60),
    ("memory-hard", "memory --mechanism sampled --gradient reinforce", "recall-16", 100),
    ("memory-soft", "memory --mechanism soft --gradient backprop --steps 1000", "recall-16", 100),
    ("tools-hard", "tools --mechanism sampled --gradient reinforce", "offer-16", 100),
    ("tools-soft", "tools --mechanism soft --gradient backprop", "offer-16", 100),
    (
        "alignment-hard",
        "alignment --mechanism argmax --gradient marginal",
        "new-testament",
        100,
    ),
    ("alignment-soft", "alignment --mechanism soft --gradient backprop", "new-testament", 100),
    ("rationale-hard", "rationale --mechanism top-k --gradient rloo", "books", 200),
    ("rationale-soft", "rationale --mechanism soft --gradient backprop", "books", 200),
    ("copier-hard", "copier --mechanism argmax --gradient marginal", "names", 200),
    ("copier-soft", "copier --mechanism soft --gradient backprop", "names", 200),
    ("answers-hard", "answers --mechanism argmax --gradient marginal", "answers", 200),
    ("answers-soft", "answers --mechanism soft --gradient backprop", "answers", 200),
    ("summary-hard", "summary --mechanism sampled --gradient reinforce", "quotes", 82),
    ("summary-soft", "summary --mechanism soft --gradient backprop", "quotes", 82),
    ("captioner-hard", "captioner --mechanism sampled --gradient reinforce", "scenes", 60),
    ("captioner-soft", "captioner --mechanism soft --gradient backprop", "scenes", 60),
    ("localiser-hard", "localiser --mechanism sampled --gradient reinforce", "clutter-512", 12),
    ("localiser-soft", "localiser --mechanism soft --gradient backprop", "clutter-512", 12),
    ("video-hard", "video --mechanism sampled --gradient reinforce", "clip-find", 40),
    ("video-soft", "video --mechanism soft --gradient backprop", "clip-find", 40),
    ("retrieval-hard", "retrieval --mechanism sampled --gradient reinforce", "gallery-8", 40),
    ("retrieval-soft", "retrieval --mechanism soft --gradient backprop", "gallery-8", 40),
    ("speech-hard", "speech --mechanism sampled --gradient reinforce", "spoken-4", 12),
    ("speech-soft", "speech --mechanism soft --gradient backprop", "spoken-4", 12),
    ("vqa-hard", "vqa --mechanism sampled --gradient reinforce", "easy-vqa", 60),
    ("vqa-soft", "vqa --mechanism soft --gradient backprop", "easy-vqa", 60),
    ("latent-hard", "latent --mechanism sampled --gradient rebar", "mnist-small", 20),
    (
        "latent-soft",
        "latent --mechanism gumbel-softmax --gradient gumbel-softmax",
        "mnist-small",
        20,
    ),
)
"""Names of the samples of systems, how each is trained, and what it is recorded on."""
TRAINING = {"sampled": 0, "soft": 1}
"""Mechanisms of the sample runs of a training, with their places among ``training_paths``."""


def record(folder: Path) -> None:
    """Record the runs of the shipped classifiers into ``folder``, replacing older ones.

    These are ``glimpse-hard.h5``, ``glimpse-soft.h5`` and, of the soft one's weights,
    ``deployed-hard.h5``.
    """
    soft = sample_runs.paths()[1]
    for path, stem, more in (
        *((path, path.stem, []) for path in sample_runs.paths()),
        (sample_runs.deployed_path(), soft.stem, ["--mechanism", "argmax"]),
    ):
        checkpoint = sample_runs.checkpoints()[stem]
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch, path.name)
            words = ["record", str(checkpoint), "--task", "mnist-small", "-n", str(EXAMPLES), *more]
            if hardattn([*words, "--seed", str(SEED), "-o", str(fresh)]) != 0:
                sys.exit(f"{checkpoint.name} could not be recorded")
            fresh.replace(folder / path.name)


def record_systems(folder: Path, only: str = "") -> None:
    """Train a hard and a soft model of each other system, keep them, and record them.

    Args:
        folder: where to.
        only: beginning of the names to take.
    """
    for name, train, task, examples in (one for one in SYSTEMS if one[0].startswith(only)):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            trained, small, fresh = (
                Path(scratch, f"{name}{end}") for end in ("-all.safetensors", ".safetensors", ".h5")
            )
            words = ["train", *train.split(), "--seed", str(SEED), "-o", str(trained)]
            if hardattn(words) != 0:
                sys.exit(f"{name} could not be trained")
            # A sample is shown and not trained on, so where its training stood is left out.
            save_system(load_system(trained), small, read_metadata(trained))
            words = ["record", str(small), "--task", task, "-n", str(examples)]
            if hardattn([*words, "--seed", str(SEED), "-o", str(fresh)]) != 0:
                sys.exit(f"{name} could not be recorded")
            small.replace(folder / small.name)
            fresh.replace(folder / fresh.name)


def record_text(folder: Path, model: Path) -> None:
    """Record ``minilm-text.h5`` into ``folder`` from a folder with all-MiniLM-L6-v2."""
    path = sample_runs.text_path()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        fresh = Path(scratch, path.name)
        sentences = path.with_name("sentences.txt")
        if hardattn(["record", str(model), "--text", str(sentences), "-o", str(fresh)]) != 0:
            sys.exit(f"{model} could not be recorded")
        fresh.replace(folder / path.name)


def record_training(folder: Path) -> None:
    """Train two classifiers on the bundled digits, and follow each with 31 snapshots."""
    for mechanism, at in TRAINING.items():
        path = sample_runs.training_paths()[at]
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch, path.name)
            words = ["train", "glimpse", "--mechanism", mechanism, "--seed", str(SEED)]
            words += ["--steps", "3000", "--snapshots", "30", "--record-examples", "24"]
            words += ["--record", str(fresh), "-o", str(Path(scratch, "model.safetensors"))]
            if hardattn(words) != 0:
                sys.exit(f"{mechanism} could not be trained")
            fresh.replace(folder / path.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(sample_runs.__file__).parent)
    parser.add_argument("--minilm", type=Path, metavar="FOLDER", help="all-MiniLM-L6-v2")
    parser.add_argument("--training", action="store_true", help="the runs of a training too")
    parser.add_argument(
        "--systems",
        nargs="?",
        const="",
        metavar="NAME",
        help="other systems too, or those of a name",
    )
    arguments = parser.parse_args()
    record(arguments.output)
    if arguments.systems is not None:
        record_systems(arguments.output, arguments.systems)
    if arguments.minilm:
        record_text(arguments.output, arguments.minilm)
    if arguments.training:
        record_training(arguments.output)
