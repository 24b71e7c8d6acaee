"""An episode of looking and what it was worth."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Episode:
    """One batch of images, looked at from the first glimpse to the verdict.

    Attributes:
        logits: ``[batch, classes]``, scores of the classes.
        probabilities: ``[batch, glimpses, n]``, where each glimpse could have gone; of "gaussian"
            the mass of the Normal distribution in each cell of the grid, what is beyond the image
            counted to the cells at its border.
        index: ``[batch, glimpses]`` int64, where it went (``[batch, glimpses, k]`` for several at
            once; the cell of the place for "gaussian"); ``None`` for what blends.
        log_prob: ``[batch, glimpses]``, log-probability of that, in nats (log-density of a place);
            zero for what blends.
        entropy: ``[batch, glimpses]``, entropy in nats of what was chosen from.
        baseline: ``[batch, glimpses]``, the reward expected before each glimpse.
        temperature: that of ``probabilities``.
        places: ``[batch, glimpses, 2]``, x and y in [-1, 1], for "gaussian" alone.
    """

    logits: Tensor
    probabilities: Tensor
    index: Tensor | None
    log_prob: Tensor
    entropy: Tensor
    baseline: Tensor
    temperature: float
    places: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Credit:
    """What an episode was worth, detached, in the shapes that a recorder takes.

    Attributes:
        scores: ``[batch, classes]``, class probabilities.
        reward: ``[batch, glimpses]``, 1 where the verdict was right and 0 where not, credited to
            every glimpse of the episode as REINFORCE does.
        baseline: ``[batch, glimpses]``, the reward expected before each glimpse.
        advantage: ``[batch, glimpses]``, ``reward − baseline``.
    """

    scores: Tensor
    reward: Tensor
    baseline: Tensor
    advantage: Tensor


def credit(episode: Episode, labels: Tensor) -> Credit:
    """What an episode was worth.

    Args:
        episode: what the model returned.
        labels: int64 ``[batch]``, the true classes.

    Returns:
        Scores, reward, baseline and advantage.

    Raises:
        ValueError: if there is not one label for each episode.
    """
    if labels.shape != episode.logits.shape[:1]:
        raise ValueError(
            f"labels must be [{episode.logits.shape[0]}], one an episode, not {tuple(labels.shape)}"
        )
    baseline = episode.baseline.detach()
    right = (episode.logits.argmax(-1) == labels).to(baseline.dtype)
    reward = right.unsqueeze(1).expand_as(baseline).contiguous()
    return Credit(
        scores=episode.logits.detach().softmax(-1),
        reward=reward,
        baseline=baseline,
        advantage=reward - baseline,
    )
