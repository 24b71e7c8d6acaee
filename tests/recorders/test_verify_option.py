"""How much of a long map is compared with what the layer returned."""

from __future__ import annotations

import pytest
import torch

from recorders import Recorder, read_run
from recorders.capture.nets.verification import MANY_QUERIES, check

torch.set_num_threads(1)


def attention(queries):
    torch.manual_seed(0)
    probabilities = torch.softmax(torch.randn(1, 2, queries, 7), -1)
    values = torch.randn(1, 2, 7, 4)
    return probabilities, values, probabilities @ values


def test_a_long_map_is_compared_at_some_queries_and_a_wrong_one_found():
    probabilities, values, output = attention(4 * MANY_QUERIES)
    good = check(probabilities, values, output, thorough=False)
    assert good.error is not None and good.error <= 1e-6 and not good.failed
    assert check(probabilities.flip(-1), values, output, thorough=False).failed


def test_one_wrong_query_is_found_by_all_and_in_its_turn_by_some():
    queries = 4 * MANY_QUERIES
    probabilities, values, output = attention(queries)
    wrong = probabilities.clone()
    wrong[0, 1, 501] = wrong[0, 1, 501].flip(-1)
    assert check(wrong, values, output).failed
    stride = queries // (MANY_QUERIES // 2)
    assert sum(check(wrong, values, output, thorough=False).failed for _ in range(stride)) == 1


def test_a_short_map_is_always_compared_whole():
    probabilities, values, output = attention(MANY_QUERIES)
    probabilities[0, 0, 3] = probabilities[0, 0, 3].flip(-1)
    assert check(probabilities, values, output, thorough=False).failed


@pytest.mark.parametrize(
    ("verify", "words"),
    [("all", "verified: 1 of 1"), ("some", "verified: 1 of 1"), ("none", "verification is off")],
)
def test_the_run_says_what_was_verified(tmp_path, verify, words):
    class Attending(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    model = Attending()
    with Recorder(tmp_path / "run.h5", model, verify=verify) as recorder, recorder.example():
        model(torch.randn(1, 2, 300, 4))
    with read_run(tmp_path / "run.h5") as run:
        assert words in run.sites[0].verified
