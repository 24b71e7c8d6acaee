"""The list of the examples that bear an explanation out least."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget


def least_listing() -> QTreeWidget:
    """An empty list: number of an example, why, and by how much."""
    made = QTreeWidget()
    made.setObjectName("checksLeast")
    made.setAccessibleName("Examples that bear the explanation out least")
    made.setHeaderLabels(["#", "why", "Δ"])
    made.setRootIsDecorated(False)
    made.setUniformRowHeights(True)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
    made.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    made.header().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
    made.header().setStretchLastSection(False)
    made.setToolTip("A click shows the example. Δ: its score less that of random rankings")
    return made
