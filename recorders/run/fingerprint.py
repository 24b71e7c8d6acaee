"""By what a run is known again: its file's name, its recording, and a digest of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from recorders.run.contents import Contents


@dataclass(frozen=True, eq=False)
class RunMark:
    """By what a run is known again.

    Attributes:
        contents: its tables, and the checksums of its bulk values.
        left_out: what was not recorded, in sentences.
    """

    contents: Contents
    left_out: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file or folder, without where it lies."""
        return self.contents.path.name

    @property
    def recording(self) -> str:
        """The random name of the recording; empty before format 1.1."""
        return self.contents.facts.run

    @cached_property
    def fingerprint(self) -> str:
        """``"sha256:"`` and 64 hexadecimal digits, the same for the same content.

        It is made of all tables and of the stored checksum of every chunk of bulk values: nothing
        is read for it, and it does not change when the file is copied or renamed.
        """
        digest = hashlib.sha256()
        tables, facts = self.contents.tables, self.contents.facts
        told = (facts.run, facts.codec, facts.created, facts.metadata)
        digest.update(json.dumps(told, sort_keys=True).encode())
        for path, column in sorted(tables.columns.items()):
            digest.update(f"\n{path} {column.dtype.str} {column.shape}\n".encode())
            digest.update(np.ascontiguousarray(column).data)
        for path, text in sorted(tables.texts.items()):
            digest.update(f"\n{path} {len(text)}\n".encode())
            digest.update(np.ascontiguousarray(text.offsets).data)
            digest.update(np.ascontiguousarray(text.data).data)
        for path, bulk in sorted(self.contents.bulks.items()):
            digest.update(f"\n{path} {bulk.dtype} {bulk.chunk} {bulk.crc32.size}\n".encode())
            digest.update(np.ascontiguousarray(bulk.crc32).data)
        return f"sha256:{digest.hexdigest()}"
