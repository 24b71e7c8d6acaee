"""List the systems that can be trained, with their mechanisms, gradients and tasks."""

from __future__ import annotations

import argparse
import json

from hardattn_viewer.cli.zoo import models_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    with models_extra():
        from hardattn_models import systems

        known = systems()
    if arguments.json:
        facts = [
            {
                "name": system.name,
                "summary": system.summary,
                "mechanisms": list(system.mechanisms),
                "trainable": {name: list(by) for name, by in system.trainable.items()},
                "gradients": list(system.gradients),
                "tasks": list(system.tasks),
                "reference": system.reference,
                "note": system.note,
            }
            for system in known
        ]
        print(json.dumps({"systems": facts}, indent=2, ensure_ascii=False))
        return 0
    for system in known:
        print(f"{system.name}: {system.summary}")
        print(f"  after       {system.reference}")
        print(f"  mechanisms  {', '.join(system.mechanisms)}")
        for mechanism, gradients in system.trainable.items():
            print(f"  train       --mechanism {mechanism} --gradient {' or '.join(gradients)}")
        print(f"  tasks       {', '.join(system.tasks)}")
        if system.note:
            print(f"  note        {system.note}")
    return 0
