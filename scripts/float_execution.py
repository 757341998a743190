# SPDX-License-Identifier: Apache-2.0
"""Runs a float_graph.Graph on images, in numpy."""

import numpy as np

from float_graph import ModelError, window_pads


def windows(x, kernel, attributes, fill=0.0):
    """Views [N, C, rows, columns, kernel rows, kernel columns] of x [N, C, H, W] as a window passes over it."""
    top, left, bottom, right = window_pads(attributes, x.shape[1:], kernel)
    strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    extent = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations)]
    seen = np.lib.stride_tricks.sliding_window_view(x, extent, (2, 3))
    return seen[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]


def operands(x, kernel, attributes):
    """([N, groups, taps, pixels]: what a convolution multiplies, rows and columns of its output)."""
    seen = windows(x, kernel, attributes)
    n, _, rows, columns = seen.shape[:4]
    taps = seen.transpose(0, 1, 4, 5, 2, 3).reshape(n, attributes.get("group", 1), -1, rows * columns)
    return taps, (rows, columns)


def convolution(x, weights, attributes):
    taps, extent = operands(x, weights.shape[2:], attributes)
    group = taps.shape[1]
    return (weights.reshape(group, len(weights) // group, -1) @ taps).reshape(len(x), len(weights), *extent)


def average_pool(x, attributes):
    kernel = attributes["kernel_shape"]
    sums = windows(x, kernel, attributes).sum((4, 5))
    if attributes.get("count_include_pad", 0):
        return sums / np.float32(kernel[0] * kernel[1])
    return sums / windows(np.ones_like(x[:1, :1]), kernel, attributes).sum((4, 5))


def value_of(node, inputs, shape=None):
    """`shape` of the output without the batch: what a Reshape needs."""
    x = inputs[0]
    if node.op == "Conv":
        return convolution(x, node.weights, node.attributes)
    if node.op == "Gemm":
        return x @ node.weights.T
    if node.op == "Add":
        return x + inputs[1]
    if node.op == "MaxPool":
        return windows(x, node.attributes["kernel_shape"], node.attributes, -np.inf).max((4, 5))
    if node.op == "AveragePool":
        return average_pool(x, node.attributes)
    if node.op == "GlobalAveragePool":
        return x.mean((2, 3), keepdims=True)
    if node.op == "Limit":
        return x
    if node.op == "Reshape":
        return x.reshape(len(x), *shape)
    if node.op == "Flatten":
        return x.reshape(len(x), -1)
    raise ValueError(f"'{node.name}' is of operator {node.op}")


def output_of(node, inputs, shape=None):
    """The value with bias and limits."""
    value = value_of(node, inputs, shape)
    if node.bias is not None:
        value = value + node.bias.reshape((1, -1) + (1,) * (value.ndim - 2))
    return np.clip(value, np.float32(node.low), np.float32(node.high)) if node.activation else value


OPERATIONS = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}


def behind_front(graph, images):
    """Images [N, ...] after the arithmetic in front of the first layer, in float32."""
    values = np.asarray(images, np.float32)
    for step in graph.front:
        values = OPERATIONS[step.op](values, step.spread(graph.shapes[graph.input]))
    return values


def check_finite(name, values):
    if not np.isfinite(values).all():
        raise ModelError(f"tensor '{name}' is not finite for the sample images")


def run(graph, images, rounded=lambda name, values: values):
    """{tensor: its values} for float images [N, ...] as the file takes them; every tensor passes through `rounded`."""
    values = {graph.input: rounded(graph.input, behind_front(graph, images))}
    for node in graph.nodes:
        value = output_of(node, [values[name] for name in node.inputs], graph.shapes[node.output])
        values[node.output] = rounded(node.output, value)
    return values
