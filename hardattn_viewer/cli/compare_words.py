"""A comparison of two runs as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recorders.run.text import visible

_NAMES = {
    "same_argmax": "same argmax",
    "jensen_shannon": "Jensen–Shannon (bits)",
    "soft_mass": "soft mass on the hard choice",
    "entropy_a": "entropy of A (bits)",
    "entropy_b": "entropy of B (bits)",
    "effective_a": "effective number of A",
    "effective_b": "effective number of B",
}


def in_words(facts: dict[str, Any]) -> str:
    """The same facts for a terminal."""
    lines = [f"{slot.upper()}  {_side_words(facts[slot])}" for slot in ("a", "b")]
    examples, interval = facts["examples"], facts["interval"]
    left_out = f", {examples['left_out']:,} left out" if examples["left_out"] else ""
    lines += [
        f"{examples['compared']:,} examples of the same name{left_out}; "
        f"{100 * interval['level']:.0f} % intervals: {interval['method']}, "
        f"{interval['resamples']:,} resamples",
        *(f"note: {sentence}" for sentence in facts["not_aligned"]),
        "",
        *_table(
            ("over all examples", "mean", "interval"),
            ((_NAMES[name], *_cells(one)) for name, one in facts["numbers"].items() if one),
        ),
    ]
    if len(facts["steps"]) > 1:
        lines += ["", *_step_table(facts["steps"])]
    if facts["heads"]:
        lines += ["", *_head_table(facts)]
    for slot, stability in facts["repeats"].items():
        if stability is not None:
            lines += ["", *_repeat_lines(slot, facts[slot.lower()]["name"], stability)]
    if facts["disagreements"]:
        lines += ["", *_ranked_table(facts)]
    return visible("\n".join(lines), "\n")


def _side_words(side: dict[str, Any]) -> str:
    kind = "hard" if side["hard"] else "soft"
    head = "" if side["heads"] == 1 else f", head {side['head']} of {side['heads']}"
    return f"{side['path']} · {side['site']} ({side['mechanism'] or kind}, {kind}{head})"


def _step_table(steps: list[dict[str, Any]]) -> list[str]:
    names = [name for name in _NAMES if any(one["numbers"][name] for one in steps)]
    rows = (
        (f"step {one['step'] + 1}", *(_short(one["numbers"][name]) for name in names))
        for one in steps
    )
    return _table(("over all examples", *(_NAMES[name] for name in names)), rows)


def _head_table(facts: dict[str, Any]) -> list[str]:
    rows = (
        (
            f"head {one['head_a']}" + (" ← worst" if one["head_a"] == facts["worst_head"] else ""),
            _short(one["numbers"]["same_argmax"]),
            _short(one["numbers"]["jensen_shannon"]),
        )
        for one in facts["heads"]
    )
    return _table(("each head", "same argmax", "Jensen–Shannon (bits)"), rows)


def _repeat_lines(slot: str, name: str, stability: dict[str, Any]) -> list[str]:
    words = [f"{slot} ({name}) against its own repeats:"]
    if stability["expected"]:
        words.append(
            f"  two draws from its distributions would be the same with probability "
            f"{_short(stability['expected'])}"
        )
    if stability["repeated"]:
        words.append(
            f"  {stability['repeated']:,} inputs were recorded more than once: two draws are the "
            f"same in {_short(stability['agreement'])}, the commonest item is drawn in "
            f"{_short(stability['most'])}"
        )
    else:
        words.append("  it holds every input once, so that no draw was repeated")
    return words


def _ranked_table(facts: dict[str, Any]) -> list[str]:
    heads = bool(facts["heads"])
    rows = (
        (
            str(one["example"]),
            one["name"],
            str(one["step"] + 1),
            *([f"{one['head_a']}"] if heads else []),
            f"{one['jensen_shannon']:.3f}",
            f"{one['same_argmax']:.2f}",
            "–" if one["soft_mass"] is None else f"{one['soft_mass']:.3f}",
        )
        for one in facts["disagreements"]
    )
    head = ("head",) if heads else ()
    titles = ("example", "name", "step", *head, "JS (bits)", "same argmax", "soft mass")
    return ["where they disagree most:", *_table(titles, rows)]


def _cells(one: dict[str, Any]) -> tuple[str, str]:
    return f"{one['mean']:.4f}", f"{one['low']:.4f} – {one['high']:.4f}"


def _short(one: dict[str, Any] | None) -> str:
    if one is None:
        return "–"
    return f"{one['mean']:.3f} ± {(one['high'] - one['low']) / 2:.3f}"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [titles, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
