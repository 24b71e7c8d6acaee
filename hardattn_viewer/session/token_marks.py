"""What tokenizers write into tokens: marks of words and bytes, and tokens that are no text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from recorders.run.text import visible

Scheme = Literal["wordpiece", "bytes", "sentencepiece", "suffix", "spaces", "plain"]

# Names that tokenizers give to what frames or fills a text. A masked or unknown word is a word.
_SPECIAL = re.compile(
    r"\[(CLS|SEP|PAD|BOS|EOS|EOT|SOS|gMASK|sop)\]"
    r"|</?s>|<(pad|bos|eos|cls|sep|sos|eot|eod|start_of_turn|end_of_turn|start_of_sentence|"
    r"end_of_sentence|begin_of_text|end_of_text|PAD|BOS|EOS|CLS|SEP|SOS)>"
    r"|<\|[^<>|]{1,60}\|>|<｜[^<>｜]{1,60}｜>|\[/?INST\]|<<?/?SYS>>?"
    r"|<extra_id_\d+>|__[a-z]{2,3}__|<unused\d+>|\[unused\d+\]"
)
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACES = str.maketrans({"\n": "⏎", "\r": "⏎", "\t": "⇥"})
_LONGEST = 48
_BLANK = "␣"
_META = "▁"


def _byte_alphabet() -> dict[str, int]:
    """The letters that GPT-2's tokenizer writes for bytes (Radford et al. 2019, ``encoder.py``)."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in kept}
    others = (byte for byte in range(256) if byte not in set(kept))
    return letters | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTE_OF = _byte_alphabet()


@dataclass(frozen=True)
class Piece:
    """One token as a reader sees it.

    Attributes:
        data: its text as UTF-8, without marks; part of a character where a token ends within one.
        spaced: whether a space goes before it.
        starts: whether a word begins with it.
        breaks: whether the line ends with it.
        special: whether it is no part of the text.
    """

    data: bytes
    spaced: bool
    starts: bool
    breaks: bool
    special: bool


def is_special(token: str) -> bool:
    """Whether a token's name is that of one which frames or fills a text: ``[CLS]``, ``</s>`` …"""
    return _SPECIAL.fullmatch(token) is not None


@lru_cache(maxsize=32)
def scheme_of(tokens: tuple[str, ...]) -> Scheme:
    """How the tokens of a text mark words.

    ``wordpiece`` writes ``##`` before what continues a word; ``bytes`` writes bytes as letters,
    a space as ``Ġ``; ``sentencepiece`` writes ``▁`` for a space; ``suffix`` ends a word with
    ``</w>``; ``spaces`` keeps the spaces; of ``plain`` tokens each is a word.
    """
    texts = [token for token in tokens if not is_special(token)]
    if any(len(text) > 2 and text.startswith("##") for text in texts):
        return "wordpiece"
    if any(_META in text or _BYTE_TOKEN.fullmatch(text) for text in texts):
        return "sentencepiece"
    if any(text.endswith("</w>") for text in texts):
        return "suffix"
    if texts and _is_bytes(texts):
        return "bytes"
    if any(text[:1].isspace() or text[-1:].isspace() for text in texts):
        return "spaces"
    return "plain"


def _is_bytes(texts: Sequence[str]) -> bool:
    letters = set().union(*texts)
    if not letters <= _BYTE_OF.keys():
        return False
    if letters & {"Ġ", "Ċ", "ĉ"}:
        return True
    # Text without a space: letters beyond ASCII must make sense as UTF-8, which é alone does not.
    if all(ord(letter) < 127 for letter in letters):
        return False
    try:
        bytes(_BYTE_OF[letter] for text in texts for letter in text).decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=32)
def pieces_of(
    tokens: tuple[str, ...], specials: tuple[str, ...] = (), scheme: Scheme | None = None
) -> tuple[Piece, ...]:
    """The tokens of a text as a reader sees them.

    Args:
        tokens: as the run holds them.
        specials: further names of special tokens, which the run knows.
        scheme: how words are marked, where these tokens are part of a text; None to find out.
    """
    scheme = scheme_of(tokens) if scheme is None else scheme
    known = frozenset(specials)
    found: list[Piece] = []
    last: Piece | None = None
    # Whether the token before leaves a space behind it.
    open_space = True
    for token in tokens:
        piece, after = _piece(token, scheme, known)
        if not piece.starts:
            joined = not open_space and last is not None and not last.special and not last.breaks
            if not joined or last is None or _parts(last.data, piece.data):
                piece = replace(piece, spaced=open_space, starts=True)
        found.append(piece)
        open_space, last = after, piece
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def _piece(token: str, scheme: Scheme, known: frozenset[str]) -> tuple[Piece, bool]:
    """A token by itself, and whether a space goes after it."""
    if is_special(token) or token in known:
        return Piece(encoded(token), True, True, False, True), True
    data, before, after = _parted(token, scheme)
    return Piece(data, before, before, b"\n" in data or b"\r" in data, False), after


