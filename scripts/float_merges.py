# SPDX-License-Identifier: Apache-2.0
"""What float_onnx merges into the layer before, or leaves in front of the first: arithmetic with constants, limits."""

import math
from dataclasses import replace

import numpy as np

from float_graph import PASSING, UNKNOWN, WEIGHTED, Arithmetic, Node
from float_problems import label


class MergeSteps:
    """Part of float_onnx.Reader."""

    def layer_before(self, node, value):
        """The Node that computes a tensor which nothing else reads."""
        before = self.producers.get(value.tensor)
        if before is None:
            self.fail(node, "follows the graph input, expected a node that it can be merged into")
        readers = self.several_readers(value.tensor)
        if readers:
            self.fail(node, f"cannot be merged into '{before.name}' ({before.op}), whose output has "
                            f"{len(readers)} readers: {', '.join(label(reader) for reader in readers)}")
        return before

    def weighted_before(self, node, value):
        before = self.layer_before(node, value)
        if before.op == UNKNOWN:
            self.skip()
        if before.op not in WEIGHTED or before.activation or any(value.padding):
            after = f"'{before.activation}'" if before.activation else f"'{before.name}' ({before.op})"
            self.fail(node, f"cannot be folded: it follows {after}, only directly after Conv, Gemm or MatMul it can")
        return before

    def channel_values(self, node, values, view):
        """A constant of one value, or of one per channel, aligned at the end as ONNX spreads it, as one dimension."""
        if values.size == 1:
            return values.reshape(-1)
        missing = len(view.dimensions) - values.ndim
        varying = [missing + axis for axis, extent in enumerate(values.shape) if extent != 1]
        if missing < 0 or len(varying) != 1 or view.dimensions[varying[0]] != "C" or values.size != view.shape[0]:
            self.fail(node, f"its constant has the shape {list(values.shape)}, expected one value, or one per channel "
                            f"({view.shape[0]})")
        return values.reshape(-1)

    def is_images(self, value):
        return value.tensor == self.model.input

    def stay_in_front(self, node, value, *steps):
        """Arithmetic on images, before they are quantized. `steps` are (operator, values)."""
        if any(value.padding) or self.several_readers(value.tensor):
            self.fail(node, "computes on the graph input beside or behind other nodes, expected a chain of arithmetic "
                            "before a Pad")
        for op, values in steps:
            self.front.append(Arithmetic(op, self.layer_name(node), values.astype(np.float32)))
        self.notes.append(f"{label(node)} computes on images before they are quantized: --scale, --mean and "
                          "--deviation must give what it expects.")
        self.pass_value(node, value)

    def read_batchnormalization(self, node):
        attributes = self.attributes(node, ["epsilon", "momentum"], {"training_mode": 0, "spatial": 1})
        value = self.operand(node)
        gamma, beta, mean, variance = (self.needed_constant(node, index, "parameters").astype(np.float64)
                                       for index in range(1, 5))
        factor = gamma / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        if value.view.dimensions[1:2] != ("C",) or factor.shape != (value.view.shape[0],):
            self.fail(node, f"has {factor.size} parameters for {value.view.text()} of {value.view.extents()}")
        if self.is_images(value):
            return self.stay_in_front(node, value, ("Mul", factor), ("Add", beta - mean * factor))
        into = self.weighted_before(node, value)
        bias = np.zeros(len(into.weights)) if into.bias is None else into.bias
        into.weights = (into.weights * factor.reshape((-1,) + (1,) * (into.weights.ndim - 1))).astype(np.float32)
        into.bias = ((bias - mean) * factor + beta).astype(np.float32)
        return self.pass_value(node, value)

    def read_arithmetic(self, node):
        """Add, Sub, Mul, Div by a constant."""
        self.attributes(node, [])
        op, index = node.op_type, 0 if node.input[0] in self.values else 1
        value = self.operand(node, index)
        if node.input[1 - index] not in self.constants:
            self.operand(node, 1 - index)
            self.fail(node, "computes on two feature maps, which needs hardware that is not modelled yet")
        if index == 1 and op in ("Sub", "Div"):
            self.fail(node, "has the constant on its left, expected it on its right")
        values = self.channel_values(node, self.needed_constant(node, 1 - index, "operands"), value.view)
        with_zero = op == "Div" and not values.all()
        if with_zero or not np.isfinite(values).all():
            self.fail(node, f"computes with {0.0 if with_zero else values[~np.isfinite(values)][0]}")
        if self.is_images(value):
            return self.stay_in_front(node, value, (op, values))
        into = self.weighted_before(node, value)
        if op in ("Add", "Sub"):
            bias = np.zeros(len(into.weights), np.float32) if into.bias is None else into.bias
            into.bias = bias + values if op == "Add" else bias - values
        else:
            factor = values.astype(np.float64) if op == "Mul" else 1 / values.astype(np.float64)
            into.weights = (into.weights * factor.reshape((-1,) + (1,) * (into.weights.ndim - 1))).astype(np.float32)
            into.bias = None if into.bias is None else (into.bias * factor).astype(np.float32)
        return self.pass_value(node, value)

    def read_relu(self, node):
        self.attributes(node, [])
        self.limit_value(node, 0.0, math.inf)

    def read_clip(self, node):
        attributes = self.attributes(node, ["min", "max"])
        bounds = [self.constant(node, index, "bounds") for index in (1, 2)]
        low = attributes.get("min", -math.inf) if bounds[0] is None else float(bounds[0].reshape(-1)[0])
        high = attributes.get("max", math.inf) if bounds[1] is None else float(bounds[1].reshape(-1)[0])
        if not low <= 0 <= high or low == high:
            self.fail(node, f"limits values to {low}..{high}, only ranges around 0 are supported")
        self.limit_value(node, low, high)

    def limit_value(self, node, low, high):
        value = self.operand(node)
        if self.takes_limits(value.tensor):
            self.limit(node, value.tensor, low, high)
            return self.pass_value(node, value)
        made = Node("Limit", self.layer_name(node), [value.tensor], node.output[0], low=low, high=high,
                    activation=node.name or node.output[0])
        self.add_node(made, self.shapes[value.tensor])
        self.values[made.output] = replace(value, tensor=made.output, name=made.output, moved_by=None)
        return None

    def takes_limits(self, tensor):
        """Whether a layer computes it for one reader, which its own limits are then as good for; with pooling and
        flattening, which limits commute with, in between."""
        before = self.producers.get(tensor)
        if before is None or self.several_readers(tensor):
            return False
        return before.op not in PASSING or before.op == "Limit" or self.takes_limits(before.inputs[0])

    def limit(self, node, tensor, low, high):
        before = self.producers[tensor]
        if before.op in PASSING and before.op != "Limit":
            return self.limit(node, before.inputs[0], low, high)
        before.low, before.high = (min(max(bound, low), high) for bound in (before.low, before.high))
        before.activation = node.name or node.output[0]
        return None
