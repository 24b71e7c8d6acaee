"""Problems whose exact gradient is known, and what an estimator does on them."""

import math

import torch

from hardattn_models.gradients import estimate

K = 10


def quadratic(offset=0.0):
    """Problem Q: logits, and |yV − t|² + offset."""
    g = torch.Generator().manual_seed(0)
    table = torch.randn(K, 8, generator=g, dtype=torch.float64) / math.sqrt(8)
    noise = torch.randn(8, generator=g, dtype=torch.float64)
    target = table[3] + 0.3 * noise / math.sqrt(8)
    logits = torch.randn(K, generator=g, dtype=torch.float64)
    return logits, lambda y: (y @ table - target).square().sum(-1) + offset


def network(gain=1.0):
    """Problem T: logits, and the cross-entropy of a small tanh network."""
    g = torch.Generator().manual_seed(1)
    table = torch.randn(K, 8, generator=g, dtype=torch.float64) / math.sqrt(8)
    inner = gain * torch.randn(8, 16, generator=g, dtype=torch.float64)
    outer = torch.randn(16, 5, generator=g, dtype=torch.float64)
    logits = torch.randn(K, generator=g, dtype=torch.float64)
    return logits, lambda y: -torch.log_softmax(torch.tanh(y @ table @ inner) @ outer, -1)[..., 2]


def true_gradient(problem):
    """By automatic differentiation of the enumerated expectation, not by the package."""
    logits, loss = problem
    logits = logits.clone().requires_grad_()
    losses = torch.stack([loss(torch.eye(K, dtype=logits.dtype)[i]) for i in range(K)])
    (found,) = torch.autograd.grad((logits.softmax(-1) * losses).sum(), logits)
    return found


def moments(name, problem, draws, *, seed=7, batch=20_000, skip=0, **options):
    """Mean [K], variance summed over coordinates, and standard error [K] of estimates.

    Options that are called ``make_...`` are called anew; ``skip`` batches come before counting.
    """
    logits, loss = problem
    generator = torch.Generator().manual_seed(seed)
    options = {
        key.removeprefix("make_"): value() if key.startswith("make_") else value
        for key, value in options.items()
    }
    total, squares, count = 0.0, 0.0, 0
    for number in range(skip + draws // batch):
        found = estimate(name, logits.expand(batch, K), loss, generator=generator, **options)
        if number >= skip:
            total = total + found.sum(0)
            squares = squares + found.square().sum(0)
            count += batch
    mean = total / count
    variance = (squares / count - mean.square()).clamp_min(0)
    return mean, float(variance.sum()), (variance / count).sqrt()
