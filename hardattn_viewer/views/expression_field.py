"""A field for expressions: completed while typing, with what is wrong marked and said below."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFont, QHideEvent, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.expressions.completing import Completion
from hardattn_viewer.views.error_mark import HEIGHT as MARK
from hardattn_viewer.views.error_mark import ErrorMark
from hardattn_viewer.views.parts import column, label, set_property

# A half-typed expression is not an error yet.
PAUSE_MS = 300
LINES = 9
LINE_HEIGHT = 22
WIDTH = 470
NAME_WIDTH = 150

PAST = "used before"

Complete = Callable[[str], tuple[str, tuple[Completion, ...]]]
Past = Callable[[], list[str]]


class ExpressionField(QWidget):
    """The field, the list below it while somebody types, the mark, and a sentence.

    Args:
        name: object name of the field; the sentence is ``NAMEError`` without ``Field``.
        title: accessible name.
        example: what stands in it while it is empty.
        complete: from the text before the cursor to the word and what it may become.
        past: the expressions used before, latest first.
        inline: whether the sentence has a place somewhere else.
    """

    applied = Signal(str)
    entered = Signal()

    def __init__(
        self,
        name: str,
        title: str,
        example: str,
        complete: Complete,
        past: Past,
        *,
        inline: bool = False,
    ) -> None:
        super().__init__()
        self._complete = complete
        self._past = past
        self._word = ""
        self.field = QLineEdit()
        self.field.setObjectName(name)
        self.field.setAccessibleName(title)
        self.field.setPlaceholderText(example)
        self.field.setClearButtonEnabled(True)
        self.field.installEventFilter(self)
        mono = QFont()
        mono.setFamilies(list(DARK.mono_family))
        mono.setPixelSize(round(DARK.size))
        self.field.setFont(mono)
        self.mark = ErrorMark(self.field)
        self.error = label(role="muted", name=f"{name.removesuffix('Field')}Error")
        self.error.setWordWrap(True)
        self.error.hide()
        self._inline = inline
        # Beside other things the field itself is in the middle, not field and mark.
        above = MARK if inline else 0
        self.setLayout(
            column(self.field, self.mark, self.error, spacing=0, margins=(0, above, 0, 0))
        )
        self.list = _Completions(self)
        self.list.itemClicked.connect(self._take)
        self.list.left.connect(self._show_wrong)
        self._wrong = ("", (0, 0))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._apply)
        self.field.textEdited.connect(self._edited)
        self.field.textChanged.connect(self._cleared)
        self.field.returnPressed.connect(self._entered)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.mark.set_theme(theme)

    def set_text(self, text: str) -> None:
        """Show an expression that was not typed here."""
        if text != self.field.text():
            self._pause.stop()
            self.field.setText(text)

    def show_error(self, sentence: str, part: tuple[int, int]) -> None:
        """Say what is wrong, and where; an empty sentence takes it back."""
        self._wrong = (sentence, part)
        self._show_wrong()

    def _show_wrong(self) -> None:
        sentence, part = self._wrong
        if self.list.isVisible() and part[1] >= self.field.cursorPosition():
            # Whoever still types a name need not be told that there is none.
            sentence = ""
        set_property(self.error, "tone", "bad")
        set_property(self.field, "tone", "bad" if sentence else "")
        self.mark.show_part(part if sentence else None)
        self._say(sentence)
        self.field.setAccessibleDescription(sentence)

    def show_note(self, sentence: str) -> None:
        """Say something that is not wrong, such as how far reading has come."""
        set_property(self.error, "tone", "")
        self._say(sentence)

    def show_past(self) -> None:
        """Offer the expressions that were used before."""
        past = self._past()
        self._word = self.field.text()
        self.list.show_lines([Completion(text, PAST) for text in past])

    def _say(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence) and not self._inline)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows, Enter, Tab and Escape belong to the list while it is shown."""
        if event.type() == QEvent.Type.FocusOut:
            self.list.hide()
        if not isinstance(event, QKeyEvent):
            return False
        key = Qt.Key(event.key())
        if event.type() == QEvent.Type.ShortcutOverride:
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) or (
                self.list.isVisible() and key == Qt.Key.Key_Escape
            ):
                event.accept()
                return True
            return False
        return event.type() == QEvent.Type.KeyPress and self._pressed(key)

    def _pressed(self, key: Qt.Key) -> bool:
        if not self.list.isVisible():
            if key == Qt.Key.Key_Down:
                self.show_past()
            return key in (Qt.Key.Key_Down, Qt.Key.Key_Up)
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.list.move(1 if key == Qt.Key.Key_Down else -1)
            return True
        if key == Qt.Key.Key_Escape:
            self.list.hide()
            return True
        chosen = self.list.currentItem()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab) and chosen is not None:
            self._take(chosen)
            return True
        return False

    def _edited(self) -> None:
        self._pause.start()
        self._word, found = self._complete(self.field.text()[: self.field.cursorPosition()])
        self.list.show_lines(list(found))

    def _cleared(self, text: str) -> None:
        if not text:
            self._apply()

    def _take(self, item: QListWidgetItem) -> None:
        chosen: Completion = item.data(Qt.ItemDataRole.UserRole)
        text, cursor = self.field.text(), self.field.cursorPosition()
        before = text[:cursor].removesuffix(self._word) + chosen.text
        after = "" if chosen.note == PAST else text[cursor:]
        self.list.hide()
        self.field.setText(before + after)
        self.field.setCursorPosition(len(before) - chosen.back)
        self.field.setFocus()
        self._pause.start()

    def _entered(self) -> None:
        self.list.hide()
        self._apply()
        self.entered.emit()

    def _apply(self) -> None:
        self._pause.stop()
        self.applied.emit(self.field.text())


