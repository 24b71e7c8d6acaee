"""The site and the head that are shown, and where to choose others."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton

from hardattn_viewer.session.recorded import Verification
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, SiteFacts
from hardattn_viewer.views.parts import plain_tooltip, set_property

VERIFICATION_MARKS: dict[Verification, str] = {
    "verified": "✓",
    "mismatch": "✗",
    "unverified": "–",
}
VERIFICATION_WORDS: dict[Verification, str] = {
    "verified": "verified",
    "mismatch": "MISMATCH",
    "unverified": "not verified",
}
_TONES: dict[Verification, str] = {"verified": "", "mismatch": "bad", "unverified": ""}
# Characters of a module path that are shown; its end says most.
_LONGEST = 34


class SiteButton(QToolButton):
    """Names the site with its layer and verification; a click opens the list of all.

    Hidden where the runs have one site only.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("siteButton")
        self.setProperty("kind", "choice")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._shown: tuple[SiteFacts | None, str] | None = None
        self.hide()
        session.changed.connect(self._on_changed)

    def bind(self, action: QAction) -> None:
        """Let a click do what the app's action does."""
        self.clicked.connect(lambda *_: action.trigger())

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        slots = (new.slot_a, new.slot_b, new.focus, new.runs)
        before = (old.slot_a, old.slot_b, old.focus, old.runs)
        if (slots, new.place.site, new.frames) == (before, old.place.site, old.frames):
            return
        facts = new.facts(new.site_slot)
        self.setVisible(facts is not None and len(facts.sites) > 1)
        if facts is None:
            return
        site = new.site
        if site is None:
            words, note, tone = f"{facts.name} has no such site", "", "bad"
        else:
            words, note, tone = site_words(site), site.verified, _TONES[site.verification]
        if (site, words) == self._shown:
            return
        self._shown = (site, words)
        self.setText(f"{words} ▾")
        set_property(self, "tone", tone)
        name = site.name if site is not None else ""
        self.setAccessibleName(f"Attention site: {name or words}")
        lines = [name, note, "Choose another site (S); { and } go to the previous and the next"]
        self.setToolTip(plain_tooltip("\n".join(filter(None, lines))))
        self.updateGeometry()


class HeadButton(QToolButton):
    """Names the head, or the mean of all; a click lists them. Hidden where a site has one only."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headButton")
        self.setProperty("kind", "choice")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip("One head, or the mean over all heads of this site ([ and ])")
        self._session = session
        self.heads = QMenu(self)
        self.heads.setObjectName("headMenu")
        self.heads.aboutToShow.connect(self._fill)
        self.setMenu(self.heads)
        self.hide()
        session.changed.connect(self._on_changed)

    def show_heads(self) -> None:
        """Show the list below the button."""
        self._fill()
        self.heads.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        site, head = new.site, new.head
        if (site, head) == (old.site, old.head) and self.text():
            return
        if site is None or site.heads < 2:
            self.hide()
            return
        self.setText(f"{'head ' if head is not None else ''}{site.head_words(head)} heads ▾")
        self.setAccessibleName(f"Head: {site.head_words(head)}")
        self.show()
        self.updateGeometry()

    def _fill(self) -> None:
        self.heads.clear()
        state = self._session.state
        if state.site is None:
            return
        for head in (None, *range(state.site.heads)):
            words = f"{'head ' if head is not None else ''}{state.site.head_words(head)}"
            action = self.heads.addAction(words)
            action.setCheckable(True)
            action.setChecked(head == state.head)
            action.triggered.connect(lambda *_, h=head: self._session.go_to_head(h))
            if head is None:
                self.heads.addSeparator()


def site_words(site: SiteFacts) -> str:
    """For example ``"✓ layer 4 · …layer.4.attention.self"``."""
    name = site.name
    if len(name) > _LONGEST:
        end = name[1 - _LONGEST :]
        # Cut between modules where the path has a joint there.
        name = "…" + (end.partition(".")[2] or end)
    layer = "" if site.layer < 0 else f"layer {site.layer} · "
    return f"{VERIFICATION_MARKS[site.verification]} {layer}{name}"
