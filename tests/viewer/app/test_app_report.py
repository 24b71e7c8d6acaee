"""Help: a report that is shown and sent nowhere, and the licences of what is installed."""

from __future__ import annotations

import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton

from hardattn_viewer.app.about_dialog import AboutDialog
from hardattn_viewer.app.licences import licences
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.problem_dialog import ReportDialog
from hardattn_viewer.app.session_folder import SessionFolder
from recorders.version import PRODUCER


def report_in(window: MainWindow) -> ReportDialog:
    window.actions_["report"].trigger()
    dialog = window.findChild(ReportDialog)
    assert isinstance(dialog, ReportDialog)
    return dialog


def test_a_report_holds_versions_and_the_log_and_no_names(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a report must not be sent")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    folder = SessionFolder(tmp_path / "kept")
    folder.log.write_text(f"ValueError: what went wrong in {Path.home()}/secret\n")
    window.sessions.begin(folder)
    dialog = report_in(window)
    text = dialog.text.toPlainText()
    assert PRODUCER in text and f"PySide6-Essentials {version('PySide6-Essentials')}" in text
    assert "ValueError: what went wrong in ~/secret" in text
    assert "ready: 6 examples" in text or "ready:" in text
    assert str(hard_path) not in text and hard_path.stem not in text.replace("hardattn", "")
    # It is for a person to change before it goes anywhere.
    dialog.text.setPlainText("shorter")
    dialog.findChild(QPushButton, "reportCopy").click()
    assert QApplication.clipboard().text() == "shorter"
    dialog.save(tmp_path / "report.md")
    assert (tmp_path / "report.md").read_text() == "shorter"
    dialog.save(tmp_path / "no" / "report.md")
    assert "choose another place" in dialog.findChild(QLabel, "reportDone").text()
    dialog.close()


def test_a_report_is_saved_through_its_dialog(window: MainWindow, tmp_path: Path) -> None:
    dialog = report_in(window)
    dialog.findChild(QPushButton, "reportSave").click()
    chooser = dialog.findChild(QFileDialog, "reportSaveDialog")
    chooser.fileSelected.emit(str(tmp_path / "there.md"))
    chooser.close()
    assert (tmp_path / "there.md").read_text() == dialog.text.toPlainText()
    dialog.close()


def test_the_licences_are_those_of_the_installed_packages() -> None:
    found = {one.package: one for one in licences()}
    assert {"numpy", "h5py", "pyqtgraph", "torch", "MarkupSafe"} <= set(found)
    assert found["numpy"].version == version("numpy")
    assert "BSD" in found["h5py"].name and "LGPL" in found["PySide6_Essentials"].name
    assert "Redistribution and use" in found["h5py"].text
    # What only tests need is not what hardattn is built with.
    assert "pytest" not in found and "hypothesis" not in found
    assert all(one.name and one.name != "UNKNOWN" for one in found.values())


def test_about_lists_them_and_shows_the_text_of_the_chosen_one(window: MainWindow) -> None:
    window.actions_["about"].trigger()
    dialog = window.findChild(AboutDialog)
    assert isinstance(dialog, AboutDialog)
    assert PRODUCER in {label.text() for label in dialog.findChildren(QLabel)}
    rows = dialog.packages.topLevelItemCount()
    assert rows == len(licences()) > 20
    for at in range(rows):
        item = dialog.packages.topLevelItem(at)
        assert item is not None and item.text(0) and item.text(2)
        dialog.packages.setCurrentItem(item)
        assert dialog.text.toPlainText()
    dialog.close()
