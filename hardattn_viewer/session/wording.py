"""Tokens put together as people would write them."""

from __future__ import annotations

from collections.abc import Sequence

# What the usual tokenizers write for a space before a word, and for a word that goes on.
_SPACES = ("▁", "Ġ")
_GOES_ON = "##"


def plain_text(tokens: Sequence[str]) -> str:
    """The tokens as one text, for searching.

    Where a token begins with ``▁`` or ``Ġ``, spaces are where these are. Otherwise every token is
    a word, but for those that begin with ``##`` and continue the one before.
    """
    if any(token.startswith(_SPACES) for token in tokens):
        text = "".join(tokens)
        for mark in _SPACES:
            text = text.replace(mark, " ")
        return text.replace("Ċ", "\n").strip()
    words = [
        token[2:] if token.startswith(_GOES_ON) and len(token) > 2 else " " + token
        for token in tokens
    ]
    return "".join(words).strip()
