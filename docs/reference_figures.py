"""What systems of the zoo are compared with: what needs no training, or another way to run one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations

import torch
from torch.nn import functional

from hardattn_models import build_system, load_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.answers import SEPARATOR, Asked
from hardattn_models.tasks.lexical import train_model1
from hardattn_models.tasks.overlap import answer_by_overlap
from hardattn_models.tasks.questions import LONGEST, Span, spans
from hardattn_models.tasks.quotes import QUOTES, VERSES, best_quotes, told_by
from hardattn_models.tasks.testament import bare
from hardattn_models.tasks.toolbox import TOOLS
from hardattn_models.tasks.tooling import WORDS
from hardattn_models.tasks.translation import STEM, english, numbers
from hardattn_models.told import Given
from sample_runs import checkpoints

Figures = dict[str, dict[str, float]]


def ibm_model_1() -> Figures:
    """What IBM Model 1 reaches on the verses that the translators are tested on.

    Returns:
        Alignment error rate and log-likelihood of a word in nats, learnt from whole Greek words
        and from their stems.
    """
    task, words = load_task("new-testament"), numbers().words
    found = {}
    for name, length in (("whole words", None), ("stems", STEM)):
        pairs = {
            split: [
                ([bare(word)[:length] for word in verse.greek], list(map(words, english(verse))))
                for verse in task.split(split)
            ]
            for split in ("train", "test")
        }
        model = train_model1(pairs["train"], words=len(words), rounds=10, smoothing=0.01)
        wrong, total, likely = 0, 0, []
        for verse, (source, target) in zip(task.split("test"), pairs["test"], strict=True):
            for at, word in zip(verse.words(), target, strict=True):
                best, links = int(model.scores(source, word).argmax()) - 1, verse.links[at]
                total += (best >= 0) + len(links)
                wrong += (best >= 0) + len(links) - 2 * (best in links)
                likely.append(model.log_likelihood(source, word))
        found[name] = {
            "alignment error": round(wrong / total, 5),
            "log-likelihood of a word": round(sum(likely) / len(likely), 5),
        }
    return found


def words_in_common() -> Figures:
    """How often words in common alone answer the questions that answerers are tested on.

    Returns:
        Shares of exact answers, and mean F1, of the phrases that a passage has, those of the kind
        that is asked for, and all spans; the reach is the best of six on the validation split.
    """
    found = {}
    for name, candidates in (
        ("all spans", _every_span),
        ("all phrases", lambda asked: spans(asked.passage.tokens)),
        ("phrases of the kind asked for", _phrases_of_the_kind),
    ):
        reach = max(
            (2, 3, 5, 8, 12, 20), key=lambda reach: _overlap("validation", candidates, reach)[0]
        )
        exact, f1 = _overlap("test", candidates, reach)
        found[f"{name}, {reach} words around"] = {"exact": exact, "F1": f1}
    return found


def _every_span(asked: Asked) -> list[Span]:
    length = len(asked.passage.tokens)
    return [
        Span(start, stop, 0)
        for start in range(length)
        for stop in range(start + 1, min(start + LONGEST, length) + 1)
    ]


def _phrases_of_the_kind(asked: Asked) -> list[Span]:
    kind = asked.question.span.kind
    return [span for span in spans(asked.passage.tokens) if span.kind == kind]


def _overlap(
    split: str, candidates: Callable[[Asked], list[Span]], reach: int
) -> tuple[float, float]:
    """The share of exact answers and the mean F1 of words in common."""
    task = load_task("answers")
    asked = {one.name: one for one in task.split(split)}
    (batch,) = task.batches(split, len(asked))
    exact, f1 = 0.0, 0.0
    for row, entry in enumerate(batch.entries):
        one, before = asked[entry["name"]], int(((batch.asked > 0) & ~batch.after)[row].sum())
        words, tokens = entry["tokens"][: entry["tokens"].index(SEPARATOR)], one.passage.tokens
        span = answer_by_overlap(
            tokens, candidates(one), words[:before], words[before + 1 : -1], reach
        )
        worth = _worth(one, span)
        exact, f1 = exact + worth[0], f1 + worth[1]
    return round(exact / len(asked), 5), round(f1 / len(asked), 5)


def _worth(asked: Asked, span: Span) -> tuple[float, float]:
    """Whether a span has the right words, and F1."""
    said = [token.lower() for token in asked.passage.tokens[span.start : span.stop]]
    right = [token.lower() for token in asked.answer]
    common = (Counter(said) & Counter(right)).total()
    return float(said == right), 2 * common / (len(said) + len(right))


def blind_answers() -> Figures:
    """How often an answer that is drawn blindly is right: any, or one of the phrases."""
    task = load_task("answers")
    drawn = evaluate(build_system("answers", mechanism="uniform", **task.facts), task).figures
    found = {"a first word and a length": {name: round(drawn[name], 5) for name in ("exact", "F1")}}
    for name, candidates in (
        ("one of all phrases", lambda asked: spans(asked.passage.tokens)),
        ("one of the kind asked for", _phrases_of_the_kind),
    ):
        # What is to be expected, not what one draw gave.
        means = [
            torch.tensor([_worth(one, span) for span in candidates(one)]).mean(0)
            for one in task.split("test")
        ]
        exact, f1 = torch.stack(means).double().mean(0).tolist()
        found[name] = {"exact": round(exact, 5), "F1": round(f1, 5)}
    return found


def quotes() -> Figures:
    """What the quotes of simple rules say of the rest, and those of all sets that are tried."""
    task = load_task("quotes")
    (batch,) = task.batches("test", len(task.split("test")))
    best, most = best_quotes(batch)
    rows = len(most)

    def figures(quoted: torch.Tensor) -> dict[str, float]:
        worth = told_by(batch.counts, batch.lengths, quoted.to(batch.counts.dtype))
        right = (worth >= most - 1e-6).double()
        found = {"said of the rest": worth, "of the best": worth / most, "best set": right}
        return {name: round(values.double().mean().item(), 5) for name, values in found.items()}

    def those(index: torch.Tensor) -> torch.Tensor:
        return torch.zeros(rows, VERSES).scatter(1, index, 1.0)

    every = [
        figures(those(torch.tensor(one).expand(rows, -1)))
        for one in combinations(range(VERSES), QUOTES)
    ]
    chance = {name: round(sum(one[name] for one in every) / len(every), 5) for name in every[0]}
    return {
        "the first three": figures(those(torch.arange(QUOTES).expand(rows, -1))),
        "three at random": chance,
        "the three longest": figures(those(batch.lengths.topk(QUOTES, 1).indices)),
        "the next best each time": figures(_greedily(batch.counts, batch.lengths)),
        "the best of all 56 sets": figures(best),
    }


def _greedily(counts: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    quoted = torch.zeros(lengths.shape)
    for _ in range(QUOTES):
        more = torch.maximum(quoted.unsqueeze(1), torch.eye(VERSES))
        worth = told_by(counts.unsqueeze(1), lengths.unsqueeze(1), more)
        quoted = quoted.scatter(1, (worth - 2 * quoted).argmax(1, keepdim=True), 1.0)
    return quoted


def tools_by_words() -> Figures:
    """How often words that requests and descriptions share tell which tool to call.

    Returns:
        What choosers of tools are measured by, of calling the tool that shares most words with the
        request; those that few descriptions have may count for more (log of one in so many).
    """
    task = load_task("offer-16")
    model = build_system("tools", mechanism="argmax", **task.facts)
    every = [set(text.split()) for tool in TOOLS for text in tool.descriptions]
    having = torch.tensor([max(1, sum(word in text for text in every)) for word in WORDS])
    alike = torch.ones(len(WORDS))
    alike[0] = 0
    found = {}
    for name, worth in (
        ("all alike", alike),
        ("rare ones more", alike * (len(every) / having).log()),
    ):
        right, others = [], defaultdict(list)
        for batch in task.batches("test", 100):
            asked, offered = (
                functional.one_hot(words, len(WORDS)).amax(-2).float()
                for words in (batch.request, batch.descriptions)
            )
            shared = torch.einsum("bw,bnw->bn", asked * worth, offered)
            outcome = model.outcome(batch, Given([shared.argmax(-1)]))
            right.append(outcome.right)
            for what, values in outcome.figures.items():
                others[what].append(values)
        means = {what: torch.cat(parts).nanmean() for what, parts in others.items()}
        means["right"] = torch.cat(right).mean()
        found[name] = {what: round(value.item(), 5) for what, value in means.items()}
    return found


def deployed(name: str, task: str) -> Callable[[], Figures]:
    """What the samples of a system reach where they take the best at every choice."""

    def found() -> Figures:
        figures = {}
        for kind in ("hard", "soft"):
            model = load_system(checkpoints()[f"{name}-{kind}"]).with_mechanism("argmax")
            told = evaluate(model, load_task(task)).figures
            figures[f"trained {kind}"] = {what: round(value, 5) for what, value in told.items()}
        return figures

    return found


REFERENCES = {
    "alignment": {"IBM Model 1": ibm_model_1},
    "answers": {
        "run as argmax": deployed("answers", "answers"),
        "words in common": words_in_common,
        "drawn blindly": blind_answers,
    },
    "tools": {"by words in common": tools_by_words},
    "summary": {"run as argmax": deployed("summary", "quotes"), "quoted by rule": quotes},
}
"""What a system is compared with, by name: plain values to keep beside what was trained."""
