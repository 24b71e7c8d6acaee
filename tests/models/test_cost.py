"""Operations and bytes are counted, against what can be worked out by hand."""

from __future__ import annotations

import torch
from torch import nn

from hardattn_models import build_system, load_task
from hardattn_models.cost import Cost, cost


def test_a_matrix_product_costs_two_operations_a_term_and_its_matrices() -> None:
    a, b = torch.randn(8, 16), torch.randn(16, 32)
    assert cost(lambda: a @ b) == Cost(2 * 8 * 16 * 32, 4 * (8 * 16 + 16 * 32), 4 * 8 * 32)


def test_a_convolution_costs_two_operations_a_term() -> None:
    layer = nn.Conv2d(3, 5, 3, bias=False)
    images = torch.randn(2, 3, 10, 10)
    assert cost(lambda: layer(images)).flops == 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3)


def test_picking_rows_reads_those_rows_and_a_view_nothing() -> None:
    table, rows = torch.zeros(1000, 10), torch.tensor([3, 7])
    assert cost(lambda: table[rows]) == Cost(0, 2 * 10 * 4 + 2 * 8, 2 * 10 * 4)
    assert cost(lambda: table.view(10, 1000).transpose(0, 1)) == Cost(0, 0, 0)
    assert cost(lambda: table.add_(1.0)) == Cost(0, 40_000, 40_000)


def test_a_blend_of_crops_costs_the_reading_of_each_and_a_choice_that_of_one() -> None:
    crop = 2 * (24**2 * 8 * 25 + 12**2 * 16 * 9 * 8 + 6**2 * 32 * 9 * 16 + 32 * 6**2 * 64)
    batch = next(load_task("clutter-256").batches("test", 1, 1))
    found = {}
    for mechanism in ("argmax", "soft"):
        model = build_system("localiser", mechanism=mechanism).eval().requires_grad_(False)
        found[mechanism] = cost(lambda model=model: model.outcome(batch, model.chooser()).loss)
    # The blend itself: 64 weights times 64 features.
    assert found["soft"].flops - found["argmax"].flops == 63 * crop + 2 * 64 * 64
    assert found["soft"].moved > 5 * found["argmax"].moved
