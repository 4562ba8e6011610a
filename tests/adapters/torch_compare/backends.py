"""Backends that compile an op wrongly."""

from __future__ import annotations

import torch


def with_bad_relu(module, _):
    """It takes the absolute value instead."""
    for node in module.graph.nodes:
        if node.target is torch.relu:
            node.target = torch.abs
    module.recompile()
    return module.forward


def with_bad_relu_if_fused(module, inputs):
    """Only where little else is an output: as if it were fused with what follows."""
    output = next(node for node in module.graph.nodes if node.op == "output")
    return with_bad_relu(module, inputs) if len(output.args[0]) < 3 else module.forward


def with_bad_relu_if_watched(module, inputs):
    """Only where much more is an output."""
    output = next(node for node in module.graph.nodes if node.op == "output")
    return with_bad_relu(module, inputs) if len(output.args[0]) >= 3 else module.forward


def without_writes(module, _):
    """It adds, and writes nothing."""
    for node in module.graph.nodes:
        if node.target == "add_":
            node.target = "add"
    module.recompile()
    return module.forward
