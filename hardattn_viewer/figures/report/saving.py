"""Writes the report of a check, by the suffix of the file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication

from hardattn_viewer.checks.document import document_of
from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.text import plain
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.options import FigureError
from hardattn_viewer.figures.report.html import html_bytes
from hardattn_viewer.figures.report.pdf import pdf_bytes

SUFFIXES = (".html", ".pdf")


def save_report(report: Report, name: str, path: Path) -> None:
    """Write a report; the file is there whole or not at all, and the same for the same report.

    Args:
        report: what a check found.
        name: of the run or model that was checked.
        path: ``.html`` or ``.pdf``; an existing file is replaced.

    Raises:
        FigureError: another suffix, or the place cannot be written.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before writing reports")
    expect_suffix(path)
    document = document_of(report, name)
    write = html_bytes if path.suffix.lower() == ".html" else pdf_bytes
    write_whole(path, write(report, document))


def expect_suffix(path: Path) -> None:
    """Raise FigureError where a file is no report by its name."""
    if path.suffix.lower() not in SUFFIXES:
        shown = f"the suffix {plain(path.suffix)!r}" if path.suffix else "no suffix"
        raise FigureError(f"{path} has {shown}; a report is saved as {' or '.join(SUFFIXES)}")
