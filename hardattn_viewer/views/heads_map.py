"""The large map beside all heads: the head that is looked at, or the mean of the picked ones."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from hardattn_viewer.drawing.heads_words import picked_words
from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_at, matrix_picture, paint_matrix
from hardattn_viewer.drawing.names import shown_token
from hardattn_viewer.drawing.scale import largest
from hardattn_viewer.drawing.text import amount
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.masking import MASKED, NOT_RECORDED
from hardattn_viewer.session.picked_heads import MeanMap, PickedStudy
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.parts import Notice, column, label, plain_tooltip
from hardattn_viewer.views.scales import matrix_scale_of


class HeadMap(QWidget):
    """Queries × keys of one head, or of the mean of several of any sites.

    Args:
        session: the shared session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headMap")
        self._session = session
        self._mean: MeanMap | None = None
        self._frame: Frame | None = None
        self.title = label(role="title", name="headMapTitle")
        self.title.setWordWrap(True)
        self.note = label(role="muted", name="headMapNote")
        self.note.setWordWrap(True)
        self.canvas: Canvas[MatrixPicture] = Canvas("headMapCanvas", paint_matrix, matrix_at)
        self.canvas.hovered.connect(self._hover)
        self.canvas.clicked.connect(self._pick)
        self.notice = Notice("headMapNotice")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.notice)
        layout = column(self.title, self.note, self._stack, spacing=4)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)

    def show_state(self, state: SessionState, numbers: HeadNumbers | None) -> None:
        """Show what a state is at; ``numbers`` name the heads."""
        result = state.studies.get("pickedHeads")
        self._frame = state.frame
        self._mean = None
        if result is None or not isinstance(result.study, PickedStudy):
            self._show_head(state, numbers)
            return
        heads = result.study.heads
        mean = result.value
        if isinstance(mean, MeanMap):
            self._mean = mean
            self._show_mean(state, numbers, mean)
        else:
            self.title.setText(picked_words(numbers, heads))
            self._say("No mean to show" if result.error else "Reading…", result.error)

    def _show_mean(self, state: SessionState, numbers: HeadNumbers | None, mean: MeanMap) -> None:
        words = picked_words(numbers, mean.heads)
        self.title.setText(words)
        self.title.setToolTip(plain_tooltip(words))
        notes = []
        if mean.of_pooled:
            notes.append("mean of maps that were max-pooled first")
        if mean.left_out:
            left = picked_words(numbers, mean.left_out).rpartition(": ")[2]
            notes.append(f"left out, for their queries or keys are others: {left}")
        self._note(" · ".join(notes))
        frame = self._frame
        query = min(frame.query, mean.pyramid.queries - 1) if frame is not None else 0
        pyramid = mean.pyramid
        picture = MatrixPicture(
            pyramid=pyramid,
            detail=(),
            queries=pyramid.queries,
            keys=pyramid.keys,
            query_name=lambda query: shown_token(mean.query_names[query]),
            key_name=lambda key: shown_token(mean.key_names[key]),
            query=query,
            chosen=(),
            scale_max=largest([pyramid.values]),
            colours=state.display.colours,
            step=state.place.step,
        )
        self.canvas.setAccessibleName("Map of the picked heads")
        self.canvas.show_picture(picture, words)
        self._stack.setCurrentWidget(self.canvas)

    def _show_head(self, state: SessionState, numbers: HeadNumbers | None) -> None:
        frame = self._frame
        if frame is None or not frame.probabilities.size:
            self.title.setText("")
            self._say("Nothing to show here", state.frames.why(state.shown_slot))
            return
        words = _head_title(state, frame)
        self.title.setText(words)
        self.title.setToolTip(plain_tooltip(frame.place.site or ""))
        self._note("")
        keys = frame.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        picture = matrix_picture(
            frame,
            state.display,
            scale_max=matrix_scale_of(state, frame),
            hover=hover,
            pinned=pinned,
        )
        self.canvas.setAccessibleName("Map of the head")
        self.canvas.show_picture(picture, words)
        self._stack.setCurrentWidget(self.canvas)

    def _note(self, words: str) -> None:
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def _say(self, title: str, why: str) -> None:
        self._note("")
        self.canvas.show_picture(None, title)
        self.notice.say(title, why)
        self._stack.setCurrentWidget(self.notice)

    def _hover(self, cell: int | None) -> None:
        query, key = self._cell(cell)
        if self._mean is not None:
            self._tell_mean(query, key)
        elif self._frame is not None and self._frame.whole is None:
            self._session.hover(key, query)

    def _pick(self, cell: int) -> None:
        query, _ = self._cell(cell)
        frame = self._frame
        if query is not None and frame is not None and query < frame.queries:
            self._session.go_to_query(query)

    def _cell(self, cell: int | None) -> tuple[int | None, int | None]:
        """Query and key of a cell; none where the map is of several steps."""
        picture = self.canvas.picture
        if cell is None or picture is None or picture.steps > 1:
            return None, None
        return divmod(cell, picture.keys)

    def _tell_mean(self, query: int | None, key: int | None) -> None:
        """Say the number of a cell of the mean, which no other view shows."""
        mean = self._mean
        if mean is None or query is None or key is None:
            self.canvas.setToolTip("")
            return
        number, (down, across) = mean.pyramid.cell(query, key), mean.pyramid.base
        known = {MASKED: "masked", NOT_RECORDED: "not recorded"}
        value = known.get(number, amount(number))
        pooled = "" if (down, across) == (1, 1) else f", the largest of {down} × {across} cells"
        names = f"“{mean.query_names[query]}” → “{mean.key_names[key]}”"
        self.canvas.setToolTip(plain_tooltip(f"{names}: {value}{pooled}"))


def _head_title(state: SessionState, frame: Frame) -> str:
    site = state.site
    if site is None:
        return ""
    layer = f"layer {site.layer} · " if site.layer >= 0 else ""
    words = site.head_words(frame.place.head)
    if frame.place.head is None:
        return f"{layer}{words} heads" if site.heads > 1 else f"{layer}the one head"
    return f"{layer}head {words}"
