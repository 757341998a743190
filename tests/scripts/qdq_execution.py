# SPDX-License-Identifier: Apache-2.0
"""Runs a QDQ graph node by node in numpy, as the operators' definitions read: what quantize_test compares with."""

import numpy as np
from onnx import helper, numpy_helper

import float_execution
from float_graph import Node


def quantize_linear(x, scale, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(zero.dtype)


def dequantize_linear(x, scale, zero, axis=1):
    shape = [1] * x.ndim
    if scale.ndim:
        shape[axis] = -1
    return (x.astype(np.int32) - zero.astype(np.int32).reshape(shape)).astype(np.float32) * scale.reshape(shape)


def value_of(node, inputs):
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "QuantizeLinear":
        return quantize_linear(*inputs)
    if node.op_type == "DequantizeLinear":
        return dequantize_linear(*inputs, **attributes)
    if node.op_type in float_execution.OPERATIONS and node.op_type != "Add":
        return float_execution.OPERATIONS[node.op_type](*inputs)
    if node.op_type == "Relu":
        return np.maximum(inputs[0], 0)
    if node.op_type == "Clip":
        low, high = (*inputs[1:], None)[:2]
        return np.clip(inputs[0], low, high)
    weighted = node.op_type in ("Conv", "Gemm")
    made = Node(node.op_type, node.name, [], "", attributes, inputs[1] if weighted else None)
    shape = inputs[1][1:] if node.op_type == "Reshape" else None
    value = float_execution.value_of(made, inputs, shape)
    if weighted and len(inputs) > 2:
        value = value + inputs[2].reshape((1, -1) + (1,) * (value.ndim - 2))
    return value


def run_qdq(model, images):
    """The graph output for float images."""
    values = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    values[model.graph.input[0].name] = images
    for node in model.graph.node:
        inputs = [values[name] if name else None for name in node.input]
        values[node.output[0]] = value_of(node, inputs)
    return values[model.graph.output[0].name]
