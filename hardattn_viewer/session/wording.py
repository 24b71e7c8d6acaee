"""Tokens put together as people would write them."""

from __future__ import annotations

from collections.abc import Sequence

from hardattn_viewer.session.token_marks import pieces_of


def plain_text(tokens: Sequence[str]) -> str:
    """The tokens as one text, for searching: words with spaces between, without marks."""
    parts: list[bytes] = []
    for piece in pieces_of(tuple(tokens)):
        if piece.spaced and parts and not parts[-1].endswith(b"\n"):
            parts.append(b" ")
        parts.append(piece.data)
    return b"".join(parts).decode(errors="replace").strip()
