"""What of all that a model attends to is recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

Queries = str | int | slice | None
Examples = int | slice | Collection[int | str] | None


@dataclass(frozen=True)
class Policy:
    """What is recorded; made by ``policy_of``.

    Attributes:
        sites: shell patterns, one of which a site's name or module path matches.
        heads: heads to keep, from 0; None for all.
        every: every how many steps one is recorded, the first included.
        queries: the queries to keep of each map; None for all.
        examples: the examples to keep, by number or name; None for all.
        max_bytes: bytes after which nothing more is recorded; None for no limit.
    """

    sites: tuple[str, ...] = ("*",)
    heads: tuple[int, ...] | None = None
    every: int = 1
    queries: slice | None = None
    examples: slice | frozenset[int | str] | None = None
    max_bytes: int | None = None

    def wants_site(self, *names: str) -> bool:
        """Whether a site that goes by any of these names is recorded."""
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.sites)

    def wants_step(self, step: int) -> bool:
        """Whether this step of an example is recorded."""
        return step % self.every == 0

    def wants_example(self, number: int, name: str) -> bool:
        """Whether the example that is the ``number``-th from 0 to be opened is recorded."""
        if self.examples is None:
            return True
        if isinstance(self.examples, slice):
            start, stop, stride = self.examples.start, self.examples.stop, self.examples.step
            return (
                number >= start
                and (stop is None or number < stop)
                and not ((number - start) % stride)
            )
        return number in self.examples or name in self.examples


def policy_of(
    *,
    sites: str | Sequence[str] = "*",
    heads: Sequence[int] | None = None,
    every: int = 1,
    queries: Queries = None,
    examples: Examples = None,
    max_bytes: int | None = None,
) -> Policy:
    """The policy that these arguments of ``Recorder`` describe.

    Raises:
        ValueError: one of them describes nothing that could be recorded.
    """
    patterns = (sites,) if isinstance(sites, str) else tuple(sites)
    if not patterns:
        raise ValueError("sites=[] names no site; pass shell patterns, or leave it out for all")
    if heads is not None and (not len(heads) or min(heads) < 0):
        raise ValueError(f"heads={list(heads)} names no head; count from 0, or None for all")
    if heads is not None and len(set(heads)) < len(heads):
        raise ValueError(f"heads={list(heads)} names a head twice")
    if every < 1:
        raise ValueError(f"every={every} records no step; pass 1 for all, 10 for each tenth")
    if max_bytes is not None and max_bytes < 1:
        raise ValueError(f"max_bytes={max_bytes} leaves room for nothing; None is no limit")
    return Policy(
        patterns,
        None if heads is None else tuple(int(head) for head in heads),
        every,
        _queries(queries),
        _examples(examples),
        max_bytes,
    )


def _queries(queries: Queries) -> slice | None:
    if queries is None or queries == "all":
        return None
    if queries == "last":
        return slice(-1, None, 1)
    if isinstance(queries, int):
        return slice(queries, queries + 1 or None, 1)
    if isinstance(queries, slice) and (queries.step is None or queries.step >= 1):
        return slice(queries.start, queries.stop, queries.step or 1)
    raise ValueError(
        f'queries={queries!r} names no queries; pass "all", "last", a number or a slice that runs '
        "forwards"
    )


def _examples(examples: Examples) -> slice | frozenset[int | str] | None:
    if examples is None:
        return None
    if isinstance(examples, int):
        examples = slice(0, examples, 1)
    if isinstance(examples, slice):
        start, stop, stride = examples.start or 0, examples.stop, examples.step or 1
        if start < 0 or stride < 1 or (stop is not None and stop <= start):
            raise ValueError(
                f"examples={examples} keeps none; count from 0, forwards, since nobody knows how "
                "many are to come"
            )
        return slice(start, stop, stride)
    if isinstance(examples, str) or not examples:
        raise ValueError(
            f"examples={examples!r} names no example; pass how many, a slice, or names or numbers"
        )
    return frozenset(examples)


def in_words(queries: slice) -> str:
    """A choice of queries as a person would write it: ``-1:``, ``0:64``, ``::8``."""
    parts = [queries.start, queries.stop, *([queries.step] if queries.step != 1 else [])]
    return ":".join("" if part is None else str(part) for part in parts)
