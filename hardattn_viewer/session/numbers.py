"""The numbers of one key at one step, as the inspector shows and copies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import (
    MINUS,
    key_name,
    key_noun,
    query_name,
    short,
    special_words,
)
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.rows import NATS_PER_BIT
from hardattn_viewer.session.shown_tokens import queries_words, special_mass
from hardattn_viewer.session.state import RunFacts

Tone = Literal["plain", "good", "bad", "faint"]
NOT_RECORDED = "–"


@dataclass(frozen=True)
class Number:
    """One line of the inspector.

    Attributes:
        name: what it is.
        value: the number as shown, with its unit.
        note: a sentence that explains it.
        tone: how it is coloured.
    """

    name: str
    value: str
    note: str
    tone: Tone = "plain"

    @property
    def short(self) -> str:
        """The value where there is little room."""
        return short_of(self.value)


# Parts of a module's path that tell it from others.
PATH = 3


def short_of(value: str) -> str:
    """A value without what it is compared with: no "of 5.61 bits", no size, no nat.

    Of the path of a module its end remains.
    """
    head, of, rest = value.partition(" of ")
    if of:
        unit = rest.partition(" ")[2]
        return f"{head} {unit}".strip()
    parts = value.split(".")
    if len(parts) > PATH and " " not in value:
        return "…" + ".".join(parts[-PATH:])
    return value.partition(" · ")[0] if value.startswith("(") else value.removesuffix(" nat")


def numbers_of(frame: Frame, key: int | None, what: str) -> tuple[Number, ...]:
    """The lines of the inspector.

    Args:
        frame: the run at its place.
        key: the key that they are about, or None where there is none.
        what: how the key came to be shown, for example ``"selected"``.
    """
    return (
        *_of_query(frame),
        *_of_key(frame, key, what),
        *_of_step(frame),
    )


def record_of(facts: RunFacts, frame: Frame) -> tuple[Number, ...]:
    """Where the numbers come from: site, snapshot, how they were captured and stored."""
    site = facts.site(frame.place.site)
    captured = site.capture if site is not None else ""
    kind = verification_kind(frame.verified)
    words = {"verified": "yes", "mismatch": "MISMATCH"}
    checked = words.get(kind, frame.verified or "not checked")
    tone: Tone = "good" if kind == "verified" else "bad" if kind == "mismatch" else "plain"
    followed = (
        ()
        if frame.training_step is None
        else (
            Number(
                "training step", f"{frame.training_step:,}", "The moment of training that is shown."
            ),
        )
    )
    return (
        Number("run", facts.name, "Name of the run."),
        Number("site", frame.place.site or NOT_RECORDED, "The attention site shown."),
        *followed,
        Number("captured by", captured or NOT_RECORDED, "How attention was found in the model."),
        Number(
            "verified",
            checked,
            frame.verified or "What the recorder says about whether the model used this.",
            tone,
        ),
        Number(
            "stored to",
            f"± {facts.codec_error:.1e}".replace("e-0", "e-").replace("-", MINUS),
            "Largest error that storing made in a probability.",
        ),
        Number("written by", facts.producer or NOT_RECORDED, "The program that wrote the run."),
    )


def rank_of(probabilities: NDArray[np.float32], key: int) -> int:
    """1 for the most probable key; equal ones share the better rank."""
    return 1 + int(np.count_nonzero(probabilities > probabilities[key]))


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, with a real minus; zero has none."""
    text = f"{value:+.{digits}f}".replace("-", MINUS)
    return text.lstrip(f"+{MINUS}") if float(f"{value:.{digits}f}") == 0 else text


def decimal(value: float, digits: int = 2) -> str:
    """A number with a real minus, or a dash where it was not recorded."""
    if not np.isfinite(value):
        return NOT_RECORDED
    text = f"{value:.{digits}f}"
    # −0.00 would claim a sign that the digits shown do not support.
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)


def plain(value: float) -> str:
    """A reward: whole numbers without decimals."""
    return decimal(value, 0 if value == int(value) else 2)


def probability(value: float) -> str:
    """A probability, where a tiny one does not look like zero."""
    if not np.isfinite(value):
        return NOT_RECORDED
    if 0.0 < value < 5e-4:
        return f"{value:.0e}".replace("e-0", "e-").replace("-", MINUS)
    return f"{value:.3f}"


def at_step(frame: Frame, name: str) -> float:
    """A scalar at the frame's step; NaN where it was not recorded."""
    values = frame.scalars.get(name)
    step = frame.place.step
    return float(values[step]) if values is not None and step < values.size else float("nan")


def as_text(title: str, numbers: tuple[Number, ...]) -> str:
    """The numbers as lines of name, tab, value; what Ctrl+C copies."""
    return "\n".join([title, *(f"{number.name}\t{number.value}" for number in numbers)])


def _of_query(frame: Frame) -> tuple[Number, ...]:
    """From where it is looked; nothing where a step has one query only."""
    if frame.queries <= 1:
        return ()
    note = f"Query {frame.query} of 0 – {frame.queries - 1} of this step: whose row is shown."
    several = queries_words(frame)
    if several:
        note = f"The {several}: every number below is the mean over their rows."
    return (Number("queries" if frame.asked_also else "query", query_name(frame), note),)


def _of_special(frame: Frame) -> tuple[Number, ...]:
    share, _, where = special_words(frame).partition(" ")
    names = ", ".join(frame.special_keys) or "They have no names in the run."
    note = f"What goes to keys that are no regions, and so not to the picture: {names}"
    return (Number(where, share, note),) if where else ()


