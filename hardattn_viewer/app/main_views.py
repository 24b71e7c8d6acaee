"""The pictures that the middle of the window can show, in the order of their buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import View
from hardattn_viewer.views.compare import CompareView
from hardattn_viewer.views.faithfulness import FaithfulnessView
from hardattn_viewer.views.heads import HeadsView
from hardattn_viewer.views.matrix import MatrixView
from hardattn_viewer.views.overlay import OverlayView
from hardattn_viewer.views.training import TrainingView


@dataclass(frozen=True)
class MainView:
    """One of the pictures in the middle of the window.

    Attributes:
        id: its name in the session's state.
        text: what menu and button say, with the key of its letter.
        tooltip: one sentence.
        make: makes its widget; it has ``set_theme`` and follows the session by itself.
    """

    id: View
    text: str
    tooltip: str
    make: Callable[[Session], QWidget]


MAIN_VIEWS = (
    MainView("overlay", "&Overlay", "One run, large", OverlayView),
    MainView("matrix", "Matri&x", "All queries × keys", MatrixView),
    MainView("heads", "&Heads", "All heads of all layers", HeadsView),
    MainView("compare", "&Compare", "A, B and their difference", CompareView),
    MainView(
        "faithfulness",
        "&Faithfulness",
        "Whether attention accounts for what the model does",
        FaithfulnessView,
    ),
    MainView(
        "training", "&Training", "How attention came to be, snapshot by snapshot", TrainingView
    ),
)
