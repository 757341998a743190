# SPDX-License-Identifier: Apache-2.0
"""Runs a float ONNX graph node by node in numpy, in the file's own shapes, as the operators' definitions read.

What the tests compare with: it knows nothing of views, folding or layouts.
"""

import math

import numpy as np
from onnx import helper, numpy_helper

TYPES = {1: np.float32, 7: np.int64}


def spatial(values, axes, missing):
    return tuple(values) if values else (missing,) * axes


def windows(x, kernel, attributes, fill):
    """Views [..., positions along each axis, kernel] of x [N, C, ...]."""
    axes = len(kernel)
    strides, dilations = (spatial(attributes.get(name), axes, 1) for name in ("strides", "dilations"))
    pads = list(spatial(attributes.get("pads"), 2 * axes, 0))
    extents = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations)]
    for axis in range(axes):
        size, stride = x.shape[2 + axis], strides[axis]
        if attributes.get("auto_pad") == b"SAME_UPPER":
            total = max((math.ceil(size / stride) - 1) * stride + extents[axis] - size, 0)
            pads[axis], pads[axes + axis] = total // 2, total - total // 2
        if attributes.get("ceil_mode"):
            outputs = math.ceil((size + pads[axis] + pads[axes + axis] - extents[axis]) / stride) + 1
            outputs -= (outputs - 1) * stride >= size + pads[axis]
            pads[axes + axis] = max(pads[axes + axis], (outputs - 1) * stride + extents[axis] - size - pads[axis])
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:axes], pads[axes:])], constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(padded, extents, tuple(range(2, 2 + axes)))
    steps = [slice(None, None, stride) for stride in strides] + [slice(None, None, dilation) for dilation in dilations]
    return seen[(slice(None), slice(None), *steps)]


def conv(attributes, x, weights, bias=None):
    axes, group = weights.ndim - 2, attributes.get("group", 1)
    seen = np.split(windows(x, weights.shape[2:], attributes, 0), group, 1)
    taps = ([1, *range(2 + axes, 2 + 2 * axes)], list(range(1, 2 + axes)))
    parts = [np.tensordot(part, kernel, taps) for part, kernel in zip(seen, np.split(weights, group))]
    return np.moveaxis(np.concatenate(parts, -1) + (0 if bias is None else bias), -1, 1)


def pool(op, attributes, x):
    kernel = attributes["kernel_shape"]
    axes = tuple(range(2 + len(kernel), 2 + 2 * len(kernel)))
    if op == "MaxPool":
        return windows(x, kernel, attributes, -np.inf).max(axes)
    return np.nanmean(windows(x, kernel, attributes, np.nan), axes)


def pad(attributes, x, pads, value=None, axes=None):
    around = [(0, 0)] * x.ndim
    for place, axis in enumerate(range(x.ndim) if axes is None else axes):
        around[axis] = (pads[place], pads[place + len(pads) // 2])
    return np.pad(x, around)


def gemm(attributes, a, b, c):
    b = b.T if attributes.get("transB") else b
    return attributes.get("alpha", 1) * (a @ b) + attributes.get("beta", 1) * c


def batch_normalization(attributes, x, *parameters):
    gamma, beta, mean, variance = (values.reshape((1, -1) + (1,) * (x.ndim - 2)) for values in parameters)
    return (x - mean) / np.sqrt(variance + attributes.get("epsilon", 1e-5)) * gamma + beta


def reshape(attributes, x, target):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(target)])


def axes_of(attributes, given):
    axes = attributes.get("axes") if given is None else given
    return None if axes is None else tuple(int(axis) for axis in axes)


def flatten(attributes, x):
    axis = attributes.get("axis", 1)
    return x.reshape(math.prod(x.shape[:axis]), -1)


FUNCTIONS = {
    "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x // y if x.dtype.kind == "i" else x / y,
    "BatchNormalization": batch_normalization,
    "Cast": lambda a, x: x.astype(TYPES[a["to"]]),
    "Clip": lambda a, x, low, high: np.clip(x, low, high),
    "Concat": lambda a, *parts: np.concatenate(parts, a["axis"]),
    "Conv": conv,
    "Flatten": flatten,
    "Gather": lambda a, x, places: np.take(x, places, a.get("axis", 0)),
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdims=True),
    "GlobalMaxPool": lambda a, x: x.max((2, 3), keepdims=True),
    "MatMul": lambda a, x, y: x @ y,
    "Pad": pad,
    "ReduceMean": lambda a, x, axes=None: x.mean(axes_of(a, axes), keepdims=bool(a.get("keepdims", 1))),
    "Relu": lambda a, x: np.maximum(x, 0),
    "Reshape": reshape,
    "Shape": lambda a, x: np.array(x.shape),
    "Slice": lambda a, x, start, end: x[int(start[0]):int(end[0])],
    "Squeeze": lambda a, x, axes=None: np.squeeze(x, axes_of(a, axes)),
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Unsqueeze": lambda a, x, axes=None: np.expand_dims(x, axes_of(a, axes)),
}
SAME = ("ArgMax", "Dropout", "Identity", "LogSoftmax", "Sigmoid", "Softmax")  # of classes: only their order counts


def run(model, images, output):
    """The values of an output for float images in the file's own shape."""
    values = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    values.update({"": None, model.graph.input[0].name: images})
    for node in model.graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        inputs = [values[name] for name in node.input]
        if node.op_type in SAME:
            values[node.output[0]] = inputs[0]
        elif node.op_type in ("MaxPool", "AveragePool"):
            values[node.output[0]] = pool(node.op_type, attributes, *inputs)
        elif node.op_type in FUNCTIONS:
            values[node.output[0]] = FUNCTIONS[node.op_type](attributes, *inputs)
    return values[output]
