"""Whether attention accounts for what a model does: checks that run the model otherwise."""

from hardattn_viewer.faithfulness.checking import check
from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.explainers.by_name import BY_ATTENTION
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS
from hardattn_viewer.faithfulness.subjects.pictures import PictureSubject
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

__all__ = [
    "BY_ATTENTION",
    "EXPLAINERS",
    "CancelledError",
    "FaithfulnessError",
    "PictureSubject",
    "Text",
    "TokenSubject",
    "UndefinedError",
    "check",
]
