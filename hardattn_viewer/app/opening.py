"""Opening runs other than by the file dialog: by URL, by dropping, from the recent ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QMenu, QWidget

from hardattn_viewer.app.settings import Settings
from hardattn_viewer.views.parts import column, label, set_property
from recorders.run.address import Address, Url, address_of
from recorders.run.errors import RunError

WIDTH = 620

Open = Callable[[Sequence[Address]], None]


class UrlDialog(QDialog):
    """A field for the URL of a run; Enter opens it.

    Args:
        open_: opens runs.
        parent: the window that it appears over.
    """

    def __init__(self, open_: Open, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("urlDialog")
        self.setWindowTitle("Open a URL")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH, self.sizeHint().height())
        self._open = open_
        self.field = QLineEdit()
        self.field.setObjectName("urlField")
        self.field.setAccessibleName("URL of a run")
        self.field.setPlaceholderText("https://example.org/runs/run.h5")
        self.words = label("A sealed run (.h5) at https://, s3:// or ssh://", "muted", "urlWords")
        self.words.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.setLayout(
            column(self.field, self.words, buttons, spacing=10, margins=(16, 16, 16, 16))
        )
        copied = QGuiApplication.clipboard().text().strip()
        if "\n" not in copied and isinstance(_address(copied), Url):
            self.field.setText(copied)
            self.field.selectAll()

    def accept(self) -> None:
        """Open the URL, or say what is wrong with it."""
        text = self.field.text().strip()
        try:
            address = address_of(text)
        except RunError as error:
            self._say(str(error))
            return
        if not text:
            self._say("Type or paste the URL of a run.")
            return
        super().accept()
        self._open([address])

    def _say(self, words: str) -> None:
        self.words.setText(words)
        set_property(self.words, "tone", "bad")


class Drops(QObject):
    """Opens what is dropped onto a window.

    Args:
        open_: opens runs.
        window: where they can be dropped.
    """

    def __init__(self, open_: Open, window: QWidget) -> None:
        super().__init__(window)
        self._open = open_
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept files and URLs, and open them."""
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            return False
        assert isinstance(event, QDropEvent)
        found = dropped(event.mimeData())
        if found:
            event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._open(found)
        return True


def dropped(data: QMimeData) -> list[Address]:
    """The runs that were dropped: files, links, or a URL that was selected as text."""
    found: list[Address] = []
    urls = data.urls()
    for url in urls:
        address = Path(url.toLocalFile()) if url.isLocalFile() else _address(url.url())
        if address is not None:
            found.append(address)
    if not urls and isinstance(address := _address(data.text().strip()), Url):
        found.append(address)
    return found


def fill_recent(menu: QMenu, settings: Settings, open_: Open) -> None:
    """Put the runs that were opened lately into a menu."""
    menu.clear()
    for address in settings.recent:
        # An ampersand in a file name is not a mnemonic.
        name = f"{address.name}  ({address.parent})".replace("&", "&&")
        action = menu.addAction(name)
        action.triggered.connect(lambda *_, a=address: open_([a]))
    if menu.isEmpty():
        menu.addAction("No runs yet").setEnabled(False)
    else:
        menu.addSeparator()
        menu.addAction("Forget these", settings.forget_recent)


def _address(text: str) -> Address | None:
    try:
        return address_of(text)
    except RunError:
        return None
