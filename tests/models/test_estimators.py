"""Every estimator against the exact gradient, and against measured biases and variances.

The figures that stand here were measured with an independent implementation.
"""

import math
from functools import cache

import gradient_problems as problems
import pytest
import torch

from hardattn_models.gradients import (
    Constant,
    Learned,
    MovingAverage,
    estimate,
    estimator,
    estimators,
    fitted_control,
)
from hardattn_models.gradients.draws import perturbed_given

Q, T, STEEP = "quadratic", "network", "network of gain 3"
MAKE = {Q: problems.quadratic, T: problems.network, STEEP: lambda: problems.network(3.0)}
DRAWS = 200_000


@cache
def problem(name):
    return MAKE[name]()


@cache
def plain_variance(name):
    return problems.moments("reinforce", problem(name), DRAWS)[1]


def expected_loss(name):
    logits, loss = problem(name)
    losses = torch.stack([loss(one) for one in torch.eye(problems.K, dtype=logits.dtype)])
    return float((logits.softmax(-1) * losses).sum())


def fitted(name, offset):
    logits, loss = problem(name)
    generator = torch.Generator().manual_seed(99)
    b, c = fitted_control(logits[None], loss, generator, samples=50_000, offset=offset)
    return {"b": b, "c": c}


UNBIASED = [
    (Q, "reinforce", {}, 1.0),
    (Q, "reinforce", {"baseline": "perfect"}, 0.215),
    (Q, "reinforce", {"baseline": "moving"}, 0.230),
    (Q, "reinforce", {"samples": 4}, 0.250),
    (Q, "self-critical", {}, 0.969),
    (Q, "soft-baseline", {}, 0.433),
    (Q, "rloo", {"samples": 2}, 0.273),
    (Q, "rloo", {}, 0.082),
    (Q, "rloo", {"samples": 8}, 0.033),
    (Q, "muprop", {}, 0.206),
    (Q, "muprop", {"fit": False}, 0.068),
    (Q, "sum-and-sample", {}, 0.112),
    (Q, "rebar", {}, 0.362),
    (T, "reinforce", {"baseline": "perfect"}, 0.265),
    (T, "self-critical", {}, 0.360),
    (T, "soft-baseline", {}, 0.340),
    (T, "rloo", {}, 0.089),
    (T, "muprop", {}, 0.569),
    (T, "muprop", {"fit": False}, 0.542),
    (T, "sum-and-sample", {}, 0.070),
    (T, "rebar", {}, 0.431),
    (STEEP, "reinforce", {"baseline": "perfect"}, 0.324),
    (STEEP, "self-critical", {}, 0.395),
    (STEEP, "soft-baseline", {}, 0.331),
    (STEEP, "rloo", {}, 0.106),
    (STEEP, "muprop", {}, 3.00),
    (STEEP, "muprop", {"fit": False}, 0.904),
    (STEEP, "sum-and-sample", {}, 0.094),
    (STEEP, "rebar", {}, 1.08),
]


@pytest.mark.parametrize(("where", "name", "options", "variance"), UNBIASED)
def test_unbiased_estimators_have_the_gradient_as_mean_and_the_known_variance(
    where, name, options, variance
):
    options, batch, skip = dict(options), 20_000, 0
    if "fit" in options:
        options = fitted(where, options.pop("fit"))
    if options.get("baseline") == "perfect":
        options["baseline"] = Constant(expected_loss(where))
    elif options.get("baseline") == "moving":
        # Each row is a chain of its own; it has forgotten its start after a hundred steps.
        options = {"make_baseline": lambda: MovingAverage(0.9, rows=True)}
        batch, skip = 2_000, 100
    found = problems.moments(name, problem(where), DRAWS, batch=batch, skip=skip, **options)
    mean, spread, error = found
    assert estimator(name).unbiased
    assert ((mean - problems.true_gradient(problem(where))).abs() <= 5 * error).all()
    assert spread / plain_variance(where) == pytest.approx(variance, rel=0.06)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("reinforce", {}),
        ("reinforce", {"baseline": True}),
        ("self-critical", {}),
        ("soft-baseline", {}),
        ("rloo", {}),
        ("muprop", {}),
        ("sum-and-sample", {}),
        ("rebar", {}),
    ],
)
def test_a_loss_with_an_offset_changes_no_mean(name, options):
    shifted = problems.quadratic(10.0)
    if options:
        options = {"make_baseline": lambda: MovingAverage(0.9, rows=True)}
    mean, _, error = problems.moments(name, shifted, DRAWS, batch=2_000, skip=50, **options)
    assert ((mean - problems.true_gradient(shifted)).abs() <= 5 * error).all()


