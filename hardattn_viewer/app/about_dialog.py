"""What this is, and the licences of what it is built with."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from hardattn_viewer.app.licences import licences
from hardattn_viewer.app.theme import IMAGES
from hardattn_viewer.views.parts import column, heading, label, row
from recorders.version import PRODUCER

WORDS = "hardattn shows where a neural network looks, and whether that can be believed."
LICENCE = "Apache-2.0. The handwritten digits of the samples are MNIST, under CC BY-SA 3.0."


class AboutDialog(QDialog):
    """The version, and a list of packages with their licences; the chosen one's text is below.

    Args:
        parent: the window that it appears over.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle("About hardattn")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(min(760, parent.width() - 40), min(620, parent.height() - 40))
        icon = label(name="aboutIcon")
        icon.setPixmap(QIcon(f"{IMAGES}/hardattn.svg").pixmap(56, 56))
        icon.setAccessibleName("The icon of hardattn")
        words = label(WORDS)
        words.setWordWrap(True)
        own = label(LICENCE, "muted")
        own.setWordWrap(True)
        top = row(spacing=14)
        top.addWidget(icon)
        top.addLayout(column(label(PRODUCER, "big"), words, own, spacing=4), 1)
        self._licences = licences()
        self.packages = QTreeWidget()
        self.packages.setObjectName("aboutPackages")
        self.packages.setAccessibleName("Packages and their licences")
        self.packages.setHeaderLabels(["package", "version", "licence"])
        self.packages.setRootIsDecorated(False)
        for one in self._licences:
            item = QTreeWidgetItem(self.packages, [one.package, one.version, one.name])
            item.setToolTip(2, one.name)
        fit = QHeaderView.ResizeMode.ResizeToContents
        for at in (0, 1):
            self.packages.header().setSectionResizeMode(at, fit)
        self.text = QPlainTextEdit()
        self.text.setObjectName("aboutText")
        self.text.setAccessibleName("Text of the licence")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.packages.currentItemChanged.connect(self._show)
        first = self.packages.topLevelItem(0)
        if first is not None:
            self.packages.setCurrentItem(first)
        close = QPushButton("Close")
        close.setObjectName("aboutClose")
        close.clicked.connect(self.close)
        title = heading(f"Built with {len(self._licences)} packages")
        layout = column(
            top, title, self.packages, self.text, row(1, close),
            spacing=10, margins=(16, 16, 16, 12),
        )  # fmt: skip
        layout.setStretch(2, 3)
        layout.setStretch(3, 2)
        self.setLayout(layout)

    def _show(self, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        found = self._licences[self.packages.indexOfTopLevelItem(item)]
        absent = f"{found.package} is installed without the text of its licence ({found.name})."
        self.text.setPlainText(found.text or absent)
