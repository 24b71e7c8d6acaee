"""What ferret-xai and Quantus take for scores like ours, for ``faithfulness.py``.

It runs in a Python of its own, which has torch, transformers, ferret-xai 0.4 and quantus 0.6 and
need not have this project; a name on standard input is answered with a line of JSON.

- ferret: ``AOPC_Comprehensiveness_Evaluation`` and ``AOPC_Sufficiency_Evaluation`` at ten shares,
  by taking tokens out and by the mask token: the same work as ours. It writes what is left as text
  and reads it again, so that figures differ where a token does not stand for itself.
- quantus: it has neither score and knows no texts. ``PixelFlipping`` on token ids, by the mask
  token alone, once from the highest ranked and once from the lowest: the curves under the two
  scores at every number of tokens, for half of the operators.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn


class Topics(nn.Module):
    """The same classifier, as ferret calls it."""

    def __init__(self, encoder: Any, weight: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(weight.shape[1], len(weight))
        self.head.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        self.device = torch.device("cpu")

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> Any:
        found = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        seen = attention_mask[..., None].to(found.last_hidden_state.dtype)
        mean = (found.last_hidden_state * seen).sum(1) / seen.sum(1)
        return SimpleNamespace(logits=self.head(mean))


class OfIds(nn.Module):
    """The classifier as a function of ids ``[rows, 1, tokens]`` written as floats."""

    def __init__(self, model: Topics, first: int, last: int) -> None:
        super().__init__()
        self.model, self.ends = model, (first, last)

    def forward(self, values: Tensor) -> Tensor:
        ids = values[:, 0].round().long()
        begin, end = (torch.full((len(ids), 1), one) for one in self.ends)
        ids = torch.cat([begin, ids, end], 1)
        logits: Tensor = self.model(ids, torch.ones_like(ids)).logits
        return logits


def ferret(model: Topics, tokenizer: Any, task: dict[str, Any]) -> None:
    from ferret.evaluators.faithfulness_measures import (
        AOPC_Comprehensiveness_Evaluation,
        AOPC_Sufficiency_Evaluation,
    )
    from ferret.explainers.explanation import Explanation

    measures = [
        one(model, tokenizer)
        for one in (AOPC_Comprehensiveness_Evaluation, AOPC_Sufficiency_Evaluation)
    ]
    for ids, named in zip(task["texts"], task["scores"], strict=True):
        text, target = tokenizer.decode(ids[1:-1]), predicted(model, ids)
        tokens = tokenizer.convert_ids_to_tokens(ids)
        for name, scores in named.items():
            # Its rankings hold positive scores alone; the order is all it takes.
            padded = np.array([0, *(1 + np.argsort(np.argsort(scores))), 0], float)
            explanation = Explanation(text, tokens, padded, name, target)
            for taken_out in (True, False):
                for measure in measures:
                    measure.compute_evaluation(
                        explanation,
                        target,
                        removal_args={"remove_tokens": taken_out},
                    )


def quantus(model: Topics, tokenizer: Any, task: dict[str, Any]) -> None:
    import quantus as tool

    metric = tool.PixelFlipping(
        features_in_step=1,
        normalise=False,
        perturb_baseline=float(tokenizer.mask_token_id),
        disable_warnings=True,
    )
    for ids, named in zip(task["texts"], task["scores"], strict=True):
        of_ids = OfIds(model, ids[0], ids[-1]).eval()
        values = np.array(ids[1:-1], np.float32)[None, None]
        target = np.array([predicted(model, ids)])
        for scores in named.values():
            for sign in (1, -1):
                ranks = (sign * np.array(scores)).argsort().argsort()
                # It asks for attributions that are not all below zero; the order is all it takes.
                given = (1 + ranks).astype(np.float32)[None, None]
                metric(of_ids, values, target, given, channel_first=True, device="cpu")


def predicted(model: Topics, ids: list[int]) -> int:
    given = torch.tensor([ids])
    with torch.no_grad():
        return int(model(given, torch.ones_like(given)).logits.argmax())


def main() -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    task = json.loads(Path(sys.argv[1]).read_text())
    encoder = transformers.AutoModel.from_pretrained(task["encoder"], attn_implementation="sdpa")
    head = np.load(task["head"])
    model = Topics(encoder, head["weight"], head["bias"]).eval().requires_grad_(False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(task["encoder"])
    sides = {"ferret": ferret, "quantus": quantus}
    able = {}
    for name, run in sides.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                run(model, tokenizer, {key: task[key][:1] for key in ("texts", "scores")})
            able[name] = "runs"
        except Exception as error:
            able[name] = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps(able), flush=True)
    for line in sys.stdin:
        began = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            sides[line.strip()](model, tokenizer, task)
        print(json.dumps({"seconds": time.process_time() - began}), flush=True)


if __name__ == "__main__":
    main()