def test_an_offset_costs_reinforce_its_variance_and_not_those_with_a_baseline():
    shifted = problems.quadratic(10.0)
    plain = problems.moments("reinforce", shifted, DRAWS)[1]
    assert plain / plain_variance(Q) == pytest.approx(22, rel=0.1)
    perfect = Constant(expected_loss(Q) + 10)
    with_perfect = problems.moments("reinforce", shifted, DRAWS, baseline=perfect)[1]
    assert with_perfect / plain == pytest.approx(0.0098, rel=0.1)
    assert problems.moments("rloo", shifted, DRAWS)[1] / plain == pytest.approx(0.0037, rel=0.1)


BIASED = [
    (Q, "soft", {}, 0.231, 0.0),
    (Q, "gumbel-softmax", {}, 0.394, 0.027),
    (Q, "gumbel-softmax", {"temperature": 0.5}, 0.168, 0.132),
    (Q, "gumbel-softmax", {"temperature": 0.1}, 0.027, 1.25),
    (Q, "gumbel-straight-through", {}, 0.426, 0.085),
    (Q, "straight-through", {}, 0.231, 0.024),
    (Q, "argmax-straight-through", {}, 0.951, 0.0),
    (Q, "gumbel-rao", {}, 0.185, 0.182),
    (T, "soft", {}, 1.57, 0.0),
    (T, "gumbel-softmax", {}, 0.62, 0.077),
    (T, "gumbel-softmax", {"temperature": 0.5}, 0.37, 0.261),
    (T, "gumbel-softmax", {"temperature": 0.1}, 0.08, 1.89),
    (T, "gumbel-straight-through", {}, 0.95, 0.036),
    (T, "gumbel-straight-through", {"temperature": 0.1}, 0.93, 0.897),
    (T, "straight-through", {}, 1.22, 0.049),
    (T, "argmax-straight-through", {}, 1.67, 0.0),
    (T, "gumbel-rao", {}, 0.955, 0.043),
    (T, "reinmax", {}, 0.927, 0.055),
    (STEEP, "soft", {}, 3.77, 0.0),
    (STEEP, "straight-through", {}, 1.95, 0.314),
    (STEEP, "argmax-straight-through", {}, 3.91, 0.0),
    (STEEP, "gumbel-rao", {}, 1.52, 0.126),
    (STEEP, "reinmax", {}, 1.60, 0.087),
]


@pytest.mark.parametrize(("where", "name", "options", "bias", "variance"), BIASED)
def test_biased_estimators_are_seen_to_be_biased(where, name, options, bias, variance):
    draws = {"gumbel-rao": 40_000, "gumbel-softmax": 5 * DRAWS}.get(name, DRAWS)
    truth = problems.true_gradient(problem(where))
    mean, spread, error = problems.moments(name, problem(where), draws, **options)
    assert not estimator(name).unbiased
    assert ((mean - truth).abs() > 5 * error).any()
    assert float((mean - truth).norm() / truth.norm()) == pytest.approx(bias, rel=0.05, abs=0.02)
    assert spread / plain_variance(where) == pytest.approx(variance, rel=0.08, abs=1e-3)


@pytest.mark.parametrize(("name", "variance"), [("reinmax", 0.338)])
def test_a_quadratic_hides_the_bias_of_a_second_order_method(name, variance):
    mean, spread, error = problems.moments(name, problem(Q), DRAWS)
    assert ((mean - problems.true_gradient(problem(Q))).abs() <= 5 * error).all()
    assert spread / plain_variance(Q) == pytest.approx(variance, rel=0.06)


def test_enumeration_is_the_gradient():
    for name in (Q, T, STEEP):
        logits, loss = problem(name)
        found = estimate("exact", logits[None], loss)[0]
        torch.testing.assert_close(found, problems.true_gradient(problem(name)))


class Hasty(MovingAverage):
    """Wrong: learns from a loss before it is asked what to expect of it."""

    def expected(self, like):
        super().learn(like)
        return super().expected(like)

    def learn(self, losses):
        pass


class Mean:
    """Wrong: expects the mean of all draws, the one that is judged among them."""

    def __init__(self, samples):
        self.samples, self.seen = samples, []


@pytest.mark.parametrize("wrong", ["updated before use", "own sample in the mean"])
def test_a_baseline_that_has_seen_the_draw_is_caught(wrong):
    truth = problems.true_gradient(problem(Q))
    if wrong == "updated before use":
        mean, _, error = problems.moments(
            "reinforce", problem(Q), DRAWS, batch=2_000, skip=100,
            make_baseline=lambda: Hasty(0.9, rows=True),
        )  # fmt: skip
        expected = 0.099
    else:
        mean, _, error = problems.moments("rloo", problem(Q), DRAWS)
        # With the own loss in it, the mean of four keeps a fourth of the estimate to itself.
        mean, expected = mean * 0.75, 0.248
    assert ((mean - truth).abs() > 5 * error).any()
    assert float((mean - truth).norm() / truth.norm()) == pytest.approx(expected, abs=0.015)


