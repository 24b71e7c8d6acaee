"""Which gradient can teach which mechanism, and why others cannot, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SCORED = ("reinforce", "self-critical", "rloo")
"""They ask for the reward of what was drawn."""
COMPARED = ("soft-baseline", "muprop")
"""They ask for the loss of the blend as well."""
SINGLE = ("exact", "sum-and-sample", "rebar", "relax")
"""They run the rest of the model on other weights of the one choice that it makes."""

PAIRS: Mapping[str, tuple[str, ...]] = {
    "sampled": (*SCORED, *COMPARED, *SINGLE),
    "soft": ("backprop",),
    "uniform": ("backprop",),
    "top-k": SCORED,
    "gumbel-softmax": ("gumbel-softmax",),
    "straight-through": ("straight-through", "argmax-straight-through", "reinmax"),
    "gumbel-straight-through": ("gumbel-straight-through", "gumbel-rao"),
    "sparsemax": ("backprop",),
    "entmax15": ("backprop",),
    "hybrid": ("backprop",),
    "gaussian": SCORED,
}
"""The gradients that each mechanism can learn by, the usual one first."""

CHOICES = (
    "sampled",
    "soft",
    "uniform",
    "top-k",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
    "hybrid",
)
"""Every mechanism by which a choice among candidates can be learnt, the usual one first."""

_REASONS = {
    "sampled": "a draw passes no gradient; its score does",
    "soft": "a blend is differentiable, so there is nothing to estimate",
    "sparsemax": "a blend is differentiable, so there is nothing to estimate",
    "entmax15": "a blend is differentiable, so there is nothing to estimate",
    "hybrid": "the blend of the chosen is differentiable, and their choice is not drawn",
    "argmax": "no gradient passes an argmax, but right choices can be given",
    "uniform": "a blind choice has nothing to learn; the rest of the model learns by backprop",
    "top-k": "several are drawn at once, so only the score of the draw is at hand",
    "gaussian": "a place on a plane has no other candidates to blend with or to ask for",
    "gumbel-softmax": "a relaxed sample is differentiable as it is",
    "straight-through": "its weights are one-hot with the gradient of the probabilities",
    "gumbel-straight-through": "its weights are one-hot with the gradient of a relaxed sample",
}


def pairs(
    mechanisms: Sequence[str], *, without: Sequence[str] = (), **more: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """The pairs of a system.

    Args:
        mechanisms: those that it can be trained with.
        without: gradients that do not make sense in it.
        **more: further gradients of its own, put first, by mechanism.
    """
    return {
        name: more.get(name, ()) + tuple(one for one in PAIRS.get(name, ()) if one not in without)
        for name in mechanisms
    }


def expects(gradient: str, baseline: str) -> bool:
    """Whether a training teaches a model what reward to expect, where it has a network for it."""
    if gradient == "reinforce":
        return baseline == "learned"
    return gradient not in ("likelihood", "marginal", *SCORED, *COMPARED, *SINGLE)


def untrainable(system: str, mechanism: str, trainable: Mapping[str, Sequence[str]]) -> str:
    """One sentence: why a system cannot be trained with a mechanism."""
    why = ""
    if mechanism == "argmax":
        why = "; no gradient passes an argmax: train sampled or straight-through, run it as argmax"
    return (
        f"{system} cannot be trained with the mechanism {mechanism!r}: "
        f"choose {', '.join(trainable)}{why}"
    )


def unteachable(
    system: str, mechanism: str, gradient: str, trainable: Mapping[str, Sequence[str]]
) -> str:
    """One sentence: why a gradient does not teach a mechanism of a system."""
    usual = gradient in ("backprop", "likelihood")
    known = usual or any(gradient in row for row in trainable.values())
    others = [name for name, row in trainable.items() if gradient in row]
    why = f"; {_REASONS[mechanism]}" if known and mechanism in _REASONS else ""
    where = f"; it teaches {', '.join(others)}" if others else ""
    return (
        f"{mechanism} {system} does not learn by {gradient!r}: "
        f"choose {', '.join(trainable[mechanism])}{why}{where}"
    )
