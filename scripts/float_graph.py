# SPDX-License-Identifier: Apache-2.0
"""The few kinds of node that scripts/quantize knows, and the arithmetic of their windows.

A tensor is (channels, height, width) or (features,) for each image, whatever order the file had its values in.
"""

import math
from dataclasses import dataclass, field

import numpy as np

PASSING = ("MaxPool", "Flatten", "Reshape", "Limit")  # their outputs hold values of their inputs, or their own limits
WEIGHTED = ("Conv", "Gemm")
UNKNOWN = "?"  # stands for an operator that cannot be quantized, so that the nodes behind it are read as well


class ModelError(Exception):
    """What the user can mend; its text names the file and the node."""


@dataclass
class Node:
    """One layer. Weights are (out, in / group, rows, columns) for Conv, (out, in) for Gemm."""

    op: str
    name: str
    inputs: list
    output: str
    attributes: dict = field(default_factory=dict)
    weights: np.ndarray = None
    bias: np.ndarray = None
    low: float = -math.inf  # limits of the output: those of Relu and Clip
    high: float = math.inf
    activation: str = ""  # name of the Relu or Clip merged last


@dataclass
class Arithmetic:
    """Add, Sub, Mul or Div of the graph input by one value or one per channel, before anything else."""

    op: str
    name: str
    values: np.ndarray  # float32, of one dimension

    def spread(self, shape):
        """The values as ONNX spreads them over [N, *shape]."""
        return self.values.reshape(() if self.values.size == 1 else (1, -1) + (1,) * (len(shape) - 1))


@dataclass
class Graph:
    name: str
    input: str
    output: str
    nodes: list
    shapes: dict  # of every tensor, without the batch: (channels, height, width) or (features,)
    front: list = field(default_factory=list)  # Arithmetic on images; the tensor `input` is what it makes


def same_pads(extent, kernel, stride, dilation, upper):
    total = max((-(-extent // stride) - 1) * stride + (kernel - 1) * dilation + 1 - extent, 0)
    smaller = total // 2
    return (smaller, total - smaller) if upper else (total - smaller, smaller)


def window_pads(attributes, shape, kernel):
    """Padding (top, left, bottom, right) of a window over a (channels, height, width), auto_pad resolved."""
    automatic = attributes.get("auto_pad", "NOTSET")
    if automatic in ("NOTSET", "VALID"):
        return tuple(attributes.get("pads", (0, 0, 0, 0)))
    (top, bottom), (left, right) = (
        same_pads(shape[1 + axis], kernel[axis], attributes.get("strides", (1, 1))[axis],
                  attributes.get("dilations", (1, 1))[axis], automatic == "SAME_UPPER") for axis in (0, 1))
    return top, left, bottom, right


def window_shape(attributes, shape, kernel):
    """(height, width) after a convolution or pooling."""
    top, left, bottom, right = window_pads(attributes, shape, kernel)
    strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    padded = (shape[1] + top + bottom, shape[2] + left + right)
    return tuple((padded[i] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in (0, 1))


def rounded_up_pads(attributes, shape, kernel):
    """window_pads with what ceil_mode adds behind the map, so that a window that begins within the map (or the padding
    before it) but does not fit counts as well."""
    pads = list(window_pads(attributes, shape, kernel))
    for axis in (0, 1):
        stride = attributes.get("strides", (1, 1))[axis]
        padded = shape[1 + axis] + pads[axis] + pads[2 + axis]
        outputs, rest = divmod(padded - kernel[axis], stride)
        if rest > 0 and (outputs + 1) * stride < shape[1 + axis] + pads[axis]:
            pads[2 + axis] += stride - rest
    return tuple(pads)