def _parted(token: str, scheme: Scheme) -> tuple[bytes, bool, bool]:
    """The text of a token, and whether a space goes before and after it."""
    match scheme:
        case "wordpiece":
            joined = len(token) > 2 and token.startswith("##")
            return encoded(token[2:] if joined else token), not joined, False
        case "bytes":
            data = bytes(_BYTE_OF[letter] for letter in token)
            return _without_space(data)
        case "sentencepiece":
            match = _BYTE_TOKEN.fullmatch(token)
            if match is not None:
                return bytes.fromhex(match[1]), False, False
            return _without_space(encoded(token.replace(_META, " ")))
        case "suffix":
            ends = token.endswith("</w>") and len(token) > 4
            return encoded(token[:-4] if ends else token), False, ends
        case "spaces":
            return _without_space(encoded(token))
    return encoded(token), True, False


def encoded(text: str) -> bytes:
    """A text as UTF-8, hidden characters but white space already visible."""
    # Lone surrogates are bytes that were no UTF-8; they stay visible instead of failing.
    return visible(text, kept="\n\r\t").encode()


def _without_space(data: bytes) -> tuple[bytes, bool, bool]:
    """Take one space from before and from after a text, unless nothing else is there."""
    before, after = data.startswith(b" ") and data != b" ", data.endswith(b" ")
    if data.strip(b" ") == b"":
        return data, True, False
    return data[1 if before else 0 : len(data) - 1 if after else None], before, after


@lru_cache(maxsize=1 << 16)
def _parts(before: bytes, data: bytes) -> bool:
    """Whether a word ends between two pieces that no space parts.

    It does at punctuation, and between characters of scripts that write no spaces. A character
    whose bytes are shared out is never parted.
    """
    try:
        left, right = before.decode(), data.decode()
    except UnicodeDecodeError:
        return False
    if not left or not right:
        return False
    if left.isspace() or right.isspace():
        return True
    if is_ideographic(left[-1]) or is_ideographic(right[0]):
        return not unicodedata.category(right[0]).startswith("M")
    return _is_punctuation(left) or _is_punctuation(right)


def _is_punctuation(text: str) -> bool:
    return all(unicodedata.category(letter)[0] in "PS" for letter in text)


def is_ideographic(letter: str) -> bool:
    """Whether a letter is of a script that is written without spaces and wraps anywhere."""
    at = ord(letter)
    return (
        (0x2E80 <= at <= 0x9FFF and at != 0x3000)
        or 0xF900 <= at <= 0xFAFF
        or 0xFF00 <= at <= 0xFF60
        or 0x20000 <= at <= 0x3FFFF
        or 0x0E00 <= at <= 0x0EFF
        or 0x1000 <= at <= 0x109F
        or 0x1780 <= at <= 0x17FF
    )


@lru_cache(maxsize=1 << 16)
def shown(data: bytes) -> str:
    """A piece as it is written: white space and hidden characters visible, broken bytes in hex."""
    text = ""
    rest = data
    while rest:
        try:
            text, rest = text + rest.decode(), b""
        except UnicodeDecodeError as problem:
            good, bad = rest[: problem.start], rest[problem.start : problem.end]
            text += good.decode() + "".join(f"⟨{byte:02X}⟩" for byte in bad)
            rest = rest[problem.end :]
    text = visible(text.translate(_SPACES))
    inner = text.strip(" ")
    left = len(text) - len(text.lstrip(" "))
    right = len(text) - len(text.rstrip(" ")) if inner else 0
    text = _BLANK * left + inner + _BLANK * right
    # A mark that combines with a letter needs something to stand on.
    if text and unicodedata.category(text[0]).startswith("M"):
        text = "\N{DOTTED CIRCLE}" + text
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
