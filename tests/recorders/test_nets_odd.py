"""Tensors without values, failures and other trouble: the model runs on and the reason is said."""

from threading import Thread

import pytest
import torch
from net_host import recorded
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from recorders.capture.nets import scores


class Attention(nn.Module):
    def forward(self, query, key, value, **options):
        return functional.scaled_dot_product_attention(query, key, value, **options)


def qkv(**options):
    return [torch.randn(2, 4, 5, 8, **options) for _ in range(3)]


def only_reason(host):
    assert not host.seen
    (reason,) = host.left_out.values()
    return reason


def test_meta_tensors_are_left_out():
    model = Attention()
    with recorded(model) as host:
        assert model(*qkv(device="meta")).is_meta
    assert "meta device" in only_reason(host)


def test_fake_tensors_are_left_out():
    model = Attention()
    with FakeTensorMode(), recorded(model) as host:
        model(*qkv())
    assert "FakeTensor" in only_reason(host)


def test_transforms_of_functions_are_left_out_and_work():
    model = Attention()
    tensors = qkv()
    alone = torch.vmap(model)(*tensors)
    with recorded(model) as host:
        watched = torch.vmap(model)(*tensors)
        slopes = torch.func.grad(lambda query: model(query, *tensors[1:]).sum())(tensors[0])
    assert torch.equal(alone, watched)
    assert slopes.shape == tensors[0].shape
    assert "torch.func" in only_reason(host)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_left_out():
    rows = [torch.randn(4, n, 8) for n in (3, 5)]
    model = Attention()
    for layout in (torch.strided, torch.jagged):
        made = [row.transpose(0, 1) if layout is torch.jagged else row for row in rows]
        nested = torch.nested.nested_tensor(made, layout=layout)
        nested = nested.transpose(1, 2) if layout is torch.jagged else nested
        with recorded(model) as host:
            model(nested, nested, nested)
        assert only_reason(host)


def test_a_subclass_that_only_adds_a_name_is_read():
    class Named(torch.Tensor):
        pass

    model = Attention()
    with recorded(model) as host:
        model(*(t.as_subclass(Named) for t in qkv()))
    (seen,) = host.seen
    assert type(seen.probabilities) is torch.Tensor
    assert seen.check.error <= 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_sees_only_the_model():
    model, tensors = Attention(), qkv()
    with recorded(model) as host:
        traced = torch.jit.trace(model, tuple(tensors), check_trace=False)
    assert "traced" in only_reason(host)
    assert "softmax" not in str(traced.inlined_graph)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "no memory left"),
        (
            RuntimeError("not enough memory: you tried\nmore"),
            "could not be computed",
        ),
    ],
)
def test_what_fails_beside_the_model_leaves_it_running(monkeypatch, problem, words):
    def fail(*args, **kwargs):
        raise problem

    model, tensors = Attention(), qkv()
    monkeypatch.setattr(scores, "_fill", fail)
    with recorded(model) as host:
        watched = model(*tensors)
    assert torch.equal(watched, model(*tensors))
    reason = only_reason(host)
    assert words in reason
    assert "\n" not in reason


def test_what_fails_in_the_model_fails_as_it_would():
    model = Attention()
    query, key, value = qkv()
    with pytest.raises(RuntimeError), recorded(model) as host:
        model(query, key[..., :4], value)
    assert not host.seen
    assert not host.tracker.is_muted


def test_inference_mode_is_recorded():
    model = Attention()
    with torch.inference_mode(), recorded(model) as host:
        model(*qkv())
    assert host.seen[0].check.error <= 1e-5


def test_a_default_device_is_not_felt():
    model, tensors = Attention(), qkv()
    with torch.device("meta"), recorded(model) as host:
        model(*tensors, is_causal=True)
    assert host.seen[0].check.error <= 1e-5


def test_other_modes_of_the_user_still_see_what_the_model_does():
    class Counting(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.names = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.names.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    model, tensors = Attention(), qkv()
    with Counting() as alone:
        model(*tensors)
    with recorded(model) as host, Counting() as watched:
        model(*tensors)
    assert host.seen
    assert alone.names == watched.names == ["scaled_dot_product_attention"]


def test_models_in_threads_are_recorded_each_by_itself():
    model, batches = Attention(), [qkv() for _ in range(4)]
    with recorded(model) as host:
        threads = [Thread(target=model, args=batch) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(host.seen) == 4
    assert all(seen.check.error <= 1e-5 for seen in host.seen)
