"""What the output does when a model is made to attend otherwise.

Each test changes weights of one place of a model, runs it, and says in numbers how far the output
went. That it does not move where attention does means that attention cannot be told from other
weights there; it never means that attention is a faithful explanation.
"""

from hardattn_viewer.faithfulness.attention_tests.adversarial import Adversarial, adversarial
from hardattn_viewer.faithfulness.attention_tests.changing import Place, renormalised
from hardattn_viewer.faithfulness.attention_tests.erasing import Erased, erased
from hardattn_viewer.faithfulness.attention_tests.permuting import Permuted, permuted
from hardattn_viewer.faithfulness.attention_tests.uniform import Uniform, uniform

__all__ = [
    "Adversarial",
    "Erased",
    "Permuted",
    "Place",
    "Uniform",
    "adversarial",
    "erased",
    "permuted",
    "renormalised",
    "uniform",
]
