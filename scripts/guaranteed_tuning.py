# SPDX-License-Identifier: Apache-2.0
"""Tunes all integers of a network that guaranteed_fit made together, against the float network's outputs.

Gradients pass through roundings as if there were none; behind each step the weights are brought back into what no input
can drive out of the accumulator (Colbert et al. 2024, "A2Q+: Improving Accumulator-Aware Weight Quantization"). The
float network's outputs for the sample images are what is aimed at; labels are not needed.
"""

import math
from dataclasses import replace
from itertools import chain, count

import numpy as np

import guaranteed_rounding as rounding
from float_execution import behind_front, operands, run, windows
from float_graph import WEIGHTED, window_pads
from qdq_graph import Integers, groups_by_first

BATCH = 50
EPOCHS = 50
LARGEST_STEPS = 1500
TEMPERATURE = 0.25  # of the softmax of outputs, in parts of their standard deviation
SHIFT = 2  # pixels, at most
LEAST_SHIFTED = 16  # rows and columns of an image that is shifted
WEIGHT_RATE, SCALE_RATE, BIAS_RATE = 0.01, 0.001, 0.01  # of Adam: in units, in parts, in units
MOMENTS = 0.9, 0.999


# Layers and their gradients


def spread(gradients, shape, kernel, attributes):
    """Sums [N, C, H, W] of gradients [N, C, rows, columns, kernel rows, kernel columns] of a window's views."""
    top, left, bottom, right = window_pads(attributes, shape[1:], kernel)
    strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    n, channels, rows, columns = gradients.shape[:4]
    total = np.zeros((n, channels, shape[1] + top + bottom, shape[2] + left + right), np.float32)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            down, across = row * dilations[0], column * dilations[1]
            total[:, :, down:down + (rows - 1) * strides[0] + 1:strides[0],
                  across:across + (columns - 1) * strides[1] + 1:strides[1]] += gradients[..., row, column]
    return total[:, :, top:top + shape[1], left:left + shape[2]]


