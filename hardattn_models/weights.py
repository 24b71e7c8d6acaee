"""First weights of networks of rectifiers, under which what goes in keeps its size."""

from __future__ import annotations

from torch import nn


def kept_size(network: nn.Module) -> None:
    """Draw the weights of all layers anew, biases zero.

    With torch's own first weights a signal shrinks in each layer, so that all candidates score
    nearly the same at first and a policy learns nothing for long. He et al. 2015, "Delving deep
    into rectifiers" (arXiv:1502.01852), eq. 10.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
