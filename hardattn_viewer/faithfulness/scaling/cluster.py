"""Units measured by the workers of a Dask cluster that runs already."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError
from hardattn_viewer.faithfulness.scaling.units import Job, Piece, Unit, run_unit

CONNECT_SECONDS = 10
"""Longest wait for a scheduler, and for its first worker."""
_PAUSE = 0.1


@dataclass(frozen=True)
class Cluster:
    """Has units measured through a Dask scheduler.

    A unit whose worker dies is given to another one by the scheduler, three times unless its
    ``allowed-failures`` says otherwise. A unit that runs when the check is stopped ends by itself.

    Attributes:
        address: of the scheduler, such as ``tcp://host:8786``.

    Raises:
        ModuleNotFoundError: ``distributed`` is not installed.
    """

    address: str

    def __post_init__(self) -> None:
        import distributed  # noqa: F401

    def __call__(
        self, job: Job, units: Sequence[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Piece]:
        """The pieces of all units, each as soon as it is there.

        Raises:
            FaithfulnessError: no scheduler answers, it has no workers, or it is gone.
        """
        if not units:
            return
        # What it logs of a lost scheduler is said in a sentence here.
        log = logging.getLogger("distributed.client")
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            yield from self._measured(job, units, should_stop)
        finally:
            log.setLevel(level)

    def _measured(
        self, job: Job, units: Sequence[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Piece]:
        client = self._connected(should_stop)
        done: SimpleQueue[Any] = SimpleQueue()
        futures: dict[str, Unit] = {}
        kept = []
        try:
            for unit in units:
                future = client.submit(run_unit, job, unit, pure=False)
                futures[future.key] = unit
                kept.append(future)
                future.add_done_callback(done.put)
            for _ in units:
                future = self._next(done, should_stop)
                yield self._piece(future, futures[future.key])
        finally:
            if client.status == "running":
                client.cancel(kept)
            client.close(timeout=1)

    def _connected(self, should_stop: Callable[[], bool]) -> Any:
        from distributed import Client

        try:
            client: Any = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise FaithfulnessError(
                f"no Dask scheduler answers at {self.address}: start one with `dask scheduler`, or "
                "measure on this machine with --workers"
            ) from error
        end = time.monotonic() + CONNECT_SECONDS
        while not client.nthreads():
            # They may just be starting, or be started anew.
            if should_stop() or time.monotonic() > end:
                client.close(timeout=1)
                raise self._no_workers(should_stop())
            time.sleep(_PAUSE)
        return client

    def _no_workers(self, stopped: bool) -> Exception:
        if stopped:
            return CancelledError("stopped")
        return FaithfulnessError(
            f"the Dask scheduler at {self.address} has no workers: start some with `dask worker "
            f"{self.address}`"
        )

    def _next(self, done: SimpleQueue[Any], should_stop: Callable[[], bool]) -> Any:
        while True:
            if should_stop():
                raise CancelledError("stopped")
            try:
                return done.get(timeout=_PAUSE)
            except Empty:
                continue

    def _piece(self, future: Any, unit: Unit) -> Piece:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise FaithfulnessError(
                f"{unit.words}: the Dask scheduler at {self.address} is gone, or gave it up"
            )
        try:
            piece: Piece = future.result(timeout=CONNECT_SECONDS)
        except KilledWorker as error:
            raise FaithfulnessError(
                f"{unit.words}: its Dask worker died again and again; if memory was short, give "
                "each worker more"
            ) from error
        return piece
