"""The texts of a run as the ids that its model was given, read back from their tokens."""

from __future__ import annotations

from typing import Any

from hardattn_viewer.faithfulness import FaithfulnessError, Text
from hardattn_viewer.faithfulness.subject import Query
from recorders.run.reader import Run
from recorders.run.text import visible

_KEPT = "\n\t"


def ids_of(run: Run, tokenizer: Any, count: int, whose: str) -> list[list[int]]:
    """The ids of the first examples, those alone that they were described with.

    Args:
        run: the run; what it wrote on its own is left out.
        tokenizer: of the model.
        count: examples.
        whose: what the tokenizer is called in an error.

    Raises:
        FaithfulnessError: an example has no token, or one that the tokenizer does not know.
    """
    # A run hands hidden characters out as code points.
    vocabulary = {visible(word, _KEPT): number for word, number in tokenizer.get_vocab().items()}
    found = []
    for example in range(count):
        tokens = run.tokens(example, step=-1)
        if not tokens:
            raise FaithfulnessError(
                f"example {example} of {run.path} has no tokens, and {whose} reads text"
            )
        ids = []
        for place, token in enumerate(tokens):
            if token not in vocabulary:
                raise FaithfulnessError(
                    f"{whose} does not know the token {token!r} (example {example}, position "
                    f"{place} of {run.path}): name the model that was recorded"
                )
            ids.append(vocabulary[token])
        found.append(ids)
    return found


def texts_of(
    run: Run, ids: list[list[int]], tokenizer: Any, query: Query, *, keeps_query: bool
) -> list[Text]:
    """Ids as examples whose items are their tokens, without special ones.

    Args:
        run: the run, for the names of tokens.
        ids: of each example.
        tokenizer: of the model, which knows the special tokens.
        query: where the answer is read from.
        keeps_query: whether the token there is no item either, so that it is always there. It is
            none wherever nothing would be left without it.

    Raises:
        FaithfulnessError: an example has no item.
    """
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    # What it puts around nothing is special too, whether or not it says so.
    special |= set(tokenizer("")["input_ids"])
    found = []
    for example, one in enumerate(ids):
        places = [at for at, number in enumerate(one) if number not in special]
        if keeps_query or len(places) == len(one):
            read = 0 if query == "mean" else len(one) - 1 if query == "last" else query
            places = [at for at in places if at != read]
        if not places:
            few = f"; check the ones before it with --examples {example}" if example else ""
            raise FaithfulnessError(
                f"example {example} of {run.path} has nothing that could be removed: its only "
                f"token is where the answer is read{few}"
            )
        tokens = run.tokens(example, step=-1) or ()
        names = tuple(tokens[at] for at in places)
        found.append(Text(tuple(one), tuple((at,) for at in places), names))
    return found
