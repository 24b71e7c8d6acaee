"""What queries and keys of an attention are: tokens, a target, regions, frames or just keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from recorders.capture.captured import Captured, Ticket
from recorders.capture.placement.grids import Grid, Specials, specials_in
from recorders.capture.placement.inputs import AUDIO
from recorders.capture.placement.passes import Pass, Tokens
from recorders.capture.placement.spans import Spans, lost

MASS_TOLERANCE = 1e-5
"""Mass on keys that are said to be padding above which they are not taken for it."""

_CROSS = frozenset(
    {"encoderattn", "encdecattention", "crossattention", "crossattn", "encoderdecoderattn"}
)
# Of torch.nn.TransformerDecoderLayer; anywhere else the name says nothing.
_CROSS_IN_DECODER = frozenset({"multiheadattn"})


@dataclass(frozen=True, eq=False)
class Axis:
    """What the items along queries or keys are.

    Attributes:
        name: ``tokens``, ``target``, ``regions``, ``frames``, ``keys`` or ``queries``.
        part: whose padding it has: ``source``, ``target``, ``memory``; empty for none.
        length: positions, those of earlier passes included.
        past: position of the first item that this pass brought.
        ids: token numbers of the items that this pass brought.
        grid: the patches that are its regions.
        specials: names of the items before the first patch.
        spans: what is known about its padding from where it was computed.
    """

    name: str
    part: str
    length: int
    past: int = 0
    ids: Tensor | None = None
    grid: Grid | None = None
    specials: tuple[str, ...] = ()
    spans: Spans | None = None


@dataclass(frozen=True, eq=False)
class Axes:
    """The two axes of an attention.

    Attributes:
        queries: what its queries are.
        keys: what its keys are.
        same: whether they are the same items.
    """

    queries: Axis
    keys: Axis
    same: bool


def in_decoder(path: str) -> bool:
    """Whether a module path leads into a decoder."""
    return any(part.startswith("decoder") for part in path.split("."))


def is_cross(ticket: Ticket, captured: Captured) -> bool:
    """Whether queries look at the keys of something else."""
    if captured.kind:
        return captured.kind == "cross"
    parts = {part.replace("_", "").lower() for part in ticket.path.split(".")}
    return bool(parts & _CROSS) or (in_decoder(ticket.path) and bool(parts & _CROSS_IN_DECODER))


def has_halves(model: nn.Module) -> bool:
    """Whether a model has an encoder and a decoder that looks at it."""
    told = getattr(getattr(model, "config", None), "is_encoder_decoder", None)
    if isinstance(told, bool):
        return told
    parts = {part for name, _ in model.named_modules() for part in name.split(".")}
    return {"encoder", "decoder"} <= parts


@dataclass(eq=False)
class Sources:
    """Where tokens, patches and frames were seen to enter the model, over all its passes.

    Attributes:
        model: the model.
        grids: how images were cut into patches, by the path of the module that did it.
        embeddings: paths of modules that embed tokens.
        convolutions: paths of modules that run along time.
        audio: whether the model was given sound.
        memories: axes that were attended to by themselves, by length.
        totals: keys that each site had last, by site.
    """

    model: nn.Module
    grids: dict[str, Grid] = field(default_factory=dict)
    embeddings: set[str] = field(default_factory=set)
    convolutions: set[str] = field(default_factory=set)
    audio: bool = False
    memories: dict[int, Axis] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    _specials: dict[str, Specials] = field(default_factory=dict)

    def began(self, passed: Pass) -> None:
        """Note what a pass was given."""
        self.audio = self.audio or any(name in passed.inputs for name in AUDIO)

    def axes(self, ticket: Ticket, captured: Captured, passed: Pass) -> Axes:
        """What queries and keys of an attention are.

        Args:
            ticket: the leave it was captured with.
            captured: what was captured, its rows as they are.
            passed: the pass.
        """
        queries, keys = captured.probabilities.shape[-2:]
        keys -= captured.sink
        target = passed.halves and in_decoder(ticket.path)
        if is_cross(ticket, captured):
            return Axes(
                self._asking(ticket, passed, queries, target), self._memory(passed, keys), False
            )
        if target:
            axis = _token_axis("target", passed.target, captured, passed)
        else:
            axis = self._source(ticket.path, captured, passed, keys)
        before, self.totals[ticket.site] = self.totals.get(ticket.site, 0), keys
        if axis is None:
            past = before if before and before == keys - queries else 0
            axis = Axis("keys", "target" if target else "source", keys, past)
        if queries != axis.length - axis.past and ticket.queries is None:
            return Axes(Axis("queries", "", queries), axis, False)
        return Axes(replace(axis, name="queries") if axis.name == "keys" else axis, axis, True)

    def remember(self, axis: Axis, spans: Spans | None) -> None:
        """Keep what an attention to itself was about, for those that look at its result later."""
        self.memories[axis.length] = replace(axis, spans=spans)

    def _asking(self, ticket: Ticket, passed: Pass, queries: int, target: bool) -> Axis:
        tokens = passed.target if target else passed.source
        part = "target" if target else "source"
        if tokens is None or (tokens.length != queries and ticket.queries is None):
            return Axis("queries", "", queries)
        past = passed.past if target or not passed.halves else 0
        name = "target" if target else "tokens"
        return Axis(name, part, past + tokens.length, past, tokens.ids)

    def _memory(self, passed: Pass, keys: int) -> Axis:
        known = self.memories.get(keys)
        if known is not None:
            return replace(known, part="memory" if known.part else "", past=0)
        for grid in self.grids.values():
            found = self._region_axis(grid, grid.path.partition(".")[0], keys, strict=True)
            if found is not None:
                return found
        tokens = passed.source
        if tokens is not None and tokens.length == keys:
            return Axis("tokens", "memory", keys)
        if self.audio and passed.inputs.memory_length() == keys:
            return Axis("frames", "", keys)
        return Axis("keys", "memory", keys)

    def _source(self, path: str, captured: Captured, passed: Pass, keys: int) -> Axis | None:
        """What the items of a part of the model are that nobody gave it as a target."""
        tokens = passed.source
        places = [(_common(path, place), "grid", place) for place in self.grids]
        places += [(_common(path, place), "frames", place) for place in self._time()]
        if tokens is not None:
            place = max(self.embeddings, key=lambda place: _common(path, place), default="")
            places.append((_common(path, place), "tokens", place))
        nearest = max((common for common, _, _ in places), default=0)
        near = [(kind, place) for common, kind, place in places if common == nearest]
        mixed = any(kind == "tokens" for kind, _ in near)
        part = ".".join(path.split(".")[:nearest])
        for kind, place in near:
            found: Axis | None = None
            if kind == "grid":
                found = self._region_axis(self.grids[place], part, keys, strict=mixed)
            elif kind == "tokens":
                found = _token_axis("source", tokens, captured, passed)
            elif not mixed:
                found = Axis("frames", "frames", keys)
            if found is not None:
                return found
        return None

    def _time(self) -> Iterator[str]:
        return iter(self.convolutions if self.audio else ())

    def _region_axis(self, grid: Grid, part: str, keys: int, *, strict: bool) -> Axis | None:
        """The axis of patches and special tokens, or None where the number of keys is another."""
        if part not in self._specials:
            self._specials[part] = specials_in(self.model, part)
        specials = self._specials[part]
        leading = keys - grid.count - specials.trailing
        if leading < 0 or leading > grid.count:
            return None
        # Beside tokens, what is left over would be those.
        if strict and leading != len(specials.leading):
            return None
        return Axis("regions", "", keys, grid=grid, specials=specials.names(leading))


def _token_axis(part: str, tokens: Tokens | None, captured: Captured, passed: Pass) -> Axis | None:
    """The axis of tokens, or None where the number of keys is another."""
    if tokens is None:
        return None
    past = passed.past if part == "target" or not passed.halves else 0
    total = past + tokens.length
    keys = captured.probabilities.shape[-1] - captured.sink
    if keys < total and not (past and keys >= tokens.length):
        return None
    if keys > total:
        # Of a cache of fixed length the end is not in use yet. Queries that are padding may attend
        # anywhere; the last one is none of those on the left.
        unused = lost(captured.probabilities[..., -1:, :], 0, total, sink=captured.sink)
        if passed.inputs.cache is None or unused > MASS_TOLERANCE:
            return None
    return Axis("target" if part == "target" else "tokens", part, total, past, tokens.ids)


def _common(path: str, other: str) -> int:
    """Parts that two module paths begin with in common."""
    count = 0
    for left, right in zip(path.split("."), other.split("."), strict=False):
        if left != right:
            break
        count += 1
    return count
