"""What goes between the process that reads runs and the one that inspects them."""

from __future__ import annotations

import struct

REQUEST = struct.Struct("<QQ")
"""Bytes of address space and seconds of processor time that the file with it may take."""

ANSWER = struct.Struct("<Q")
"""Bytes of the report that follows; ``NO_MEMORY`` where memory did not suffice."""

NO_MEMORY = (1 << 64) - 1
READY = b"\x01"
