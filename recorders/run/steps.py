"""Numbers of very many steps at once: of one example, or of all; never a map."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recorders.run.batches import RunBatches
from recorders.run.index import RowIndex, event_means
from recorders.run.means import RowMeans
from recorders.run.records import Example, Site

RowName = Literal["entropy", "log_prob"]


@dataclass(frozen=True, eq=False)
class StepScalar:
    """One recorded scalar of very many steps, in the order in which it was recorded.

    Attributes:
        name: its name.
        example: int64 [n].
        step: int64 [n], from 0.
        value: float64 [n].
    """

    name: str
    example: NDArray[np.int64]
    step: NDArray[np.int64]
    value: NDArray[np.float64]


class RunSteps(RunBatches):
    """The part of a ``Run`` that reads numbers of steps."""

    _means: RowMeans

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """The names of the scalars that were recorded of steps."""
        found = np.bincount(self._columns["scalars/name"])
        # Numbers of training have names in the same list.
        names = self._texts["scalar_names/name"]
        return tuple(names[code] for code in np.flatnonzero(found).tolist())

    def step_means(self, name: RowName, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """A number of events [n], mean over heads and queries, float64 [n]; NaN where unknown.

        Args:
            name: ``"entropy"`` or ``"log_prob"``, both in nats.
            events: numbers of the events, from ``event_table``.
        """
        return self._means.of_events(f"rows/{name}", events)

    def step_rows(
        self, name: RowName, events: NDArray[np.int64], head: int | None, query: int
    ) -> NDArray[np.float64]:
        """A number of one row of events [n], float64 [n]; NaN where unknown.

        Args:
            name: ``"entropy"`` or ``"log_prob"``, both in nats.
            events: numbers of the events, from ``event_table``.
            head: the head, clamped; None for the mean over heads.
            query: the query; -1 is the last of each event. Clamped to those there are.
        """
        heads, queries, offsets = (
            self._columns[f"events/{one}"][events].astype(np.int64)
            for one in ("heads", "queries", "row_offset")
        )
        inside = (queries > query) & (query >= 0)
        at = np.where(inside, query, queries - 1)
        read = partial(self._means.what_is_left, f"rows/{name}")
        ones = np.ones(events.size, np.int64)
        if head is not None:
            first = offsets + at
            first += np.where(heads > head, head, heads - 1) * queries
            return event_means(read, first, ones)
        total = np.zeros(events.size)
        for one in range(int(heads.max(initial=0))):
            has = one < heads
            starts: NDArray[np.int64] = (offsets + one * queries + at)[has]
            total[has] += event_means(read, starts, ones[has])
        return total / np.maximum(heads, 1)

    def step_temperatures(self, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """The temperature of each of ``events`` [n], float64 [n]; NaN where not recorded."""
        found: NDArray[np.float64] = self._columns["events/temperature"][events].astype(np.float64)
        return found

    def step_choices(self, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """The first key that each of ``events`` [n] selected, float64 [n]; NaN where none was."""
        chosen, offsets = (
            self._columns[f"events/{one}"][events].astype(np.int64)
            for one in ("n_selected", "selection_offset")
        )
        has = chosen > 0
        keys = np.full(events.size, np.nan)
        read = partial(self._chunks.read, "selections/key")
        keys[has] = event_means(read, offsets[has], np.ones(int(has.sum()), np.int64))
        return keys

    def step_scalar(
        self, name: str, snapshot: int | None = None, example: int | Example | None = None
    ) -> StepScalar:
        """A recorded scalar of the steps of one example, or of all; empty where there is none.

        Args:
            name: one of ``scalar_names``.
            snapshot: the snapshot; None is the last.
            example: the example; None for all.
        """
        moment = self._snapshot_number(snapshot)
        names, columns = tuple(self._texts["scalar_names/name"]), self._columns
        if example is not None:
            rows = self._scalar_index.rows(moment, self._example_number(example))
            rows = rows[columns["scalars/name"][rows] == _code(names, name)]
        else:
            here = columns["scalars/name"] == _code(names, name)
            rows = np.flatnonzero(here & (columns["scalars/snapshot"] == moment))
        return StepScalar(
            name,
            columns["scalars/example"][rows].astype(np.int64),
            columns["scalars/step"][rows].astype(np.int64),
            columns["scalars/value"][rows].astype(np.float64),
        )

    def step_tokens(self, snapshot: int | None = None) -> Iterator[tuple[int, int, str]]:
        """Example, step and text of each token of the examples' own axis that came to a step."""
        moment = self._snapshot_number(snapshot)
        columns, texts = self._columns, self._texts["later_tokens/text"]
        here = (columns["later_tokens/snapshot"] == moment) & (columns["later_tokens/axis"] == 0)
        for row in np.flatnonzero(here).tolist():
            yield (
                int(columns["later_tokens/example"][row]),
                int(columns["later_tokens/step"][row]),
                texts[row],
            )

    @cached_property
    def recorded(self) -> frozenset[str]:
        """What any example has: label, prediction, image, tokens, later tokens, temperature."""
        found = {
            "label": "examples/label",
            "prediction": "outcomes/prediction",
            "image": "examples/image",
        }
        there = {name for name, path in found.items() if bool((self._columns[path] >= 0).any())}
        if bool(self._columns["examples/token_count"].any()):
            there.add("tokens")
        if len(self._columns["later_tokens/step"]):
            there.add("later tokens")
        if bool(np.isfinite(self._columns["events/temperature"]).any()):
            there.add("temperature")
        return frozenset(there)

    def scalars(
        self,
        example: int | Example,
        site: str | Site | None = None,
        snapshot: int | None = None,
    ) -> dict[str, NDArray[np.float64]]:
        """Numbers of every step of an example, float64 [steps] by name, NaN where absent.

        Args:
            example: the example.
            site: whose steps, entropy, log_prob and temperature; None is the first site.
            snapshot: the snapshot; None is the last.

        Returns:
            entropy and log_prob (nat, mean over heads and queries), temperature, and every scalar
            that was recorded, advantage = reward - baseline where it was not recorded itself.
        """
        number, moment = self._example_number(example), self._snapshot_number(snapshot)
        events = self._events_of_first(site, number, moment)
        rows = self._scalar_index.rows(moment, number)
        at, named = self._columns["scalars/step"][rows], self._columns["scalars/name"][rows]
        event_steps = self._columns["events/step"][events]
        steps = int(max(event_steps.max(initial=-1), at.max(initial=-1))) + 1
        result = {name: np.full(steps, np.nan) for name in ("entropy", "log_prob", "temperature")}
        for name in ("entropy", "log_prob"):
            result[name][event_steps] = self._means.of_events(f"rows/{name}", events)
        result["temperature"][event_steps] = self._columns["events/temperature"][events]
        for code in np.unique(named):
            values = np.full(steps, np.nan)
            here = named == code
            values[at[here]] = self._columns["scalars/value"][rows[here]]
            name = self._texts["scalar_names/name"][int(code)]
            known = result.get(name, values)
            result[name] = np.where(np.isnan(values), known, values)
        if "advantage" not in result and {"reward", "baseline"} <= result.keys():
            result["advantage"] = result["reward"] - result["baseline"]
        return result

    @cached_property
    def _event_index(self) -> RowIndex:
        return RowIndex(
            *(self._columns[f"events/{name}"] for name in ("snapshot", "site", "example", "step"))
        )

    @cached_property
    def _scalar_index(self) -> RowIndex:
        return RowIndex(*(self._columns[f"scalars/{name}"] for name in ("snapshot", "example")))

    @abstractmethod
    def _events_of_first(
        self, site: str | Site | None, example: int, snapshot: int
    ) -> NDArray[Any]: ...


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
