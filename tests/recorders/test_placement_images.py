import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from placed_models import EAGER, LEFT, RIGHT_MASK, SIZE, WORDS, gpt2, made
from placing import place
from torch import nn

from recorders.capture.placement.grids import Grid

transformers = pytest.importorskip("transformers")

WIDE = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
SQUARE = WIDE[..., :32]


def grid_boxes(rows, columns, x0, y0, x1, y1):
    """Boxes of a grid that fills a rectangle, one after another as they are read."""
    xs, ys = np.linspace(x0, x1, columns + 1), np.linspace(y0, y1, rows + 1)
    return [[xs[c], ys[r], xs[c + 1], ys[r + 1]] for r in range(rows) for c in range(columns)]


def vision(kind, **fields):
    config = getattr(transformers, f"{kind}Config")
    return made(getattr(transformers, f"{kind}Model"), config, **SIZE, **fields)


NAMED = [
    ("ViT", {"image_size": (32, 48), "patch_size": 8}, WIDE, ("[CLS]",), 0),
    (
        "Dinov2WithRegisters",
        {"image_size": 64, "patch_size": 8, "num_register_tokens": 3},
        WIDE,
        ("[CLS]", "[REG1]", "[REG2]", "[REG3]"),
        0,
    ),
    ("DeiT", {"image_size": 32, "patch_size": 8}, SQUARE, ("[CLS]", "[DIST]"), 0),
    (
        "Yolos",
        {"image_size": [32, 48], "patch_size": 8, "num_detection_tokens": 7},
        WIDE,
        ("[CLS]",),
        7,
    ),
]


@pytest.mark.parametrize(
    ("kind", "fields", "pixels", "names", "behind"), NAMED, ids=[kind for kind, *_ in NAMED]
)
def test_keys_are_named_tokens_and_patches_of_the_image(kind, fields, pixels, names, behind):
    model = vision(kind, **fields)
    seen = place(model, lambda m: m(pixels, output_attentions=True), 2)
    columns = pixels.shape[-1] // 8
    assert len(seen.sites()) == len(seen.result.attentions) == 2
    for site, weights in zip(seen.sites(), seen.result.attentions, strict=True):
        piece = seen.piece(site)
        assert (piece.query_axis, piece.key_axis) == ("regions", "regions")
        assert piece.special_keys == names
        assert piece.first_region == len(names)
        assert piece.probabilities.shape[-1] == len(names) + 4 * columns + behind
        assert np.allclose(piece.boxes, grid_boxes(4, columns, 0, 0, pixels.shape[-1], 32))
        assert np.abs(piece.probabilities.numpy() - weights.numpy()).max() <= 1e-5


def test_boxes_lie_in_the_original_image_where_it_was_cropped_and_resized():
    model = vision("ViT", image_size=(32, 48), patch_size=8)
    crops = [(10.0, 20.0, 58.0, 52.0), (0.0, 0.0, 96.0, 128.0)]
    seen = place(model, lambda m: m(WIDE), 2, input_boxes=crops)
    for example, crop in enumerate(crops):
        boxes = seen.piece(seen.sites()[0], example=example).boxes
        assert np.allclose(boxes, grid_boxes(4, 6, *crop))


def test_positions_that_are_interpolated_change_no_box():
    model = vision("ViT", image_size=64, patch_size=8)
    seen = place(model, lambda m: m(WIDE, interpolate_pos_encoding=True), 2)
    assert np.allclose(seen.piece(seen.sites()[0]).boxes, grid_boxes(4, 6, 0, 0, 48, 32))


def test_windows_are_folded_and_have_no_boxes():
    torch.manual_seed(0)
    config = transformers.SwinConfig(
        embed_dim=16,
        depths=[2, 1],
        num_heads=[2, 2],
        image_size=32,
        patch_size=4,
        window_size=4,
        **EAGER,
    )
    model = transformers.SwinModel(config).eval()
    seen = place(model, lambda m: m(SQUARE, output_attentions=True), 2)
    _, shifted, last = (seen.piece(site) for site in seen.sites())
    # The model hands out those of the last block of each stage.
    weights = seen.result.attentions[0]
    assert weights.shape == (8, 2, 16, 16)
    assert (shifted.windows, shifted.key_axis, shifted.boxes) == (4, "window tokens", None)
    for window in range(4):
        part = shifted.probabilities[1, :, window * 16 : window * 16 + 16]
        assert torch.equal(part, weights[4 + window])
    assert (last.windows, last.key_axis, last.boxes) == (1, "keys", None)


