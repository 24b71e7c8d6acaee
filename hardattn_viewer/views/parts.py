"""Small widgets that several views are made of. Text in them is always plain text."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hardattn_viewer.drawing.theme import Theme

SLOT_SIZE = 20


class Themed(Protocol):
    """A view that paints for itself and so has to know the theme."""

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""


def label(text: str = "", role: str = "", name: str = "") -> QLabel:
    """A label that shows its text as it is, whatever a file put into it."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    if name:
        made.setObjectName(name)
    return made


def heading(text: str) -> QLabel:
    """A section heading: small spaced capitals."""
    made = label(text.upper(), "heading")
    font = made.font()
    font.setLetterSpacing(font.SpacingType.AbsoluteSpacing, 1.5)
    font.setPixelSize(11)
    made.setFont(font)
    return made


def set_property(widget: QWidget, name: str, value: str) -> None:
    """Set what the style sheet looks at, and style the widget anew."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        # Frames take the width of their border and padding only from this event.
        QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        # Another style may need another size, which a style sheet does not announce.
        widget.updateGeometry()


def row(
    *widgets: QWidget | int, spacing: int = 8, margins: tuple[int, int, int, int] = (0,) * 4
) -> QHBoxLayout:
    """Widgets beside each other; a number is a stretch."""
    layout = QHBoxLayout()
    _fill(layout, widgets)
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)
    return layout


def column(
    *widgets: QWidget | QLayout | int,
    spacing: int = 0,
    margins: tuple[int, int, int, int] = (0,) * 4,
) -> QVBoxLayout:
    """Widgets below each other; a number is a stretch."""
    layout = QVBoxLayout()
    _fill(layout, widgets)
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)
    return layout


def _fill(layout: QHBoxLayout | QVBoxLayout, widgets: tuple[QWidget | QLayout | int, ...]) -> None:
    for widget in widgets:
        if isinstance(widget, QWidget):
            layout.addWidget(widget)
        elif isinstance(widget, QLayout):
            layout.addLayout(widget)
        else:
            layout.addStretch(widget)


def line(vertical: bool = False) -> QFrame:
    """A hairline between two parts of the window."""
    made = QFrame()
    made.setProperty("surface", "line")
    if vertical:
        made.setFixedWidth(1)
    else:
        made.setFixedHeight(1)
    return made


class ExactLabel(QLabel):
    """A label exactly as large as its text.

    Any other label has the whole window laid out whenever its text changes; this one only where
    the new text takes another size. Digits are all of one width, so that most do not.

    Args:
        role: how it is styled.
        name: object name.
        width: px that it has whatever it says; its text's if not given.
    """

    def __init__(self, role: str = "", name: str = "", width: int | None = None) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setObjectName(name)
        self._width = width

    def setText(self, text: str) -> None:
        """Show another text."""
        if text != self.text():
            super().setText(text)
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Take the size that goes with another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        # The hint of a label of fixed size is never less than that size.
        size, around = self.fontMetrics().size(0, self.text()), self.contentsMargins()
        wide, high = around.left() + around.right(), around.top() + around.bottom()
        across = size.width() + wide if self._width is None else self._width
        self.setFixedSize(across, size.height() + high)


class ElidedLabel(QLabel):
    """A label that ends in … where its text does not fit, instead of being cut.

    Args:
        role: how it is styled.
        name: object name.
        cut: where the … stands.
    """

    def __init__(
        self,
        text: str = "",
        role: str = "",
        name: str = "",
        cut: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__()
        self._cut = cut
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole = ""
        self._shorter: tuple[str, ...] = ()
        self.set_whole(text)

    @property
    def whole(self) -> str:
        """The text without any cut."""
        return self._whole

    def set_whole(self, text: str, *shorter: str) -> None:
        """Show a text, or the first of ``shorter`` that fits, or as much of the last as fits."""
        whole, others = " ".join(text.split()), tuple(filter(None, shorter))
        if (whole, others) == (self._whole, self._shorter):
            return
        self._whole, self._shorter = whole, others
        self.setAccessibleName(self._whole)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the text into the new width."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        """Fit the text in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._elide()

    def sizeHint(self) -> QSize:
        """As wide as the whole text."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._whole) + 2, metrics.height())

    def _elide(self) -> None:
        width = max(self.width() - 1, 0)
        metrics = self.fontMetrics()
        texts = (self._whole, *self._shorter)
        text = next((one for one in texts if metrics.horizontalAdvance(one) <= width), texts[-1])
        self.setText(metrics.elidedText(text, self._cut, width))


class Chip(QFrame):
    """A small box with words and one number in it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("surface", "chip")
        self.words = ElidedLabel(role="muted")
        # Squeezed only where the chip does not fit into its pane at all.
        self.words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.words.setMinimumWidth(24)
        self.number = label(role="value")
        self.number.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.setLayout(row(self.words, self.number, spacing=5, margins=(8, 2, 8, 2)))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def show_number(self, words: str, number: str, note: str, short: str = "") -> None:
        """Show a number with what it is; ``note`` explains it under the pointer.

        ``short`` stands for the words where there is little room.
        """
        self.words.set_whole(words, short)
        self.words.updateGeometry()
        self.number.setText(number)
        self.setToolTip(plain_tooltip(note))
        self.setAccessibleName(f"{words} {number}")
        self.show()


