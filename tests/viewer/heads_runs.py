"""Runs with several kinds of sites, for tests of all heads at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from text_runs import WORDS, add_event

from recorders.run.writer import SegmentWriter

TARGET = ("das", "licht", "scheint")
SELF, CROSS, HARD = "layers.{}.self", "layers.{}.cross", "choice"


def write_heads_run(
    path: Path, *, layers: int = 2, heads: int = 4, seed: int = 0, words: tuple[str, ...] = WORDS
) -> Path:
    """A model with self- and cross-attention in every layer, and one hard site without a layer."""
    rng = np.random.default_rng(seed)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    sites = []
    for layer in range(layers):
        # Cross-attention first: the order of the views is that of layers and kinds.
        for kind, name, axis in (("cross", CROSS, "target"), ("self", SELF, "tokens")):
            site = writer.add_site(
                name.format(layer), kind=kind, mechanism="soft", heads=heads, layer=layer,
                query_axis=axis, key_axis="tokens",
            )  # fmt: skip
            sites.append((site, len(words if kind == "self" else TARGET)))
    hard = writer.add_site(
        HARD, kind="copy", mechanism="argmax", hard=True, heads=1, query_axis="tokens",
        key_axis="tokens",
    )  # fmt: skip
    keys = len(words)
    for number in range(2):
        example = writer.add_example(f"text-{number}", tokens=words)
        for site, queries in sites:
            p = rng.dirichlet(np.full(keys, 0.4), (heads, queries))
            add_event(writer, site, example, p)
        p = rng.dirichlet(np.full(keys, 0.4), (1, keys))
        writer.add_events(
            site=hard,
            examples=np.array([example]),
            step=0,
            snapshot=0,
            probabilities=p[None],
            log_prob=np.log(p.max(axis=-1))[None],
            entropy=-(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)[None],
            selection=p.argmax(axis=-1)[None, ..., None],
        )
    writer.close()
    return path
