"""Recorder: listens while a model runs and writes what it attended to into a run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any, Literal

from torch import nn

from recorders.capture import forgotten
from recorders.capture.events import SiteFacts
from recorders.capture.host import NETS, NetHost
from recorders.capture.policy import Examples, Queries, policy_of
from recorders.capture.ranks import END_SECONDS, close_writer, open_writer
from recorders.capture.recording import Recording
from recorders.capture.sites import module_path, tapped_sites
from recorders.capture.tap import AttentionTap
from recorders.run.codec import codec_named
from recorders.run.errors import RunError

FLUSH_SECONDS = 10.0

Reader = Callable[[nn.Module, tuple[Any, ...], Any], Mapping[str, Any]]


class Recorder:
    """Records what a model attends to, without changing any of its outputs.

    Used as ``with Recorder("run.h5", model) as recorder:``. While it is open, finished parts lie in
    ``run.h5.parts/`` and survive a kill; at the end, even one by an exception, they are sealed into
    ``run.h5``. Only what happens inside ``with recorder.example(...)`` is recorded. A process that
    is forked meanwhile, a worker of a data loader, records nothing and leaves the run alone.

    Args:
        path: the run to make; its folder must exist, an older run is replaced at the end.
        model: the module to listen at, prepared or not; None for ``log`` and ``watch`` alone.
        sites: shell pattern or patterns of the sites to record, by site name or module path.
        heads: heads to keep, counted from 0; None for all.
        every: every how many steps one is recorded, the first included.
        queries: queries to keep of each map: ``"last"``, a number (negative from the end) or a
            slice; None for all.
        examples: examples to keep: how many from the first, a slice, or names or numbers; None for
            all.
        max_bytes: bytes of parts after which nothing more is recorded; None for no limit.
        codec: how probabilities are stored: ``sqrt16``, ``sqrt8``, ``float16``, ``float32``.
        tokenizer: has ``convert_ids_to_tokens``, for the tokens that a model is given or writes.
        nets: how attention that nobody prepared is found, of ``NETS``; ``()`` for taps alone.
        repeats: what the second attention of one module in one forward pass is: ``"sites"`` makes
            it a site of its own, named ``PATH#2``; ``"steps"`` the next step of the same site.
        verify: whether weights times values are compared with what the layer returned: of
            ``"all"`` queries, of ``"some"`` (every few of a map of more than 256), or ``"none"``.
        ranks: in a job of ``torch.distributed``, ``"all"``: every rank opens a recorder, and those
            with the same path record one run together; ``"this"``: this one records alone.
        metadata: free facts about the run, plain JSON.
        flush_every: seconds after which what was recorded is written to disk.
        on_error: ``"raise"`` lets a recording error stop the model, ``"warn"`` turns it into a
            RuntimeWarning, leaves out what was wrong and lets the model run on, also where the run
            cannot be sealed at the end of ``with``.

    Raises:
        ValueError: unknown codec or net, metadata that is not JSON, or a choice of nothing.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        model: nn.Module | None = None,
        *,
        sites: str | Sequence[str] = "*",
        heads: Sequence[int] | None = None,
        every: int = 1,
        queries: Queries = None,
        examples: Examples = None,
        max_bytes: int | None = None,
        codec: str = "sqrt16",
        tokenizer: Any = None,
        nets: Collection[str] = tuple(NETS),
        repeats: Literal["sites", "steps"] = "sites",
        verify: Literal["all", "some", "none"] = "some",
        ranks: Literal["all", "this"] = "all",
        metadata: dict[str, Any] | None = None,
        flush_every: float = FLUSH_SECONDS,
        on_error: Literal["raise", "warn"] = "raise",
    ) -> None:
        if on_error not in ("raise", "warn"):
            raise ValueError(f'on_error is "raise" or "warn", not {on_error!r}')
        unknown = sorted(set(nets) - set(NETS))
        if unknown or isinstance(nets, str):
            raise ValueError(f"nets={nets!r}: there are {', '.join(NETS)}, or () for none")
        if repeats not in ("sites", "steps"):
            raise ValueError(f'repeats is "sites" or "steps", not {repeats!r}')
        if verify not in ("all", "some", "none"):
            raise ValueError(f'verify is "all", "some" or "none", not {verify!r}')
        if ranks not in ("all", "this"):
            raise ValueError(f'ranks is "all" or "this", not {ranks!r}')
        self._path = path
        self._model = model
        self._alone = ranks == "this"
        self._policy = policy_of(
            sites=sites,
            heads=heads,
            every=every,
            queries=queries,
            examples=examples,
            max_bytes=max_bytes,
        )
        self._tokenizer = tokenizer
        self._nets = tuple(nets)
        self._repeats = repeats
        self._verify = verify
        self._codec = codec_named(codec).name
        self._metadata = dict(metadata or {})
        self._flush_every = flush_every
        self._on_error = on_error
        self._recording: Recording | None = None
        self._stop: list[Callable[[], None]] = []
        self._taps: set[str] = set()
        self._watched: set[str] = set()
        self._host: NetHost | None = None
        self._missed = False
        self._explained = False

    def __enter__(self) -> Recorder:
        writer = open_writer(
            self._path, alone=self._alone, codec=self._codec, metadata=self._metadata
        )
        self._recording = Recording(writer, self._policy, self._flush_every)
        try:
            self._begin(self._recording)
        except BaseException:
            self._stop_listening()
            self._recording = None
            writer.release()
            raise
        forgotten.remember(self._recording)
        return self

    def _begin(self, recording: Recording) -> None:
        if self._model is None:
            return
        for site in tapped_sites(self._model):
            self._taps.add(site.path.rpartition(".")[0])
            if self._policy.wants_site(site.name, site.path):
                self._listen(site.name, site.tap)
            else:
                recording.ledger.site(site.name)
        self._host = NetHost(
            self._model,
            recording,
            tokenizer=self._tokenizer,
            is_told=self._is_told,
            repeats=self._repeats,
            verify=self._verify,
            excused=self._excused,
        )
        self._host.open(self._nets)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if problem is None:
            self._close_excused()
            return
        try:
            # The other ranks may be waiting for this one in vain, so it does not wait for them.
            self._seal(seconds=0)
        except (OSError, RunError) as second:
            problem.add_note(f"what was recorded could not be sealed either: {second}")

    def close(self) -> None:
        """Stop listening and seal the run; ``with`` does this.

        Raises:
            OSError: the disk refused; what was flushed stays in the folder of parts.
            RunError: a part was damaged on disk, or another rank of the job has not ended; the
                parts stay as they are.
        """
        recording = self._recording
        self._seal()
        if recording is not None and not recording.writer.n_events:
            self._explain_emptiness(recording)

    @contextmanager
    def example(
        self, *, batch: Sequence[Mapping[str, Any]] | None = None, **fields: Any
    ) -> Iterator[None]:
        """What happens inside belongs to this example, or to the examples of this batch.

        Args:
            batch: one dict of the fields below for each row of the batch.
            fields: name (a name used before, in an earlier snapshot, is the same example), image
                (uint8 [height, width] or [height, width, 3]), regions ([n, 4] boxes x0, y0, x1, y1
                in pixels of the image: what the keys of a ``regions`` site are), tokens (strings),
                label (true class); any may be left out. In place of an image: audio (int16, or
                floating from -1 to 1, [samples] or [channels, samples]) with rate (samples a
                second) and, where the model's input covers another part of it, input_span (begin
                and end, s; Whisper's is (0, 30)): keys of a ``frames`` site are equal parts of
                that; video (uint8 [frames, height, width] or with 3 colours) with fps or times
                (s) and, where regions lie in single frames, region_frames ([n], -1 for all); or
                points ([n, 2], x and y on a plane). Beside any of these: target (strings: what the
                queries of a site with ``query_axis="target"`` are, a translation for example) and
                memory (a text for each slot; see ``remember``).

        Raises:
            ValueError: an example is open already, is described wrongly, or was recorded before in
                this snapshot.
        """
        if batch is not None and fields:
            raise ValueError("an example is described either by batch=[...] or by its own fields")
        recording = self._running()
        begun = kept = False
        with self._excused():
            described = [fields] if batch is None else list(batch)
            kept = recording.begin(described, batched=batch is not None)
            begun = True
        try:
            yield
        finally:
            if begun:
                recording.end()
        if begun and kept and not recording.writer.n_events:
            self._explain_emptiness(recording)

    def remember(self, slot: int, text: Any) -> None:
        """Record what a slot of the model's memory holds from the current step on.

        Args:
            slot: number of the slot, from 0.
            text: what it holds, in words; for a batch one for each row, None for no change.

        Raises:
            ValueError: no example is open, or there is not one text for each row.
        """
        with self._excused():
            self._running().remember(slot, text)

    def step(self, **scalars: Any) -> None:
        """End the current step, and record numbers that belong to it.

        Args:
            scalars: by name (reward, baseline, advantage, temperature, or any other): one number,
                or [batch].

        Raises:
            ValueError: no example is open, or a number is missing, NaN or of another shape.
        """
        with self._excused():
            self._running().end_step(scalars)

    def steps(self, **scalars: Any) -> None:
        """Record numbers of all steps of the open example or batch at once.

        Args:
            scalars: by name: [steps], or [batch, steps] for a batch.

        Raises:
            ValueError: no example is open, or another number of steps was recorded.
        """
        with self._excused():
            self._running().all_steps(scalars)

    def written(self, texts: Any) -> None:
        """Record what the model wrote at each step of the open example or batch.

        A site whose ``query_axis`` is ``"target"`` and that attends once a step asks for these.

        Args:
            texts: one text a step; for a batch one such list for each row.

        Raises:
            ValueError: no example is open, or there is not one list for each row.
        """
        with self._excused():
            self._running().written(texts)

    def outcome(
        self,
        *,
        scores: Any = None,
        prediction: Any = None,
        confidence: Any = None,
        label_probability: Any = None,
    ) -> None:
        """Record what the model answered for the open example or batch.

        Args:
            scores: class probabilities, [classes] or [batch, classes]; the other three follow.
            prediction: predicted class, one or [batch].
            confidence: probability of the predicted class.
            label_probability: probability of the true class.

        Raises:
            ValueError: no example is open, or the scores are no probabilities.
        """
        with self._excused():
            self._running().outcome(scores, prediction, confidence, label_probability)

    def log(
        self,
        site: str,
        *,
        probabilities: Any,
        selection: Any = None,
        log_prob: Any = None,
        temperature: Any = None,
        kind: str = "",
        mechanism: str = "",
        key_axis: str = "keys",
        query_axis: str = "queries",
    ) -> None:
        """Record one event by hand, where no tap fits; the arguments are those of AttentionTap.

        Raises:
            ValueError: no example is open, or a value is not what it should be.
            OSError: the disk refused; the event is kept and tried again.
        """
        with self._excused():
            values = {
                "probabilities": probabilities,
                "selection": selection,
                "log_prob": log_prob,
                "temperature": temperature,
            }
            self._running().event(site, SiteFacts(kind, mechanism, key_axis, query_axis), values)

    def watch(
        self,
        module: nn.Module,
        read: Reader,
        *,
        site: str | None = None,
        kind: str = "",
        mechanism: str = "",
        key_axis: str = "keys",
        query_axis: str = "queries",
    ) -> None:
        """Record a module that someone else wrote.

        Args:
            module: the module; every forward pass of it is one event.
            read: ``read(module, args, output)`` gives a dict with probabilities and, where there
                are any, selection, log_prob and temperature, as for AttentionTap; or, of a module
                that draws places from a Normal distribution, with location [batch, 2] (x and y in
                [-1, 1] of the image, as ``grid_sample`` has them), mean [batch, 2] and std (one
                number or [batch, 2]): it is recorded over the example's regions, or a grid.
            site: name of the site; its path in the model by default.
            kind: what kind of attention it is.
            mechanism: how it weighs or chooses.
            key_axis: what a key is.
            query_axis: what a query is.
        """
        recording = self._running()
        name = site or module_path(self._model, module)
        if self._model is not None:
            self._watched |= {path for path, part in self._model.named_modules() if part is module}
        facts = SiteFacts(kind, mechanism, key_axis, query_axis, "watch", "read by the caller")

        def hook(watched: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if recording.current is None:
                self._missed = True
                return
            # What the reader computes again is no further attention of the model.
            silent = nullcontext() if self._host is None else self._host.muted()
            with self._excused(), silent:
                recording.event(name, facts, read(watched, args, output))

        self._stop.append(module.register_forward_hook(hook).remove)

    def snapshot(self, step: int, **scalars: Any) -> None:
        """What follows belongs to this moment of training.

        Args:
            step: training step.
            scalars: by name: one number that training tells of this moment: loss, reward,
                accuracy, entropy (nat), temperature, gradient_variance, or any other.

        Raises:
            ValueError: an example is open, or a scalar is not one finite number.
        """
        with self._excused():
            self._running().snapshot(step, scalars)

    def describe(self, **facts: Any) -> None:
        """Add facts to the run's metadata, for example a result known only at the end.

        Raises:
            ValueError: a fact is not plain JSON.
        """
        with self._excused():
            self._running().writer.describe(**facts)

    def flush(self) -> None:
        """When this returns, everything recorded so far survives a kill.

        Raises:
            OSError: the disk refused; nothing is lost, and it is tried again later.
        """
        # Not even with on_error="warn": whoever asks must know that it is on the disk.
        self._running().flush()

    def _is_told(self, path: str) -> bool:
        """Whether a tap or the caller tells what the module at this path attends to."""
        return path in self._taps or any(
            path == watched or (watched and path.startswith(f"{watched}."))
            for watched in self._watched
        )

    def _close_excused(self) -> None:
        try:
            self.close()
        except (OSError, RunError, MemoryError) as problem:
            if self._on_error == "raise":
                raise
            warnings.warn(f"not sealed: {problem}", RuntimeWarning, stacklevel=3)

    def _seal(self, seconds: float = END_SECONDS) -> None:
        self._stop_listening()
        recording = self._recording
        if recording is None:
            return
        recording.end()
        if recording.writer.is_mine:
            recording.conclude()
            close_writer(recording.writer, seconds=seconds)
        forgotten.forget(recording)
        self._recording = None

    def _stop_listening(self) -> None:
        for stop in self._stop:
            stop()
        self._stop.clear()
        if self._host is not None:
            self._host.close()

    def _listen(self, name: str, tap: AttentionTap) -> None:
        recording = self._running()
        facts = SiteFacts(
            tap.kind,
            tap.mechanism,
            tap.key_axis,
            tap.query_axis,
            "tap",
            "told by the model",
        )

        def heard(_: AttentionTap, values: dict[str, Any]) -> None:
            if recording.current is None:
                self._missed = True
                return
            with self._excused():
                recording.event(name, facts, values)

        self._stop.append(tap.listen(heard))

    def _running(self) -> Recording:
        if self._recording is None:
            raise ValueError(
                "the recorder is not open; use it as `with Recorder(...) as recorder:`"
            )
        return self._recording

    @contextmanager
    def _excused(self) -> Iterator[None]:
        """Turn a recording error into a warning where the caller asked for that."""
        try:
            yield
        except (ValueError, TypeError, OverflowError, OSError, MemoryError, RunError) as problem:
            if self._on_error == "raise":
                raise
            warnings.warn(f"not recorded: {problem}", RuntimeWarning, stacklevel=4)

    def _explain_emptiness(self, recording: Recording) -> None:
        """Say once why nothing is recorded, as soon as that is known."""
        if self._explained:
            return
        self._explained = True
        seen, refusal = recording.ledger.sites, recording.ledger.refusal
        if refusal:
            reason = refusal
        elif self._missed or (self._host is not None and self._host.missed):
            reason = "the model ran outside of `with recorder.example(...)`; call it inside"
        elif seen:
            reason = (
                f"no site of the model matches {', '.join(self._policy.sites)}; "
                f"it has {', '.join(seen)}"
            )
        elif self._model is None:
            reason = "nothing was logged; pass the model, or call log() inside an example"
        elif self._host is None or not self._host.ran:
            reason = "the model was not run; call it inside `with recorder.example(...)`"
        elif recording.ledger.remarks:
            first = recording.ledger.remarks[0]
            reason = f"no attention of {type(self._model).__name__} was found, but {first}"
        else:
            reason = (
                f"no attention of {type(self._model).__name__} was found; put an AttentionTap "
                "where it chooses, or name the module with recorder.watch(...)"
            )
        warnings.warn(f"{self._path} holds no event: {reason}", RuntimeWarning, stacklevel=4)
