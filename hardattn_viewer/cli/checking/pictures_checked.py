"""A model of pictures on the pictures of a run, whose items are the regions that it attended to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from hardattn_viewer.checks.sanity import FAIL
from hardattn_viewer.cli.checking.same_model import same_model
from hardattn_viewer.cli.checking.shown import shown_by
from hardattn_viewer.cli.recording.hugging_face import Loaded, load_processor
from hardattn_viewer.cli.recording.items import Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.pictures import PictureReader
from hardattn_viewer.cli.recording.subject import float_dtype
from hardattn_viewer.faithfulness import FaithfulnessError, PictureSubject
from hardattn_viewer.faithfulness.explainers.by_name import usual_of
from hardattn_viewer.faithfulness.from_run import Recorded
from recorders.run.reader import Run

Box = tuple[float, float, float, float]
Reads = Callable[[NDArray[np.uint8]], tuple[Tensor, Box]]
"""From a picture, uint8 ``[height, width]`` or ``[height, width, 3]``, to a model's input ``[1,
channels, height, width]``, and the part of the picture that it covers: x0, y0, x1, y1 in pixels."""


def folder_pictures(run: Run, loaded: Loaded, folder: Path, count: int, notes: Notes) -> Recorded:
    """A Hugging Face model of pictures on those of a run.

    Raises:
        CommandError: the folder has no image processor.
        FaithfulnessError: the run has no such pictures.
    """
    grey = getattr(loaded.config, "num_channels", 3) == 1
    reader = PictureReader(load_processor(folder), float_dtype(loaded.model), grey, notes)

    def reads(picture: NDArray[np.uint8]) -> tuple[Tensor, Box]:
        shown = Image.fromarray(picture).convert("RGB")
        (made,) = reader([Item("picture", picture=shown)])
        box = made.fields[0].get("input_box")
        if box is None:
            raise FaithfulnessError(
                f"which part of a picture {folder.name} is shown is not known, so that regions of "
                f"{run.path} cannot be found in it"
            )
        return made.kwargs["pixel_values"], tuple(map(float, box))  # type: ignore[return-value]

    classes = [str(name) for _, name in sorted(loaded.config.id2label.items())]
    facts = {"model": folder.resolve().name, "class": loaded.facts["class"]}
    model = loaded.model
    return pictures_checked(
        run, model, lambda pixels: model(pixel_values=pixels), reads, count, facts, tuple(classes)
    )


def plain_reads(model: nn.Module) -> Reads:
    """Pictures as ``hardattn record`` gives them to a factory's model: RGB from 0 to 1."""
    dtype = float_dtype(model)

    def reads(picture: NDArray[np.uint8]) -> tuple[Tensor, Box]:
        shown = np.array(Image.fromarray(picture).convert("RGB"))
        values = torch.from_numpy(shown).permute(2, 0, 1)[None].to(dtype) / 255
        return values.contiguous(), (0.0, 0.0, float(shown.shape[1]), float(shown.shape[0]))

    return reads


def pictures_checked(
    run: Run,
    model: nn.Module,
    call: Callable[[Tensor], Any],
    reads: Reads,
    count: int,
    facts: Mapping[str, Any],
    classes: tuple[str, ...] = (),
) -> Recorded:
    """A model of pictures on those of a run.

    Args:
        run: whose first examples are checked.
        model: in evaluation mode.
        call: runs it on ``[batch, channels, height, width]``.
        reads: how it sees a picture.
        count: examples.
        facts: what to keep beside the numbers.
        classes: names of its classes, where it has some.

    Raises:
        FaithfulnessError: a picture or its regions are missing, or differ from example to example.
    """
    seen = [_seen(run, example, reads) for example in range(count)]
    values, boxes = [one for one, _ in seen], [one for _, one in seen]
    alike = all(
        one.shape == values[0].shape and box.shape == boxes[0].shape and np.allclose(box, boxes[0])
        for one, box in zip(values, boxes, strict=True)
    )
    if not alike:
        raise FaithfulnessError(
            f"the model sees the examples of {run.path} in several sizes or with several sets of "
            "regions, and a check takes one of each"
        )
    subject = PictureSubject(model, torch.cat(values), boxes[0], outputs=classes, call=call)
    same = same_model(run, model, subject, classes=bool(classes))
    return Recorded(
        subject=subject,
        explanations={} if same.outcome == FAIL else shown_by(run, subject),
        labels=[run.examples[at].label for at in range(count)],
        sanity=(same,),
        facts={
            "run": Path(str(run.path)).name,
            "recording": run.recording,
            **facts,
            "items": "regions",
        },
        explainers=usual_of(subject),
    )


def _seen(run: Run, example: int, reads: Reads) -> tuple[Tensor, NDArray[np.float64]]:
    """A picture as the model sees it, and its regions in pixels of that."""
    picture, boxes = run.image(example), _regions(run, example)
    if picture is None or boxes is None:
        what = "picture" if picture is None else "regions"
        raise FaithfulnessError(f"example {example} of {run.path} has no {what} to check")
    values, (x0, y0, x1, y1) = reads(picture)
    height, width = values.shape[-2:]
    scale = np.array([width / (x1 - x0), height / (y1 - y0)] * 2)
    found = (boxes.astype(np.float64) - np.array([x0, y0] * 2)) * scale
    return values, found.round(3)


def _regions(run: Run, example: int) -> NDArray[np.float32] | None:
    for site in run.sites:
        try:
            found = run.regions(example, site)
        except IndexError:
            continue
        if found is not None:
            return found
    return run.regions(example)
