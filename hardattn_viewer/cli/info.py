"""Say what a run holds: producer, sites, axes, examples, steps, snapshots, size, codec."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from hardattn_viewer.cli.runs import open_run, words_for_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="RUN", help="a run file, or the .parts folder of one")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    with open_run(arguments.path) as opened:
        facts = describe(opened)
    print(json.dumps(facts, indent=2, ensure_ascii=False) if arguments.json else in_words(facts))
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
        "sealed": opened.sealed,
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
                "capture": site.capture,
                "verified": site.verified,
            }
            for site in opened.sites
        ],
        "examples": len(opened.examples),
        "steps": {"min": int(min(steps)), "max": int(max(steps))} if len(steps) else None,
        "snapshots": [snapshot.step for snapshot in opened.snapshots],
        "events": opened.n_events,
        "metadata": opened.metadata,
    }


def in_words(facts: dict[str, Any]) -> str:
    """The same facts for a terminal."""
    state = "sealed run" if facts["sealed"] else "unsealed parts (still recording, or cut off)"
    steps = facts["steps"]
    span = "no" if steps is None else _span(steps["min"], steps["max"])
    error = facts["codec_max_error"]
    lines = [
        f"{facts['path']} · {state}, format {facts['format_version']}",
        f"  size       {words_for_bytes(facts['bytes'])}, maps as {facts['codec']}"
        + (f" (largest error {error:.2g})" if error else " (exact)"),
        f"  recorded   {facts['created']} by {facts['producer']}",
        f"  examples   {facts['examples']}, {span} steps each, {facts['events']} events",
    ]
    moments = facts["snapshots"]
    if len(moments) > 1:
        lines.append(f"  snapshots  {len(moments)}, training steps {moments[0]} to {moments[-1]}")
    for site in facts["sites"]:
        heads = f"{site['heads']} head" + ("s" if site["heads"] != 1 else "")
        kind = "hard" if site["hard"] else "soft"
        lines.append(
            f"  site       {site['name']}: {site['kind']}, {site['mechanism']} ({kind}), {heads}, "
            f"{site['query_axis'] or 'query'} × {site['key_axis'] or 'keys'}, "
            f"captured by {site['capture']}" + (f", {site['verified']}" if site["verified"] else "")
        )
    flat = list(_flat("", facts["metadata"]))
    width = max((len(name) for name, _ in flat), default=0)
    lines += [f"  {name:<{width}}  {value}" for name, value in flat]
    return "\n".join(lines)


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
