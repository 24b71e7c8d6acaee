"""REINFORCE with a baseline: learning past a choice that has no gradient."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class ReinforceLoss:
    """The two losses of one batch of episodes and what they were made of.

    Attributes:
        policy: scalar; its gradient is the REINFORCE estimate of the gradient of the *negative*
            expected reward.
        baseline: scalar, mean squared error of the baseline in reward units squared; zero
            without a baseline.
        advantage: ``[batch, steps]`` (or as ``log_prob``), reward minus baseline, detached.
    """

    policy: Tensor
    baseline: Tensor
    advantage: Tensor


def reinforce(log_prob: Tensor, reward: Tensor, baseline: Tensor | None = None) -> ReinforceLoss:
    """REINFORCE loss with a learned baseline.

    The gradient of ``policy`` is the mean over the batch of
    ``−Σ_t ∇ log π(a_t | s_t) (R_t − b_t)`` (Williams 1992; Mnih et al. 2014, section on
    training). It is unbiased as long as ``b_t`` was computed before the choice ``a_t`` was
    made, and ``policy`` sends no gradient into the baseline. ``baseline`` fits ``b_t`` to the
    reward, which lowers the variance of the former.

    Args:
        log_prob: ``[batch]`` or ``[batch, steps]``, log-probability of each choice in nats,
            with its gradient.
        reward: ``[batch]``, the reward of the whole episode, credited to every step; or shaped
            as ``log_prob``, the sum of rewards that followed each step. Never differentiated.
        baseline: shaped as ``log_prob``, what reward was expected before the choice; or
            ``None`` for plain REINFORCE.

    Returns:
        The losses; add ``policy + weight · baseline`` to those of the rest of the model.

    Raises:
        ValueError: if the shapes do not fit, or ``log_prob`` is not ``[batch]`` or
            ``[batch, steps]``.
    """
    if log_prob.ndim not in (1, 2) or log_prob.numel() == 0:
        raise ValueError(
            f"log_prob must be [batch] or [batch, steps] and not empty, not {tuple(log_prob.shape)}"
        )
    reward = reward.detach().to(log_prob.dtype)
    if log_prob.ndim == 2 and reward.shape == log_prob.shape[:1]:
        reward = reward.unsqueeze(1)
    elif reward.shape != log_prob.shape:
        raise ValueError(
            f"reward must be [batch] or shaped as log_prob {tuple(log_prob.shape)}, "
            f"not {tuple(reward.shape)}"
        )
    if baseline is not None and baseline.shape != log_prob.shape:
        raise ValueError(
            f"baseline must be shaped as log_prob {tuple(log_prob.shape)}, "
            f"not {tuple(baseline.shape)}"
        )
    batch = log_prob.shape[0]
    if baseline is None:
        advantage = reward.expand_as(log_prob)
        fit = log_prob.new_zeros(())
    else:
        advantage = reward - baseline.detach()
        fit = (baseline - reward).square().mean()
    return ReinforceLoss(
        policy=-(advantage * log_prob).sum() / batch, baseline=fit, advantage=advantage
    )