def test_relax_learns_a_control_variate_and_stays_unbiased():
    logits, loss = problem(Q)
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(problems.K, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)
    ).double()
    temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def control(z):
        return loss((z / temperature.exp()).softmax(-1)) + net(z).squeeze(-1)

    optimizer = torch.optim.Adam([*net.parameters(), temperature], lr=0.01)
    generator = torch.Generator().manual_seed(3)
    for _ in range(400):
        found = estimate(
            "relax", logits.expand(500, problems.K), loss, generator=generator, control=control
        )
        optimizer.zero_grad()
        found.square().sum(-1).mean().backward()
        optimizer.step()
    for parameter in (*net.parameters(), temperature):
        parameter.requires_grad_(False)
    mean, spread, error = problems.moments("relax", problem(Q), DRAWS, control=control)
    assert ((mean - problems.true_gradient(problem(Q))).abs() <= 5 * error).all()
    assert spread / plain_variance(Q) < 0.20


def test_noise_given_its_argmax_is_gumbel_noise_when_the_argmax_is_drawn():
    logits = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    many = logits.expand(100_000, 5)
    index = torch.multinomial(logits.softmax(-1), len(many), replacement=True, generator=generator)
    chosen = torch.nn.functional.one_hot(index, 5).double()
    z = perturbed_given(many, chosen, generator)
    assert bool((z.argmax(-1) == index).all())
    # A standard Gumbel is below x with probability exp(−exp(−x)): that is uniform.
    uniform = torch.exp(-torch.exp(-(z - logits))).sort(0).values
    grid = torch.linspace(0, 1, len(many), dtype=torch.float64)[:, None]
    assert float((uniform - grid).abs().max()) < 1.95 / math.sqrt(len(many))


def test_a_learned_baseline_finds_what_each_input_costs():
    logits, loss = problem(Q)
    torch.manual_seed(0)
    net = torch.nn.Linear(1, 1).double()
    baseline = Learned(net, torch.optim.Adam(net.parameters(), 0.05))
    generator = torch.Generator().manual_seed(0)
    shift = torch.tensor([0.0, 5.0], dtype=torch.float64).repeat(200)
    baseline.inputs = shift[:, None]
    for _ in range(600):
        estimate(
            "reinforce",
            logits.expand(400, problems.K),
            lambda y: loss(y) + shift,
            generator=generator,
            baseline=baseline,
        )
    expected = baseline.expected(shift)
    truth = expected_loss(Q)
    torch.testing.assert_close(expected[:2] - truth, shift[:2], atol=0.1, rtol=0)


def toy(step, target, *, seed=0):
    """Mean of p after 3,000 steps of Adam on E[(b − target)²], over 256 chains."""
    theta = torch.zeros(256, 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3_000):
        theta.grad = step(theta.detach(), lambda b: (b[:, 0] - target).square(), generator)
        optimizer.step()
    return float(theta.detach().sigmoid().mean())


def gate(name, **options):
    return lambda theta, loss, generator: estimate(
        name, theta, loss, generator=generator, **options
    )


def pair(name, **options):
    """A gate as a choice between open and closed."""

    def step(theta, loss, generator):
        both = torch.cat([theta, torch.zeros_like(theta)], -1)
        return estimate(name, both, loss, generator=generator, **options)[:, :1]

    return step


TOY = [
    (gate("gate-exact"), 0.45, 0.002, 0.001),
    (gate("gate-reinforce"), 0.45, 0.045, 0.03),
    (gate("gate-reinforce", samples=2), 0.45, 0.005, 0.003),
    (gate("arm"), 0.45, 0.005, 0.003),
    (gate("disarm"), 0.45, 0.005, 0.003),
    (pair("rebar", temperature=1.0), 0.45, 0.050, 0.03),
    (pair("gumbel-softmax"), 0.45, 0.376, 0.02),
    (pair("gumbel-softmax", temperature=0.1), 0.45, 0.201, 0.04),
    (pair("gumbel-straight-through"), 0.45, 0.432, 0.02),
    (pair("gumbel-softmax"), 0.499, 0.497, 0.01),
    (gate("arm"), 0.499, 0.005, 0.003),
]


@pytest.mark.parametrize(("step", "target", "expected", "margin"), TOY)
def test_what_learns_a_single_gate_and_what_does_not(step, target, expected, margin):
    assert toy(step, target) == pytest.approx(expected, abs=margin)


