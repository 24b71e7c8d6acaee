"""The nets ``softmax`` and ``choice`` as one object: both follow the same tensors.

To be read in this order: ``marks`` (what is known about a tensor) and ``flow`` (what a pass knows);
``passing``, ``views``, ``arithmetic`` and ``noise`` (how marks go from tensor to tensor);
``multiplying``, ``products`` and ``weighted_sum`` (a softmax that multiplies values), ``unseen``
(one that was not seen to); ``choosing``, ``comparing``, ``picking`` and ``choices`` (a choice, its
use, its record); ``arrangement`` (which axis is what).
"""

from __future__ import annotations

from recorders.capture.captured import Call, Host
from recorders.capture.nets.dataflow.arithmetic import Arithmetic
from recorders.capture.nets.dataflow.choosing import Choosing
from recorders.capture.nets.dataflow.comparing import Comparing
from recorders.capture.nets.dataflow.flow import Flow
from recorders.capture.nets.dataflow.multiplying import Multiplying
from recorders.capture.nets.dataflow.passing import Passing
from recorders.capture.nets.dataflow.picking import Picking
from recorders.capture.nets.mode import Function, Handler, Net


class DataflowNet(Net):
    """Captures softmaxes that multiply values, and choices.

    Args:
        host: the recorder.
    """

    def __init__(self, host: Host) -> None:
        self._flow = Flow(host)

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        passing, choosing = Passing(self._flow), Choosing(self._flow)
        return {
            **passing.handlers(),
            **Arithmetic(self._flow).handlers(),
            **choosing.handlers(),
            **Comparing(self._flow, choosing).handlers(),
            **Multiplying(self._flow).handlers(),
            **Picking(self._flow, passing, choosing).handlers(),
        }

    def ended(self, call: Call) -> None:
        """Record the choices of a pass that nothing was seen to be picked by, and forget it.

        Args:
            call: the pass that ended in this thread.
        """
        self._flow.end()
