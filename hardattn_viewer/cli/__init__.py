"""The ``hardattn`` command."""

from hardattn_viewer.cli.main import main, view_main

__all__ = ["main", "view_main"]
