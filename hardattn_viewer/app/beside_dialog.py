"""Choosing what slot B shows beside A: another head, site or snapshot, of this run or another."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QPushButton, QWidget

from hardattn_viewer.session.beside import Beside, with_pair
from hardattn_viewer.session.pairing import aligned_site, head_in, site_in
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import OpenRun, RunFacts, SiteFacts
from hardattn_viewer.session.wants import snapshot_of
from hardattn_viewer.views.parts import column, label, row

About = Literal["head", "site", "snapshot", "pair"]
_SAME = "same"


class BesideDialog(QDialog):
    """A form of four lines; what is chosen becomes slot B.

    Args:
        session: whose slot B is set.
        about: what is to be chosen first.
        parent: the window that it appears over.
    """

    def __init__(self, session: Session, about: About, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("besideDialog")
        self.setWindowTitle("Compare with…")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(520, 260))
        self._session = session
        state = session.state
        self._site_a = site_in(state, "A")
        self.run = _choice("besideRun", "Run in B")
        self.site = _choice("besideSite", "Site of B")
        self.head = _choice("besideHead", "Head of B")
        self.snapshot = _choice("besideSnapshot", "Snapshot of B")
        self.says = label(role="muted", name="besideSays")
        self.says.setWordWrap(True)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        a = state.run_in("A")
        where = self._site_a.name if self._site_a is not None else "nothing"
        form.addRow("A", label(f"{a.name if a is not None else '–'} · {where}", "value"))
        for name, field in (
            ("B: run", self.run),
            ("site", self.site),
            ("head", self.head),
            ("snapshot", self.snapshot),
        ):
            form.addRow(name, field)
        close = QPushButton("Close")
        close.setObjectName("besideClose")
        close.clicked.connect(self.close)
        self.go = QPushButton("Compare")
        self.go.setObjectName("besideGo")
        self.go.setProperty("kind", "accent")
        self.go.setDefault(True)
        self.go.clicked.connect(self._compare)
        buttons = row(1, close, self.go)
        self.setLayout(column(form, self.says, 1, buttons, spacing=12, margins=(16, 16, 16, 16)))
        self._fill_runs(about)
        self.run.currentIndexChanged.connect(lambda _: self._fill_sites(about))
        self.site.currentIndexChanged.connect(lambda _: self._fill_heads(about))
        for field in (self.run, self.site, self.head, self.snapshot):
            field.currentIndexChanged.connect(lambda _: self._say())
        self._fill_sites(about)
        {"site": self.site, "pair": self.site, "snapshot": self.snapshot, "head": self.head}[
            about
        ].setFocus()
        self._say()

    @property
    def _chosen_run(self) -> OpenRun | None:
        return self._session.state.run(self.run.currentData())

    @property
    def _chosen_facts(self) -> RunFacts | None:
        run = self._chosen_run
        return run.facts if run is not None else None

    @property
    def _is_within(self) -> bool:
        return bool(self.run.currentData() == self._session.state.slot_a)

    @property
    def _chosen_site(self) -> SiteFacts | None:
        facts, name = self._chosen_facts, self.site.currentData()
        return facts.site(name) if facts is not None and facts.has_site(name) else None

    def _fill_runs(self, about: About) -> None:
        state = self._session.state
        for run in state.runs:
            if run.status == "ready" and run.facts is not None and run.facts.sites:
                own = " (the same run as A)" if run.key == state.slot_a else ""
                self.run.addItem(f"{run.name}{own}", run.key)
        wanted = state.slot_b if about == "pair" and state.slot_b is not None else state.slot_a
        self.run.setCurrentIndex(max(self.run.findData(wanted), 0))

    def _fill_sites(self, about: About) -> None:
        facts = self._chosen_facts
        self.site.blockSignals(True)
        self.site.clear()
        for site in facts.sites if facts is not None else ():
            layer = f"layer {site.layer} · " if site.layer >= 0 else ""
            self.site.addItem(f"{layer}{site.name}", site.name)
        like = None
        if facts is not None and self._site_a is not None:
            like = aligned_site(self._site_a, facts, self._session.state.site_pairs)
        at = self.site.findData(like.name) if like is not None else 0
        if about == "site" and self._is_within and self.site.count() > 1:
            at = at + 1 if at + 1 < self.site.count() else at - 1
        self.site.setCurrentIndex(max(at, 0))
        self.site.blockSignals(False)
        self._fill_snapshots(about)
        self._fill_heads(about)

    def _fill_heads(self, about: About) -> None:
        site = self._chosen_site
        self.head.clear()
        self.head.addItem("the same as A", _SAME)
        if site is None:
            return
        self.head.addItem(site.head_words(None), None)
        for head in range(site.heads):
            self.head.addItem(f"head {site.head_words(head)}", head)
        if about == "head" and site.heads > 1:
            here = head_in(self._session.state, "A")
            other = 0 if here is None else (here + 1) % site.heads
            self.head.setCurrentIndex(self.head.findData(other))

    def _fill_snapshots(self, about: About) -> None:
        facts, state = self._chosen_facts, self._session.state
        self.snapshot.clear()
        self.snapshot.addItem("the same as A", _SAME)
        steps = facts.snapshots if facts is not None else ()
        for index, step in enumerate(steps):
            self.snapshot.addItem(f"training step {step:,}", index)
        self.snapshot.setEnabled(len(steps) > 1)
        if about == "snapshot" and len(steps) > 1 and self._is_within:
            here = snapshot_of(state, "A")
            here = len(steps) - 1 if here is None else here
            self.snapshot.setCurrentIndex(self.snapshot.findData(here - 1 if here else 1))

    def _beside(self) -> Beside:
        site = self._chosen_site
        return Beside(
            site=site.name if site is not None and self._is_within else None,
            head=self.head.currentData(),
            snapshot=self.snapshot.currentData(),
        )

    def _say(self) -> None:
        """Say what would be compared, and whether that can tell anything."""
        a, b = self._site_a, self._chosen_site
        self.go.setEnabled(a is not None and b is not None)
        if a is None or b is None:
            self.says.setText("There is nothing in A, or no site in this run.")
            return
        same = self._is_within and a.name == b.name
        if same and self.head.currentData() == _SAME and self.snapshot.currentData() == _SAME:
            self.says.setText("A looks there itself: choose another head, site or snapshot.")
            self.go.setEnabled(False)
        elif self._is_within:
            self.says.setText("Slot B shows the same run at this place.")
        else:
            self.says.setText(
                f"A’s {a.name} is compared with B’s {b.name}; that is remembered for these sites."
            )

    def _compare(self) -> None:
        a, b, key = self._site_a, self._chosen_site, self.run.currentData()
        if a is None or b is None:
            return
        state = self._session.state
        if not self._is_within:
            self._session.pair_sites(with_pair(state.site_pairs, a.name, b.name))
        self._session.compare_with(key, self._beside())
        self.close()


def _choice(name: str, words: str) -> QComboBox:
    made = QComboBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    made.setMinimumContentsLength(30)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return made