def test_two_towers_keep_tokens_and_regions_apart():
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config={**SIZE, "vocab_size": WORDS, "eos_token_id": 7, **EAGER},
        vision_config={**SIZE, "image_size": 32, "patch_size": 8, **EAGER},
        projection_dim=16,
        **EAGER,
    )
    model = transformers.CLIPModel(config).eval()
    given = {"input_ids": LEFT, "attention_mask": RIGHT_MASK}
    seen = place(model, lambda m: m(**given, pixel_values=SQUARE), 2)
    assert not seen.unplaced
    for site in seen.sites("vision"):
        assert (seen.piece(site).key_axis, seen.piece(site).first_region) == ("regions", 1)
    for site in seen.sites("text"):
        assert (seen.piece(site).key_axis, seen.piece(site).boxes) == ("tokens", None)
        assert seen.map(site, example=0).shape == (4, 3, 3)
    # One text for two images: whose it is, nobody can tell.
    given = {"input_ids": LEFT[:1], "attention_mask": RIGHT_MASK[:1]}
    seen = place(model, lambda m: m(**given, pixel_values=SQUARE), 2)
    assert seen.sites("vision")
    assert not seen.sites("text")


def test_a_decoder_looks_at_the_regions_that_the_encoder_saw():
    encoder = vision("ViT", image_size=32, patch_size=8)
    decoder = gpt2(add_cross_attention=True, is_decoder=True)
    model = transformers.VisionEncoderDecoderModel(encoder=encoder, decoder=decoder).eval()
    for settings_ in (model.config, model.generation_config):
        settings_.decoder_start_token_id, settings_.pad_token_id = 2, 0
        settings_.eos_token_id = 49
    seen = place(model, lambda m: m.generate(SQUARE, max_new_tokens=3), 2)
    assert not seen.unplaced
    cross = seen.piece("decoder.transformer.h.1.crossattention", 1)
    assert (cross.query_axis, cross.key_axis, cross.first_query) == ("target", "regions", 1)
    assert cross.special_keys == ("[CLS]",)
    assert np.allclose(cross.boxes, grid_boxes(4, 4, 0, 0, 32, 32))
    assert seen.piece("decoder.transformer.h.0.attn", 1).key_axis == "target"


class Patches(nn.Module):
    """A small image model of one's own, that cuts its image up in a way that the test chooses."""

    def __init__(self, cut, extra=0):
        super().__init__()
        self.cut = cut
        self.extra = extra
        self.embed = nn.Linear(3 * 8 * 8, 8) if cut == "unfold" else nn.Conv2d(3, 8, 8, 8)

    def forward(self, image):
        if self.cut == "unfold":
            x = self.embed(F.unfold(image, 8, stride=8).transpose(1, 2))
        else:
            x = self.embed(image).flatten(2).transpose(1, 2)
        if self.extra:
            x = torch.cat([x.new_zeros(len(x), self.extra, 8), x], 1)
        return torch.softmax(x @ x.transpose(1, 2), -1) @ x


@pytest.mark.parametrize("cut", ["unfold", "convolution"])
def test_a_model_of_ones_own_is_seen_cutting_its_image(cut):
    seen = place(Patches(cut, extra=2), lambda m: m(WIDE), 2)
    piece = seen.piece("")
    assert piece.special_keys == ("[S1]", "[S2]")
    assert np.allclose(piece.boxes, grid_boxes(4, 6, 0, 0, 48, 32))


def test_a_pyramid_that_looks_at_fewer_keys_has_no_boxes():
    class Pyramid(Patches):
        def forward(self, image):
            x = F.avg_pool2d(self.embed(image), 2).flatten(2).transpose(1, 2)
            return torch.softmax(x @ x.transpose(1, 2), -1) @ x

    seen = place(Pyramid("convolution"), lambda m: m(WIDE), 2)
    assert (seen.piece("").key_axis, seen.piece("").boxes) == ("keys", None)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    patch=st.tuples(st.integers(2, 16), st.integers(2, 16)),
    corner=st.tuples(st.floats(-50, 500), st.floats(-50, 500)),
    size=st.tuples(st.floats(1, 900), st.floats(1, 900)),
)
def test_boxes_fill_what_the_input_covers_without_gap_or_overlap(
    rows, columns, patch, corner, size
):
    grid = Grid("", rows, columns, rows * patch[0], columns * patch[1], patch)
    covered = (*corner, corner[0] + size[0], corner[1] + size[1])
    boxes = grid.boxes(covered)
    assert np.allclose(boxes, grid_boxes(rows, columns, *covered), atol=1e-2)
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
    assert area == pytest.approx(size[0] * size[1], rel=1e-2)
