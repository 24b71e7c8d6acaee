"""A report of a check as a file of its own: HTML that asks for nothing, or PDF."""

from hardattn_viewer.figures.report.saving import SUFFIXES, save_report

__all__ = ["SUFFIXES", "save_report"]
