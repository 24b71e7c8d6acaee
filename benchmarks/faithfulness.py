"""Comprehensiveness and sufficiency of eight explainers: processor time beside a naive loop.

usage: python benchmarks/faithfulness.py [--verses N] [--rounds N] [--given] [--controls N]
                                         [--floor] [--others PYTHON]

MiniLM with the head of ``minilm_topics``, held-out verses, tokens as items, taken out or replaced
by the mask token, at the same shares. All sides take turns, in an order that is drawn anew in
each round; one thread; processor time. Two things are timed: the two scores of rankings that are
there, and everything, the explanations included; with ``--controls`` a third, the two scores of
each ranking and of N random ones beside it, which a loop that knows one explainer at a time draws
for each of them. The naive loop (``naive_faithfulness``) explains
and scores each explainer by itself, in batches of one. Every figure of ours must be within 1e-5 of
the naive loop's, or the benchmark fails.

``--floor`` says what no engine that runs each distinct variant once can stay below: the operations
of its matrix products at the best rate that one product of that size reaches here.

``--others`` names a Python that has torch, transformers, ferret-xai and quantus (they ask for older
versions of what this project needs, so it must be another one); see ``faithfulness_others``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from minilm_topics import encoder_folder, subject, trained
from naive_faithfulness import Floats, Naive, comprehensiveness, explained, sufficiency

from hardattn_models.cost import cost
from hardattn_viewer.checks import curves
from hardattn_viewer.faithfulness import Text, TokenSubject
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.explainers.by_name import USUAL_OF_TOKENS, explainers_of
from hardattn_viewer.faithfulness.explainers.captum_calls import drawing
from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.explainers.gradients import STEPS
from hardattn_viewer.faithfulness.explainers.perturbing import SHAPLEY_SAMPLES
from hardattn_viewer.faithfulness.rankings import generator_of, random_orders
from hardattn_viewer.faithfulness.removal import control_orders, curves_of, scored_curves

OPERATORS = ("delete", "mask-token")
SAME = 1e-5
Scores = dict[tuple[str, int, str], Floats]
"""By operator, example and explainer, ``[items]``."""
Figures = dict[tuple[str, int, str], tuple[float, float]]
"""Likewise comprehensiveness and sufficiency."""


def ours(texts: TokenSubject, given: Scores | None = None) -> tuple[Scores, Figures]:
    """Both scores by the engine; of explanations that it makes where none are given."""
    engine = Engine(texts)
    named = explainers_of(texts, USUAL_OF_TOKENS)
    scores: Scores = dict(given or {})
    once: dict[tuple[int, str], Floats] = {}
    figures: Figures = {}
    for operator in OPERATORS:
        for example in range(len(texts)) if given is None else ():
            for name, one in named.items():
                key = (example, name)
                if one.removes or key not in once:
                    once[key] = one.explain(Asked(engine, operator, example))
                scores[operator, example, name] = once[key]
        wanted = {
            example: {name: scores[operator, example, name] for name in USUAL_OF_TOKENS}
            for example in range(len(texts))
        }
        for example, found in scored_curves(engine, operator, wanted, seed=0).items():
            for name, one in found.items():
                figures[operator, example, name] = (
                    float(curves.comprehensiveness(one.deletion[0])),
                    float(curves.sufficiency(one.insertion[0])),
                )
    return scores, figures


def naively(
    naive: Naive, texts: TokenSubject, given: Scores | None = None
) -> tuple[Scores, Figures]:
    """The same in a loop."""
    scores: Scores = dict(given or {})
    figures: Figures = {}
    removing = ("leave-one-out", "shapley")
    for example, text in enumerate(texts.texts):
        ids, items = list(text.ids), [item[0] for item in text.items]
        target = naive.predicted(ids)
        asked = Asked(Engine(texts), "", example)
        for operator in OPERATORS:
            makers = explained(
                naive,
                ids,
                items,
                target,
                operator,
                steps=STEPS,
                samples=SHAPLEY_SAMPLES,
                drawn=generator_of(0, "random", example).random(len(items)),
                seeded=lambda asked=asked: drawing(asked, "_shapley"),
            )
            for name, make in makers.items():
                key = (operator, example, name)
                if given is None:
                    before = scores.get((OPERATORS[0], example, name))
                    # Nobody explains a text twice by what no operator enters.
                    scores[key] = make() if before is None or name in removing else before
                figures[key] = (
                    comprehensiveness(naive, ids, items, scores[key], target, operator),
                    sufficiency(naive, ids, items, scores[key], target, operator),
                )
    return scores, figures


def beside_controls(texts: TokenSubject, scores: Scores, count: int) -> dict[int, Floats]:
    """What the engine finds for rankings and for random ones of the same items, all together."""
    engine = Engine(texts)
    examples = range(len(texts))
    found: dict[int, Floats] = {example: np.zeros((0, 2)) for example in examples}
    for operator in OPERATORS:
        wanted = {
            example: {name: scores[operator, example, name] for name in USUAL_OF_TOKENS}
            for example in examples
        }
        named = scored_curves(engine, operator, wanted, seed=0)
        random = curves_of(engine, operator, control_orders(engine, examples, count, seed=0))
        for example in examples:
            for one in (*named[example].values(), random[example]):
                both = [curves.comprehensiveness(one.deletion), curves.sufficiency(one.insertion)]
                found[example] = np.concatenate([found[example], np.stack(both, 1)])
    return found


def one_by_one(naive: Naive, texts: TokenSubject, scores: Scores, count: int) -> dict[int, Floats]:
    """The same in a loop, in which every explainer has random rankings run for itself."""
    found: dict[int, Floats] = {}
    for example, text in enumerate(texts.texts):
        ids, items = list(text.ids), [item[0] for item in text.items]
        target = naive.predicted(ids)
        rows = []
        for operator in OPERATORS:
            for name in USUAL_OF_TOKENS:
                rankings = [scores[operator, example, name], *controls(texts, example, count)]
                both = [
                    [score(naive, ids, items, one, target, operator) for one in rankings]
                    for score in (comprehensiveness, sufficiency)
                ]
                pairs = list(zip(*both, strict=True))
                rows.append(pairs[0])
            # They are the same for each explainer, which this loop does not know.
            rows += pairs[1:]
        found[example] = np.array(rows)
    return found


def controls(texts: TokenSubject, example: int, count: int) -> Floats:
    """Scores of the random rankings that a check draws for an example, ``[count, items]``."""
    items = texts.items(example)
    if not count:
        return np.zeros((0, items))
    orders = random_orders(items, count, generator_of(0, "controls", example))
    return np.asarray(-orders.argsort(1), np.float64)


def single_tokens(texts: TokenSubject) -> TokenSubject:
    """The same texts with each token as an item."""
    return TokenSubject(
        texts.model,
        [
            Text(one.ids, tuple((place,) for item in one.items for place in item))
            for one in texts.texts
        ],
        pad=texts._pad,
        mask=texts._mask,
        query=texts.query,
    )


class Others:
    """ferret-xai and Quantus in a Python of their own, which answers a line for a line."""

    def __init__(
        self, python: str, texts: TokenSubject, scores: Scores, folder: Path, count: int
    ) -> None:
        head: Any = texts.model.head
        np.savez(folder / "head.npz", weight=head.weight.numpy(), bias=head.bias.numpy())
        task = {
            "encoder": str(encoder_folder()),
            "head": str(folder / "head.npz"),
            "texts": [list(one.ids) for one in texts.texts],
            "scores": [
                {
                    f"{name} {number}": one.tolist()
                    for name in USUAL_OF_TOKENS
                    for number, one in enumerate(
                        [scores["delete", at, name], *controls(texts, at, count)]
                    )
                }
                for at in range(len(texts))
            ],
        }
        (folder / "task.json").write_text(json.dumps(task))
        script = Path(__file__).with_name("faithfulness_others.py")
        self._process = subprocess.Popen(
            [python, str(script), str(folder / "task.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.able = self._told()

    def seconds(self, name: str) -> float:
        """Processor time of one round of a tool, as it measures it itself."""
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(self._told()["seconds"])

    def close(self) -> None:
        self._process.communicate("", timeout=60)

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise SystemExit("the other Python ended")


def differ(one: dict[Any, Any], other: dict[Any, Any]) -> float:
    """The largest difference between two tables."""
    if one.keys() != other.keys():
        raise SystemExit("the two sides did not measure the same")
    return max(float(np.abs(np.asarray(one[key]) - np.asarray(other[key])).max()) for key in one)


def floor(texts: TokenSubject, scores: Scores) -> float:
    """Seconds that the matrix products of all distinct variants take at the rate of one alone.

    The rate is the best of many products of the encoder's largest layer with 512 positions, by
    either of the two libraries that torch is built with, weights packed beforehand.
    """
    counted = cost(lambda: ours(texts, scores))
    config: Any = texts.model.encoder.config
    rows, inputs, outputs = 512, config.hidden_size, config.intermediate_size
    x, weight, bias = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    products: tuple[Callable[[], Any], ...] = (
        lambda: torch.nn.functional.linear(x, weight, bias),
        lambda: torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], ""),
    )
    fastest = min(timed(product) for _ in range(200) for product in products)
    rate = 2 * rows * inputs * outputs / fastest
    print(f"{counted.flops / 1e9:.0f} GFLOP, {rate / 1e9:.0f} GFLOP/s at best", flush=True)
    return counted.flops / rate


def timed(code: Callable[[], Any]) -> float:
    began = time.process_time()
    code()
    return time.process_time() - began


def _controlled(
    naive: Naive, texts: TokenSubject, scores: Scores, count: int
) -> dict[str, Callable[[], float]]:
    apart = differ(beside_controls(texts, scores, count), one_by_one(naive, texts, scores, count))
    print(f"largest difference beside {count} random rankings: {apart:.1e}")
    if apart > SAME:
        raise SystemExit(f"that is more than {SAME}")
    return {
        "with controls, hardattn": lambda: timed(lambda: beside_controls(texts, scores, count)),
        "with controls, naive loop": lambda: timed(lambda: one_by_one(naive, texts, scores, count)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--verses", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--others", metavar="PYTHON")
    parser.add_argument("--given", action="store_true", help="time the two scores alone")
    parser.add_argument("--controls", type=int, default=0, help="random rankings beside each")
    parser.add_argument("--floor", action="store_true", help="also what cannot be fallen below")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = trained()
    texts = single_tokens(subject(found, options.verses))
    eager = transformers.AutoModel.from_pretrained(encoder_folder(), attn_implementation="eager")
    naive = Naive(found.model, eager.eval().requires_grad_(False), texts._pad, texts._mask or 0)
    lengths = [len(one.items) for one in texts.texts]
    print(
        f"{len(texts)} verses of {min(lengths)} to {max(lengths)} tokens, {OPERATORS}", flush=True
    )

    mine, others = ours(texts), naively(naive, texts)
    apart = [differ(one, other) for one, other in zip(mine, others, strict=True)]
    print(f"largest difference: explanations {apart[0]:.1e}, the two scores {apart[1]:.1e}")
    if max(apart) > SAME:
        raise SystemExit(f"that is more than {SAME}")
    scores = mine[0]

    sides: dict[str, Callable[[], float]] = {
        "scores, hardattn": lambda: timed(lambda: ours(texts, scores)),
        "scores, naive loop": lambda: timed(lambda: naively(naive, texts, scores)),
        "everything, hardattn": lambda: timed(lambda: ours(texts)),
        "everything, naive loop": lambda: timed(lambda: naively(naive, texts)),
    }
    if options.given:
        sides = {name: code for name, code in sides.items() if name.startswith("scores")}
    if options.controls:
        sides = _controlled(naive, texts, scores, options.controls)
    with tempfile.TemporaryDirectory() as folder:
        tools = (
            Others(options.others, texts, scores, Path(folder), options.controls)
            if options.others
            else None
        )
        if tools is not None:
            print(tools.able)
            kind = next(iter(sides)).partition(",")[0]
            for name, words in tools.able.items():
                if words == "runs":
                    sides[f"{kind}, {name}"] = lambda name=name: tools.seconds(name)
        taken: dict[str, list[float]] = {name: [] for name in sides}
        order = np.random.default_rng(0)
        for _ in range(options.rounds):
            for name in order.permutation(list(sides)).tolist():
                taken[name].append(sides[name]())
                print(f"  {name}: {taken[name][-1]:.2f} s", flush=True)
        if tools is not None:
            tools.close()
    if options.floor:
        taken["scores, floor"] = [floor(texts, scores)] * options.rounds
    for name, seconds in taken.items():
        what = name.partition(",")[0]
        ratios = [one / own for one, own in zip(seconds, taken[f"{what}, hardattn"], strict=True)]
        print(
            f"{name:24} {min(seconds):7.2f} s least, {statistics.median(seconds):7.2f} median; "
            f"{statistics.median(ratios):5.2f} times ours ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
