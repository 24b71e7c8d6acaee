"""A check divided among processes and machines: by examples and by operators."""

from hardattn_viewer.faithfulness.scaling.checking import check_apart
from hardattn_viewer.faithfulness.scaling.source import Source

__all__ = ["Source", "check_apart"]
