"""Expressions on whole columns against the same rules, row by row and step by step, in Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.session.expressions.blocks import StepColumns, Tables
from hardattn_viewer.session.expressions.evaluating import evaluate
from hardattn_viewer.session.expressions.fields import Recorded, Vocabulary
from hardattn_viewer.session.expressions.parsing import parse
from hardattn_viewer.session.expressions.syntax import (
    Arithmetic,
    Comparison,
    Expression,
    Junction,
    Name,
    Negative,
    Not,
    Number,
    OverSteps,
    Text,
)
from hardattn_viewer.session.rows import Rows, RunColumns

NAN = float("nan")
RECORDED = Recorded(frozenset({"label", "prediction"}), ("reward",))
Step = dict[str, float]
Row = dict[str, Any]

# Whole and half numbers, of which sums are exact.
values = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, NAN])
steps = st.dictionaries(st.integers(0, 4), st.tuples(values, values), max_size=4)
one_row = st.fixed_dictionaries(
    {
        "label": st.integers(-1, 2),
        "prediction": st.tuples(st.integers(-1, 2), st.integers(-1, 2)),
        "name": st.sampled_from(["cat", "Dog", "catdog", ""]),
        "A": steps,
        "B": steps,
    }
)
rows_of = st.lists(one_row, min_size=1, max_size=6)

step_numbers = st.sampled_from(["entropy", "entropy(B)", "reward", "reward(B)", "step", "2", "0.5"])
row_numbers = st.sampled_from(["true", "prediction", "prediction(B)", "example", "1", "-0.5"])
signs = st.sampled_from([">", ">=", "<", "<=", "==", "!="])


def conditions(numbers: st.SearchStrategy[str], plain: list[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(numbers, st.sampled_from("+-*"), numbers)
    sums = st.one_of(numbers, pairs.map(lambda p: f"({p[0]} {p[1]} {p[2]})"))
    compared = st.one_of(
        st.tuples(sums, signs, sums).map(" ".join),
        st.tuples(sums, signs, sums, signs, sums).map(" ".join),
        st.sampled_from(plain),
    )
    return st.recursive(
        compared,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&", "|", "and", "or"]), inner).map(
                lambda p: f"({p[0]} {p[1]} {p[2]})"
            ),
            inner.map(lambda c: f"not ({c})"),
        ),
        max_leaves=3,
    )


step_conditions = conditions(step_numbers, ["wrong", "correct(B)", 'name ~ "CAT"'])
over_steps = st.one_of(
    st.tuples(st.sampled_from(["any", "all", "first", "last"]), step_conditions).map(
        lambda p: f"{p[0]}({p[1]})"
    ),
    st.tuples(st.sampled_from(["count", "share"]), step_conditions, signs, row_numbers).map(
        lambda p: f"{p[0]}({p[1]}) {p[2]} {p[3]}"
    ),
    st.tuples(
        st.sampled_from(["mean", "max", "min", "sum", "first", "last"]),
        step_numbers,
        signs,
        row_numbers,
    ).map(lambda p: f"{p[0]}({p[1]}) {p[2]} {p[3]}"),
)
row_conditions = st.one_of(
    over_steps,
    conditions(row_numbers, ["wrong", "correct", "agree", 'name !~ "dog"', "reward > 0"]),
    st.tuples(over_steps, st.sampled_from(["&", "|"]), over_steps).map(" ".join),
)


def tables(rows: list[Row]) -> Tables:
    n = len(rows)

    def side(slot: int) -> RunColumns:
        nothing = np.full(n, NAN)
        # The table's own mean is not asked here: reward is averaged by the evaluator.
        prediction = np.array([row["prediction"][slot] for row in rows])
        own = [row["AB"[slot]] for row in rows]
        mean = np.array([average([s[0] for s in steps.values()]) for steps in own])
        counts = np.array([len(steps) for steps in own], float)
        return RunColumns(np.arange(n), prediction, nothing, nothing, mean, nothing, counts)

    def columns(slot: str) -> StepColumns:
        flat = [(step, *row[slot][step]) for row in rows for step in sorted(row[slot])]
        counts = [len(row[slot]) for row in rows]
        step, entropy, reward = np.array(flat, float).reshape(-1, 3).T
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return StepColumns(starts, step.astype(np.int64), {"entropy": entropy, "reward": reward})

    labels = np.array([row["label"] for row in rows])
    names = tuple(row["name"] for row in rows)
    table = Rows(names, labels, side(0), side(1))
    return Tables(table, Vocabulary(RECORDED, RECORDED), columns("A"), columns("B"))


def average(numbers: list[float]) -> float:
    known = [one for one in numbers if not math.isnan(one)]
    return sum(known) / len(known) if known else NAN


class Naive:
    """Answers for one row, and one step of it or none."""

    def __init__(self, rows: list[Row], number: int) -> None:
        self.row, self.number = rows[number], number

    def value(self, node: Expression, step: int | None) -> Any:
        match node:
            case Number(value=value) | Text(value=value):
                return value
            case Negative(operand=operand):
                return -self.value(operand, step)
            case Not(operand=operand):
                return not self.value(operand, step)
            case Junction(both=both, parts=parts):
                return (all if both else any)([self.value(part, step) for part in parts])
            case Arithmetic(first=first, rest=rest):
                total = self.value(first, step)
                for sign, part in rest:
                    other = self.value(part, step)
                    total = {"+": total + other, "-": total - other, "*": total * other}[sign]
                return total
            case Comparison(operands=operands, signs=chain):
                found = [self.value(one, step) for one in operands]
                pairs = zip(found, chain, found[1:], strict=False)
                return all(compared(a, sign, b) for a, sign, b in pairs)
            case Name():
                return self.field(node, step)
            case OverSteps():
                return self.over(node)
        raise AssertionError(node)

    def field(self, node: Name, step: int | None) -> Any:
        slot = node.slot or "A"
        label, prediction = self.row["label"], self.row["prediction"]["AB".index(slot)]
        known = label >= 0 and prediction >= 0
        match node.name:
            case "name":
                return self.row["name"]
            case "example":
                return float(self.number)
            case "true":
                return float(label) if label >= 0 else NAN
            case "prediction":
                return float(prediction) if prediction >= 0 else NAN
            case "wrong":
                return known and prediction != label
            case "correct":
                return known and prediction == label
            case "agree":
                a, b = self.row["prediction"]
                return a >= 0 and a == b
            case "step":
                return step + 1.0 if step is not None else NAN
        at = ["entropy", "reward"].index(node.name)
        own = self.row[slot]
        if step is None:
            return average([numbers[at] for numbers in own.values()])
        return own[step][at] if step in own else NAN

    def steps(self, node: Expression) -> list[int]:
        """The steps that every run named in an expression has."""
        named = slots_in(node)
        there = set(self.row["A"]) | set(self.row["B"])
        for slot in named:
            there &= set(self.row[slot])
        return sorted(there)

    def over(self, node: OverSteps) -> Any:
        steps = self.steps(node.argument)
        found = [self.value(node.argument, step) for step in steps]
        if node.function in ("first", "last"):
            if not found:
                return False if is_condition(node.argument) else NAN
            return found[0 if node.function == "first" else -1]
        if node.function == "any":
            return any(found)
        if node.function == "all":
            return bool(found) and all(found)
        if node.function in ("count", "share"):
            if not found:
                return NAN
            return sum(found) / (len(found) if node.function == "share" else 1)
        known = [one for one in found if not math.isnan(one)]
        if not known:
            return NAN
        return {"mean": average(known), "max": max(known), "min": min(known), "sum": sum(known)}[
            node.function
        ]


def compared(a: Any, sign: str, b: Any) -> bool:
    if sign in ("~", "!~"):
        return (b.casefold() in a.casefold()) == (sign == "~")
    if isinstance(a, float) and (math.isnan(a) or math.isnan(b)):
        return False
    return bool(
        {">": a > b, ">=": a >= b, "<": a < b, "<=": a <= b, "==": a == b, "!=": a != b}[sign]
    )


def is_condition(node: Expression) -> bool:
    plain = isinstance(node, Name) and node.name in ("wrong", "correct", "agree")
    return plain or isinstance(node, Comparison | Junction | Not)


def slots_in(node: Any) -> set[str]:
    """The runs whose steps an expression names."""
    match node:
        case Name(name="entropy" | "reward"):
            return {node.slot or "A"}
        case Not(operand=operand) | Negative(operand=operand):
            return slots_in(operand)
        case Junction(parts=parts) | Comparison(operands=parts):
            return set().union(*(slots_in(part) for part in parts))
        case Arithmetic(first=first, rest=rest):
            return slots_in(first).union(*(slots_in(part) for _, part in rest))
    return set()


@given(rows_of, row_conditions, st.integers(1, 20))
@settings(max_examples=600, deadline=None)
def test_a_filter_is_what_it_is_row_by_row(rows: list[Row], text: str, together: int) -> None:
    expression, whole = parse(text), tables(rows)
    found = [
        bool(one)
        for block in whole.blocks(together)
        for one in evaluate(expression, block, "examples")
    ]
    assert found == [bool(Naive(rows, at).value(expression, None)) for at in range(len(rows))]


@given(rows_of, step_conditions, st.integers(1, 20))
@settings(max_examples=600, deadline=None)
def test_a_search_is_what_it_is_step_by_step(rows: list[Row], text: str, together: int) -> None:
    expression, whole = parse(text), tables(rows)
    found = []
    for block in whole.blocks(together):
        holds = evaluate(expression, block, "steps")
        of_row = block.segments.spread(np.arange(block.low, block.high))
        found += list(zip(of_row[holds].tolist(), block.step[holds].tolist(), strict=True))
    naive = [Naive(rows, at) for at in range(len(rows))]
    assert found == [
        (at, step)
        for at, one in enumerate(naive)
        for step in one.steps(expression)
        if one.value(expression, step)
    ]
