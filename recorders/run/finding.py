"""One thing that reading all of a run brings to light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, odd or worth knowing about a run.

    Attributes:
        severity: ``error`` (the run is damaged, or is not what the model used), ``warning`` (it is
            readable, but odd) or ``notice`` (nothing is wrong).
        where: the dataset, or the file.
        what: one sentence.
    """

    severity: Literal["error", "warning", "notice"]
    where: str
    what: str
