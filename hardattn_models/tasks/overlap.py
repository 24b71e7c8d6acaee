"""What words in common alone answer: a sliding window; answerers are compared with it.

After Richardson, Burges and Renshaw 2013, "MCTest" (EMNLP), algorithm 1, and Rajpurkar et al. 2016,
"SQuAD" (arXiv:1606.05250), section 5, whose candidates are phrases too. Unlike theirs the window is
around the candidate, and words that stand before the question word are looked for before it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from hardattn_models.tasks.questions import Span


def answer_by_overlap(
    tokens: Sequence[str],
    candidates: Sequence[Span],
    before: Sequence[str],
    after: Sequence[str],
    reach: int,
) -> Span:
    """The candidate around which most of a question stands.

    A word counts ``log(1 + 1/c)``, c being how often it is in the text; letters count as small.

    Args:
        tokens: the text.
        candidates: what may be asked for, at least one; the first of those that are equal wins.
        before: words of the question before its question word.
        after: the same after it.
        reach: how many tokens beside a candidate are looked at, on each side.

    Raises:
        ValueError: there is no candidate.
    """
    if not candidates:
        raise ValueError("there is nothing to choose among; name at least one candidate")
    text = [token.lower() for token in tokens]
    often = Counter(text)

    def worth(asked: Sequence[str], near: Sequence[str]) -> float:
        words = {word.lower() for word in asked} & set(near)
        return math.fsum(math.log1p(1 / often[word]) for word in words)

    def score(span: Span) -> float:
        left = text[max(0, span.start - reach) : span.start]
        return worth(before, left) + worth(after, text[span.stop : span.stop + reach])

    return max(candidates, key=score)
