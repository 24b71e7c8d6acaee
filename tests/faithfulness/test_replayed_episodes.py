"""An episode with one choice made otherwise: against the model run by hand, and by the command."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hardattn_models.told import Forced as Told
from hardattn_viewer.checks.replay import Replay, as_plain, from_plain
from hardattn_viewer.cli import main
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.from_run import Recorded, recorded
from hardattn_viewer.faithfulness.replaying import replay
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.zoo import ZooSubject, rows_of
from recorders import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
EXAMPLE, STEP, ITEM = 8, 1, 10


def of_sample(name: str, examples: int = 9) -> Recorded:
    with read_run(SAMPLES / f"{name}.h5") as run:
        return recorded(run, examples=examples)


def by_hand(
    subject: ZooSubject, how: str, told: list[int]
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """What the model itself looks at, by which probabilities, and what it answers."""
    choose = Told(how, torch.tensor([told]))
    with torch.no_grad():
        outcome = subject.model.outcome(rows_of(subject.batch, len(subject), [EXAMPLE]), choose)
    assert outcome.scores is not None
    made = [int(one.weights[0].argmax()) for one in choose.steps]
    p = np.stack([one.softmax(-1)[0].numpy() for one in choose.logits])
    return made, p, outcome.scores[0].numpy()


def test_what_comes_after_a_forced_glimpse_is_what_the_policy_would_do() -> None:
    subject = of_sample("glimpse-hard").subject
    assert isinstance(subject, ZooSubject)
    made = replay(Engine(subject), EXAMPLE, STEP, ITEM)
    with read_run(SAMPLES / "glimpse-hard.h5") as run:
        site = run.sites[0]
        picked = [run.selection(site, EXAMPLE, step) for step in range(6)]
        was = [int(one[0, 0, 0]) for one in picked if one is not None]
        said = run.outcome(EXAMPLE)
    assert made.chosen.tolist() == was and made.output == pytest.approx(said.confidence, abs=1e-4)
    followed, p, scores = by_hand(subject, "argmax", [was[0], ITEM])
    assert made.replayed.tolist() == followed and followed[:2] == [was[0], ITEM]
    np.testing.assert_allclose(made.probabilities, p, atol=1e-5)
    assert made.predicted == said.prediction
    assert made.replayed_output == pytest.approx(float(scores[made.predicted]), abs=1e-5)
    assert made.replayed_predicted == int(scores.argmax())
    assert made.changed == tuple(at for at in range(2, 6) if followed[at] != was[at])


def test_what_was_chosen_anyway_changes_nothing_before_it() -> None:
    subject = of_sample("glimpse-hard").subject
    assert isinstance(subject, ZooSubject)
    last = subject.choices(EXAMPLE).chosen[-1]
    made = replay(Engine(subject), EXAMPLE, 5, int(last))
    assert made.replayed.tolist() == made.chosen.tolist() and not made.changed
    assert made.replayed_output == made.output and "nothing is chosen after it" in made.words()


def test_a_blend_is_left_to_blend_where_it_is_not_forced() -> None:
    subject = of_sample("glimpse-soft").subject
    assert isinstance(subject, ZooSubject)
    made = replay(Engine(subject), EXAMPLE, STEP, ITEM)
    told = [-1] * 6
    _, _, whole = by_hand(subject, "soft", told)
    told[STEP] = ITEM
    _, p, scores = by_hand(subject, "soft", told)
    assert made.output == pytest.approx(float(whole.max()), abs=1e-5)
    assert made.replayed_output == pytest.approx(float(scores[whole.argmax()]), abs=1e-5)
    np.testing.assert_allclose(made.probabilities, p, atol=1e-5)
    assert made.blends and "it blends at all other steps" in made.words()


def test_what_cannot_be_forced_is_a_reason() -> None:
    engine = Engine(of_sample("glimpse-hard", 2).subject)
    for place, words in (
        ((2, 0, 0), "there is no example 2: 2 are checked"),
        ((0, 6, 0), "nothing is chosen at step 7: there are 6 choices"),
        ((0, 0, 49), "item 49 cannot be chosen at step 1"),
    ):
        with pytest.raises(UndefinedError, match=words):
            replay(engine, *place)
    with pytest.raises(UndefinedError, match="no choices that can be forced"):
        replay(Engine(ArraySubject(lambda rows: rows, [torch.ones(3)])), 0, 0, 0)


def test_a_replay_goes_through_json_and_says_what_is_true() -> None:
    made = Replay(
        *(3, 1, 4),
        chosen=np.array([1, 2, 3, 5]),
        replayed=np.array([1, 4, 3, 6]),
        live=np.array([True, True, True, True]),
        probabilities=np.full((4, 7), 1 / 7),
        output=0.25,
        replayed_output=0.75,
        reading="probability",
        predicted=2,
        replayed_predicted=0,
    )
    again = from_plain(json.loads(json.dumps(as_plain(made))))
    assert again.words() == made.words() and again.changed == (3,)
    np.testing.assert_array_equal(again.probabilities, made.probabilities)
    assert made.words() == (
        "Had item 4 been chosen at step 2 of example 3: 1 of the 2 choices after it are others; "
        "probability 0.750 instead of 0.250, and class 0 is predicted instead of 2."
    )
    told = as_plain(made) | {"chosen": [1, 2]}
    with pytest.raises(ValueError, match="do not go together"):
        from_plain(told)


def test_the_command_replays_one_or_as_many_as_it_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = str(SAMPLES / "glimpse-hard.h5")
    few = ["check", run, "--examples", "9", "--replay"]
    expected = replay(Engine(of_sample("glimpse-hard").subject), EXAMPLE, STEP, ITEM)
    assert main([*few, f"{EXAMPLE}:{STEP}:{ITEM}"]) == 0
    assert capsys.readouterr().out.strip() == expected.words()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{EXAMPLE}:{STEP}:{ITEM}\n0:9:0\nhm\n"))
    assert main([*few, "-"]) == 0
    ready, one, two, three = map(json.loads, capsys.readouterr().out.splitlines())
    assert ready == {"ready": True} and from_plain(one["replay"]).words() == expected.words()
    assert "there are 6 choices" in two["error"] and "'hm' names no choice" in three["error"]
    assert main([*few, "0:9:0"]) == 1 and main([*few, "x"]) == 2
    assert not (SAMPLES / "x.npz").exists()
