"""Files of somebody's own models, as users write them beside their data."""

from __future__ import annotations

from pathlib import Path

TINY = '''
import torch
from recorders import AttentionTap


class Words(torch.nn.Module):
    """Attends to the words of a line, longer ones more."""

    def __init__(self):
        super().__init__()
        self.look = AttentionTap("words", mechanism="soft", key_axis="tokens")

    def forward(self, lengths):  # [batch, words]
        p = lengths.softmax(-1)
        self.look(probabilities=p)
        return p


class Patches(torch.nn.Module):
    """Attends to the four quarters of a picture, brighter ones more; two heads."""

    def __init__(self):
        super().__init__()
        self.look = AttentionTap("patches")
        self.scale = torch.nn.Parameter(torch.tensor(4.0))

    def forward(self, x):  # [batch, 3, height, width], 0 to 1
        assert x.dtype == self.scale.dtype and x.min() >= 0 and x.max() <= 1
        means = torch.nn.functional.adaptive_avg_pool2d(x.mean(1), 2).flatten(1)
        p = (self.scale * means).softmax(-1)
        self.look(probabilities=p[:, None, None].expand(-1, 2, -1, -1))
        return p


def prepare(line):
    print("this line goes elsewhere:", line)
    words = line.split()
    return torch.tensor([[float(len(w)) for w in words]]), {"tokens": words}


def words():
    return Words(), prepare


def by_name():
    return Words(), lambda line: {"lengths": prepare(line)[0]}


def bare():
    return Words()


def patches():
    return Patches()


ready = Patches()
number = 7


def nothing():
    return None


def broken():
    missing = {}
    return missing["weights"]


def leaves():
    raise SystemExit("no GPU here")


def fails_later():
    def fussy(line):
        if "third" in line:
            raise ValueError("not the third!")
        return prepare(line)

    return Words(), fussy


class Fussy(Words):
    def forward(self, lengths):
        if lengths.shape[1] > 2:
            raise RuntimeError("too\\nlong")
        return super().forward(lengths)


def fussy_model():
    return Fussy(), prepare


def odd_prepare():
    return Words(), lambda line: line
'''


def write_models(folder: Path, name: str, text: str = TINY) -> str:
    """Write ``name.py``; returns the module's name."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return name
