"""Why two frames cannot be subtracted, in words: the same on screen and in figures."""

from __future__ import annotations

from hardattn_viewer.session.frames import Frame

_NOUNS = {"regions": "regions", "tokens": "tokens", "target": "tokens"}


def keys_problem(a: Frame, b: Frame) -> str:
    """Why the rows of A and B have no difference; empty where they have one."""
    keys_a, keys_b = a.probabilities.size, b.probabilities.size
    if keys_a != keys_b:
        noun = _NOUNS.get(a.key_axis, "keys")
        return f"keys differ: A has {keys_a:,} {noun}, B {keys_b:,}"
    return ""


def map_problem(a: Frame, b: Frame) -> str:
    """Why the maps of A and B have no difference; empty where they have one."""
    problem = keys_problem(a, b)
    if problem:
        return problem
    if a.queries != b.queries:
        return f"queries differ: A has {a.queries:,}, B {b.queries:,}"
    if a.map is None or b.map is None:
        return "this step was not recorded in both"
    return ""


def difference_words(a: Frame | None, b: Frame | None) -> tuple[str, ...]:
    """Sentences on what could not be aligned between two frames of an example."""
    if a is None or b is None:
        return ()
    words = []
    problem = map_problem(a, b)
    if problem:
        words.append(f"{problem[:1].upper()}{problem[1:]}.")
    if a.steps != b.steps:
        words.append(f"Steps differ: A has {a.steps:,} here, B {b.steps:,}.")
    if a.tokens is not None and b.tokens is not None and a.tokens != b.tokens and not problem:
        both = enumerate(zip(a.tokens, b.tokens, strict=True))
        at, (first, second) = next((at, two) for at, two in both if two[0] != two[1])
        words.append(f"Tokens differ, first the {at + 1}.: “{first}” in A, “{second}” in B.")
    return tuple(words)
