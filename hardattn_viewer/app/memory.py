"""What the system's allocator is told, so that memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's <malloc.h>: pieces from this size on are mapped, and unmapped when they are freed.
_M_MMAP_THRESHOLD = -3
_MAPPED_FROM = 4 << 20


def return_freed_memory() -> bool:
    """Let large arrays go back to the system as soon as they are freed.

    By itself glibc raises the size from which it maps memory with every large array that is freed,
    up to 32 MB; from then on those arrays come from heaps, which stay as large as they once were.

    Returns:
        Whether the allocator is one that can be told; others are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM) == 1
