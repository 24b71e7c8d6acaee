"""The example at every snapshot of training, small; a click goes there."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QWidget

from hardattn_viewer.drawing.cells import cell_picture, cell_scale, paint_cell
from hardattn_viewer.drawing.text import draw_text
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.film import FilmFrames
from hardattn_viewer.session.frames import Frame, frame_at_step
from hardattn_viewer.session.moving import shown_snapshot, snapshots
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState, Slot
from hardattn_viewer.views.parts import plain_tooltip

LABEL = 17
GAP = 6
SMALLEST = 30


class FilmStrip(QScrollArea):
    """Scrolls sideways over the pictures; the one that is shown is kept in sight."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filmStripArea")
        self.pictures = FilmPictures(session)
        self.setWidget(self.pictures)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        """Room for one small picture a run."""
        return QSize(120, LABEL + 2 * (SMALLEST + GAP) + 14)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the pictures as large as the height allows."""
        super().resizeEvent(event)
        self.pictures.fit(self.viewport().width(), self.viewport().height())
        self.keep_in_sight()

    def keep_in_sight(self) -> None:
        """Scroll so that the snapshot that is shown can be seen."""
        place = self.pictures.place_of("A", self.pictures.shown).toRect()
        self.ensureVisible(place.center().x(), 0, place.width() + GAP, 0)
        # The first picture is a whole one.
        bar, each = self.horizontalScrollBar(), self.pictures.side + GAP
        bar.setSingleStep(each)
        if bar.value() % each:
            bar.setValue(-(-bar.value() // each) * each)


class FilmPictures(QWidget):
    """The pictures of A above those of B, one column a snapshot, painted in one widget."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filmStrip")
        self.setAccessibleName("The example at every snapshot of training")
        self._session = session
        self._theme = DARK
        self._film = FilmFrames({})
        self._rows: tuple[Slot, ...] = ()
        self._steps: dict[Slot, tuple[int, ...]] = {}
        self._columns = 0
        self._cells: dict[tuple[Slot, int], QPixmap] = {}
        self._scales: dict[Slot, float] = {}
        self.shown = 0
        self._height = 120
        self._seen = 0
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def side(self) -> int:
        """Width and height of one picture."""
        rows = max(len(self._rows), 1)
        return max(SMALLEST, (self._height - LABEL - 2) // rows - GAP)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self._cells.clear()
        self.update()

    def fit(self, width: int, height: int) -> None:
        """Use a height; of the width so much is seen at once."""
        self._seen = width
        if height != self._height:
            self._height = height
            self._cells.clear()
        self._resize()

    def show_film(self, state: SessionState, film: FilmFrames) -> None:
        """Show what was read of a film by now."""
        present: tuple[Slot, ...] = tuple(slot for slot in SLOTS if _is_shown(state, slot))
        steps = {slot: facts.snapshots for slot in present if (facts := state.facts(slot))}
        self._film, self._steps = film, steps
        self._columns = snapshots(state)
        self.shown = shown_snapshot(state)
        self._cells.clear()
        self._scales.clear()
        if present != self._rows:
            self._rows = present
        self._resize()
        self.setAccessibleDescription(f"{self._columns} snapshots")
        self.update()

    def show_place(self, state: SessionState) -> None:
        """Show another step of the same film, or mark another snapshot."""
        self.shown = shown_snapshot(state)
        self.update()

    def forget_pictures(self) -> None:
        """Make the pictures anew: another step, or other drawing choices."""
        self._cells.clear()
        self._scales.clear()
        self.update()

    def scale_of(self, slot: Slot) -> float | None:
        """The probability at the top of the scale of a run's pictures; None without any."""
        frames = self._film.of(slot)
        if not frames:
            return None
        if slot not in self._scales:
            self._scales[slot] = self._scale(frames[0], slot)
        return self._scales[slot]

    def place_of(self, slot: Slot, snapshot: int) -> QRectF:
        """Where the picture of a snapshot is."""
        row = self._rows.index(slot) if slot in self._rows else 0
        side = self.side
        return QRectF(snapshot * (side + GAP) + 2, LABEL + row * (side + GAP), side, side)

    def _resize(self) -> None:
        each = self.side + GAP
        wide = self._columns * each + 4
        # Scrolled to its end, it begins with a whole picture too.
        rest = -(wide - self._seen) % each if wide > self._seen else 0
        self.setMinimumWidth(wide + rest)
        self.updateGeometry()

    def _scale(self, frame: Frame, slot: Slot) -> float:
        """One scale for all snapshots, unless every step is to have its own."""
        display = self._session.state.display
        if display.scale == "step":
            return cell_scale(frame, [frame], display)
        together = SLOTS if display.scale == "shared" else (slot,)
        frames = [frame for one in together for frame in self._film.of(one)]
        return cell_scale(frame, frames, replace(display, scale="shared"))

    def _cell(self, slot: Slot, snapshot: int) -> QPixmap | None:
        """The picture of a snapshot, painted once: scrubbing only moves the mark."""
        place = slot, snapshot
        frame = self._film.frames.get(place)
        if not isinstance(frame, Frame):
            return None
        if place not in self._cells:
            state = self._session.state
            at = frame_at_step(frame, state.place.step)
            each = state.display.scale == "step"
            scale = self._scale(at, slot) if each else self.scale_of(slot) or 1.0
            ratio = self.devicePixelRatioF()
            cell = QPixmap(round(self.side * ratio), round(self.side * ratio))
            cell.setDevicePixelRatio(ratio)
            cell.fill(QColor(self._theme.window))
            painter = QPainter(cell)
            rect = QRectF(0, 0, self.side, self.side)
            paint_cell(painter, rect, cell_picture(at, small(state.display), scale), self._theme)
            painter.end()
            self._cells[place] = cell
        return self._cells[place]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pictures that can be seen."""
        painter = QPainter(self)
        side = self.side + GAP
        first = max(0, event.rect().left() // side - 1)
        last = min(self._columns, event.rect().right() // side + 2)
        for snapshot in range(first, last):
            for slot in self._rows:
                self._paint_one(painter, slot, snapshot)
            if self._rows:
                self._paint_label(painter, snapshot)
        painter.end()

    def _paint_one(self, painter: QPainter, slot: Slot, snapshot: int) -> None:
        place = self.place_of(slot, snapshot)
        at = self._own_snapshot(slot, snapshot)
        cell = None if at is None else self._cell(slot, at)
        if cell is None:
            painter.fillRect(place, QColor(self._theme.raised))
            missing = at is None or isinstance(self._film.frames.get((slot, at)), str)
            words = "–" if missing else "…"
            draw_text(painter, place, words, self._theme, colour=self._theme.faint, align="centre")
        else:
            painter.drawPixmap(place.topLeft(), cell)
        if snapshot == self.shown:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 3, 3)

    def _paint_label(self, painter: QPainter, snapshot: int) -> None:
        here = snapshot == self.shown
        place = self.place_of(self._rows[0], snapshot)
        steps = self._steps.get(self._rows[0], ())
        draw_text(
            painter,
            QRectF(place.left(), 0, place.width(), LABEL - 2),
            f"{steps[snapshot]:,}" if snapshot < len(steps) else "",
            self._theme,
            size=self._theme.size_small - 1,
            colour=self._theme.text if here else self._theme.muted,
            align="centre",
        )

    def _own_snapshot(self, slot: Slot, snapshot: int) -> int | None:
        """The snapshot of a run that was taken at the same training step as the leader's."""
        leader = self._steps.get(self._rows[0], ())
        own = self._steps.get(slot, ())
        if slot == self._rows[0]:
            return snapshot if snapshot < len(own) else None
        step = leader[snapshot] if snapshot < len(leader) else None
        return own.index(step) if step in own else None

    def snapshot_at(self, point: QPoint) -> int | None:
        """The snapshot whose column is at a point."""
        at = (point.x() - 2) // (self.side + GAP)
        return at if 0 <= at < self._columns else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the snapshot that was clicked."""
        self._scrub(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._scrub(event)

    def _scrub(self, event: QMouseEvent) -> None:
        at = self.snapshot_at(event.position().toPoint())
        if at is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._session.go_to_snapshot(at)

    def event(self, event: QEvent) -> bool:
        """Say on a tool tip which moment of training it is."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = self.snapshot_at(event.pos())
            steps = self._steps.get(self._rows[0], ()) if self._rows else ()
            if at is not None and at < len(steps):
                words = f"Snapshot {at + 1} of {self._columns}: training step {steps[at]:,}"
                QToolTip.showText(event.globalPos(), plain_tooltip(words))
            return True
        return super().event(event)


def small(display: Display) -> Display:
    """Drawing choices for a small picture: numbers of the whole path would cover it."""
    return replace(display, path=False)


def _is_shown(state: SessionState, slot: Slot) -> bool:
    facts = state.facts(slot)
    return facts is not None and len(facts.snapshots) > 1
