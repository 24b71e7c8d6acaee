import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recorders.capture.captured import Captured, Check
from recorders.capture.placement.axes import Axes, Axis
from recorders.capture.placement.cutting import Cutting
from recorders.capture.placement.pieces import UnplacedError
from recorders.capture.placement.rows import Rows, rows_of
from recorders.capture.placement.spans import Spans


def test_a_row_each_is_an_example_each():
    assert rows_of(3, 3, model=3) == Rows(3)
    # Whatever the first input looks like: it may have no batch, or its sequence first.
    assert rows_of(1, 1, model=7) == Rows(1)


def test_rows_of_generate_are_beams_and_rows_of_windows_are_windows():
    assert rows_of(2, 6, model=6, generating=True) == Rows(2, beams=3)
    assert rows_of(2, 2, model=6, generating=True) == Rows(2)
    assert rows_of(2, 8, model=2) == Rows(2, windows=4)
    assert rows_of(2, 8, model=2, heads_missing=4) == Rows(2, heads=4)
    assert rows_of(2, 24, model=6, generating=True) == Rows(2, beams=3, windows=4)


@pytest.mark.parametrize(
    ("batch", "site", "model", "others", "words"),
    [
        (1, 4, 4, (), "the model ran on 4 rows while 1 example is open"),
        (1, 5, 1, (5,), "the model ran on 5 rows while 1 example is open"),
        (3, 4, 3, (), "its 4 rows are no multiple of the model's 3 while 3 examples are open"),
    ],
)
def test_rows_that_nothing_explains_are_refused_with_their_numbers(
    batch, site, model, others, words
):
    with pytest.raises(UnplacedError, match=words) as problem:
        rows_of(batch, site, model=model, others=others)
    assert "recorder.example(batch=[...])" in str(problem.value)


def test_windows_are_laid_one_after_another_along_the_queries():
    values = torch.arange(2 * 3 * 2 * 4 * 5).reshape(6, 2, 4, 5)
    whole = Rows(2, windows=3).unfolded(values)
    assert whole.shape == (2, 2, 12, 5)
    for example in range(2):
        for window in range(3):
            part = whole[example, :, window * 4 : window * 4 + 4]
            assert torch.equal(part, values[example * 3 + window])


def test_heads_in_the_rows_become_heads():
    values = torch.arange(6 * 4 * 5).reshape(6, 1, 4, 5)
    assert torch.equal(Rows(2, heads=3).unfolded(values), values.reshape(2, 3, 4, 5))


lengths = st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=5)


def padded(examples, heads, seed, sink):
    """Attention of each example alone, and all of them in one batch with padding."""
    longest = max(length for length, _ in examples)
    rng = np.random.default_rng(seed)
    batch = torch.zeros(len(examples), heads, longest, longest + sink)
    real = np.zeros((len(examples), longest), bool)
    alone = []
    for row, (length, left) in enumerate(examples):
        p = torch.tensor(rng.dirichlet(np.ones(length + sink), (heads, length))).float()
        alone.append(p)
        start = longest - length if left else 0
        real[row, start : start + length] = True
        at = slice(start, start + length)
        batch[row, :, at, at] = p[..., :length]
        if sink:
            batch[row, :, at, -1] = p[..., -1]
        # What padding attends to is nobody's business.
        batch[row, :, ~real[row]] = 1 / (longest + sink)
    return alone, batch, real


def cut(batch, spans, *, sink=False, selection=None, queries=None, past=0):
    rows, length = batch.shape[0], batch.shape[-1] - sink
    axis = Axis("tokens", "source", length, past)
    cutting = Cutting(
        Rows(rows),
        Captured(batch, Check(), sink=sink, selection=selection),
        Axes(axis, axis, True),
        spans,
        spans,
        [None] * rows,
        None,
        set(),
    )
    return cutting, cutting.pieces(queries)