class _Lines(QStyledItemDelegate):
    """Paints a name, and its help in a column of its own."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one line."""
        line: Completion = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect
        palette = option.palette
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, palette.highlight())
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
        metrics = option.fontMetrics
        elide = Qt.TextElideMode.ElideRight
        is_past = line.note == PAST
        name = rect.adjusted(8, 0, -6, 0)
        if not is_past:
            name.setWidth(max(NAME_WIDTH, metrics.horizontalAdvance(line.text) + 12))
        chosen = option.state & QStyle.StateFlag.State_Selected
        text = palette.highlightedText() if chosen else palette.text()
        painter.setPen(text.color())
        painter.drawText(name, flags, metrics.elidedText(line.text, elide, name.width()))
        if is_past:
            return
        note = QRect(name.right(), rect.top(), rect.right() - name.right() - 6, rect.height())
        faint = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        painter.setPen(text.color() if chosen else faint)
        painter.drawText(note, flags, metrics.elidedText(line.note, elide, note.width()))


class _Completions(QListWidget):
    """Names with one line of help each; it never takes the focus from the field.

    Args:
        owner: whose field they are for.
    """

    left = Signal()

    def __init__(self, owner: ExpressionField) -> None:
        # A child of the window and not a window: a popup would take keys and focus.
        super().__init__(owner)
        self._owner = owner
        self.setObjectName("completions")
        self.setAccessibleName("Completions")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self._delegate = _Lines()
        self.setItemDelegate(self._delegate)
        self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """Tell that nothing is offered any more."""
        super().hideEvent(event)
        self.left.emit()

    def show_lines(self, lines: list[Completion]) -> None:
        """Show what may come next; nothing hides the list."""
        self.clear()
        if not lines or not self._owner.isVisible():
            self.hide()
            return
        for line in lines:
            item = QListWidgetItem(f"{line.text}   {line.note}")
            item.setData(Qt.ItemDataRole.UserRole, line)
            item.setSizeHint(QSize(10, LINE_HEIGHT))
            self.addItem(item)
        window = self._owner.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        field = self._owner.field
        place = field.mapTo(window, field.rect().bottomLeft())
        height = min(len(lines), LINES) * LINE_HEIGHT + 4
        if place.y() + height > window.height():
            place.setY(field.mapTo(window, field.rect().topLeft()).y() - height)
        width = min(max(WIDTH, field.width()), window.width())
        left = min(place.x(), window.width() - width)
        self.setGeometry(QRect(left, place.y() + 1, width, height))
        self.raise_()
        self.show()

    def move(self, by: int) -> None:  # type: ignore[override]
        """Go to another line, round the ends."""
        self.setCurrentRow((max(self.currentRow(), -1 if by > 0 else 0) + by) % self.count())
