"""What each number that the app shows means: its formula, and where that comes from.

The tool tips say it, and ``python -m hardattn_viewer.session.definitions`` prints it as
``docs/viewer/numbers.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Definition:
    """What a number means.

    Attributes:
        title: what it is called, in the documentation.
        names: regular expression of the names of its lines.
        what: a sentence or two.
        formula: how it is computed; empty where it is recorded and not computed.
        source: who defined it, or where it is recorded.
    """

    title: str
    names: str
    what: str
    formula: str = ""
    source: str = ""

    @property
    def words(self) -> str:
        """Everything that it says, for a tool tip."""
        return "\n".join(part for part in (self.what, self.formula, self.source) if part)


_NOUN = r"(region|token|key|word|item|slot|frame|point|glimpse)s?"

OF_STEP = (
    Definition(
        "query",
        r"query|mean of .*quer(y|ies).*",
        "Which query of the step is looked from; all numbers below are about its row, or about the "
        "mean of the rows of several.",
        source="Recorded.",
    ),
    Definition(
        "selected, pinned, pointed or likeliest key",
        rf"(selected|pinned|pointed|likeliest) {_NOUN}",
        "The key that the numbers are about: the one under the pointer, else the pinned one, else "
        "the selected one, else the most probable one.",
        source="Recorded; a region is named by its centre in pixels of the image.",
    ),
    Definition(
        "probability",
        r"probability",
        "Probability of the key at this step. With the mean over heads it is the mean of theirs.",
        "p_k, with Σ_k p_k = 1",
        "Recorded, to within the error that storing made (“stored to”).",
    ),
    Definition(
        "rank · margin",
        r"rank · margin",
        "Place of the key among all keys by falling probability, equal ones sharing the better "
        "place; and how far it is ahead of the best other key.",
        "rank = 1 + #{j : p_j > p_k};  margin = p_k − max_{j ≠ k} p_j",
        "By definition; the margin as in Schapire et al. 1998, for probabilities of classes.",
    ),
    Definition(
        "entropy",
        r"entropy.*",
        "How spread the distribution is, in bits, and how much a uniform one over as many keys "
        "would have. With the mean over heads (or queries) it is the mean of their entropies, not "
        "the entropy of the mean.",
        "H = −Σ_k p_k log₂ p_k, of at most log₂ n",
        "Shannon 1948, theorem 2. Computed from the exact distribution when it was recorded.",
    ),
    Definition(
        "effective number of keys",
        rf"effective {_NOUN}",
        "How many equally probable keys would have the same entropy.",
        "2^H",
        "Hill 1973, of order 1.",
    ),
    Definition(
        "hardness",
        r"hardness",
        "How far attention looks at one key only: its largest probability, from 1/n where it is "
        "spread evenly to 1 where it is one-hot. Where subwords are shown as words, or tokens are "
        "hidden, it is that of what is shown.",
        "max_k p_k",
        "By definition.",
    ),
    Definition(
        "on special tokens",
        r"on .*",
        "Probability on keys that are no items of the input, such as [CLS] or an attention sink.",
        "Σ p_k over these keys",
        "By definition.",
    ),
    Definition(
        "log π",
        r"log π",
        "Log-probability of what was selected, in nats: the score of the choice in REINFORCE.",
        "ln π(a) ; of several choices their sum, as the recorder was told",
        "Recorded; Williams 1992.",
    ),
    Definition(
        "reward",
        r"reward",
        "Reward at this step.",
        "R_t",
        "Recorded with recorder.step or recorder.steps.",
    ),
    Definition(
        "baseline",
        r"baseline",
        "What reward was expected before the choice; it lowers the variance of the gradient and "
        "leaves its mean.",
        "b_t",
        "Recorded; Williams 1992.",
    ),
    Definition(
        "advantage",
        r"advantage",
        "Above zero, learning makes this choice more likely; below zero, less.",
        "A_t = R_t − b_t, unless it was recorded itself",
        "Williams 1992.",
    ),
    Definition(
        "temperature τ",
        r"temperature τ",
        "What scores were divided by before the softmax: small sharpens, large flattens.",
        "p = softmax(s / τ)",
        "Recorded by the tap or recorder.step.",
    ),
)

OF_RECORD = (
    Definition("run", r"run", "Name of the run.", source="The file's name."),
    Definition("site", r"site", "The attention site that is shown.", source="Recorded."),
    Definition(
        "training step",
        r"training step",
        "The moment of training that is shown.",
        source="Recorded with recorder.snapshot.",
    ),
    Definition(
        "captured by",
        r"captured by",
        "How attention was found: a tap, by hand (log, watch), or by one of the nets.",
        source="Recorded.",
    ),
    Definition(
        "verified",
        r"verified",
        "Whether what was recorded is what the model used: weights times values, compared with "
        "what the layer returned.",
        "largest |P·V − output| / largest |output|, against the tolerance of its dtype",
        "Recorded.",
    ),
    Definition(
        "stored to",
        r"stored to",
        "Largest error that storing made in a probability.",
        "for sqrt16: p = (u / 65535)², so at most 1.54·10⁻⁵",
        "The run's codec; see run-format.md.",
    ),
    Definition("written by", r"written by", "The program that wrote the run.", source="Recorded."),
)

OF_TRAINING = (
    Definition(
        "mean over examples",
        r"mean over examples",
        "Every curve that is solid is a mean over the recorded examples at each snapshot, with a "
        "band of 95 %. Of more than 2,000 examples 2,000 are drawn at random.",
        "x̄ ± 1.96 s / √n, with s² = Σ (x_i − x̄)² / (n − 1)",
        "Interval of a Normal mean; s by Welford 1962.",
    ),
    Definition(
        "told by training",
        r"told by training",
        "Every curve that is dashed is a number that training itself told of the snapshot: "
        "recorder.snapshot(step=…, loss=…).",
        source="Recorded. hardattn train measures them on 8 batches of training images.",
    ),
    Definition("loss", r"loss", "Mean cross-entropy, in nats.", "−ln p(true class)", "Recorded."),
    Definition(
        "accuracy",
        r"accuracy",
        "Share of the examples with a label and a prediction that are predicted rightly.",
        "#{prediction = label} / n",
        "By definition.",
    ),
    Definition(
        "p(true class)",
        r"p\(true class\)",
        "Mean probability of the true class.",
        "p(label)",
        "Recorded with recorder.outcome.",
    ),
    Definition(
        "entropy, hardness, log π, baseline, advantage, temperature over training",
        r"over training",
        "As above, for each example the mean over its steps (and heads and queries), then the mean "
        "over examples. Other recorded scalars likewise. Hardness is not read of maps too large to "
        "be read whole.",
        source="By definition.",
    ),
    Definition(
        "reward over training",
        r"reward over training",
        "The reward of an example's last step, mean over examples; as in the table of examples.",
        source="Recorded.",
    ),
    Definition(
        "gradient variance",
        r"gradient variance",
        "How far the gradients of single batches lie apart, with the weights held still: the trace "
        "of their covariance. It holds the noise of the batch and of the choices.",
        "Σ_m ‖g_m − ḡ‖² / (M − 1), over M = 8 batches of the plan's size",
        "By definition; compared in this way by Greensmith, Bartlett and Baxter 2004.",
    ),
    Definition(
        "gradient norm",
        r"gradient norm",
        "Length of the mean gradient of these batches.",
        "‖ḡ‖",
        "By definition.",
    ),
)

OF_BARS = (
    Definition(
        "mass so far",
        r"mass so far",
        "Line over a distribution: the probability of a bar and of all bars left of it.",
        "Σ_{j ≤ k} p_j in the order of the bars",
        "By definition.",
    ),
    Definition(
        "ticks of a distribution",
        r"ticks",
        "Share of the draws that fell on a key, of n: the choices of several heads, repeated draws "
        "of one step, or one choice each in repeats (examples of one run with equal label, image, "
        "regions and tokens). From the second step on repeats follow different choices, so that "
        "they were drawn from different distributions.",
        "count_k / n",
        "By definition.",
    ),
    Definition(
        "bars of many keys",
        r"bars",
        "Where keys are too many for a bar each, a bar shows the largest of those it stands for; "
        "no peak is lost. On a logarithmic axis, what is below its foot has one pixel.",
        source="By definition.",
    ),
)

OF_TIMELINE = (
    Definition(
        "p(selected)",
        r"p\(selected\)",
        "Probability of what was selected at a step. Of soft attention its mass on the choice of "
        "the other run (dashed), or its largest probability.",
        "p(a_t)",
        "By definition.",
    ),
    Definition(
        "A and B agree",
        r"A and B agree",
        "1 where both chose the same key (soft: found it likeliest), else 0; nothing where their "
        "keys differ.",
        "[argmax p_A = argmax p_B]",
        "By definition.",
    ),
    Definition(
        "tracks of other names",
        r"track",
        "Any number that the model's author recorded of steps, under its own name and unit.",
        source="Recorded with recorder.step or recorder.steps.",
    ),
)

OF_WINDOW = (
    Definition(
        "read … ms",
        r"read",
        "Time from asking for what is shown until it had been read and decoded. “From memory”: it "
        "had been read before, and nothing was read from the disk.",
        source="Measured by the app, on this machine, now.",
    ),
    Definition(
        "frame … ms",
        r"frame",
        "Time from a change (a key, a click) until the picture of it had been painted.",
        source="Measured by the app, on this machine, now.",
    ),
    Definition(
        "memory … MB",
        r"memory",
        "Memory of this process that is held in RAM at the moment (resident set size).",
        source="/proc/self/statm of Linux.",
    ),
    Definition(
        "a run’s card",
        r"card",
        "How many steps the longest example has, how many sites, heads and keys there are, and how "
        "many examples. HARD: something was selected; SOFT: all was blended.",
        source="Counted in the run.",
    ),
)

DEFINITIONS = (*OF_STEP, *OF_RECORD, *OF_TRAINING, *OF_BARS, *OF_TIMELINE, *OF_WINDOW)


@lru_cache(maxsize=256)
def definition_of(name: str) -> Definition | None:
    """The definition of a line of the inspector, by its name."""
    return next((one for one in DEFINITIONS if re.fullmatch(one.names, name)), None)


def explained(note: str, name: str) -> str:
    """What a line's tool tip says: its own note, then its definition."""
    found = definition_of(name)
    return note if found is None else f"{note}\n\n{found.words}".strip()


