"""The site and the head that are shown, and where to choose others."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QToolButton

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
        self.setText(f"{words} ▾")
        set_property(self, "tone", tone)
        name = site.name if site is not None else ""
        self.setAccessibleName(f"Attention site: {name or words}")
        lines = [name, note, "Choose another site (S); { and } go to the previous and the next"]
        self.setToolTip(plain_tooltip("\n".join(filter(None, lines))))
        self.updateGeometry()


class HeadChoice(QComboBox):
    """Which head is shown, or the mean of all of them; hidden where a site has one only."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headChoice")
        self.setAccessibleName("Head")
        self.setToolTip("One head, or the mean over all heads of this site ([ and ])")
        self._session = session
        self._site: SiteFacts | None = None
        self.hide()
        self.activated.connect(lambda at: session.go_to_head(None if at == 0 else at - 1))
        session.changed.connect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        site = new.site
        if site != self._site:
            self._site = site
            self.clear()
            if site is not None:
                heads = range(site.heads)
                self.addItem(f"{site.head_words(None)} heads")
                self.addItems([f"head {site.head_words(head)}" for head in heads])
            self.setVisible(site is not None and site.heads > 1)
        head = new.place.head
        self.setCurrentIndex(0 if head is None else min(head + 1, self.count() - 1))


def site_words(site: SiteFacts) -> str:
    """For example ``"✓ layer 4 · …layer.4.attention.self"``."""
    name = site.name if len(site.name) <= _LONGEST else "…" + site.name[1 - _LONGEST :]
    layer = "" if site.layer < 0 else f"layer {site.layer} · "
    return f"{VERIFICATION_MARKS[site.verification]} {layer}{name}"
