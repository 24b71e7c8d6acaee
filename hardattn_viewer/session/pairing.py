"""What of A is compared with what of B: sites and heads aligned, and words for what cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hardattn_viewer.session.beside import SitePairs

if TYPE_CHECKING:
    from hardattn_viewer.session.state import RunFacts, SessionState, SiteFacts, Slot

How = Literal["name", "kind", "chosen", "first", "within"]
Lane = tuple[int | None, int | None]


@dataclass(frozen=True)
class Pairing:
    """A site of A beside one of B.

    Attributes:
        a: the site of A.
        b: the site of B.
        how: aligned by ``"name"``, by layer and ``"kind"``, ``"chosen"`` by a person, the
            ``"first"`` of both, or two places ``"within"`` one run.
        lanes: the pairs of heads that are compared, None for the mean over heads. The first is
            what is shown, or the mean where every other one is a head that both have.
        shown: which of the lanes is shown.
        words: sentences that say what could not be aligned.
    """

    a: SiteFacts
    b: SiteFacts
    how: How
    lanes: tuple[Lane, ...]
    shown: int
    words: tuple[str, ...] = ()


def pairing_of(state: SessionState) -> Pairing | None:
    """What is compared; None without two runs that have a site in common, or one chosen."""
    a, b = site_in(state, "A"), site_in(state, "B")
    if a is None or b is None:
        return None
    how = _how(state, a, b)
    lanes, shown = _lanes(state, a, b)
    return Pairing(a, b, how, lanes, shown, (*_site_words(how, a, b), *_head_words(state, a, b)))


def site_in(state: SessionState, slot: Slot) -> SiteFacts | None:
    """The site that a slot shows: the session's own, or the one of its run that is like it."""
    facts = state.facts(slot)
    if facts is None or not facts.sites:
        return None
    wanted = state.place.site
    if slot == "B" and state.beside.site is not None:
        return facts.site(state.beside.site) if facts.has_site(state.beside.site) else None
    other = state.facts("B" if slot == "A" else "A")
    leads = wanted is None and (slot == "A" or other is None or not other.sites)
    if leads:
        return facts.sites[0]
    if other is None or not other.sites or not other.has_site(wanted):
        return facts.site(wanted) if facts.has_site(wanted) else None
    theirs = other.site(wanted)
    if theirs is None or (slot == "A" and wanted is not None and facts.has_site(wanted)):
        return facts.site(wanted)
    found = aligned_site(theirs, facts, state.site_pairs, to=slot)
    return found or (facts.sites[0] if wanted is None else None)


def aligned_site(
    site: SiteFacts, facts: RunFacts, pairs: SitePairs = (), to: Slot = "B"
) -> SiteFacts | None:
    """The site of a run that another run's site is aligned with, or None.

    The one that a person chose, else that of the same name, else the only one of the same layer,
    kind and keys.

    Args:
        site: a site of the other run.
        facts: the run that is looked through.
        pairs: what a person has said.
        to: the slot of ``facts``.
    """
    said = next(((a, b) for a, b in pairs if site.name == (a if to == "B" else b)), None)
    for name in ((said[1] if to == "B" else said[0]) if said else None, site.name):
        if name is not None and facts.has_site(name):
            return facts.site(name)
    if not site.kind and site.layer < 0:
        return None
    like = [one for one in facts.sites if _nature(one) == _nature(site)]
    return like[0] if len(like) == 1 else None


def head_in(state: SessionState, slot: Slot) -> int | None:
    """The head that a slot shows; None for the mean over its heads."""
    site, head = site_in(state, slot), state.place.head
    if slot == "B" and state.beside.head != "same":
        head = state.beside.head
        return head if site is not None and head is not None and head < site.heads else None
    if site is None or head is None:
        return None
    other = site_in(state, "A") if slot == "B" else None
    if other is None or head >= other.heads:
        return head if head < site.heads else None
    return dict(aligned_heads(other, site) or ()).get(head)