def markdown() -> str:
    """The page about all numbers."""
    parts = (
        ("Of a step", "The inspector, from top to bottom.", OF_STEP),
        ("Of the record", "Where the numbers come from.", OF_RECORD),
        ("Over training", "Curves of the training view.", OF_TRAINING),
        ("Of a distribution", "Below every picture.", OF_BARS),
        ("Of the timeline", "Tracks; the numbers above are tracks as well.", OF_TIMELINE),
        ("Of the window", "The line at the bottom, and the cards of runs.", OF_WINDOW),
    )
    lines = [_HEAD]
    for title, what, definitions in parts:
        lines += [f"## {title}", "", what, "", "| number | what it is | formula | source |"]
        lines += ["|---|---|---|---|"]
        lines += [
            "| "
            + " | ".join(
                cell.replace("|", "\\|")
                for cell in (one.title, one.what, one.formula and f"`{one.formula}`", one.source)
            )
            + " |"
            for one in definitions
        ]
        lines.append("")
    return "\n".join([*lines, _ELSEWHERE, _SOURCES])


_HEAD = """# The numbers that the app shows

Made by `python -m hardattn_viewer.session.definitions`; the tool tips say the same. A number that a
run does not hold is an en dash, and its tool tip says why.
"""

_ELSEWHERE = """## In one view alone

These are defined where the view is explained, with formula and source in the same way.

| where | numbers |
|---|---|
| Table of examples, filter, search | [every name of the language](find.md#one-language) |
| Regions of an image | [the region, the area, the window of the zoom](regions.md#numbers) |
| Tokens | [words of several pieces, special tokens, means](tokens.md#what-the-numbers-are) |
| Matrix | [means and entropies along its margins](matrix.md#margins) |
| Heads | [what heads are sorted and filtered by](heads.md#the-numbers) |
| Compare | [agreement and intervals](compare.md#the-numbers), [repeats](compare.md#repeats) |
| Faithfulness | [verdicts, win rates, forced choices](faithfulness.md), and \
[all that a check measures](../faithfulness.md#what-is-measured) |
"""

_SOURCES = """## Sources

- Greensmith, Bartlett, Baxter 2004: Variance reduction techniques for gradient estimates in
  reinforcement learning. JMLR 5.
- Hill 1973: Diversity and evenness: a unifying notation and its consequences. Ecology 54.
- Schapire, Freund, Bartlett, Lee 1998: Boosting the margin. Annals of Statistics 26.
- Shannon 1948: A mathematical theory of communication. Bell System Technical Journal 27.
- Welford 1962: Note on a method for calculating corrected sums of squares. Technometrics 4.
- Williams 1992: Simple statistical gradient-following algorithms for connectionist reinforcement
  learning. Machine Learning 8.
"""


if __name__ == "__main__":
    print(markdown(), end="")
