"""Multiplications of weights with values, whichever function did them, in one notation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import torch
from torch import Tensor

from recorders.capture.captured import Check
from recorders.capture.nets.dataflow.marks import Marks, Weights, has_values
from recorders.capture.nets.verification import relative_error, tolerance_of


@dataclass(frozen=True, eq=False)
class Product:
    """Weights times values, summed over the keys.

    Attributes:
        weights: the tensor of weights.
        mark: what is known about it.
        values: the values.
        output: their product.
        axes: one letter for each axis of weights, values and output, as in ``torch.einsum``.
        key: the letter of the keys.
        query: the letter of the queries, empty where there is no such axis or where it is only
            known by not being an axis of the values.
    """

    weights: Tensor
    mark: Weights
    values: Tensor
    output: Tensor
    axes: tuple[str, str, str]
    key: str
    query: str = ""

    def lay_out(self, clean: Tensor) -> tuple[Tensor, tuple[int, ...], bool]:
        """Weights as […, queries, keys], or [queries, keys] and [keys] where no more is there.

        Args:
            clean: weights, laid out as ``weights``.

        Returns:
            The weights; the sizes of the axes before the queries; whether there are queries.
        """
        of_weights, of_values, _ = self.axes
        wide = dict(zip(of_values, self.values.shape, strict=True))
        kept = []
        for axis, letter in enumerate(of_weights):
            # What the values are spread over is no axis of the weights.
            spread = clean.shape[axis] == 1 and wide.get(letter, 1) > 1 and letter != self.key
            if not spread:
                kept.append(axis)
        letters = [of_weights[axis] for axis in kept]
        rest = [letter for letter in letters if letter != self.key]
        query = self.query if self.query in rest else ""
        if not self.query:
            # An axis that the values lack belongs to who asks, not to what is asked.
            sizes = dict(zip(of_weights, clean.shape, strict=True))
            own = [
                name for name in rest if name not in wide or (wide[name] == 1 and sizes[name] > 1)
            ]
            query = own[-1] if own else ""
        lead = [letter for letter in rest if letter != query]
        order = [*lead, query, self.key] if query else [*lead, self.key]
        squeezed = clean.reshape([clean.shape[axis] for axis in kept])
        laid = squeezed.permute([letters.index(letter) for letter in order])
        return laid, tuple(laid.shape[: len(lead)]), bool(query)

    def check(self, clean: Tensor) -> Check:
        """Compare other weights times the values with what the model computed.

        Rows of NaN, which a softmax makes of a row that is masked everywhere, are passed over.

        Args:
            clean: weights, laid out as ``weights``.
        """
        exact = torch.promote_types(
            torch.float32, torch.promote_types(clean.dtype, self.values.dtype)
        )
        equation = f"{self.axes[0]},{self.axes[1]}->{self.axes[2]}"
        weights, values = clean.to(exact), self.values.detach().to(exact)
        output = self.output.detach().to(exact)
        if not output.numel():
            return Check(0.0, tolerance_of(self.values, self.output))
        difference = torch.einsum(equation, weights, values).sub_(output)
        if difference.isnan().any():
            dead = torch.einsum(equation, weights, torch.zeros_like(values)).isnan()
            difference, output = difference.masked_fill(dead, 0), output.masked_fill(dead, 0)
        error, scale = difference.abs().max().item(), output.abs().max().item()
        return Check(
            relative_error(error, scale),
            tolerance_of(clean, self.weights, self.values, self.output),
        )


def of_matrices(marks: Marks, left: Any, right: Any, output: Any) -> Product | None:
    """The product that ``matmul``, ``bmm`` and ``mm`` computed, where one side is weights."""
    if not (isinstance(left, Tensor) and isinstance(right, Tensor) and left.dim() and right.dim()):
        return None
    batch = max(left.dim(), right.dim()) - 2
    names = ascii_uppercase[: max(batch, 0)]
    of_left = names[len(names) - max(left.dim() - 2, 0) :] + ("mk" if left.dim() > 1 else "k")
    of_right = names[len(names) - max(right.dim() - 2, 0) :] + ("kn" if right.dim() > 1 else "k")
    of_output = names + ("m" if left.dim() > 1 else "") + ("n" if right.dim() > 1 else "")
    mark = marks.weights(left)
    if mark is not None and mark.is_key_axis(left, left.dim() - 1):
        query = "m" if left.dim() > 1 else ""
        return Product(left, mark, right, output, (of_left, of_right, of_output), "k", query)
    mark = marks.weights(right)
    if mark is not None and mark.is_key_axis(right, max(right.dim() - 2, 0)):
        query = "n" if right.dim() > 1 else ""
        return Product(right, mark, left, output, (of_right, of_left, of_output), "k", query)
    return None


def of_linear(marks: Marks, left: Any, right: Any, output: Any) -> Product | None:
    """The product that ``linear`` computed before its bias, where one side is weights."""
    if not (isinstance(left, Tensor) and isinstance(right, Tensor) and left.dim()):
        return None
    names = ascii_uppercase[: left.dim() - 1]
    of_right = "nk" if right.dim() > 1 else "k"
    axes = (names + "k", of_right, names + of_right[:-1])
    mark = marks.weights(left)
    if mark is not None and mark.is_key_axis(left, left.dim() - 1):
        return Product(left, mark, right, output, axes, "k", names[-1:])
    mark = marks.weights(right)
    if mark is not None and mark.is_key_axis(right, right.dim() - 1):
        return Product(right, mark, left, output, (axes[1], axes[0], axes[2]), "k", axes[1][:-1])
    return None


def of_einsum(marks: Marks, equation: Any, operands: Sequence[Any], output: Any) -> Product | None:
    """The product that ``einsum`` computed of two operands, where one is weights."""
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    first, second = operands
    axes = _letters(equation.replace(" ", ""), first, second)
    if axes is None:
        return None
    of_first, of_second, of_output = axes
    for weights, values, names in (
        (first, second, (of_first, of_second, of_output)),
        (second, first, (of_second, of_first, of_output)),
    ):
        mark = marks.weights(weights)
        if mark is None:
            continue
        for axis, key in enumerate(names[0]):
            if mark.is_key_axis(weights, axis) and key in names[1] and key not in names[2]:
                return Product(weights, mark, values, output, names, key)
    return None


def of_sum(tensor: Tensor, mark: Weights, axis: int, keepdim: bool, output: Any) -> Product | None:
    """The product that an elementwise product summed over an axis is, where that is the keys'."""
    factors = mark.factors
    if factors is None or not mark.is_key_axis(tensor, axis) or not isinstance(output, Tensor):
        return None
    one_each = axis == tensor.dim() - 1 and factors.weights.shape == tensor.shape
    if one_each and (keepdim or _is_mask(factors.values)):
        # So masked weights are made to sum to 1 again.
        return None
    names = ascii_lowercase[: tensor.dim()]
    of_weights = names[tensor.dim() - factors.weights.dim() :]
    of_values = names[tensor.dim() - factors.values.dim() :]
    key = names[axis]
    place = axis - (tensor.dim() - factors.values.dim())
    if place < 0 or factors.values.shape[place] != tensor.shape[axis]:
        return None
    of_output = names.replace(key, "")
    result = output.squeeze(axis) if keepdim else output
    # Axes that neither operand has alone do not occur: the product was broadcast from the two.
    return Product(
        factors.weights,
        factors.mark,
        factors.values,
        result,
        (of_weights, of_values, of_output),
        key,
    )


def _is_mask(values: Tensor) -> bool:
    """Whether values are ones and zeros, or cannot be told from that."""
    return not has_values(values) or bool(((values == 0) | (values == 1)).all())


def _letters(equation: str, first: Any, second: Any) -> tuple[str, str, str] | None:
    """The letters of each operand and of the result, without ellipsis."""
    if not (isinstance(first, Tensor) and isinstance(second, Tensor)):
        return None
    left, arrow, right = equation.partition("->")
    operands = left.split(",")
    if len(operands) != 2:
        return None
    free = [name for name in ascii_uppercase + ascii_lowercase if name not in equation]
    spelled = []
    longest = ""
    for names, tensor in zip(operands, (first, second), strict=True):
        missing = tensor.dim() - len(names.replace("...", ""))
        rest = "".join(reversed(free[:missing])) if "..." in names else ""
        longest = max(longest, rest, key=len)
        spelled.append(names.replace("...", rest))
    if arrow:
        result = right.replace("...", longest)
    else:
        once = sorted(n for n in set(left) if n.isalpha() and left.count(n) == 1)
        result = longest + "".join(once)
    if any(len(set(names)) != len(names) for names in spelled):
        return None
    return spelled[0], spelled[1], result
