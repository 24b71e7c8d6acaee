"""A bar that says one sentence and offers what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy

from hardattn_viewer.views.parts import label, row


class OfferBar(QFrame):
    """Stays until one of its buttons is pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("offerBar")
        self.setProperty("surface", "offer")
        self.text = label(name="offerText")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._buttons: list[QPushButton] = []
        self._row: QHBoxLayout = row(self.text, margins=(12, 6, 8, 6))
        self._row.setStretch(0, 1)
        self.setLayout(self._row)
        self.hide()

    def say(
        self,
        sentence: str,
        offers: Mapping[str, Callable[[], None]],
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        """Show a sentence, a button for each offer, and one that closes the bar.

        Args:
            sentence: what is said.
            offers: what can be done, by the words of its button.
            closed: called where it is closed without an offer being taken.
        """
        for button in self._buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._buttons = [self._button(words, act) for words, act in offers.items()]
        self._buttons.append(self._button("Close", closed))
        self._buttons[-1].setAccessibleName("Close this message")
        for button in self._buttons:
            self._row.addWidget(button)
        self.text.setText(sentence)
        self.setAccessibleName(sentence)
        self.show()

    def _button(self, words: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(f"offer{words.partition(' ')[0]}")

        def pressed() -> None:
            # A log is read beside the offer, so that stays.
            if not words.startswith("Show"):
                self.hide()
            act()

        button.clicked.connect(lambda *_: pressed())
        return button
