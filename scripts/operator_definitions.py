# SPDX-License-Identifier: Apache-2.0
"""A QDQ graph node by node as ONNX defines its operators: float32, sums in the order of the input."""

import sys

import numpy as np
import onnx
from onnx import numpy_helper

import fixture_tools as tools

sys.path.insert(0, str(tools.ROOT / "tests" / "scripts"))
import qdq_execution  # noqa: E402

F32 = np.float32


def average(x, kernel, strides=(1, 1), pads=(0, 0, 0, 0), count_include_pad=0):
    """Additions row by row, then one division."""
    inside = np.pad(np.ones(x.shape[2:], F32), ((pads[0], pads[2]), (pads[1], pads[3])))
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))

    def windows(values):
        cut = np.lib.stride_tricks.sliding_window_view(values, kernel, (-2, -1))
        return cut[..., ::strides[0], ::strides[1], :, :]

    total = F32(0)
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            total = total + windows(x)[..., r, s]
    pixels = windows(inside).sum((-2, -1)).astype(F32)
    return total / (F32(kernel[0] * kernel[1]) if count_include_pad else pixels)


def value_of(node, inputs):
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "AveragePool":
        kernel = attributes.pop("kernel_shape")
        attributes.pop("auto_pad", None)
        return average(inputs[0], kernel, **attributes)
    if node.op_type in ("GlobalAveragePool", "ReduceMean"):
        return average(inputs[0], inputs[0].shape[2:])
    return qdq_execution.value_of(node, inputs)


def run(model, image):
    """The graph output for float images."""
    values = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    values[model.graph.input[0].name] = image
    for node in model.graph.node:
        values[node.output[0]] = value_of(node, [values[name] for name in node.input])
    return values[model.graph.output[0].name]
