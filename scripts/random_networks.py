# SPDX-License-Identifier: Apache-2.0
"""Quantized networks with random weights, and random images for them; the same bytes on every machine.

Weights are random integers. The scales and biases come from running sample images through the network layer by layer:
each channel's sums are centred and get a common deviation, as BatchNormalization does, and each map's scale is that of
its largest value. All sums are integers that float64 holds exactly, in whatever order they are added, and everything
else is a single IEEE operation, so that neither the processor nor the BLAS library has an influence.
"""

import math

import numpy as np

import float_execution
import qdq_graph
from float_graph import Graph, Node, same_pads

SEED = 1
SAMPLES = 8  # images that scales and biases come from
CELLS = (16, 8, 4, 2)  # sides of the squares that images are made of
EXACT = 2.0 ** 53
PIXEL = qdq_graph.Quantization(np.float32(1 / 255), 0, np.uint8, 0, 255)


class Random:
    """Integers from the raw stream of PCG64, which NumPy keeps the same in every version."""

    def __init__(self, seed):
        self.stream = np.random.PCG64(seed)

    def bytes(self, *shape):
        count = math.prod(shape)
        words = self.stream.random_raw(-(-count // 8)).astype("<u8")
        return words.view(np.uint8)[:count].reshape(shape).astype(np.int64)

    def weights(self, *shape):
        """-127..127 with a deviation of 37: sums of four uniform numbers, nearly a normal distribution."""
        return np.clip(np.rint((self.bytes(*shape, 4).sum(-1) - 510) / 4), -127, 127)


def images(count, shape, seed=SEED):
    """uint8 [count, *shape]: squares of several sizes, each of a random brightness, upon one another.

    The first images do not depend on `count`.
    """
    height, width = shape[-2:] if len(shape) == 3 else (1, *shape)
    channels = shape[0] if len(shape) == 3 else 1
    random, result = Random(seed), []
    for _ in range(count):
        total = np.zeros((channels, height, width), np.int64)
        for cell in CELLS:
            squares = random.bytes(channels, -(-height // cell), -(-width // cell))
            total += squares.repeat(cell, 1).repeat(cell, 2)[:, :height, :width]
        result.append(np.clip(total // 2 - 127, 0, 255).reshape(shape))
    return np.array(result, np.uint8)


class Builder:
    """Adds layers to a graph and runs the sample images through each."""

    def __init__(self, name, shape, seed=SEED):
        self.graph = Graph(name, "image", "", [], {})
        self.settings = qdq_graph.Settings(method="max", per_channel=True)
        self.random, self.scales, self.quantizations, self.integers = Random(seed), {}, {}, {}
        self.macs = 0
        self.keep("image", images(SAMPLES, shape).astype(np.float64), PIXEL)

    def keep(self, name, integers, quantization):
        self.graph.shapes[name], self.integers[name] = integers.shape[1:], integers
        self.quantizations[name] = quantization

    def quantize(self, node, real):
        """Keeps the real values of a node's output with the scale of the largest; int8 if one is negative."""
        real = np.clip(real, node.low, node.high)
        signed = bool(real.min() < 0)
        levels = 127 if signed else 255
        how = qdq_graph.symmetric(np.abs(real).max() or 1.0, levels, signed)
        self.keep(node.output, np.clip(np.rint(real / np.float64(how.scale)), how.low, how.high), how)

    def add(self, op, name, inputs, low=-math.inf, high=math.inf, **attributes):
        node = Node(op, name, inputs, name, attributes, low=low, high=high)
        self.graph.nodes.append(node)
        self.graph.output = name
        return node

    def weighted(self, node, integers):
        """Random weights; the bias and the scale of each channel centre its sums and give them a mean magnitude of 1."""
        sums = float_execution.value_of(Node(node.op, node.name, [], "", node.attributes, integers),
                                        [self.integers[node.inputs[0]]])
        rows = np.moveaxis(sums, 1, 0).reshape(len(integers), -1)
        self.macs += integers[0].size * math.prod(sums.shape[1:])
        bias = -np.rint(rows.sum(1) / rows.shape[1])
        distances = np.abs(rows + bias[:, None]).sum(1)
        if max(distances.max(), np.abs(rows).sum(1).max()) >= EXACT:
            raise OverflowError(f"{node.name}: sums beyond float64's integers")
        scale_in = self.quantizations[node.inputs[0]].scale
        scales = (rows.shape[1] / (np.maximum(distances, 1) * np.float64(scale_in))).astype(np.float32)
        steps = (scales * scale_in).astype(np.float32).astype(np.float64)
        self.scales[node.name] = scales
        spread = (-1,) + (1,) * (integers.ndim - 1)
        node.weights, node.bias = integers * scales.astype(np.float64).reshape(spread), bias * steps
        over_maps = (1, -1) + (1,) * (sums.ndim - 2)
        self.quantize(node, (sums + bias.reshape(over_maps)) * steps.reshape(over_maps))
        return node.output

    def convolution(self, source, name, channels, kernel, stride=1, group=1, same=False, relu=True, high=math.inf):
        """kernel, stride: one number, or (vertical, horizontal). same: TensorFlow's padding instead of kernel // 2."""
        kernel, stride = (value if isinstance(value, tuple) else (value, value) for value in (kernel, stride))
        inputs, *extent = self.graph.shapes[source]
        before, behind = zip(*(same_pads(extent[i], kernel[i], stride[i], 1, True) if same else (kernel[i] // 2,) * 2
                               for i in (0, 1)))
        node = self.add("Conv", name, [source], 0.0 if relu else -math.inf, high, kernel_shape=list(kernel),
                        strides=list(stride), pads=[*before, *behind], group=group)
        return self.weighted(node, self.random.weights(channels, inputs // group, *kernel))

    def dense(self, source, name, outputs, relu=False):
        node = self.add("Gemm", name, [source], 0.0 if relu else -math.inf)
        return self.weighted(node, self.random.weights(outputs, *self.graph.shapes[source]))

    def addition(self, first, second, name, relu=True):
        node = self.add("Add", name, [first, second], 0.0 if relu else -math.inf)
        real = [self.integers[source] * np.float64(self.quantizations[source].scale) for source in node.inputs]
        self.quantize(node, real[0] + real[1])
        return name

    def max_pool(self, source, name, kernel, stride):
        node = self.add("MaxPool", name, [source], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                        pads=[kernel // 2] * 4)
        self.keep(name, float_execution.value_of(node, [self.integers[source]]), self.quantizations[source])
        return name

    def average(self, source, name="average"):
        """Over the whole map, then Flatten."""
        node = self.add("GlobalAveragePool", name, [source])
        values, scale = self.integers[source], np.float64(self.quantizations[source].scale)
        self.quantize(node, values.sum((2, 3), keepdims=True) * scale / math.prod(values.shape[2:]))
        self.add("Flatten", "flatten", [name])
        self.keep("flatten", self.integers[name].reshape(len(values), -1), self.quantizations[name])
        return "flatten"

    @property
    def parameters(self):
        return sum(node.weights.size + node.bias.size for node in self.graph.nodes if node.weights is not None)

    def write(self, description):
        """The bytes of the QDQ model."""
        layers = qdq_graph.rounded_layers(self.graph, self.quantizations, self.scales, self.settings.weight_bits)
        return qdq_graph.Writer(self.graph, self.quantizations, layers).write(description)[0]
