"""All explainers in words, with what each needs of a model."""

from __future__ import annotations

from hardattn_viewer.faithfulness.explainers.attention import NORMS, RELEVANCE, ROLLOUT
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS

_NEEDS = {
    "attention": "of texts whose model attends by scaled_dot_product_attention",
    "choice": "of models that make choices which can be forced: systems of the zoo, your subjects",
    "gradient": "of models with a gradient by their pixels or embeddings",
    "perturbation": "of every model from which items can be removed",
    "search": "of every model from which items can be removed",
    "control": "of every model from which items can be removed",
}
_BY_ATTENTION = (
    ("attention mean", "mass that the answer's position puts on an item, mean of all heads", ""),
    ("attention max", "the same, of the head that puts most on it", ""),
    ("attention L0", "of layer 0, mean of its heads; attention L0 max: of the largest", ""),
    ("attention L0H3", "of head 3 of layer 0", ""),
    ("attention rollout", "products of all layers, each half residual", ROLLOUT),
    ("attention flow", "the largest flow through all layers", ROLLOUT),
    ("norm-weighted mean", "norm of what attention brings, mean of layers", NORMS),
    ("norm-weighted L0", "of layer 0; norm-weighted L0H3: of one head", NORMS),
    ("gradient × attention", "relevance through all layers; it needs a gradient too", RELEVANCE),
    ("gradient × attention L0", "of layer 0; × may be written x", RELEVANCE),
)


def listing() -> str:
    """Explainers by family: name, what it does, the paper."""
    rows = [("attention", *row) for row in _BY_ATTENTION]
    rows += [(one.family, one.name, one.words, one.source) for one in EXPLAINERS.values()]
    width = max(len(name) for _, name, _, _ in rows)
    lines, last = [], ""
    for family, name, words, source in rows:
        if family != last:
            lines += [*([""] if last else []), f"{family}, {_NEEDS[family]}"]
            last = family
        lines.append(f"  {name:{width}}  {words}" + (f" ({source})" if source else ""))
    return "\n".join(lines)
