"""The process that lets HDF5 open files which nobody has vetted yet.

It is handed one open descriptor at a time and answers with a report. It can open nothing itself:
the kernel grants it that one descriptor, no file to write, no socket, no process, and only so much
memory and time. Whatever HDF5 does on a hostile file, it does here.
"""

from __future__ import annotations

import io
import os
import resource
import select
import socket

import h5py
import numpy as np

from recorders.run.lending import borrowed
from recorders.run.report import Report, packed
from recorders.run.survey import survey
from recorders.run.wire import ANSWER, NO_MEMORY, READY, REQUEST

IDLE_SECONDS = 60.0


def main() -> None:
    """Serve until the other side hangs up, or asks nothing for a minute."""
    # Standard input is a socket; a descriptor can be handed over through it.
    with socket.socket(fileno=os.dup(0)) as channel:
        rehearse()
        confine()
        channel.sendall(READY)
        while select.select([channel], [], [], IDLE_SECONDS)[0]:
            request, descriptors, _, _ = socket.recv_fds(channel, REQUEST.size, 1)
            if len(request) < REQUEST.size or len(descriptors) != 1:
                return
            allow(*REQUEST.unpack(request))
            try:
                answer = packed(survey(borrowed(descriptors[0])))
            except MemoryError:
                channel.sendall(ANSWER.pack(NO_MEMORY))
                return
            except RecursionError:
                answer = packed(Report(problem="it is nested too deeply"))
            finally:
                os.close(descriptors[0])
            channel.sendall(ANSWER.pack(len(answer)) + answer)


def rehearse() -> None:
    """Inspect a file of its own making: what Python loads at the first use is loaded then."""
    image = io.BytesIO()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = np.bytes_(b"-")
        options = {"chunks": (1,), "maxshape": (None,), "shuffle": True, "compression": "gzip"}
        file.create_dataset("sites/name", data=np.zeros(1, np.uint8), **options)
    packed(survey(image))
    packed(survey(io.BytesIO()))


def confine() -> None:
    """Give up everything but one further descriptor."""
    spare = os.dup(0)
    os.close(spare)
    for limit, most in (
        (resource.RLIMIT_NOFILE, spare + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))


def allow(memory: int, seconds: int) -> None:
    """Bound what the next file may take."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    for limit, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, used + seconds)):
        _, hard = resource.getrlimit(limit)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (soft, hard))
