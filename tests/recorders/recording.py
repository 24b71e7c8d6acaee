"""A small real model with taps, and a small run; shared by the tests of recorders."""

import numpy as np
import torch
from torch import nn

from recorders import AttentionTap, Recorder
from recorders.run.writer import SegmentWriter

STEPS = 3
KEYS = 9


class Glimpses(nn.Module):
    """Looks at one of nine regions three times, as a hard or a soft attention."""

    def __init__(self, mechanism="sampled", seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.mechanism = mechanism
        self.look = AttentionTap("glimpse", kind="glimpse", mechanism=mechanism, key_axis="regions")
        self.score = nn.Linear(4, KEYS)
        self.classify = nn.Linear(4, 10)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x):
        seen = {"probabilities": [], "selection": [], "log_prob": []}
        for _ in range(STEPS):
            logits = self.score(x)
            p = torch.softmax(logits, -1)
            if self.mechanism == "soft":
                p = self.look(probabilities=p)
                x = torch.tanh(x + p[:, :4])
                seen["probabilities"].append(p)
                continue
            index = torch.multinomial(p, 1)[:, 0]
            log_prob = torch.log_softmax(logits, -1).gather(-1, index[:, None])[:, 0]
            index = self.look(probabilities=p, selection=index, log_prob=log_prob)
            x = torch.tanh(x + index[:, None] * 0.1 + p[:, :4])
            seen["probabilities"].append(p)
            seen["selection"].append(index)
            seen["log_prob"].append(log_prob)
        stacked = {key: torch.stack(value, 1) for key, value in seen.items() if value}
        return torch.softmax(self.classify(x), -1), stacked


def boxes(n=KEYS):
    corner = np.arange(n, dtype=np.float32) * 3 - 2
    return np.stack([corner, corner, corner + 5, corner + 5], axis=1)


def described(row, **more):
    """One example, described in full."""
    image = np.random.default_rng(row).integers(0, 256, (12, 10), dtype=np.uint8)
    return {
        "name": f"test-{row}",
        "image": image,
        "regions": boxes(),
        "label": row % 10,
        **more,
    }


def record(path, model=None, *, batches=2, size=3, **options):
    """Record a few batches; returns what the model gave for each."""
    model = model or Glimpses()
    given = []
    with Recorder(path, model, **options) as recorder:
        for batch in range(batches):
            x = torch.randn(size, 4, generator=torch.Generator().manual_seed(batch))
            rows = [described(batch * size + row) for row in range(size)]
            with recorder.example(batch=rows):
                scores, seen = model(x)
                reward = torch.rand(size, STEPS)
                baseline = torch.rand(size, STEPS)
                recorder.steps(reward=reward, baseline=baseline)
                recorder.outcome(scores=scores)
            given.append({**seen, "scores": scores, "reward": reward, "baseline": baseline})
    return given


def write_run(path, *, examples=4, steps=3, shape=(1, 1, 9), codec="sqrt16", chosen=1, parts=1):
    """Write a run with the writer alone; returns the exact arrays by (example, step)."""
    rng = np.random.default_rng(7)
    writer = SegmentWriter(path, codec=codec, metadata={"seed": 7})
    exact = {}
    site = writer.add_site("look", kind="glimpse", mechanism="sampled", hard=bool(chosen))
    snapshot = writer.add_snapshot(0)
    for row in range(examples):
        number = writer.add_example(**described(row))
        for step in range(steps):
            p = rng.dirichlet(np.full(shape[-1], 0.5), shape[:-1]).astype(np.float32)
            values = {
                "probabilities": p,
                "log_prob": -rng.random(shape[:-1]),
                "entropy": rng.random(shape[:-1]),
                "selection": rng.integers(0, shape[-1], (*shape[:-1], chosen)) if chosen else None,
            }
            exact[row, step] = values
            batch = {k: None if v is None else v[None] for k, v in values.items()}
            writer.add_events(
                site=site, examples=np.array([number]), step=step, snapshot=snapshot, **batch
            )
        writer.add_scalars(
            "reward",
            examples=np.full(steps, number),
            steps=np.arange(steps),
            snapshot=snapshot,
            values=rng.random(steps),
        )
        if parts > 1 and row % -(-examples // parts) == 0:
            writer.flush()
    return writer, exact
