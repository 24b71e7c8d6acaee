"""Say what a run holds: producer, sites, examples, steps …; or what a figure was made of."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hardattn_viewer.cli.figure_info import describe_figure, figure_in_words, is_figure
from hardattn_viewer.cli.runs import open_run, printed_json, words_for_bytes
from recorders.run.text import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="RUN", help="a run file, its .parts folder, a URL, or an exported figure"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    if is_figure(arguments.path):
        about = describe_figure(arguments.path)
        print(printed_json(about) if arguments.json else figure_in_words(about))
        return 0
    with open_run(arguments.path) as opened:
        facts = describe(opened)
    print(printed_json(facts) if arguments.json else in_words(facts))
    return 0


def describe(opened: Any) -> dict[str, Any]:
    """Everything that ``info`` prints, as plain JSON values."""
    steps = opened.columns()["steps"] if opened.sites else []
    return {
        "path": str(opened.path),
        "name": opened.name,
        "format_version": opened.format_version,
        "producer": opened.producer,
        "created": opened.created,
        "fingerprint": opened.fingerprint,
        "sealed": opened.sealed,
        "ranks": opened.ranks,
        "bytes": opened.bytes,
        "codec": opened.codec,
        "codec_max_error": opened.codec_max_error,
        "mechanism": sorted({site.mechanism for site in opened.sites}),
        "sites": [
            {
                "name": site.name,
                "kind": site.kind,
                "mechanism": site.mechanism,
                "hard": site.hard,
                "heads": site.heads,
                "query_axis": site.query_axis,
                "key_axis": site.key_axis,
                "layer": None if site.layer < 0 else site.layer,
                "module": site.module,
                "capture": site.capture,
                "verified": site.verified,
                "verification": _plain_numbers(asdict(opened.verification(site))),
            }
            for site in opened.sites
        ],
        "examples": len(opened.examples),
        "steps": {"min": int(min(steps)), "max": int(max(steps))} if len(steps) else None,
        "snapshots": [snapshot.step for snapshot in opened.snapshots],
        "events": opened.n_events,
        "left_out": list(opened.left_out),
        "changed": list(opened.changed),
        "notices": [one for one in opened.notices if one not in opened.left_out],
        "metadata": opened.metadata,
    }


def in_words(facts: dict[str, Any]) -> str:
    """The same facts for a terminal."""
    state = "sealed run" if facts["sealed"] else "unsealed parts (still recording, or cut off)"
    steps = facts["steps"]
    span = "no" if steps is None else _span(steps["min"], steps["max"])
    error = facts["codec_max_error"]
    lines = [
        f"{visible(facts['path'])} · {state}, format {facts['format_version']}",
        f"  size       {words_for_bytes(facts['bytes'])}, maps as {facts['codec']}"
        + (f" (largest error {error:.2g})" if error else " (exact)"),
        f"  recorded   {facts['created']} by {facts['producer']}"
        + (f" in {facts['ranks']} processes" if facts["ranks"] > 1 else ""),
        f"  examples   {facts['examples']}, {span} steps each, {facts['events']} events",
    ]
    moments = facts["snapshots"]
    if len(moments) > 1:
        lines.append(f"  snapshots  {len(moments)}, training steps {moments[0]} to {moments[-1]}")
    lines += _site_lines(facts["sites"])
    lines += [f"  left out   {sentence}" for sentence in facts["left_out"]]
    lines += [f"  changed    {sentence}" for sentence in facts["changed"]]
    lines += [f"  notice     {sentence}" for sentence in facts["notices"]]
    # The sentences stand above already.
    other = {k: v for k, v in facts["metadata"].items() if k not in ("left_out", "changed")}
    flat = list(_flat("", other))
    width = max((len(name) for name, _ in flat), default=0)
    lines += [f"  {name:<{width}}  {value}" for name, value in flat]
    return "\n".join(lines)


def _site_lines(sites: list[dict[str, Any]]) -> list[str]:
    """One line for sites that differ in name, layer and error alone, in the order of the first."""
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for site in sites:
        alike.setdefault(_kind_of(site), []).append(site)
    return [line for group in alike.values() for line in _group_lines(group)]


def _kind_of(site: dict[str, Any]) -> tuple[Any, ...]:
    known = site["verification"]
    # A mismatch and a site's own words are never lumped together with others.
    words = site["verified"] if known["failed"] or not known["checked"] else "verified"
    reasons = tuple(known["reasons"])
    facts = ("kind", "mechanism", "hard", "heads", "query_axis", "key_axis", "module", "capture")
    return (*(site[fact] for fact in facts), words, reasons, known["unchecked"] > 0)


def _group_lines(group: list[dict[str, Any]]) -> list[str]:
    site = group[0]
    heads = f"{site['heads']} head" + ("s" if site["heads"] != 1 else "")
    kind = "hard" if site["hard"] else "soft"
    facts = [
        f"{site['kind']}, {site['mechanism']} ({kind})".removeprefix(", "),
        heads,
        f"{site['query_axis'] or 'query'} × {site['key_axis'] or 'keys'}",
    ]
    if len(group) == 1:
        name = f"  site       {site['name']}: "
        facts += [] if site["layer"] is None else [f"layer {site['layer']}"]
    else:
        name = f"  {len(group):,} sites".ljust(13) + f"{site['name']} … {group[-1]['name']}: "
        layers = sorted({other["layer"] for other in group if other["layer"] is not None})
        facts += [f"layers {layers[0]} to {layers[-1]}"] if len(layers) > 1 else []
    facts += [site["module"]] if site["module"] else []
    facts.append(f"captured by {site['capture']}")
    words = _verified(group)
    return [name + ", ".join(facts), *([f"             {words}"] if words else [])]


def _verified(group: list[dict[str, Any]]) -> str:
    """The verified sentence of these sites together, which agree in all but the numbers."""
    from recorders.run.verification import Verification, together

    known = [site["verification"] for site in group]
    if len(group) == 1 or not any(one["checked"] for one in known):
        return str(group[0]["verified"])
    return together(
        [Verification(**{**one, "reasons": tuple(one["reasons"])}) for one in known]
    ).words


def _plain_numbers(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without NaN and infinity, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in facts.items()
    }


def _flat(prefix: str, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Nested metadata as one line a fact: ``training.plan.seed``."""
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", _plain(value)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