def convolved(node, x, weights):
    """(sums, function of their gradients to those of x and of the weights)"""
    kernel, shape = weights.shape[2:], x.shape[1:]
    taps, extent = operands(x, kernel, node.attributes)
    groups = taps.shape[1]
    rows = weights.reshape(groups, len(weights) // groups, -1)

    def back(gradient, onward):
        by_group = gradient.reshape(len(x), groups, -1, extent[0] * extent[1])
        of_weights = np.matmul(by_group, taps.transpose(0, 1, 3, 2)).sum(0).reshape(weights.shape)
        if not onward:
            return None, of_weights
        of_taps = (rows.transpose(0, 2, 1) @ by_group).reshape(len(x), shape[0], *kernel, *extent)
        return spread(of_taps.transpose(0, 1, 4, 5, 2, 3), shape, kernel, node.attributes), of_weights

    return (rows @ taps).reshape(len(x), len(weights), *extent), back


def multiplied(node, x, weights):
    if node.op == "Conv":
        return convolved(node, x, weights)
    return x @ weights.T, lambda gradient, onward: (gradient @ weights if onward else None, gradient.T @ x)


def max_pooled(node, x):
    kernel = node.attributes["kernel_shape"]
    seen = windows(x, kernel, node.attributes, -np.inf)
    largest = seen.max((4, 5))

    def back(gradient):
        first = seen == largest[..., None, None]
        return spread(first * (gradient / first.sum((4, 5)))[..., None, None], x.shape[1:], kernel, node.attributes)

    return largest, back


def average_pooled(node, x):
    kernel = node.attributes["kernel_shape"]
    count = np.float32(kernel[0] * kernel[1])
    if not node.attributes.get("count_include_pad", 0):
        count = windows(np.ones_like(x[:1, :1]), kernel, node.attributes).sum((4, 5))

    def back(gradient):
        part = np.broadcast_to((gradient / count)[..., None, None], (*gradient.shape, *kernel))
        return spread(part, x.shape[1:], kernel, node.attributes)

    return windows(x, kernel, node.attributes).sum((4, 5)) / count, back


def unweighted(node, inputs, shape):
    """(value, function of its gradient to those of the inputs) of a node without weights."""
    x = inputs[0]
    if node.op == "Add":
        return x + inputs[1], lambda gradient: [gradient, gradient]
    if node.op == "MaxPool":
        value, back = max_pooled(node, x)
    elif node.op == "AveragePool":
        value, back = average_pooled(node, x)
    elif node.op == "GlobalAveragePool":
        value = x.mean((2, 3), keepdims=True)

        def back(gradient):
            return np.broadcast_to(gradient / np.float32(x[0, 0].size), x.shape)
    else:
        value = x.reshape(len(x), *shape) if node.op in ("Reshape", "Flatten") else x

        def back(gradient):
            return gradient.reshape(x.shape)
    return value, lambda gradient: [back(gradient)]


# What is aimed at


def softmax(values):
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def loss(found, wanted, temperature):
    """(half the squared error plus the Kullback-Leibler divergence of softmax, its gradient), per output value.

    The former is what any network's outputs are for; the latter weighs those that decide between classes.
    """
    found, wanted = found.reshape(len(found), -1), wanted.reshape(len(found), -1)
    likely, wanted_likely = softmax(found / temperature), softmax(wanted / temperature)
    divergence = (wanted_likely * np.log((wanted_likely + 1e-12) / (likely + 1e-12))).sum() * temperature ** 2
    value = (divergence + 0.5 * ((found - wanted) ** 2).sum() / found.shape[1]) / len(found)
    return float(value), (temperature * (likely - wanted_likely) + (found - wanted) / found.shape[1]) / len(found)


# What is tuned


class Tuned:
    """A value that Adam changes."""

    def __init__(self, value, rate):
        self.value, self.rate = np.array(value, np.float64), rate
        self.mean, self.square, self.step = np.zeros_like(self.value), np.zeros_like(self.value), 0

    def follow(self, gradient, share):
        self.step += 1
        self.mean += (1 - MOMENTS[0]) * (gradient - self.mean)
        self.square += (1 - MOMENTS[1]) * (gradient ** 2 - self.square)
        mean, square = self.mean / (1 - MOMENTS[0] ** self.step), self.square / (1 - MOMENTS[1] ** self.step)
        self.value -= share * self.rate * mean / (np.sqrt(square) + 1e-12)


def reduced(integers, values, excess):
    """The integers with `excess` fewer units per channel, taken where rounding towards zero costs the values least."""
    cost = np.where(integers > 0, values - integers, np.inf)
    rank = np.empty(cost.shape, np.int64)
    np.put_along_axis(rank, np.argsort(cost, 1, kind="stable"), np.arange(cost.shape[1])[None], 1)
    return integers - ((rank < excess[:, None]) & (integers > 0))


def within(values, budget, capacity, limit):
    """Integers near the values that fit the budget."""
    integers = np.rint(values).astype(np.int64).clip(-limit, limit)
    while True:
        sums = np.stack(rounding.sums_by_sign(integers), 1)
        use = sums @ budget.rates.T
        part = np.where(use > capacity, capacity / np.maximum(use, 1), 1)
        kept = np.where(budget.rates.T[None] > 0, part[:, None], 1).min(2)
        excess = sums - np.floor(sums * kept + 1e-9).astype(np.int64)
        if not excess.any():
            return integers
        integers = reduced(integers, values, excess[:, 0])
        integers = -reduced(-integers, -values, excess[:, 1])


class Layer:
    """The weights and biases of a node in units, and the weights' scales."""

    def __init__(self, node, made, how, settings):
        self.node, self.budget = node, rounding.Budget.of(how, settings.guarantee)
        self.limit = 2 ** (settings.weight_bits - 1) - 1
        integers = made.weights.reshape(len(made.weights), -1)
        bias = made.bias if made.bias is not None else np.zeros(len(integers))
        self.has_bias = made.bias is not None
        self.used = integers.any(1) | (bias != 0)
        self.weights, self.bias = Tuned(integers, WEIGHT_RATE), Tuned(bias, BIAS_RATE)
        self.scales = Tuned(np.log(made.scales), SCALE_RATE)
        self.round()

    def round(self):
        least, most = self.budget.bias_range(np.zeros(1, np.int64), np.zeros(1, np.int64))
        self.bias.value = self.bias.value.clip(least, most)
        self.whole_bias = np.rint(self.bias.value).astype(np.int64)
        capacity = self.budget.capacity(self.whole_bias)
        self.weights.value = rounding.soft_threshold(self.weights.value.clip(-self.limit, self.limit), self.budget,
                                                     capacity)
        self.integers = within(self.weights.value, self.budget, capacity, self.limit)

    @property
    def scale(self):
        return np.exp(self.scales.value)

    def real(self, step):
        """Weights and biases for operands of scale `step`."""
        scale = self.scale[:, None]
        weights = (self.integers * scale).astype(np.float32).reshape(self.node.weights.shape)
        return weights, (self.whole_bias * (self.scale * step)).astype(np.float32)

    def follow(self, of_weights, of_bias, step, share):
        of_weights = of_weights.reshape(len(of_weights), -1).astype(np.float64)
        scale = self.scale
        along = (of_weights * self.integers).sum(1) + of_bias * self.whole_bias * step
        self.scales.follow(scale * (along if len(scale) > 1 else along.sum()), share)
        self.weights.follow(of_weights * (scale[:, None] * self.used[:, None]), share)
        self.bias.follow(of_bias * scale * step * (self.used & self.has_bias), share)
        self.round()

    def kept(self):
        bias = self.whole_bias.astype(np.int32) if self.has_bias else None
        return Integers(self.integers.reshape(self.node.weights.shape).astype(np.int8), bias,
                        self.scale.astype(np.float32))


class Tuning:
    """A network as guaranteed_fit leaves it."""

    def __init__(self, graph, quantizations, layers, settings):
        self.graph, self.groups = graph, groups_by_first(graph)
        self.root = {name: root for root, members in self.groups.items() for name in members}
        self.how = dict(quantizations)
        self.layers = {node.name: Layer(node, layers[node.name], quantizations[node.inputs[0]], settings)
                       for node in graph.nodes if node.op in WEIGHTED}
        self.scales = {root: Tuned([math.log(float(quantizations[root].scale))], SCALE_RATE)
                       for root, members in self.groups.items()
                       if root != graph.input and graph.output not in members and not quantizations[root].zero}

    def rounded(self, name, value):
        """(rounded value, function of its gradient to that of the value; adds that of the scale)"""
        if name not in self.groups:
            return value, None
        how = self.how[name]
        units = value / how.scale
        low, high = how.low - how.zero, how.high - how.zero
        whole = np.clip(np.rint(units), low, high)
        inside = (units >= low) & (units <= high)

        def back(gradient, gradients):
            if name in self.scales:
                gradients[name] = float((gradient * np.where(inside, whole - units, whole)).sum()) * float(how.scale)
            return gradient * inside

        return (whole * how.scale).astype(np.float32), back

    def forward(self, images):
        """(output, steps to go back)"""
        values, tape = {}, []
        values[self.graph.input] = self.rounded(self.graph.input, images)[0]
        for node in self.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            if node.op in WEIGHTED:
                weights, bias = self.layers[node.name].real(float(self.how[node.inputs[0]].scale))
                value, back = multiplied(node, inputs[0], weights)
                value = value + bias.reshape((1, -1) + (1,) * (value.ndim - 2))
            else:
                value, back = unweighted(node, inputs, self.graph.shapes[node.output])
            inside = None
            if node.activation:
                inside = (value > node.low) & (value < node.high)
                value = np.clip(value, np.float32(node.low), np.float32(node.high))
            values[node.output], unround = self.rounded(node.output, value)
            tape.append((node, back, inside, unround))
        return values[self.graph.output], tape

    def backward(self, tape, gradient):
        """({node: (gradients of weights, of biases)}, {tensor: that of its scale's logarithm})"""
        gradients, of_layers, of_scales = {self.graph.output: gradient.astype(np.float32)}, {}, {}
        for node, back, inside, unround in reversed(tape):
            if node.output not in gradients:
                continue
            gradient = gradients.pop(node.output)
            if unround:
                gradient = unround(gradient, of_scales)
            if inside is not None:
                gradient = gradient * inside
            if node.op in WEIGHTED:
                of_input, of_weights = back(gradient, node.inputs[0] != self.graph.input)
                of_layers[node.name] = of_weights, gradient.sum((0,) + tuple(range(2, gradient.ndim)))
                made = [of_input]
            else:
                made = back(gradient)
            for name, part in zip(node.inputs, made):
                if name == self.graph.input:
                    continue
                gradients[name] = gradients[name] + part if name in gradients else part
        return of_layers, of_scales

    def set_scales(self):
        for root, tuned in self.scales.items():
            how = replace(self.how[root], scale=np.float32(math.exp(tuned.value[0])))
            self.how.update({name: how for name in self.groups[root]})

    def step(self, images, wanted, temperature, share):
        """Follows the gradient of the loss."""
        found, tape = self.forward(images)
        of_layers, of_scales = self.backward(tape, loss(found, wanted, temperature)[1].reshape(found.shape))
        for name, (of_weights, of_bias) in of_layers.items():
            layer = self.layers[name]
            source, unit = self.root[layer.node.inputs[0]], float(self.how[layer.node.inputs[0]].scale)
            if source in of_scales:
                of_scales[source] += float((of_bias * layer.whole_bias * layer.scale).sum()) * unit
            layer.follow(of_weights, of_bias, unit, share)
        for name, gradient in of_scales.items():
            self.scales[name].follow(np.array([gradient]), share)
        self.set_scales()

    def error(self, batches, temperature):
        return sum(len(images) * loss(self.forward(images)[0], wanted, temperature)[0] for images, wanted in batches)

    def kept(self):
        return self.how, {name: layer.kept() for name, layer in self.layers.items()}


def shifted(images, random):
    """Images [N, C, H, W] moved by up to SHIFT pixels, their edges repeated; small ones and vectors as they are."""
    for axis in (2, 3) if images.ndim == 4 and min(images.shape[2:]) >= LEAST_SHIFTED else ():
        moved = np.arange(images.shape[axis]) + random.integers(-SHIFT, SHIFT + 1)
        images = images.take(moved.clip(0, images.shape[axis] - 1), axis)
    return images


def batches_of(graph, images, random):
    """(images, float network's outputs) of all images in random order, behind the front, shifted at random."""
    behind, order = replace(graph, front=[]), random.permutation(len(images))
    for first in range(0, len(images), BATCH):
        part = shifted(images[order[first:first + BATCH]], random)
        yield part, run(behind, part)[graph.output]


def tuned(original, fitted, quantizations, layers, images, settings):
    """({tensor: Quantization}, {node: Integers}) that come nearer to the original float network's outputs.

    `fitted`: the graph that guaranteed_fit's quantizations and layers are of. `images` float as the file takes them.
    """
    tuning, images = Tuning(fitted, quantizations, layers, settings), behind_front(original, images)

    def batches(seed):
        return batches_of(original, images, np.random.default_rng(seed))

    temperature = TEMPERATURE * float(np.std(np.concatenate([wanted for _, wanted in batches(0)]))) + 1e-6
    before, steps = tuning.error(batches(0), temperature), min(EPOCHS * -(-len(images) // BATCH), LARGEST_STEPS)
    for step, (part, wanted) in zip(range(steps), chain.from_iterable(map(batches, count(1)))):
        tuning.step(part, wanted, temperature, (1 + math.cos(math.pi * step / steps)) / 2)
    return tuning.kept() if tuning.error(batches(0), temperature) < before else (quantizations, layers)