def aligned_heads(a: SiteFacts, b: SiteFacts) -> tuple[tuple[int, int], ...] | None:
    """The heads that both sites have, by their numbers in the model.

    Returns:
        Pairs of indices into the recorded heads; None where one model has more heads than the
        other, so that none of them belong together.
    """
    numbers_a, numbers_b = _numbers(a), _numbers(b)
    whole = [numbers == tuple(range(len(numbers))) for numbers in (numbers_a, numbers_b)]
    if numbers_a != numbers_b and all(whole):
        return None
    at = {number: index for index, number in enumerate(numbers_b)}
    return tuple((index, at[number]) for index, number in enumerate(numbers_a) if number in at)


def is_within(state: SessionState) -> bool:
    """Whether A and B are two places of one run."""
    return state.slot_a is not None and state.slot_a == state.slot_b


def place_words(state: SessionState, slot: Slot) -> str:
    """Which site, head and snapshot a slot shows, where A and B differ in that; else empty."""
    a, b = site_in(state, "A"), site_in(state, "B")
    site, other = (a, b) if slot == "A" else (b, a)
    if site is None or other is None:
        return ""
    words = []
    if a != b and (a is None or b is None or a.name != b.name):
        words.append(site.name)
    if state.beside.head != "same" or site.heads != other.heads or (a != b and site.heads > 1):
        head = head_in(state, slot)
        words.append(("head " if head is not None else "") + site.head_words(head))
    frame = state.frames.of(slot)
    if state.beside.snapshot != "same" and frame is not None and frame.training_step is not None:
        words.append(f"training step {frame.training_step:,}")
    return " · ".join(words)


def _how(state: SessionState, a: SiteFacts, b: SiteFacts) -> How:
    if is_within(state):
        return "within"
    if state.beside.site is not None or (a.name, b.name) in state.site_pairs:
        return "chosen"
    if a.name == b.name:
        return "name"
    return "kind" if _nature(a) == _nature(b) and (a.kind or a.layer >= 0) else "first"


def _lanes(state: SessionState, a: SiteFacts, b: SiteFacts) -> tuple[tuple[Lane, ...], int]:
    here: Lane = head_in(state, "A"), head_in(state, "B")
    heads = aligned_heads(a, b)
    if state.beside.head != "same" or heads is None:
        return (here,), 0
    lanes: list[Lane] = [(None, None), *(heads if len(heads) > 1 else ())]
    return (tuple(lanes), lanes.index(here)) if here in lanes else ((here,), 0)


def _site_words(how: How, a: SiteFacts, b: SiteFacts) -> tuple[str, ...]:
    if how in ("name", "within"):
        return ()
    why = {
        "kind": "same layer and kind under another name",
        "chosen": "chosen by hand",
        "first": "the first site of each run; nothing says that they belong together",
    }[how]
    return (f"A’s {a.name} is compared with B’s {b.name}: {why}.",)


def _head_words(state: SessionState, a: SiteFacts, b: SiteFacts) -> tuple[str, ...]:
    if state.beside.head != "same":
        return ()
    head_a, head_b = head_in(state, "A"), head_in(state, "B")
    heads = aligned_heads(a, b)
    if heads is None:
        counts = f"B has {_count(b.heads)}, A has {a.heads:,}"
        if (head_a, head_b) == (None, None):
            return (f"{counts}: means are compared.",)
        sides = [
            f"the mean of {slot}" if head is None else f"head {head} of {slot}"
            for slot, head in (("A", head_a), ("B", head_b))
        ]
        return (f"{counts}: {sides[0]} is compared with {sides[1]}.",)
    if len(heads) < max(a.heads, b.heads):
        return (
            f"Both recorded {_count(len(heads))} of A’s {a.heads:,} and B’s {b.heads:,}; "
            "the means are over all that each recorded.",
        )
    return ()


def _count(heads: int) -> str:
    return f"{heads:,} head" + ("s" if heads != 1 else "")


def _numbers(site: SiteFacts) -> tuple[int, ...]:
    return site.head_indices if len(site.head_indices) == site.heads else tuple(range(site.heads))


def _nature(site: SiteFacts) -> tuple[int, str, str]:
    return site.layer, site.kind, site.key_axis
