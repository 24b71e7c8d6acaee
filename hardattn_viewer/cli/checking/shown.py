"""What a run itself shows of the items of its examples, as explanations that can be checked."""

from __future__ import annotations

import numpy as np

from hardattn_viewer.faithfulness.subject import Floats, Subject
from recorders.run.reader import Run

_SITES = 4
"""Sites up to which each is held against random rankings on its own."""


def shown_by(run: Run, subject: Subject) -> dict[str, list[Floats]]:
    """What a run shows of its items: of each site, or the mean of many; nothing of other items."""
    found: dict[str, list[Floats]] = {}
    for site in run.sites:
        rows = [
            _mass(run, site.name, example, subject.items(example))
            for example in range(len(subject))
        ]
        if all(row is not None for row in rows):
            what = "choices" if site.hard else "attention"
            found[f"{what} of {site.name}"] = [row for row in rows if row is not None]
    if len(found) <= _SITES:
        return found
    mean = [np.mean(parts, 0) for parts in zip(*found.values(), strict=True)]
    return {"recorded attention": mean}


def _mass(run: Run, name: str, example: int, items: int) -> Floats | None:
    """What a site gives to each region, summed over steps: chosen ones count one each."""
    site = next(one for one in run.sites if one.name == name)
    found = np.zeros(items)
    for step in range(run.steps(site, example)):
        p = run.map(site, example, step)
        selection = run.selection(site, example, step) if site.hard else None
        special = p.shape[-1] - items
        if special < 0 or (special and special != len(site.special_keys)):
            return None
        if selection is not None:
            taken, times = np.unique(selection[selection >= 0], return_counts=True)
            inside = taken - special
            np.add.at(found, inside[inside >= 0], times[inside >= 0])
            continue
        # A class token reads for the whole picture; without one every position does.
        read = p[:, :1] if special else p
        found += read[..., special:].mean((0, 1), dtype=np.float64)
    return found
