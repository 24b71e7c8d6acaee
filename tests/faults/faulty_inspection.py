"""The process that inspects files, with one fault built in: FAULT says which."""

import ctypes
import io
import os
import signal
import sys
import time

from recorders.run import inspection

FAULT = os.environ["FAULT"]


def spin():
    while True:
        pass


FAULTS = {
    "crash": lambda: ctypes.string_at(0),
    "abort": lambda: os.kill(os.getpid(), signal.SIGABRT),
    "exit": lambda: os._exit(3),
    "hang": lambda: time.sleep(100),
    "spin": spin,
    "memory": lambda: bytearray(8 << 30),
}


def main():
    honest_survey, honest_packed = inspection.survey, inspection.packed

    def survey(source):
        if not isinstance(source, io.BytesIO) and FAULT in FAULTS:
            FAULTS[FAULT]()
        return honest_survey(source)

    def packed(report):
        answer = honest_packed(report)
        return {"nonsense": b"x" * len(answer), "short": answer[:-32]}.get(FAULT, answer)

    inspection.survey, inspection.packed = survey, packed
    inspection.IDLE_SECONDS = 0.05 if FAULT == "idle" else 60.0
    if FAULT == "no start":
        sys.exit(7)
    inspection.main()
