"""What was not recorded, and what recording changed, in sentences that go into the run."""

from __future__ import annotations

from recorders.capture.policy import Policy, in_words
from recorders.run.layout import CHANGED, LEFT_OUT, REMARKS

_NAMED = 3


class Ledger:
    """Counts what is left out while a model runs, and says it.

    Args:
        policy: what was asked to be left out.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._sites: dict[str, None] = {}
        self._reasons: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}
        self._full_at = ""
        self._changes: dict[str, None] = {}
        self._remarks: dict[str, None] = {}
        self._said: tuple[list[str], ...] = ([], [], [])

    def site(self, name: str) -> None:
        """An attention of a site that ``sites`` leaves out was seen."""
        self._sites[name] = None

    def step(self, events: int) -> None:
        """Events of a step that ``every`` leaves out were seen."""
        self._count("step", events)

    def queries(self) -> None:
        """Queries of an attention were left out."""
        self._count("queries")

    def heads(self) -> None:
        """Heads of an attention were left out."""
        self._count("heads")

    def examples(self, count: int) -> None:
        """Examples that ``examples`` leaves out were run."""
        self._count("examples", count)

    def no_query(self, events: int) -> None:
        """Events were seen of which no query is left, without padding and what is not asked for."""
        self._count("no query", events)

    def refused(self, what: str, count: int) -> None:
        """Events or examples came while the disk refused and too much waited for it already."""
        self._count(f"refused {what}", count)

    def full(self, where: str, events: int) -> None:
        """Events came after ``max_bytes`` was reached; ``where`` tells the first."""
        self._full_at = self._full_at or where
        self._count("full", events)

    def unknown(self, site: str, reason: str, events: int) -> bool:
        """Events could not be recorded. Returns whether they are the first of their kind."""
        key = site, reason
        first = key not in self._reasons
        self._reasons[key] = self._reasons.get(key, 0) + events
        return first

    def changed(self, sentence: str) -> None:
        """Recording changed how the model ran."""
        self._changes[sentence] = None

    def remark(self, sentence: str) -> None:
        """Something about the record that its reader should know."""
        self._remarks[sentence] = None

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that were seen and left out by ``sites``."""
        return tuple(self._sites)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was remarked so far."""
        return tuple(self._remarks)

    @property
    def refusal(self) -> str:
        """Why what was seen of the sites that are wanted was left out; empty where nothing was."""
        counts = self._counts
        if self._reasons:
            said = [f"{site}: {reason}" for site, reason in self._reasons]
            more = f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
            return f"what was seen could not be recorded; {'; '.join(said[:_NAMED])}{more}"
        if "full" in counts:
            return f"max_bytes={self._policy.max_bytes:,} was reached by the first event"
        return self._without_query() if "no query" in counts else ""

    def news(self) -> dict[str, list[str]] | None:
        """All sentences as facts of the run, or None where nothing was added since the last time.

        Returns:
            ``left_out``, ``changed`` and ``remarks``, each where it holds any.
        """
        now = (self._left_out(), list(self._changes), list(self._remarks))
        if now == self._said:
            return None
        self._said = now
        return {
            name: sentences
            for name, sentences in zip((LEFT_OUT, CHANGED, REMARKS), now, strict=True)
            if sentences
        }

    def _count(self, what: str, count: int = 1) -> None:
        if not count:
            return
        self._counts[what] = self._counts.get(what, 0) + count

    def _left_out(self) -> list[str]:
        policy, counts = self._policy, self._counts
        sentences = []
        if self._sites:
            sentences.append(
                f"{_plural(len(self._sites), 'site')} that sites={', '.join(policy.sites)} does "
                f"not name: {_some(self._sites)}"
            )
        if "heads" in counts and policy.heads is not None:
            kept = ", ".join(str(head) for head in policy.heads)
            sentences.append(f"heads other than {kept} of each site")
        if "queries" in counts and policy.queries is not None:
            sentences.append(f"queries other than {in_words(policy.queries)} of each map")
        if "no query" in counts:
            sentences.append(self._without_query())
        if "step" in counts:
            sentences.append(
                f"all but one step in {policy.every}: {_plural(counts['step'], 'event')}"
            )
        if "examples" in counts:
            sentences.append(f"{_plural(counts['examples'], 'example')} that examples= leaves out")
        if "full" in counts:
            sentences.append(
                f"everything from {self._full_at} on, where max_bytes={policy.max_bytes:,} was "
                f"reached: {_plural(counts['full'], 'event')}"
            )
        refused = [
            _plural(counts[f"refused {what}"], what)
            for what in ("example", "event")
            if f"refused {what}" in counts
        ]
        if refused:
            sentences.append(f"{' and '.join(refused)} that came while the disk took nothing")
        sentences += [
            f"{site}: {reason} ({_plural(count, 'event')})"
            for (site, reason), count in self._reasons.items()
        ]
        return sentences

    def _without_query(self) -> str:
        events = _plural(self._counts["no query"], "event")
        if self._policy.queries is None:
            return f"{events} that are all padding"
        return f"{events} of which queries={in_words(self._policy.queries)} picks none"


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _some(names: dict[str, None]) -> str:
    first = ", ".join(list(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"
