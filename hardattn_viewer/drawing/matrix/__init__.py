"""Attention of all queries at once: queries × keys as one image with labels."""

from hardattn_viewer.drawing.matrix.geometry import matrix_at, matrix_height, matrix_layout
from hardattn_viewer.drawing.matrix.paint import matrix_note, paint_matrix
from hardattn_viewer.drawing.matrix.picture import MatrixPicture, matrix_picture

__all__ = [
    "MatrixPicture",
    "matrix_at",
    "matrix_height",
    "matrix_layout",
    "matrix_note",
    "matrix_picture",
    "paint_matrix",
]
