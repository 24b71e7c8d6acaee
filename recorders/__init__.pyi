from recorders.capture.recorder import Recorder as Recorder
from recorders.capture.tap import AttentionTap as AttentionTap
from recorders.run.errors import RunError as RunError
from recorders.run.reader import Run as Run
from recorders.run.reader import read_run as read_run
from recorders.run.records import Example as Example
from recorders.run.records import Site as Site
from recorders.run.records import Snapshot as Snapshot
from recorders.run.remote.options import Remote as Remote

__all__ = [
    "AttentionTap",
    "Example",
    "Recorder",
    "Remote",
    "Run",
    "RunError",
    "Site",
    "Snapshot",
    "read_run",
]
