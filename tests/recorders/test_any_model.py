"""Every model of the gallery: found, named, verified, equal to the reference, left as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_gallery import SPECIMENS, Specimen, Subject
from torch import Tensor

from recorders import Recorder, Run, read_run

pytest.importorskip("transformers")
torch.set_num_threads(1)


def tensors(answer: Any) -> list[Tensor]:
    """All tensors of a model's output, in order."""
    if isinstance(answer, Tensor):
        return [answer]
    if hasattr(answer, "to_tuple"):
        answer = answer.to_tuple()
    if isinstance(answer, (tuple, list)):
        return [one for part in answer for one in tensors(part)]
    return []


def record(subject: Subject, path, **options) -> list[Tensor]:
    examples = subject.examples or [{} for _ in range(subject.batch)]
    with (
        Recorder(path, subject.model, codec="float32", **options) as recorder,
        recorder.example(batch=examples),
    ):
        return tensors(subject.run())


def folded(subject: Subject, weights: Tensor) -> Tensor:
    """Windows, [batch * windows, heads, queries, keys], as [batch, heads, all queries, keys]."""
    rows, heads, queries, keys = weights.shape
    split = weights.reshape(subject.batch, rows // subject.batch, heads, queries, keys)
    return split.transpose(1, 2).reshape(subject.batch, heads, -1, keys)


def largest_difference(run: Run, subject: Subject) -> float:
    """Between what was recorded and the reference, over all sites."""
    worst = 0.0
    for site, weights in subject.weights.items():
        expected = folded(subject, weights) if subject.windows else weights
        for row in range(subject.batch):
            seen = run.map(site, row)
            wanted = expected[row].numpy()
            if seen.shape != wanted.shape:
                # Padding is trimmed; it is on the right in the gallery.
                wanted = wanted[:, : seen.shape[1], : seen.shape[2]]
                assert expected[row].numpy()[:, : seen.shape[1], seen.shape[2] :].max() < 1e-7
            assert seen.shape == wanted.shape
            worst = max(worst, float(np.abs(seen - wanted).max()))
    return worst


def traces(model: torch.nn.Module) -> list[Any]:
    """What a recorder could leave behind: hooks, modes, patched names."""
    from torch.overrides import _len_torch_function_stack
    from transformers.modeling_utils import AttentionInterface

    return [
        *(
            len(getattr(part, hooks))
            for part in model.modules()
            for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
        ),
        _len_torch_function_stack(),
        AttentionInterface.__dict__.get("get_interface"),
        torch.nn.functional.scaled_dot_product_attention,
        torch.nn.functional.multi_head_attention_forward,
        torch.nn.functional.softmax,
    ]


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)
def test_a_model_that_nobody_prepared_is_recorded_as_it_is(specimen: Specimen, tmp_path):
    subject = specimen.build()
    before = traces(subject.model)
    with torch.no_grad():
        torch.manual_seed(1)
        plain = tensors(subject.run())
        after_plain = torch.random.get_rng_state()
        torch.manual_seed(1)
        recorded = record(subject, tmp_path / "run.h5")
    assert torch.equal(torch.random.get_rng_state(), after_plain)
    assert traces(subject.model) == before
    assert len(plain) == len(recorded)
    for one, other in zip(plain, recorded, strict=True):
        if subject.fast_path:
            assert torch.allclose(one, other, atol=1e-6, rtol=0)
        else:
            assert torch.equal(one, other)
    with read_run(tmp_path / "run.h5") as run:
        assert {site.name for site in run.sites} == set(subject.weights)
        assert {site.capture for site in run.sites} == {specimen.net}
        assert largest_difference(run, subject) <= 1e-5
        assert "left_out" not in run.metadata


DOCUMENT = Path(__file__).parents[2] / "docs" / "recording.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
HEADER = """
| model | sites | net | verified, error | difference | outputs |
|---|---|---|---|---|---|
"""


def row_of(specimen: Specimen, folder: Path) -> list[str]:
    """One row of the table in docs/recording.md, measured."""
    subject = specimen.build()
    path = folder / "run.h5"
    with torch.no_grad():
        record(subject, path)
    with read_run(path) as run:
        known = [run.verification(site) for site in run.sites]
        events = sum(one.checked for one in known)
        assert events == run.n_events and not any(one.failed or one.unchecked for one in known)
        error = max(one.error for one in known)
        assert error <= 1e-5
        cells = [
            specimen.name,
            str(len(run.sites)),
            "`" + "`, `".join(sorted({site.capture for site in run.sites})) + "`",
            f"{events} of {run.n_events} events, {error:.0e}",
            f"{largest_difference(run, subject):.0e}",
            "within 1e-6: fused path" if subject.fast_path else "bitwise equal",
        ]
    path.unlink()
    return cells


def test_the_table_in_the_documentation_is_what_is_measured(tmp_path):
    rows = [row_of(specimen, tmp_path) for specimen in SPECIMENS]
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    if os.environ.get("HARDATTN_WRITE_DOCS"):
        lines = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{HEADER}{lines}\n{END}{after}")
        return
    written = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.strip().splitlines()[2:]
    ]
    # The last digits of an error are the machine's; that it is small is tested above.
    steady = (0, 1, 2, 5)
    assert [[cells[i] for i in steady] for cells in written] == [
        [cells[i] for i in steady] for cells in rows
    ]
    for cells in written:
        assert float(cells[3].rpartition(" ")[2]) <= 1e-5 and float(cells[4]) <= 1e-5
