"""The page about mechanisms and gradients names all of them, and its tables are measured."""

import importlib.util
import json
import re
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
    for words, seeds in maker.measure_models.EXPERIMENTS:
        plan = maker.measure_models._plan(words)
        assert plan["system"] == words.split()[0]
        assert seeds[0] == 0


def test_the_order_of_estimators_that_the_page_tells_of_is_that_of_the_figures(maker):
    known = json.loads(maker.FIGURES.read_text())
    found = {}
    for words, facts in known.items():
        if words.startswith("latent") and "variables=50" in words:
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
