"""Hard attention written by others, recorded with at most one line about it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal
from torch.nn import functional

from recorders import Recorder, read_run

SIDE, GLIMPSES, BATCH = 28, 4, 3


class LocationNetwork(nn.Module):
    """As in published recurrent models of visual attention: a mean, and a place sampled there."""

    def __init__(self, hidden, std):
        super().__init__()
        self.std = std
        self.fc = nn.Linear(hidden, 2)

    def forward(self, h):
        mu = torch.tanh(self.fc(h.detach()))
        l_t = Normal(mu, self.std).rsample().detach()
        log_pi = Normal(mu, self.std).log_prob(l_t).sum(dim=1)
        return log_pi, mu, torch.clamp(l_t, -1, 1)


class RAM(nn.Module):
    """A recurrent attention model that crops around a sampled place."""

    def __init__(self, patch=8, hidden=32, std=0.17):
        super().__init__()
        self.patch = patch
        self.fc_patch = nn.Linear(patch * patch, hidden)
        self.fc_where = nn.Linear(2, hidden)
        self.rnn = nn.RNNCell(hidden, hidden)
        self.locator = LocationNetwork(hidden, std)
        self.classifier = nn.Linear(hidden, 10)

    def look(self, x, l_t):
        theta = torch.zeros(len(x), 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = self.patch / SIDE
        theta[:, :, 2] = l_t
        grid = functional.affine_grid(theta, (len(x), 1, self.patch, self.patch), False)
        return functional.grid_sample(x, grid, align_corners=False).flatten(1)

    def forward(self, x):
        h_t = x.new_zeros(len(x), self.rnn.hidden_size)
        l_t, places, log_pis = x.new_zeros(len(x), 2), [], []
        for _ in range(GLIMPSES):
            g_t = functional.relu(self.fc_patch(self.look(x, l_t)) + self.fc_where(l_t))
            h_t = self.rnn(g_t, h_t)
            log_pi, _, l_t = self.locator(h_t)
            places.append(l_t)
            log_pis.append(log_pi)
        return functional.log_softmax(self.classifier(h_t), -1), torch.stack(places, 1)


def pictures(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (BATCH, SIDE, SIDE), np.uint8)


def as_input(images):
    return torch.from_numpy(images)[:, None].float() / 255


def test_a_normal_sampled_glimpse_model_is_recorded_with_one_line_of_watch(tmp_path):
    torch.manual_seed(0)
    model = RAM()
    images = pictures()
    torch.manual_seed(1)
    expected, _ = model(as_input(images))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    with Recorder(tmp_path / "run.h5", model, codec="float32") as recorder:
        recorder.watch(
            model.locator,
            lambda m, args, out: {"location": out[2], "mean": out[1], "std": m.std},
        )
        with recorder.example(batch=[{"image": image} for image in images]):
            output, places = model(as_input(images))
    assert torch.equal(output, expected)
    assert torch.equal(torch.get_rng_state(), state)
    with read_run(tmp_path / "run.h5") as run:
        assert [site.name for site in run.sites] == ["locator"]
        for example in range(BATCH):
            scalars = run.scalars(example)
            for step in range(GLIMPSES):
                x, y = places[example, step].tolist()
                assert scalars["locator.location_x"][step] == pytest.approx(x)
                assert scalars["locator.location_y"][step] == pytest.approx(y)
                key = run.selection("locator", example, step).item()
                x0, y0, x1, y1 = run.regions(example, "locator", step)[key]
                assert x0 - 1e-3 <= (x + 1) / 2 * SIDE <= x1 + 1e-3
                assert y0 - 1e-3 <= (y + 1) / 2 * SIDE <= y1 + 1e-3
                assert run.map("locator", example, step).sum() == pytest.approx(1, abs=1e-5)


class HardPatches(nn.Module):
    """Looks at one patch after another, picked by a policy inside ``forward``."""

    def __init__(self, how, patch=7, hidden=16):
        super().__init__()
        self.how = how
        self.patch = patch
        self.embed = nn.Linear(patch * patch, hidden)
        self.policy = nn.Linear(hidden, 1)
        self.state = nn.GRUCell(hidden, hidden)
        self.head = nn.Linear(hidden, 10)
        self.seen = []

    def choose(self, logits):
        if self.how == "argmax":
            return logits.argmax(dim=-1)
        if self.how == "multinomial":
            return torch.multinomial(functional.softmax(logits, -1), 1).squeeze(-1)
        return Categorical(logits=logits).sample()

    def forward(self, x):
        patches = functional.unfold(x, self.patch, stride=self.patch).transpose(1, 2)
        keys = self.embed(patches)
        h = keys.mean(1)
        self.seen = []
        for _ in range(GLIMPSES):
            logits = self.policy(torch.tanh(keys + h.unsqueeze(1))).squeeze(-1) * 5
            index = self.choose(logits)
            self.seen.append((functional.softmax(logits, -1).detach(), index))
            chosen = torch.gather(keys, 1, index.view(-1, 1, 1).expand(-1, 1, keys.shape[-1]))
            h = self.state(chosen.squeeze(1), h)
        return self.head(h)


@pytest.mark.parametrize("how", ["argmax", "multinomial", "categorical"])
def test_choices_inside_forward_are_recorded_with_no_line_at_all(tmp_path, how):
    torch.manual_seed(0)
    model = HardPatches(how)
    images = pictures()
    torch.manual_seed(1)
    expected = model(as_input(images))
    torch.manual_seed(1)
    with (
        Recorder(tmp_path / "run.h5", model, codec="float32") as recorder,
        recorder.example(batch=[{"image": image} for image in images]),
    ):
        output = model(as_input(images))
    assert torch.equal(output, expected)
    truth = model.seen
    with read_run(tmp_path / "run.h5") as run:
        names = [site.name for site in run.sites]
        first = f"HardPatches:{'argmax' if how == 'argmax' else 'multinomial'}"
        assert names == [first, *(f"{first}#{number}" for number in range(2, GLIMPSES + 1))]
        assert all(site.capture == "choice" and site.hard for site in run.sites)
        for name, (probabilities, index) in zip(names, truth, strict=True):
            for example in range(BATCH):
                p = run.map(name, example)
                np.testing.assert_allclose(p[0, 0], probabilities[example], atol=1e-6)
                assert run.selection(name, example).item() == index[example].item()
            assert run.verification(name).checked == BATCH
            assert run.verification(name).failed == 0


class Straight(nn.Module):
    """A straight-through selector over words."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(8, 1)

    def forward(self, words):
        p = functional.softmax(self.score(words).squeeze(-1), dim=-1)
        hard = functional.one_hot(p.argmax(-1), p.shape[-1]).to(p.dtype)
        return ((hard + p - p.detach()).unsqueeze(-1) * words).sum(1)


