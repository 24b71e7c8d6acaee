"""What is not in a run, what recording changed, and what was not verified: all of it, in words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from hardattn_viewer.session.state import SLOTS, RunFacts, SessionState
from hardattn_viewer.views.parts import column, row


class OmissionsDialog(QDialog):
    """A text that can be selected and copied.

    Args:
        state: the runs in A and B are described.
        parent: the window that it appears over.
    """

    def __init__(self, state: SessionState, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("omissions")
        self.setWindowTitle("What is not in this run")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(720, 520)
        self.text = QPlainTextEdit()
        self.text.setObjectName("omissionsText")
        self.text.setAccessibleName("What is not in this run")
        self.text.setReadOnly(True)
        facts = [found for slot in SLOTS if (found := state.facts(slot)) is not None]
        self.text.setPlainText("\n\n\n".join(map(omissions_text, facts)))
        close = QPushButton("Close")
        close.setObjectName("omissionsClose")
        close.clicked.connect(self.close)
        self.setLayout(column(self.text, row(1, close), spacing=10, margins=(14, 14, 14, 12)))


def omissions_text(facts: RunFacts) -> str:
    """Everything that a run says it lacks, in sections."""
    by_kind = {
        kind: [f"{site.name}: {site.verified}" for site in facts.sites if site.verification == kind]
        for kind in ("mismatch", "unverified")
    }
    sections = (
        ("The file", facts.notices, ""),
        ("Not what the model used", by_kind["mismatch"], ""),
        ("Not recorded", facts.left_out, "Nothing, as far as the recorder says."),
        ("Changed by recording", facts.changed, "Nothing, as far as the recorder says."),
        ("Not verified", by_kind["unverified"], "Every site was verified."),
    )
    parts = [facts.name]
    for title, sentences, nothing in sections:
        lines = [f"  • {sentence}" for sentence in sentences]
        if lines:
            parts.append("\n".join([f"{title} ({len(lines):,})", *lines]))
        elif nothing and not (title == "Not verified" and by_kind["mismatch"]):
            parts.append(f"{title}\n  {nothing}")
    return "\n\n".join(parts)
