"""What the system's allocator is told, so that memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys

# Of glibc's <malloc.h>: pieces from this size on are mapped, and unmapped when they are freed.
_M_MMAP_THRESHOLD = -3
_MAPPED_FROM = 4 << 20
# Of what is free at the end of the heap so much is kept. It would be 128 kB once the above is set,
# and every picture that is painted would be given back and asked for again.
_M_TRIM_THRESHOLD = -1
_KEPT_FREE = 16 << 20


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
    if mallopt is None:
        return False
    told = (mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM), mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE))
    return told == (1, 1)


def leave_alone_what_stays() -> None:
    """Keep the garbage collector off everything that there is by now.

    A window and its modules are a hundred thousand objects, which live as long as the program; to
    look through all of them takes up to 100 ms, in which nothing else happens.
    """
    gc.freeze()