def test_a_straight_through_selector_is_one_verified_site(tmp_path):
    torch.manual_seed(0)
    model, words = Straight(), torch.randn(1, 6, 8)
    with (
        Recorder(tmp_path / "run.h5", model) as recorder,
        recorder.example(tokens=list("abcdef")),
    ):
        model(words)
    with read_run(tmp_path / "run.h5") as run:
        assert len(run.sites) == 1
        assert run.sites[0].mechanism == "straight-through"
        assert run.verification(run.sites[0]).failed == 0
        expected = model.score(words).view(-1).argmax().item()
        assert run.selection(run.sites[0], 0).item() == expected


class Gated(nn.Module):
    """Opens or closes a gate for each word."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 1)

    def forward(self, words):
        return words * torch.bernoulli(torch.sigmoid(self.gate(words)))


def test_gates_are_recorded_as_choices_between_closed_and_open(tmp_path):
    torch.manual_seed(0)
    model, words = Gated(), torch.randn(2, 6, 8)
    with (
        Recorder(tmp_path / "run.h5", model, codec="float32") as recorder,
        recorder.example(batch=[{"tokens": list("abcdef")}, {"tokens": list("ghijkl")}]),
    ):
        output = model(words)
    with read_run(tmp_path / "run.h5") as run:
        site = run.sites[0]
        assert site.name == "Gated:bernoulli"
        for example in range(2):
            opened = (output[example] != 0).any(-1).long()
            assert run.selection(site, example).reshape(-1).tolist() == opened.tolist()
            chance = torch.sigmoid(model.gate(words[example])).detach().squeeze(-1)
            np.testing.assert_allclose(run.map(site, example)[0, :, 1], chance, atol=1e-6)
        assert run.verification(site).failed == 0
