"""The page about mechanisms and gradients names all of them, and its example runs."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hardattn_models.mechanisms as mechanisms
from hardattn_models.gradients import estimators

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_every_mechanism_and_every_estimator_is_on_the_page():
    text = PAGE.read_text()
    functions = [name for name in mechanisms.__all__ if name.islower()]
    for name in (*functions, *(known.name for known in estimators())):
        assert f"`{name}`" in text, name


def test_the_example_of_the_page_runs_and_brings_a_gradient_to_the_scorer():
    code, _ = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    gradient = names["scorer"].weight.grad
    assert gradient.isfinite().all() and gradient.abs().sum() > 0
    assert names["context"].shape == (8, 16)


@pytest.mark.parametrize("name", ["rloo", "reinforce", "sum-and-sample", "exact"])
def test_ten_lines_teach_a_model_of_ones_own_where_to_look(name):
    _, code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if name != "rloo":
        # As the page says, any other name takes its place.
        code = code.replace('"rloo", logits, loss, samples=4', f'"{name}", logits, loss')
    body = code[code.index("def update") : code.index("return choice")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 10 + 1
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["found"] > (0.99 if name == "rloo" else 0.9)


@pytest.fixture(scope="module")
def maker():
    path = PAGE.with_name("make_models_page.py")
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location("make_models_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def test_the_tables_of_systems_are_those_of_the_figures(maker):
    assert maker.systems_tables() in PAGE.read_text()
    assert maker.deploying_table() in PAGE.read_text()


def test_every_measured_training_is_one_that_can_be_asked_for(maker):
    for words in maker.measure_models.EXPERIMENTS:
        plan = maker.measure_models._plan(words)
        assert plan["system"] == words.split()[0]


def test_every_training_was_measured_with_all_three_seeds(maker):
    known = json.loads(maker.FIGURES.read_text())
    for words in maker.measure_models.EXPERIMENTS:
        assert [run["seed"] for run in known[words]["runs"]] == [0, 1, 2], words
    for row in maker.systems_tables().splitlines():
        if "` |" in row and "hardattn" not in row:
            assert row.endswith("| 0, 1, 2 |"), row


def test_every_classifier_by_every_estimator_was_measured_with_all_three_seeds(maker):
    estimators_page = maker.measured_matrix.measure_estimators
    known = json.loads(estimators_page.FIGURES.read_text())
    for family in estimators_page.FAMILIES.values():
        for words in family:
            assert [run["seed"] for run in known[words]] == [0, 1, 2], words
    page = PAGE.with_name("estimators.md").read_text()
    assert all(
        row.endswith("| 0, 1, 2 |")
        for row in page.splitlines()
        if row.startswith("| `") and "hardattn" not in row
    )


def test_each_estimator_is_measured_in_two_systems_and_the_page_says_in_which(maker):
    matrix = maker.measured_matrix
    text = PAGE.read_text()
    assert matrix.matrix() in text and matrix.minutes() in text
    for known in estimators():
        where = matrix.trainings().get(known.name, {})
        assert len(where) >= 2, f"{known.name}: {where}"
        assert all(runs % 3 == 0 or system == "glimpse" for system, runs in where.items())


def test_what_the_page_says_of_calls_of_tools_is_what_was_measured(maker):
    known = json.loads(maker.FIGURES.read_text())
    found = {
        facts["plan"]["mechanism"] + " " + facts["plan"]["gradient"]: facts["runs"]
        for facts in known.values()
        if facts.get("plan", {}).get("system") == "tools"
    }
    text = " ".join(PAGE.read_text().split())
    blind = found["uniform backprop"]
    right, meant = (
        f"{sum(values) / 3:.1f} %"
        for values in (
            [100 * (1 - run["error"]) for run in blind],
            [100 * run["figures"]["weight of the tool that is meant"] for run in blind],
        )
    )
    assert f"a blind call is right on {right} where it is the tool that is meant on {meant}" in text
    for run in found["soft backprop"]:
        assert run["calls"] == {str(size): size for size in (4, 8, 16, 32)}
        assert abs(run["by_size"]["32"] - run["by_size_argmax"]["32"]) < 0.005
    assert all(1 < run["calls"]["32"] < 2 for run in found["sparsemax backprop"])
    for name in ("reinforce", "rloo", "exact"):
        for run in found[f"sampled {name}"]:
            assert set(run["calls"].values()) == {1}
            assert run["by_size"]["32"] < run["by_size_argmax"]["32"]
    # A batch of 64; RLOO draws four, and the sixteen of an enumeration come after a draw.
    learnt = {
        name: run["updates"] * 64 * calls
        for name, calls, run in (
            ("REINFORCE made", 1, found["sampled reinforce"][0]),
            ("RLOO", 4, found["sampled rloo"][0]),
            ("soft, sparsemax and straight-through", 16, found["soft backprop"][0]),
            ("by enumeration", 17, found["sampled exact"][0]),
        )
    }
    for name, calls in learnt.items():
        assert f"{name} {calls:,}" in text, (name, calls)


def test_remaking_the_page_measures_first_and_names_what_is_missing(maker):
    script = PAGE.with_name("remake_models.py")
    told = subprocess.run(
        [sys.executable, str(script), "--list"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    run = [line.split("/")[-1] for line in told if line.startswith("python ")]
    makers = [name for name in run if name.startswith("make_")]
    assert run[-len(makers) :] == makers and len(makers) == 2
    every = {path.name for path in PAGE.parent.glob("measure_*.py")} - {"measure_hardening.py"}
    assert set(run) - set(makers) == every
    known = json.loads(maker.FIGURES.read_text())
    missing = [line for line in told if line.startswith("not measured: ")]
    assert len(missing) == sum(
        3 - len(known.get(words, {"runs": []})["runs"])
        for words in maker.measure_models.EXPERIMENTS
    )


def test_the_order_of_estimators_that_the_page_tells_of_is_that_of_the_figures(maker):
    known = json.loads(maker.FIGURES.read_text())
    found = {}
    for words, facts in known.items():
        if words.startswith("latent") and "variables=50 --set codes=2 --set layers=1" in words:
            assert [run["seed"] for run in facts["runs"]] == [0, 1, 2]
            bounds = [run["figures"]["negative ELBO"] for run in facts["runs"]]
            found[facts["plan"]["gradient"]] = bounds
    mean = {name: sum(bounds) / 3 for name, bounds in found.items()}
    for name in ("relax", "rebar"):
        pairs = zip(found[name], found["gumbel-softmax"], strict=True)
        assert all(ours < relaxed for ours, relaxed in pairs)
        assert mean[name] < mean["muprop"] - 1
    assert abs(mean["relax"] - mean["rebar"]) < 0.5
    assert mean["gumbel-softmax"] < mean["muprop"] < mean["reinforce"] - 10
    assert max(mean["rloo"], mean["gumbel-straight-through"]) < min(mean["relax"], mean["rebar"])


def test_the_latent_model_of_two_layers_has_the_published_order_with_each_seed(maker):
    known = json.loads(maker.FIGURES.read_text())
    words = [
        one
        for one in maker.measure_models.EXPERIMENTS
        if one.startswith("latent") and "layers=2" in one
    ]
    for split in ("figures", "training"):
        found = {
            one.split("--gradient ")[1].split()[0]: [
                run[split]["negative ELBO"] for run in known[one]["runs"]
            ]
            for one in words
        }
        for seed in range(3):
            nats = {name: values[seed] for name, values in found.items()}
            assert max(nats["relax"], nats["rebar"]) < nats["muprop"]
            assert nats["muprop"] < nats["gumbel-softmax"] < nats["reinforce"]
        mean = {name: sum(values) / 3 for name, values in found.items()}
        assert abs(mean["relax"] - mean["rebar"]) < 0.2
        if split == "figures":
            told = PAGE.read_text().split("With a hidden layer in the encoder")[1]
            for nats in mean.values():
                assert f"({nats:.1f}" in told
