"""A disk that refuses the n-th call, by functions put in place of those of ``os``."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path

CALLS = (
    "open",
    "write",
    "pwrite",
    "fsync",
    "close",
    "replace",
    "mkdir",
    "unlink",
    "rmdir",
    "ftruncate",
    "truncate",
    "pread",
    "stat",
    "scandir",
    "listdir",
)
"""The functions of ``os`` that recording and sealing ask for, and may be refused."""

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS)


class Refusal:
    """Makes calls of one function of ``os`` fail.

    Args:
        name: which function.
        number: number of the first call that fails, from 1; 0 for none.
        code: the errno.
        lasting: whether all later calls fail too.
        torn: whether a failing write takes half of its data first.
        inside: only calls with a path or descriptor of a file below this folder count.
    """

    def __init__(self, name, number, code=errno.EIO, *, lasting=False, torn=False, inside=None):
        self.name, self.number, self.code = name, number, code
        self.lasting, self.torn, self.inside = lasting, torn, inside
        self.calls = 0
        self.hits = 0
        self.healed = False
        self._plain = getattr(os, name)

    def __call__(self, *arguments, **options):
        if not self._is_inside(arguments):
            return self._plain(*arguments, **options)
        self.calls += 1
        due = self.calls >= self.number if self.lasting else self.calls == self.number
        if not (self.number and due) or self.healed:
            return self._plain(*arguments, **options)
        self.hits += 1
        if self.name == "close":
            # The descriptor is gone all the same, as on Linux.
            self._plain(*arguments)
        if self.torn and self.name in ("write", "pwrite"):
            descriptor, data, *rest = arguments
            self._plain(descriptor, memoryview(data)[: len(data) // 2], *rest)
        raise OSError(self.code, os.strerror(self.code))

    def _is_inside(self, arguments):
        if self.inside is None or not arguments:
            return True
        target = arguments[0]
        try:
            path = Path(f"/proc/self/fd/{target}").readlink() if type(target) is int else target
        except OSError:
            return False
        return os.fspath(path).startswith(os.fspath(self.inside))

    @contextmanager
    def active(self):
        """Within, the function of ``os`` is this one."""
        setattr(os, self.name, self)
        try:
            yield self
        finally:
            setattr(os, self.name, self._plain)
