"""What a run says in words, made visible at the one place where it is handed out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from recorders.run.contents import Contents
from recorders.run.tables import Tables, TextColumn
from recorders.run.text import visible, visible_json

_TOKENS = ("tokens/text", "later_tokens/text")
# Honest tokens hold these, and whoever draws a token draws them.
_IN_TOKENS = "\n\t"


@dataclass(frozen=True, eq=False)
class _VisibleColumn(TextColumn):
    """A column whose strings are made visible as they are asked for."""

    kept: str = ""

    def _said(self, text: str) -> str:
        return visible(text, self.kept)


def shown(contents: Contents) -> Contents:
    """The same run with every hidden character in its texts as a code point."""
    texts: dict[str, TextColumn] = {
        path: _VisibleColumn(column.data, column.offsets, _IN_TOKENS if path in _TOKENS else "")
        for path, column in contents.tables.texts.items()
    }
    facts = contents.facts
    return replace(
        contents,
        facts=replace(
            facts,
            producer=visible(facts.producer),
            created=visible(facts.created),
            metadata=visible_json(facts.metadata),
        ),
        tables=Tables(contents.tables.columns, texts),
        notices=tuple(visible(notice) for notice in contents.notices),
        damage=tuple(replace(one, what=visible(one.what)) for one in contents.damage),
    )
