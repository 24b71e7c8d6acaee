"""Where slot B looks, where that is not simply where A looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Same = Literal["same"]


@dataclass(frozen=True)
class Beside:
    """How the place of slot B differs from the place of the session, which is that of A.

    Attributes:
        site: name of the site of B; None for the one that A's is aligned with.
        head: head of B, None for the mean over its heads; ``"same"`` for A's own.
        snapshot: index of B's snapshot, None for its last; ``"same"`` for A's own.
    """

    site: str | None = None
    head: int | Same | None = "same"
    snapshot: int | Same | None = "same"

    @property
    def is_set(self) -> bool:
        """Whether B looks elsewhere than A in any way."""
        return self != Beside()


SitePairs = tuple[tuple[str, str], ...]
"""Sites that a person has said belong together: the name in A, the name in B."""


def with_pair(pairs: SitePairs, site_a: str, site_b: str) -> SitePairs:
    """The pairs with one more; neither of its sites stays in another."""
    return (*((a, b) for a, b in pairs if a != site_a and b != site_b), (site_a, site_b))
