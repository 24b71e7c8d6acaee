"""A drawing theme as Qt palette and style sheet, so that widgets and pictures look like one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.state import ThemeChoice

# What a style sheet cannot draw.
IMAGES = (Path(__file__).resolve().parent / "images").as_posix()


def resolved_theme(choice: ThemeChoice) -> Theme:
    """The theme that ``choice`` stands for now; ``"system"`` asks the desktop."""
    if choice == "system":
        scheme = QApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return DARK if choice == "dark" else LIGHT


def palette_of(theme: Theme) -> QPalette:
    """The palette for what the style sheet does not reach, such as file dialogs."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.panel,
        QPalette.ColorRole.Base: theme.window,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Mid: theme.line,
        QPalette.ColorRole.Light: theme.raised,
        QPalette.ColorRole.Dark: theme.line,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    texts = (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    )
    for role in texts:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return palette


def stylesheet_of(theme: Theme) -> str:
    """The style sheet of the whole application.

    Widgets say what they are through the properties ``role``, ``tone``, ``kind`` and
    ``on``; nothing sets a colour of its own.
    """
    t = theme
    return f"""
* {{ outline: none; }}
QWidget {{ color: {t.text}; selection-background-color: {t.accent};
    selection-color: {t.accent_text}; }}
QMainWindow, QDialog, QMessageBox {{ background: {t.panel}; }}
QMainWindow::separator {{ background: {t.line}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}

QMenuBar {{ background: {t.panel}; border-bottom: 1px solid {t.line}; padding: 2px 6px; }}
QMenuBar::item {{ background: transparent; padding: 4px 10px; border-radius: 4px;
    color: {t.muted}; }}
QMenuBar::item:selected {{ background: {t.selection}; color: {t.text}; }}
QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 22px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.faint}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
QToolBar {{ background: {t.panel}; border: 0; border-bottom: 1px solid {t.line};
    padding: 3px 6px; spacing: 8px; }}
QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QStatusBar::item {{ border: 0; }}
QDockWidget {{ background: {t.panel}; }}
QDockWidget > QWidget {{ background: {t.panel}; }}

QPushButton, QToolButton {{ background: {t.raised}; border: 1px solid {t.line};
    border-radius: 6px; padding: 5px 12px; min-height: 18px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {t.muted}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {t.selection}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {t.faint}; }}
QPushButton[kind="accent"], QToolButton[kind="accent"] {{ background: {t.accent};
    color: {t.accent_text}; border-color: {t.accent}; font-weight: 600; }}
QPushButton[kind="accent"]:disabled, QToolButton[kind="accent"]:disabled {{
    background: {t.raised}; color: {t.faint}; border-color: {t.line}; }}
QPushButton[kind="accent"]:focus, QToolButton[kind="accent"]:focus {{
    border-color: {t.text}; }}
QToolButton[kind="flat"], QPushButton[kind="flat"] {{ background: transparent;
    border-color: transparent; padding: 1px 6px; color: {t.muted}; min-height: 14px; }}
QToolButton[kind="flat"]:hover, QPushButton[kind="flat"]:hover {{ color: {t.text};
    border-color: {t.line}; }}
QToolButton[kind="fold"] {{ background: transparent; border-color: transparent; padding: 0 2px;
    color: {t.faint}; min-height: 14px; }}
QToolButton[kind="fold"]:hover {{ color: {t.text}; }}
QToolButton[kind="fold"]:focus {{ border-color: {t.accent}; }}
QToolButton[kind="flat"]:focus, QPushButton[kind="flat"]:focus {{ border-color: {t.accent}; }}
QPushButton[kind="search"] {{ background: {t.window}; color: {t.muted}; text-align: left; }}
QToolButton[kind="choice"] {{ padding: 1px 8px; min-height: 16px; font-weight: 600; }}
QToolButton[kind="choice"][tone="bad"] {{ color: {t.bad}; border-color: {t.bad}; }}
QPlainTextEdit {{ background: {t.window}; border: 1px solid {t.line}; border-radius: 6px;
    padding: 6px; }}
QToolButton[kind="segment"] {{ background: {t.panel}; border-radius: 0; padding: 5px 14px;
    color: {t.muted}; margin: 0; }}
QToolButton[kind="segment"][place="first"] {{ border-top-left-radius: 6px;
    border-bottom-left-radius: 6px; }}
QToolButton[kind="segment"][place="middle"] {{ border-left: 0; }}
QToolButton[kind="segment"][place="last"] {{ border-top-right-radius: 6px;
    border-bottom-right-radius: 6px; border-left: 0; }}
QToolButton[kind="segment"]:checked {{ background: {t.selection}; color: {t.text};
    font-weight: 600; }}
QToolButton[kind="segment"]:focus {{ border: 1px solid {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton[kind="transport"] {{ padding: 3px; }}
QToolButton[kind="transport"][on="true"]:enabled {{ background: {t.accent};
    border-color: {t.accent}; }}

QLineEdit {{ background: {t.window};
    border: 1px solid {t.line}; border-radius: 6px; padding: 4px 8px; min-height: 18px; }}
QLineEdit QToolButton {{ background: transparent; border: 0; padding: 0; min-height: 0; }}
QLineEdit:focus {{ border-color: {t.accent}; }}
QLineEdit[tone="bad"] {{ border-color: {t.bad}; }}
QComboBox QAbstractItemView, QAbstractItemView#completions {{ background: {t.raised};
    border: 1px solid {t.line}; selection-background-color: {t.selection};
    selection-color: {t.text}; }}

QTableView, QListView, QTreeView {{ background: {t.panel}; border: 0;
    gridline-color: {t.line}; alternate-background-color: {t.panel}; }}
QTreeView::item {{ padding: 5px 8px; }}
QTableView::item:selected, QTreeView::item:selected {{ background: {t.selection};
    color: {t.text}; }}
QTreeView::item:disabled {{ color: {t.faint}; }}
QAbstractSpinBox {{ background: {t.window}; border: 1px solid {t.line}; border-radius: 6px;
    padding: 2px 24px 2px 8px; min-height: 20px; max-height: 20px; }}
QAbstractSpinBox:hover {{ border-color: {t.muted}; }}
QAbstractSpinBox:focus {{ border-color: {t.accent}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: border;
    width: 24px; height: 12px; border: 0; background: transparent; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QComboBox::drop-down {{ border: 0; width: 24px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ width: 10px; height: 10px;
    image: url({IMAGES}/down-{t.name}.svg); }}
QAbstractSpinBox::up-arrow {{ width: 10px; height: 10px;
    image: url({IMAGES}/up-{t.name}.svg); }}
QComboBox {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 6px;
    padding: 2px 10px; min-height: 20px; }}
QComboBox:hover {{ border-color: {t.muted}; }}
QComboBox:focus {{ border-color: {t.accent}; }}
QComboBox:disabled {{ color: {t.faint}; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {t.muted};
    border-radius: 3px; background: {t.window}; }}
QCheckBox::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QCheckBox:focus {{ color: {t.accent}; }}
QTableView:focus, QListView:focus {{ border: 0; }}
QHeaderView {{ background: {t.panel}; border: 0; }}
QHeaderView::section {{ background: {t.panel}; color: {t.muted}; border: 0;
    border-bottom: 1px solid {t.line}; padding: 5px 3px; font-size: {t.size_small:.0f}px; }}
QTableView[surface="window"] QHeaderView::section {{ background: {t.window}; padding: 1px 3px; }}
QHeaderView::up-arrow, QHeaderView::down-arrow {{ width: 0; height: 0; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 28px;
    min-width: 28px; margin: 1px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: 0; }}

QWidget[surface="window"] {{ background: {t.window}; }}
QWidget[surface="panel"] {{ background: {t.panel}; }}
QWidget[surface="selection"] {{ background: {t.selection}; border-radius: 4px; }}
QFrame[surface="line"] {{ background: {t.line}; border: 0; }}
QFrame#runCard {{ background: transparent; border: 1px solid transparent;
    border-radius: 8px; }}
QFrame#runCard:hover {{ border-color: {t.line}; }}
QFrame#runCard[on="true"] {{ background: {t.selection}; }}
QFrame#runCard:focus {{ border-color: {t.accent}; }}
QFrame#sampleCard {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 8px; }}
QFrame#sampleCard:hover {{ background: {t.raised}; }}
QFrame#sampleCard[on="true"] {{ background: {t.selection}; }}
QFrame#sampleCard:focus {{ border-color: {t.accent}; }}
QFrame[surface="message"] {{ background: {t.raised}; border: 1px solid {t.bad};
    border-radius: 6px; }}
QFrame[surface="offer"] {{ background: {t.raised}; border: 1px solid {t.accent};
    border-radius: 6px; }}
QFrame#tourCard {{ background: {t.raised}; border: 1px solid {t.accent}; border-radius: 10px; }}
QFrame[surface="chip"] {{ background: {t.raised}; border: 1px solid {t.line};
    border-radius: 5px; }}

QLabel {{ background: transparent; }}
QLabel[role="brand"] {{ font-weight: 700; padding: 4px 6px 4px 8px; }}
QLabel[role="heading"] {{ color: {t.muted}; font-weight: 600; }}
QLabel[role="title"] {{ font-weight: 700; }}
QLabel[role="big"] {{ font-weight: 700; font-size: 15px; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="faint"] {{ color: {t.faint}; }}
QLabel[role="value"] {{ font-weight: 600; }}
QLabel[role="warning"] {{ color: {t.bad}; background: {t.raised}; border: 1px solid {t.bad};
    border-radius: 6px; padding: 5px 9px; font-weight: 600; }}
QLabel[tone="good"] {{ color: {t.good}; }}
QLabel[tone="bad"] {{ color: {t.bad}; }}
QLabel[tone="faint"] {{ color: {t.muted}; font-weight: 400; }}
QLabel[badge="hard"] {{ color: {t.hard_text}; border: 1px solid {t.hard}; border-radius: 4px;
    padding: 0 5px; font-weight: 700; }}
QLabel[badge="soft"] {{ color: {t.soft_text}; border: 1px solid {t.soft}; border-radius: 4px;
    padding: 0 5px; font-weight: 700; }}
QLabel[badge="failed"] {{ color: {t.bad}; border: 1px solid {t.bad}; border-radius: 4px;
    padding: 0 5px; font-weight: 700; }}
QLabel[badge="live"] {{ color: {t.good}; border: 1px solid {t.good}; border-radius: 4px;
    padding: 0 5px; font-weight: 700; }}
QProgressBar {{ background: {t.window}; border: 1px solid {t.line}; border-radius: 4px;
    max-height: 8px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QToolButton[kind="page"] {{ padding: 0 3px; min-height: 15px; border-radius: 4px;
    font-size: {t.size_small:.0f}px; color: {t.muted}; }}
QToolButton[kind="page"]:checked {{ background: {t.selection}; color: {t.text};
    border-color: {t.accent}; }}
QToolButton[kind="choice"]:checked {{ background: {t.accent}; color: {t.accent_text};
    border-color: {t.accent}; }}
QLabel[slot="hard"], QToolButton[slot="hard"] {{ background: {t.hard}; color: {t.on_hard};
    border: 0; border-radius: 4px; font-weight: 700; padding: 0; }}
QLabel[slot="soft"], QToolButton[slot="soft"] {{ background: {t.soft}; color: {t.on_soft};
    border: 0; border-radius: 4px; font-weight: 700; padding: 0; }}
QLabel[slot="none"], QToolButton[slot="none"] {{ background: transparent; color: {t.muted};
    border: 1px dashed {t.faint}; border-radius: 4px; padding: 0; }}
"""