@settings(max_examples=60, deadline=None)
@given(examples=lengths, heads=st.integers(1, 3), seed=st.integers(0, 99), sink=st.booleans())
def test_cutting_gives_back_what_was_padded(examples, heads, seed, sink):
    alone, batch, real = padded(examples, heads, seed, sink)
    cutting, pieces = cut(batch, Spans.of(real), sink=sink)
    assert not cutting.leaked
    seen = {}
    for piece in pieces:
        assert piece.first_query == piece.first_key == 0
        for number, p in zip(piece.examples, piece.probabilities, strict=True):
            seen[int(number)] = p
    assert sorted(seen) == list(range(len(examples)))
    for number, p in seen.items():
        assert torch.equal(p, alone[number])


@settings(max_examples=60, deadline=None)
@given(
    examples=lengths,
    seed=st.integers(0, 99),
    queries=st.builds(
        slice,
        st.one_of(st.none(), st.integers(-4, 4)),
        st.one_of(st.none(), st.integers(-4, 6)),
        st.integers(1, 3),
    ),
)
def test_queries_are_chosen_among_an_examples_own(examples, seed, queries):
    alone, batch, real = padded(examples, 2, seed, False)
    _, pieces = cut(batch, Spans.of(real), queries=queries)
    seen = set()
    for piece in pieces:
        for number, p in zip(piece.examples, piece.probabilities, strict=True):
            expected = alone[int(number)]
            positions = range(expected.shape[1])[queries]
            assert torch.equal(p, expected[:, queries])
            assert piece.first_query == positions.start
            assert piece.query_stride == positions.step
            seen.add(int(number))
    wanted = {row for row, p in enumerate(alone) if len(range(p.shape[1])[queries])}
    assert seen == wanted


def test_examples_that_lie_alike_stay_one_block_without_a_copy():
    _, batch, real = padded([(4, False), (3, False), (4, False)], 2, 0, False)
    _, pieces = cut(batch, Spans.of(real))
    assert [piece.examples.tolist() for piece in pieces] == [[0, 2], [1]]
    assert pieces[0].probabilities.data_ptr() == batch.data_ptr()


def test_padding_that_is_attended_to_is_kept():
    _, batch, real = padded([(2, False), (4, False)], 2, 0, False)
    batch[0, :, :2, :2] *= 0.5
    batch[0, :, :2, 3] = 0.5
    cutting, pieces = cut(batch, Spans.of(real))
    assert cutting.leaked == pytest.approx(0.5)
    assert cutting.whole == {0}
    assert {tuple(piece.probabilities.shape[1:]) for piece in pieces} == {(2, 4, 4)}


def test_selections_count_from_the_first_own_key_and_the_sink_stays_last():
    _, batch, real = padded([(2, True), (4, True)], 1, 0, True)
    selection = torch.full((2, 1, 4, 1), 2)
    selection[0, 0, 3] = 4
    _, pieces = cut(batch, Spans.of(real), sink=True, selection=selection)
    by_example = {int(piece.examples[0]): piece for piece in pieces}
    # Rows 0: keys 2 and 3 are its own, the sink is key 4.
    assert by_example[0].selection.reshape(-1).tolist() == [0, 2]
    assert by_example[1].selection.reshape(-1).tolist() == [2, 2, 2, 2]
    assert by_example[0].probabilities.shape[-1] == 3


def test_a_hole_in_the_mask_moves_no_position():
    spans = Spans.of(np.array([[True, False, True, False]]))
    assert spans.low.tolist() == [0]
    assert spans.high.tolist() == [3]


def test_a_cache_that_slides_holds_the_last_positions():
    batch = torch.full((2, 1, 1, 3), 1 / 3)
    axis = Axis("tokens", "source", 7, 6)
    spans = Spans(np.array([0, 2]), np.array([7, 7]))
    cutting = Cutting(
        Rows(2),
        Captured(batch, Check()),
        Axes(axis, axis, True),
        spans,
        spans,
        [None, None],
        None,
        set(),
    )
    first, second = cutting.pieces(None)
    assert (first.first_query, first.first_key) == (6, 4)
    assert (second.first_query, second.first_key) == (4, 2)
