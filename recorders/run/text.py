"""Text from files made harmless: what a reader would not see, or a terminal would obey, is shown.

Bidirectional overrides let a name read as another; control characters move the cursor, retitle the
terminal or clear it; characters of no width make two names look alike. Each of them becomes its
code point in brackets, as ``⟨U+202E⟩``. Letters of every script stay as they are, and so do the
joiners (U+200C, U+200D) that some scripts and emoji need.
"""

from __future__ import annotations

import re
from typing import Any

# Control, surrogate and line-breaking characters, and those of format that have no glyph.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e007f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a]"
)


def visible(text: str, kept: str = "") -> str:
    """The text with every hidden character as its code point, but for those ``kept``."""
    return _HIDDEN.sub(
        lambda found: found[0] if found[0] in kept else f"⟨U+{ord(found[0]):04X}⟩", text
    )


def visible_json(value: Any) -> Any:
    """Plain JSON values with every text in them made visible, the names of facts too."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [visible_json(item) for item in value]
    if isinstance(value, dict):
        return {visible(name): visible_json(item) for name, item in value.items()}
    return value
