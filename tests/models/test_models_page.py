"""The page about mechanisms and gradients names all of them, and its example runs."""

import re
from pathlib import Path

import hardattn_models.mechanisms as mechanisms
from hardattn_models.gradients import estimators

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_every_mechanism_and_every_estimator_is_on_the_page():
    text = PAGE.read_text()
    functions = [name for name in mechanisms.__all__ if name.islower()]
    for name in (*functions, *(known.name for known in estimators())):
        assert f"`{name}`" in text, name


def test_the_example_of_the_page_runs_and_brings_a_gradient_to_the_scorer():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    gradient = names["scorer"].weight.grad
    assert gradient.isfinite().all() and gradient.abs().sum() > 0
    assert names["context"].shape == (8, 16)