def _of_special_tokens(frame: Frame) -> tuple[Number, ...]:
    """What the special tokens of a text hold, whether they are shown or not."""
    groups = frame.groups
    if groups is None or not (groups.special.any() or groups.hidden.size):
        return ()
    hidden = " (hidden)" if groups.hidden.size else ""
    note = "Sum of the probabilities of tokens such as [CLS] and </s>, and of an attention sink."
    return (Number("on special tokens", probability(special_mass(frame)) + hidden, note),)


def _of_key(frame: Frame, key: int | None, what: str) -> tuple[Number, ...]:
    noun = key_noun(frame)
    if key is None or key >= frame.probabilities.size:
        return (Number(f"{what} {noun}", NOT_RECORDED, "No probabilities were recorded here."),)
    p = frame.probabilities
    others = np.delete(p, key)
    best = float(np.nanmax(others)) if others.size and not np.isnan(others).all() else 0.0
    size = ""
    region = key - frame.first_region
    if frame.boxes is not None and 0 <= region < frame.boxes.shape[0]:
        x0, y0, x1, y1 = (float(edge) for edge in frame.boxes[region])
        # Pixels of a spectrogram or of a plane are nobody's measure.
        if frame.scene.kind not in ("sound", "points"):
            size = f" · {short(x1 - x0)}×{short(y1 - y0)} px"
    return (
        Number(
            f"{what} {noun}",
            key_name(frame, key) + size,
            f"{noun.title()} {key} of 0 – {p.size - 1}: its centre and size, pixels of the image.",
        ),
        Number("probability", probability(float(p[key])), "Probability of this key at this step."),
        Number(
            "rank · margin",
            f"{rank_of(p, key)} · {signed(float(p[key]) - best)}",
            "Rank among all keys, and how far it is ahead of the best other one.",
        ),
    )


def _of_step(frame: Frame) -> tuple[Number, ...]:
    entropy = at_step(frame, "entropy")
    # Words and hidden tokens change what is shown, not what the entropy was taken over.
    groups = frame.groups
    keys = int(np.count_nonzero(~np.isnan(frame.probabilities))) if groups is None else groups.keys
    merged = groups is not None and groups.merged
    noun = "tokens" if merged else key_noun(frame, plural=True)
    most = float(np.log2(keys)) if keys else 0.0
    known = bool(np.isfinite(entropy))
    return (
        Number(
            _entropy_name(frame),
            f"{entropy / NATS_PER_BIT:.2f} of {most:.2f} bits" if known else NOT_RECORDED,
            "Entropy of the distribution, and of a uniform one over as many keys.",
        ),
        Number(
            f"effective {noun}",
            f"{np.exp(entropy):.1f} of {keys}" if known else NOT_RECORDED,
            "2 to the power of the entropy in bits: how many keys share the attention.",
        ),
        _hardness(frame),
        *_of_special(frame),
        *_of_special_tokens(frame),
        _line(frame, "log π", "log_prob", "Log-probability of what was selected, in nats.", " nat"),
        _line(frame, "reward", "reward", "Reward at this step."),
        _line(frame, "baseline", "baseline", "What the model expected the reward to be."),
        _advantage(frame),
        _line(frame, "temperature τ", "temperature", "Temperature of the softmax."),
    )


def _hardness(frame: Frame) -> Number:
    p = frame.probabilities
    known = p[np.isfinite(p)]
    words = " of the mean over heads" if _is_mean(frame) else ""
    words += " of what is shown" if frame.groups is not None else ""
    note = f"Largest probability{words}, from {1 / max(known.size, 1):.3f} (even) to 1."
    if not known.size:
        return Number("hardness", NOT_RECORDED, note + " None was recorded here.", "faint")
    return Number("hardness", probability(float(known.max())), note)


def _entropy_name(frame: Frame) -> str:
    if len(frame.averaged) > 1:
        return "entropy, mean of queries"
    return "entropy, mean of heads" if _is_mean(frame) else "entropy"


def _is_mean(frame: Frame) -> bool:
    """Whether numbers are means over several heads, which need not be those of the mean row."""
    return frame.place.head is None and frame.heads > 1


def _line(frame: Frame, shown: str, name: str, note: str, unit: str = "") -> Number:
    value = at_step(frame, name)
    if not np.isfinite(value):
        return Number(shown, NOT_RECORDED, _why_missing(frame, name, note), "faint")
    text = plain(value) if name == "reward" else decimal(value, 3 if unit else 2)
    return Number(shown, text + unit, note)


def _why_missing(frame: Frame, name: str, note: str) -> str:
    """The note with the reason why there is no number."""
    values = frame.scalars.get(name)
    if name == "log_prob" and not frame.hard:
        why = "Nothing is selected here: attention is soft."
    elif values is not None and bool(np.isfinite(values).any()):
        why = "It was recorded at other steps, but not at this one."
    elif name == "advantage":
        why = "The run does not hold it, nor a reward with a baseline."
    else:
        why = "The run does not hold it: nobody told the recorder."
    return f"{note} {why}"


def _advantage(frame: Frame) -> Number:
    value = at_step(frame, "advantage")
    note = "Reward minus baseline: above zero makes this choice more likely."
    if not np.isfinite(value):
        return Number("advantage", NOT_RECORDED, _why_missing(frame, "advantage", note), "faint")
    shown = signed(value)
    # What is shown as 0.00 takes no side.
    tone: Tone = "plain" if not shown.strip("+−0.") else "good" if value > 0 else "bad"
    return Number("advantage", shown, note, tone)