class SlotMark(QLabel):
    """The letter A or B in the colour of hard or soft."""

    def __init__(self, slot: str = "") -> None:
        super().__init__(slot)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFixedSize(SLOT_SIZE, SLOT_SIZE)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setProperty("slot", "none")

    def show_slot(self, slot: str, hard: bool | None) -> None:
        """Show a letter; ``hard`` None where the run is not read yet."""
        self.setText(slot)
        set_property(self, "slot", "none" if hard is None else "hard" if hard else "soft")


def plain_tooltip(text: str) -> str:
    """Text for a tool tip that Qt must not take for rich text."""
    # Qt guesses: only text that looks like markup is drawn as such, so escape it then.
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if escaped == text else f"<span>{escaped}</span>"


# Words of a button, and the command that it does.
Offer = tuple[str, str]
OPEN: Offer = ("Open…", "open")
SAMPLES: Offer = ("Sample runs…", "samples")


class Notice(QWidget):
    """What stands where there is nothing to draw: what, why, and what to do next.

    Args:
        name: object name.
    """

    # The id of the command that was asked for by a button.
    asked = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._title = label(role="big")
        self._why = label(role="muted")
        for part in (self._title, self._why):
            part.setWordWrap(True)
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            part.setContentsMargins(24, 0, 24, 0)
        self._offers: tuple[Offer, ...] = ()
        self.buttons: list[QPushButton] = []
        self._beside = row(1, 1)
        layout = column(
            1, self._title, self._why, self._beside, 1, spacing=8, margins=(8, 24, 8, 24)
        )
        self.setLayout(layout)

    def minimumSizeHint(self) -> QSize:
        """Small: words that wrap would ask for any height in a pane that is narrow for a moment."""
        return QSize(60, 60)

    def say(self, title: str, why: str, *offers: Offer) -> None:
        """Show a title, a sentence or two below it, and a button for each offer."""
        self._title.setText(title)
        self._why.setText(why)
        self.setAccessibleName(f"{title}. {why}")
        if offers == self._offers:
            return
        self._offers = offers
        for button in self.buttons:
            self._beside.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(words, command) for words, command in offers]
        for at, button in enumerate(self.buttons):
            self._beside.insertWidget(1 + at, button)

    def _button(self, words: str, command: str) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(f"{self.objectName()}_{command}")
        button.clicked.connect(lambda *_: self.asked.emit(command))
        return button

    @property
    def text(self) -> str:
        """What it says."""
        return f"{self._title.text()}\n{self._why.text()}"
