"""How a net computes beside a model, neither feeling nor touching what its user set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from recorders.capture.captured import Captured, Host, Ticket

_PLAIN_DISPATCH = Tensor.__torch_dispatch__

unheard = torch._C.DisableTorchFunction
"""While inside, no function mode and no tensor subclass hears of what is called."""


@contextmanager
def aside(device: torch.device) -> Iterator[None]:
    """While inside, no graph is built, no autocast happens and no function mode listens.

    Args:
        device: where the tensors are.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(unheard())
        if torch.is_autocast_enabled(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        yield


def unreadable(*tensors: Tensor | None) -> str:
    """Why the values of these tensors cannot be read; empty where they can.

    Args:
        tensors: what a layer computes with; None is passed over.
    """
    if torch._C._is_tracing():
        return "the model was being traced, and what is computed meanwhile becomes part of it"
    for tensor in tensors:
        if tensor is None:
            continue
        if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            return "it ran inside vmap, grad or another transform of torch.func, which hides values"
        if type(tensor).__torch_dispatch__ is not _PLAIN_DISPATCH:
            return f"its tensors are {type(tensor).__name__}, whose values are not at hand"
        if tensor.is_nested:
            return "its tensors are nested, with rows of different lengths; pad them instead"
        if tensor.is_meta:
            return "its tensors are on the meta device and have no values"
        if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
            return "a CUDA graph was being captured, which nothing may wait for"
    return ""


def hand_over(
    host: Host, ticket: Ticket, tensors: tuple[Tensor | None, ...], work: Callable[[], Captured]
) -> None:
    """Compute what an attention did and hand it to the recorder, or say why that cannot be.

    Args:
        host: the recorder.
        ticket: its leave.
        tensors: what the layer computed with; the first is not None.
        work: computes it, beside the model.
    """
    if not ticket.sure and not host.confirm(ticket):
        return
    reason = unreadable(*tensors)
    if reason:
        host.leave_out(ticket, reason)
        return
    device = next(tensor.device for tensor in tensors if tensor is not None)
    with aside(device):
        try:
            captured = work()
        except NothingAskedError:
            host.no_query(ticket)
            return
        except CannotReadError as problem:
            host.leave_out(ticket, str(problem))
            return
        except RuntimeError as problem:
            host.leave_out(ticket, _failure(problem))
            return
        host.take(ticket, captured)


class CannotReadError(Exception):
    """An attention of a form that a net cannot read; the sentence says which."""


class NothingAskedError(Exception):
    """An attention that has none of the queries that are asked for."""


def _failure(problem: RuntimeError) -> str:
    if isinstance(problem, torch.OutOfMemoryError):
        return (
            "there was no memory left for its weights; record fewer heads= or queries=, "
            "or a smaller batch"
        )
    first = str(problem).strip().splitlines()
    return f"its weights could not be computed: {first[0] if first else type(problem).__name__}"