@pytest.mark.parametrize("name", ["gate-reinforce", "arm", "disarm"])
def test_estimators_of_gates_are_unbiased(name):
    g = torch.Generator().manual_seed(5)
    logits = torch.randn(4, dtype=torch.float64, generator=g)
    weights = torch.randn(4, 4, dtype=torch.float64, generator=g)

    def loss(b):
        return torch.sin(b @ weights).sum(-1) + 3 * b[:, 0] * b[:, 1]

    at = logits.clone().requires_grad_()
    p = at.sigmoid()
    total = 0
    for setting in range(16):
        b = torch.tensor([[float(setting >> j & 1) for j in range(4)]], dtype=torch.float64)
        total = total + (torch.where(b > 0, p, 1 - p).prod() * loss(b)).sum()
    (truth,) = torch.autograd.grad(total, at)
    torch.testing.assert_close(estimate("gate-exact", logits[None], loss)[0], truth)
    many = estimate(name, logits.expand(DRAWS, 4), loss, generator=g)
    error = many.std(0) / math.sqrt(DRAWS)
    assert ((many.mean(0) - truth).abs() <= 5 * error).all()


def test_disarm_never_varies_more_than_arm():
    g = torch.Generator().manual_seed(5)
    logits = torch.randn(6, dtype=torch.float64, generator=g).expand(DRAWS, 6)
    spread = [
        float(estimate(name, logits, lambda b: b.sum(-1).square(), generator=g).var(0).sum())
        for name in ("arm", "disarm")
    ]
    assert spread[1] < 0.9 * spread[0]


def counted(loss):
    calls = []

    def wrapped(weights):
        calls.append(weights)
        return loss(weights)

    return wrapped, calls


@pytest.mark.parametrize("known", estimators(), ids=lambda known: known.name)
def test_each_says_what_it_costs_and_asks_for_no_more(known):
    logits, loss = problem(T)
    options = {"control": lambda z: z.square().sum(-1)} if known.name == "relax" else {}
    wrapped, calls = counted(loss)
    logits = logits.expand(3, problems.K)
    found = estimate(known.name, logits, wrapped, **options)
    expected = known.evaluations or (1 << problems.K if known.choice == "gates" else problems.K)
    assert len(calls) == expected
    assert found.shape == (3, problems.K) and not found.requires_grad
    if known.asks != "relaxed":
        for weights in calls:
            assert set(weights.detach().unique().tolist()) <= {0.0, 1.0}
    if known.asks == "values":
        assert not any(weights.requires_grad for weights in calls)
    assert known.formula and known.reference


@pytest.mark.parametrize("known", estimators(), ids=lambda known: known.name)
def test_each_is_repeated_by_its_seed_and_leaves_the_global_state_alone(known):
    logits, loss = problem(Q)
    options = {"control": lambda z: z.square().sum(-1)} if known.name == "relax" else {}
    logits, before = logits.expand(4, problems.K), torch.get_rng_state()
    one, two = (
        estimate(known.name, logits, loss, generator=torch.Generator().manual_seed(1), **options)
        for _ in range(2)
    )
    assert torch.equal(one, two) and torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("no such", torch.zeros(1, 3)), "there is no estimator 'no such'; choose exact"),
        (("reinforce", torch.zeros(3)), r"\[batch, n\], not \(3,\)"),
        (("reinforce", torch.zeros(1, 3, dtype=torch.long)), "floating"),
        (("reinforce", torch.tensor([[0.0, float("nan")]])), "NaN"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, says):
    with pytest.raises(ValueError, match=says):
        estimate(*arguments, lambda y: y.sum(-1))


def test_wrong_options_and_losses_are_one_sentence():
    logits = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="no option 'tau'; it has temperature"):
        estimate("gumbel-softmax", logits, lambda y: y.sum(-1), tau=1)
    with pytest.raises(ValueError, match="needs control="):
        estimate("relax", logits, lambda y: y.sum(-1))
    with pytest.raises(ValueError, match=r"one number a row, \[2\]"):
        estimate("reinforce", logits, lambda y: y)
    with pytest.raises(ValueError, match="no gradient in its weights"):
        estimate("soft", logits, lambda y: y.detach().sum(-1))
    with pytest.raises(ValueError, match="at least 2"):
        estimate("rloo", logits, lambda y: y.sum(-1), samples=1)
    with pytest.raises(ValueError, match="at most 16"):
        estimate("gate-exact", torch.zeros(1, 17), lambda y: y.sum(-1))
    with pytest.raises(ValueError, match="1 to 2"):
        estimate("sum-and-sample", logits, lambda y: y.sum(-1), largest=3)
    with pytest.raises(ValueError, match="set baseline"):
        net = torch.nn.Linear(1, 1)
        baseline = Learned(net, torch.optim.SGD(net.parameters(), 0.1))
        estimate("reinforce", logits, lambda y: y.sum(-1), baseline=baseline)
    with pytest.raises(ValueError, match="decay"):
        MovingAverage(1.0)
