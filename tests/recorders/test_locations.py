"""Places drawn from a Normal distribution, told over boxes."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from recorders import Recorder, read_run
from recorders.capture.locations import (
    box_masses,
    covered_mass,
    default_grid,
    located,
    log_density,
    nearest_box,
)


def phi(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def test_the_mass_in_a_box_is_the_product_of_differences_of_the_normal_distribution():
    mean, std = np.array([[3.0, -1.0]]), np.array([[2.0, 0.5]])
    boxes = np.array([[1.0, -2.0, 4.0, 0.0], [3.0, -1.0, 99.0, 99.0]])
    x = phi((4 - 3) / 2) - phi((1 - 3) / 2)
    y = phi((0 + 1) / 0.5) - phi((-2 + 1) / 0.5)
    np.testing.assert_allclose(box_masses(mean, std, boxes), [[x * y, 0.25]], atol=1e-15)


def test_a_plane_of_boxes_holds_all_the_mass():
    edges = np.linspace(-50, 50, 11)
    boxes = np.array([[a, b, a + 10, b + 10] for b in edges[:-1] for a in edges[:-1]])
    rng = np.random.default_rng(0)
    mean, std = rng.uniform(-5, 5, (6, 2)), rng.uniform(0.5, 4, (6, 2))
    np.testing.assert_allclose(box_masses(mean, std, boxes).sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(covered_mass(mean, std, boxes), 1, atol=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_far_tails_keep_their_precision_on_both_sides(side):
    boxes = np.sort(np.array([[9.0, 10.0]]) * side)
    boxes = np.array([[boxes[0, 0], -99, boxes[0, 1], 99]])
    mass = box_masses(np.zeros((1, 2)), np.ones((1, 2)), boxes)[0, 0]
    expected = (math.erfc(9 / math.sqrt(2)) - math.erfc(10 / math.sqrt(2))) / 2
    assert mass == pytest.approx(expected, rel=1e-9)


def test_boxes_that_overlap_cover_their_union_once():
    mean, std = np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]])
    boxes = np.array([[-1.0, -1, 0.5, 1], [-0.5, -1, 1, 1], [-0.2, -0.2, 0.2, 0.2]])
    whole = (phi(1) - phi(-1)) ** 2
    assert covered_mass(mean, std, boxes)[0] == pytest.approx(whole, abs=1e-15)
    assert box_masses(mean, std, boxes).sum() > whole


def test_the_density_is_that_of_two_independent_normals():
    rng = np.random.default_rng(1)
    location, mean = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    std = rng.uniform(0.05, 2, (4, 2))
    normal = torch.distributions.Normal(torch.from_numpy(mean), torch.from_numpy(std))
    expected = normal.log_prob(torch.from_numpy(location)).sum(1).numpy()
    np.testing.assert_allclose(log_density(location, mean, std), expected, atol=1e-12)


def test_the_selected_box_is_the_one_with_the_nearest_centre():
    boxes = np.array([[0.0, 0, 10, 10], [10, 0, 20, 10], [0, 10, 10, 20]])
    assert nearest_box(np.array([[9.0, 9.0], [11, 1], [5, 99]]), boxes).tolist() == [0, 1, 2]


def test_a_default_grid_tiles_what_the_model_sees_with_about_square_boxes():
    grid = default_grid((10.0, 20.0, 38.0, 34.0))
    assert grid.shape == (14 * 7, 4)
    assert (grid[:, 2] - grid[:, 0] == 2).all()
    assert (grid[:, 3] - grid[:, 1] == 2).all()
    assert grid[0].tolist() == [10, 20, 12, 22]
    assert grid[-1].tolist() == [36, 32, 38, 34]


def test_the_corners_of_the_plane_are_the_edges_of_what_the_model_sees():
    boxes = np.array([[100.0, 50, 150, 70], [150, 70, 200, 90]])
    frame = (100.0, 50.0, 200.0, 90.0)
    parts, numbers = located(
        {"location": np.array([[1.0, 1.0]]), "mean": np.array([[-1.0, -1.0]]), "std": 0.1},
        [frame],
        [boxes],
    )
    assert parts[0].values["selection"].item() == 1
    # A quarter of the mass lies inside the corner, nearly all of it in the first box.
    np.testing.assert_allclose(parts[0].values["probabilities"][0, 0, 0], [1, 0], atol=1e-12)
    np.testing.assert_allclose(numbers["outside"], [0.75], atol=1e-12)


def test_a_place_with_no_mass_in_any_box_is_all_in_the_nearest():
    boxes = np.array([[0.0, 0, 1, 1], [9, 9, 10, 10]])
    values = {"location": np.array([[0.0, 0.0]]), "mean": np.array([[0.3, 0.3]]), "std": 1e-3}
    parts, numbers = located(values, [(0.0, 0.0, 10.0, 10.0)], [boxes])
    assert parts[0].values["probabilities"][0, 0, 0].tolist() == [0, 1]
    assert numbers["outside"].tolist() == [1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"location": np.zeros((2, 3))}, "location has shape"),
        ({"mean": None}, "no mean"),
        ({"std": 0.0}, "std is not above 0"),
        ({"std": np.ones((3, 2))}, "std has shape"),
        ({"mean": np.full((2, 2), np.nan)}, "NaN"),
        ({"selection": np.zeros(2)}, "'selection'"),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence(wrong, words):
    values = {"location": np.zeros((2, 2)), "mean": np.zeros((2, 2)), "std": 0.1} | wrong
    with pytest.raises(ValueError, match=words):
        located(values, [(0.0, 0.0, 1.0, 1.0)] * 2, [None] * 2)


class Where(nn.Module):
    def forward(self, mean):
        return torch.distributions.Normal(mean, 0.2).sample(), mean


def read(module, args, output):
    location, mean = output
    return {"location": location, "mean": mean, "std": 0.2}


def picture(seed, height=24, width=32):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width), np.uint8)


def test_a_watched_place_is_recorded_over_a_grid_with_the_exact_numbers_beside(tmp_path):
    model = Where()
    means = torch.tensor([[0.5, -0.5], [-0.9, 0.9]])
    torch.manual_seed(0)
    with Recorder(tmp_path / "run.h5", model, codec="float32") as recorder:
        recorder.watch(model, read, site="look", kind="glimpse")
        with recorder.example(batch=[{"image": picture(0)}, {"image": picture(1)}]):
            locations = [model(means)[0] for _ in range(3)]
    with read_run(tmp_path / "run.h5") as run:
        assert run.sites[0].key_axis == "regions"
        assert run.sites[0].mechanism == "sampled"
        scalars = [run.scalars(example) for example in range(2)]
        for example in range(2):
            for step, location in enumerate(locations):
                x, y = location[example].tolist()
                assert scalars[example]["look.location_x"][step] == pytest.approx(x)
                assert scalars[example]["look.location_y"][step] == pytest.approx(y)
                boxes = run.regions(example, "look", step)
                chosen = run.selection("look", example, step).item()
                assert boxes[chosen][0] - 3 <= (x + 1) * 16 <= boxes[chosen][2] + 3 or abs(x) > 1
                p = run.map("look", example, step)
                assert p.shape == (1, 1, len(boxes)) == (1, 1, 14 * 10)
                assert p.sum() == pytest.approx(1, abs=1e-5)
                best = boxes[p.argmax()]
                assert best[0] <= (means[example, 0] + 1) * 16 <= best[2]
                assert best[1] <= (means[example, 1] + 1) * 12 <= best[3]


def test_a_place_on_no_image_says_so(tmp_path):
    model = Where()
    with Recorder(tmp_path / "run.h5", model) as recorder:
        recorder.watch(model, read, site="look")
        with recorder.example(image=picture(0)):
            model(torch.zeros(1, 2))
        with (
            recorder.example(tokens=["a"]),
            pytest.raises(ValueError, match=r"'look'.*no image"),
        ):
            model(torch.zeros(1, 2))
