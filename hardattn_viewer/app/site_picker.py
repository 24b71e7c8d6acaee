"""Choosing an attention site among many: type a part of its name, layer or kind."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SiteFacts
from hardattn_viewer.views.parts import column, label, plain_tooltip, row
from hardattn_viewer.views.site_choice import VERIFICATION_MARKS, VERIFICATION_WORDS

COLUMNS = ("site", "layer", "kind", "", "heads", "record")
WIDTH, HEIGHT = 760, 520
NameRole = Qt.ItemDataRole.UserRole


class SitePicker(QDialog):
    """A field, and the sites of the run in focus that match it; Enter goes to the chosen one.

    Args:
        session: whose site is chosen.
        theme: colours of hard, soft, and of what was verified.
        parent: the window that it appears over.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("sitePicker")
        self.setWindowTitle("Attention site")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH, HEIGHT)
        self._session = session
        self._theme = theme
        state = session.state
        facts = state.facts(state.site_slot)
        self._sites = facts.sites if facts is not None else ()
        self.field = QLineEdit()
        self.field.setObjectName("siteField")
        self.field.setAccessibleName("Site")
        self.field.setPlaceholderText("Type a part of the name, a layer or a kind: layer 4 cross")
        self.field.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setObjectName("siteList")
        self.list.setAccessibleName("Matching sites")
        self.list.setHeaderLabels(COLUMNS)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.count = label(role="muted", name="siteCount")
        name = facts.name if facts is not None else ""
        self._whose = f"of {name}" if name else ""
        foot = row(self.count, 1, label("Enter goes there · { and } without this list", "faint"))
        self.setLayout(column(self.field, self.list, foot, spacing=8, margins=(12, 12, 12, 12)))
        self.field.textChanged.connect(self._fill)
        self.field.returnPressed.connect(self._go)
        self.list.itemClicked.connect(self._go)
        # The height of the first line is kept for all, so the style has to be there before it.
        self.list.ensurePolished()
        self._fill("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the field move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            page = 10
            by = {
                Qt.Key.Key_Down: 1,
                Qt.Key.Key_Up: -1,
                Qt.Key.Key_PageDown: page,
                Qt.Key.Key_PageUp: -page,
            }.get(Qt.Key(event.key()))
            if by is not None:
                self._choose(self.list.currentIndex().row() + by)
                return True
        return super().eventFilter(watched, event)

    def _choose(self, line: int) -> None:
        item = self.list.topLevelItem(min(max(line, 0), self.list.topLevelItemCount() - 1))
        if item is not None:
            self.list.setCurrentItem(item)
            self.list.scrollToItem(item)

    def _fill(self, text: str) -> None:
        self.list.clear()
        found = matching_sites(self._sites, text)
        for site in found:
            self.list.addTopLevelItem(self._item(site))
        total = len(self._sites)
        shown = f"{len(found):,} of {total:,} sites" if text else f"{total:,} sites"
        self.count.setText(f"{shown} {self._whose}" if found else f"No site {self._whose} matches")
        here = self._session.state.site
        names = [site.name for site in found]
        self._choose(names.index(here.name) if here is not None and here.name in names else 0)

    def _item(self, site: SiteFacts) -> QTreeWidgetItem:
        t = self._theme
        mark = f"{VERIFICATION_MARKS[site.verification]} {VERIFICATION_WORDS[site.verification]}"
        item = QTreeWidgetItem(
            [
                site.name,
                "" if site.layer < 0 else str(site.layer),
                site.kind,
                "HARD" if site.hard else "SOFT",
                str(site.heads),
                mark,
            ]
        )
        item.setForeground(3, QColor(t.hard_text if site.hard else t.soft_text))
        tones = {"verified": t.good, "mismatch": t.bad, "unverified": t.muted}
        item.setForeground(5, QColor(tones[site.verification]))
        for at in (1, 4):
            item.setTextAlignment(at, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setData(0, NameRole, site.name)
        item.setToolTip(0, plain_tooltip(site.name))
        item.setToolTip(5, plain_tooltip(site.verified or "The recorder says nothing of it."))
        return item

    def _go(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.close()
            self._session.go_to_site(item.data(0, NameRole))


def matching_sites(sites: tuple[SiteFacts, ...], text: str) -> list[SiteFacts]:
    """The sites that hold every word of ``text``, in the order of the model.

    A word is a part of the name or kind, ``hard`` or ``soft``, ``verified`` …; ``layer 4``, as two
    words, is exactly that layer.
    """
    words = text.lower().split()
    layers = [
        int(number) for word, number in pairwise(words) if word == "layer" and number.isdecimal()
    ]
    if layers:
        words = [word for word in words if word != "layer" and not word.isdecimal()]
    return [
        site
        for site in sites
        if all(word in _described(site) for word in words)
        and (not layers or (site.layer in layers))
    ]


def _described(site: SiteFacts) -> str:
    kind = "hard" if site.hard else "soft"
    words = VERIFICATION_WORDS[site.verification]
    layer = "" if site.layer < 0 else f"layer {site.layer}"
    return f"{site.name} {site.kind} {kind} {site.mechanism} {layer} {words}".lower()
