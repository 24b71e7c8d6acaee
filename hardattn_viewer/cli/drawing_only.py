"""Qt for drawing files, imported where a command draws and not before."""

from __future__ import annotations

from hardattn_viewer.figures.application import drawing_application

__all__ = ["drawing_application"]
