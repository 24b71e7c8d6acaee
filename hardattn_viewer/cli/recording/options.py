"""The words on the command line of `hardattn record` that are more than a string or a number."""

from __future__ import annotations

import argparse
import re
from typing import Any

_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}


def positive(text: str) -> int:
    """A whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def head_numbers(text: str) -> list[int]:
    """``0,5`` as a list."""
    try:
        heads = [int(part) for part in text.split(",")]
    except ValueError:
        heads = [-1]
    if min(heads) < 0 or len(set(heads)) < len(heads):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no heads; count from 0 and write them as 0,5"
        )
    return heads


def query_choice(text: str) -> str | slice:
    """``last``, or ``a:b`` as a slice; either end may be left out."""
    if text == "last":
        return text
    match = re.fullmatch(r"(-?\d+)?:(-?\d+)?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no queries; write last, or 0:64")
    return slice(*(None if end is None else int(end) for end in match.groups()))


def byte_count(text: str) -> int:
    """``500MB`` (powers of 1000) or ``500MiB`` (of 1024) as a number of bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]*)", text.lower())
    if match is None or match[2] not in _UNITS or float(match[1]) * _UNITS[match[2]] < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 500MB or 2GiB")
    return int(float(match[1]) * _UNITS[match[2]])


def picture_size(text: str) -> tuple[int, int]:
    """``224``, or ``HEIGHTxWIDTH``, as (height, width) in pixels."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    size = (0, 0) if match is None else (int(match[1]), int(match[2] or match[1]))
    if min(size) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 224, or 224x320 for H x W")
    return size


def policy_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the Recorder is to keep and how, as its own arguments; only what was asked for."""
    asked = {
        "sites": arguments.sites,
        "heads": arguments.heads,
        "every": arguments.every,
        "queries": arguments.queries,
        "max_bytes": arguments.max_bytes,
        "codec": arguments.codec,
    }
    return {name: value for name, value in asked.items() if value is not None}


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """What the model runs on."""
    group = parser.add_argument_group("what it runs on")
    group.add_argument("--text", metavar="FILE", help="one example a line, UTF-8; - is stdin")
    group.add_argument("--images", metavar="FOLDER", help="png, jpg, webp and bmp, by name")
    group.add_argument("-n", type=positive, metavar="N", help="examples (zoo: 300, else all)")
    group.add_argument("--batch", type=positive, metavar="B", help="examples at a time")
    group.add_argument("--max-tokens", type=positive, metavar="N", help="cut longer lines here")
    group.add_argument("--size", type=picture_size, metavar="S", help="factories: resize pictures")
    group.add_argument(
        "--generate", type=positive, metavar="N", help="write N tokens, the likeliest each time"
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """How the model is loaded."""
    group = parser.add_argument_group("how it is loaded")
    group.add_argument(
        "--dtype",
        choices=("auto", "float64", "float32", "bfloat16", "float16"),
        help="default: as the weights are stored",
    )
    group.add_argument("--attn", choices=("eager", "sdpa"), help="default: the model's own")
    group.add_argument(
        "--random-weights", action="store_true", help="draw weights by --seed where there are none"
    )
    group.add_argument("--traceback", action="store_true", help="show all of what went wrong")


def add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    """What is kept of all that is attended to."""
    group = parser.add_argument_group("what is kept")
    group.add_argument(
        "--sites", action="append", metavar="GLOB", help="by name or module path; may be repeated"
    )
    group.add_argument("--heads", type=head_numbers, metavar="0,5", help="counted from 0")
    group.add_argument("--every", type=positive, metavar="N", help="one step in N")
    group.add_argument(
        "--queries", type=query_choice, metavar="last|A:B", help="from the end: --queries=-8:"
    )
    group.add_argument("--codec", choices=("sqrt16", "float16", "float32", "sqrt8"))
    group.add_argument("--max-bytes", type=byte_count, metavar="500MB", help="stop keeping here")
