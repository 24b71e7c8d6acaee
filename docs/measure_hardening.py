"""Runs a trained sentence encoder with hard heads: ``python docs/measure_hardening.py FOLDER``.

FOLDER holds all-MiniLM-L6-v2 in the layout of Hugging Face. Of 500 verses each sentence vector is
made as usual, and again with one head, one layer or all heads hardened; kept are the cosine between
the two, and how often the nearest other verse stays the same one. Writes ``docs/hardening.json``
and the tables of ``docs/hardening.md`` (ten CPU minutes). What is measured already is left alone;
``--again`` measures anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hardattn_models import load_task  # noqa: E402
from hardattn_viewer.faithfulness.hardening import Hardened  # noqa: E402

FIGURES = ROOT / "docs" / "hardening.json"
PAGE = ROOT / "docs" / "hardening.md"
BEGIN, END = "<!-- hardening -->", "<!-- end of hardening -->"
READ, AT_ONCE = 500, 100
LAYERS, HEADS, SEED = 6, 12, 0
TEMPERATURES = (0.5, 0.25, 0.1)


class Encoder:
    """Sentence vectors of texts, of length 1; tokens are made once."""

    def __init__(self, folder: Path) -> None:
        import transformers

        transformers.logging.set_verbosity_error()
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        made = transformers.AutoModel.from_pretrained
        self._model = made(folder, local_files_only=True, attn_implementation="sdpa").eval()

    def batches(self, texts: Sequence[str]) -> list[dict[str, Tensor]]:
        """The tokens of texts."""
        return [
            dict(self._tokenizer(texts[at : at + AT_ONCE], padding=True, return_tensors="pt"))
            for at in range(0, len(texts), AT_ONCE)
        ]

    def vectors(self, batches: list[dict[str, Tensor]], how: dict[str, Any] | None) -> Tensor:
        """Mean of the last states over what is no padding, ``[texts, width]``."""
        generator, found = torch.Generator().manual_seed(SEED), []
        for batch in batches:
            mode = nullcontext() if how is None else Hardened(**how, generator=generator)
            with torch.no_grad(), mode:
                states = self._model(**batch).last_hidden_state
            there = batch["attention_mask"].unsqueeze(-1)
            found.append(normalize((states * there).sum(1) / there.sum(1), dim=-1))
        return torch.cat(found)


def ways() -> Iterator[tuple[str, dict[str, Any]]]:
    """What is hardened, by name."""
    for layer in range(LAYERS):
        for head in range(HEADS):
            yield f"head {layer}.{head}", {"site": layer, "heads": [head]}
    for layer in range(LAYERS):
        yield f"layer {layer}", {"site": layer}
    yield "all, argmax", {}
    yield "all, sample", {"how": "sample"}
    for temperature in TEMPERATURES:
        yield (
            f"all, temperature {temperature:g}",
            {"how": "temperature", "temperature": temperature},
        )


def nearest(vectors: Tensor) -> Tensor:
    """Which other text is nearest, ``[texts]``."""
    close = vectors @ vectors.T
    return close.fill_diagonal_(-2.0).argmax(-1)


def measure(folder: Path, found: dict[str, Any]) -> None:
    """Add what is not in ``found`` yet, and keep it after each."""
    verses, encoder = load_task("books").split("test")[:READ], Encoder(folder)
    batches = encoder.batches([" ".join(verse.english) for verse in verses])
    usual = encoder.vectors(batches, None)
    before = nearest(usual)
    for name, how in ways():
        if name in found:
            continue
        hard = encoder.vectors(batches, how)
        cosine = (hard * usual).sum(-1)
        found[name] = {
            "cosine": round(float(cosine.mean()), 5),
            "least cosine": round(float(cosine.min()), 5),
            "same nearest": round(float((nearest(hard) == before).float().mean()), 5),
        }
        FIGURES.write_text(json.dumps({"texts": READ, "ways": found}, indent=1) + "\n")
        print(name, found[name], flush=True)


def tables(known: dict[str, Any]) -> str:
    """One table of heads, one of layers and of all."""
    ways_ = known["ways"]
    rows = [
        "| layer | " + " | ".join(f"head {head}" for head in range(HEADS)) + " |",
        "|---|" + "---|" * HEADS,
    ]
    for layer in range(LAYERS):
        cells = [100 * ways_[f"head {layer}.{head}"]["same nearest"] for head in range(HEADS)]
        rows.append(f"| {layer} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
    more = [
        "| hardened | cosine, mean | cosine, least | same nearest |",
        "|---|---|---|---|",
        "| nothing | 1 | 1 | 100 % |",
    ]
    for name, one in ways_.items():
        if not name.startswith("head "):
            more.append(
                f"| {name} | {one['cosine']:.3f} | {one['least cosine']:.3f} | "
                f"{100 * one['same nearest']:.1f} % |"
            )
    return "\n".join(rows) + "\n\n" + "\n".join(more)


def main() -> None:
    """Measure where a folder is named, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="measure anew with this encoder")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.folder is not None:
        kept = FIGURES.is_file() and not arguments.again
        measure(arguments.folder, json.loads(FIGURES.read_text())["ways"] if kept else {})
    before, rest = PAGE.read_text().split(BEGIN)
    text = tables(json.loads(FIGURES.read_text()))
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
