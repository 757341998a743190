# SPDX-License-Identifier: Apache-2.0
"""Quantizes a network layer by layer so that no input can drive a sum out of an accumulator of N bits.

Each layer's integers are chosen with the activations that the layers before it, quantized already, give for the sample
images, and with what the float network makes of these images: the path-following of GPFQ (Lybrand and Saab 2021, "A
Greedy Algorithm for Quantizing Neural Networks"). Wide activations leave few weights: how many bits they get, and what
the largest of them stands for, the error of the layers that read them decides, on samples kept aside. Where only layers
read a layer's ReLU, the ranges of its channels are brought nearer to each other: multiplied there, divided in the next
weights (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction").
"""

import math
from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

import guaranteed_rounding as rounding
from float_execution import behind_front, check_finite, operands, output_of
from float_graph import PASSING, WEIGHTED, ModelError
from qdq_graph import Integers, Quantization, group_quantization, groups_by_first
from quantization_scales import Magnitudes

BITS = range(2, 9)
UNREAD_BITS = 8  # of tensors that no multiplier reads
SCALE_FACTORS = (0.5, 0.65, 0.8, 1.25)  # of the activations' scale with the least squared error
IMAGE_FACTORS = (0.65, 0.8)  # of the scale with which the brightest pixel is the largest integer
POWERS = (0, 0.5)  # 0: channels as they are, 1: all with the same mean square
LARGEST_RATIO = 1000  # of two channels' sizes
SAMPLES = 30000
SEARCH_SAMPLES = 4000
KEPT_ASIDE = 4  # every fourth sample
BATCH = 50


def in_batches(function, *arrays):
    """The function of arrays of images, a few images at a time."""
    parts = [function(*(array[first:first + BATCH] for array in arrays)) for first in range(0, len(arrays[0]), BATCH)]
    return np.concatenate(parts)


def layer_samples(node, x, wanted, limit):
    """(operands [groups, samples, taps], wanted sums [samples, channels]) of about `limit` pixels at most."""
    if node.op == "Gemm":
        return x[None, :limit], wanted[:limit]
    random = np.random.default_rng(0)
    kernel, pixels = node.weights.shape[2:], wanted[0, 0].size
    share, taken, sums = min(1.0, limit / (len(x) * pixels)), [], []
    for first in range(0, len(x), BATCH):
        taps = operands(x[first:first + BATCH], kernel, node.attributes)[0]
        count = len(taps) * pixels
        image, pixel = np.divmod(np.sort(random.permutation(count)[:max(1, round(count * share))]), pixels)
        taken.append(taps[image, :, :, pixel].transpose(1, 0, 2))
        sums.append(wanted[first:first + BATCH].reshape(len(taps), -1, pixels)[image, :, pixel])
    return np.concatenate(taken, 1), np.concatenate(sums)


def integer_operands(values, how):
    """Integers less the zero point, as float32."""
    return np.clip(np.rint(values / how.scale), how.low - how.zero, how.high - how.zero).astype(np.float32)


def channel_factors(values, power):
    """What the channels of a tensor are multiplied by so that their sizes differ less."""
    size = np.sqrt((values.astype(np.float64) ** 2).mean(tuple(axis for axis in range(values.ndim) if axis != 1)))
    largest = size.max() or 1.0
    return np.where(size > 0, (np.maximum(size, largest / LARGEST_RATIO) / largest) ** -power, 1)


def multiplied(values, factors):
    return (values * factors.reshape((1, -1) + (1,) * (values.ndim - 2))).astype(np.float32)


def divided(node, factors):
    """The node for inputs whose channels were multiplied by factors."""
    weights = node.weights
    if node.op == "Gemm":
        by = np.repeat(factors, weights.shape[1] // len(factors))
    else:
        group = node.attributes.get("group", 1)
        by = np.repeat(factors.reshape(group, -1), len(weights) // group, 0)[:, :, None, None]
    return replace(node, weights=(weights / by).astype(np.float32))


@dataclass
class Candidate:
    """A way to quantize a group of tensors. measure: the error for a Quantization and the same power."""

    power: float
    how: Quantization
    measure: Callable
    error: float

    def scaled(self, factor):
        how = replace(self.how, scale=np.float32(self.how.scale * factor))
        return replace(self, how=how, error=self.measure(how))


class Fit:
    """One run over the graph. `images` float as the file takes them; `bounds` and `settings` as in qdq_graph."""

    def __init__(self, graph, images, bounds, settings):
        self.graph, self.bounds, self.settings = replace(graph, nodes=list(graph.nodes)), bounds, settings
        self.groups = groups_by_first(graph)
        self.exact = {graph.input: behind_front(graph, images)}  # the float network's values
        self.found = dict(self.exact)  # those of the network as far as it is quantized
        self.quantizations, self.layers = {}, {}

    def run(self):
        """({tensor: Quantization}, {node: Integers})"""
        self.settle(self.graph.input)
        for index in range(len(self.graph.nodes)):
            node = self.graph.nodes[index]  # `equalize` may have replaced it
            shape = self.graph.shapes[node.output]
            quantized = self.fitted(node) if node.op in WEIGHTED else node
            for values, by in ((self.exact, node), (self.found, quantized)):
                values[node.output] = in_batches(lambda *parts: output_of(by, parts, shape),
                                                 *(values[name] for name in node.inputs))
            check_finite(node.output, self.exact[node.output])
            if node.output in self.groups:
                self.settle(node.output)
            self.forget(index)
        return self.quantizations, self.layers

    def forget(self, index):
        """Drops tensors that no node behind this one reads."""
        needed = {name for node in self.graph.nodes[index + 1:] for name in node.inputs}
        for values in (self.exact, self.found):
            for name in values.keys() - needed:
                del values[name]

    # Layers

    def sums(self, node, x):
        """The float layer's sums, before its limits."""
        return in_batches(lambda part: output_of(replace(node, activation=""), [part]), x)

    def solved(self, node, x, wanted, how, quick=False):
        omega = node.weights.reshape(len(node.weights), -1).astype(np.float64) * float(how.scale)
        return rounding.solve(x, rounding.Wanted.of(wanted, node.low, node.high), omega,
                              rounding.Budget.of(how, self.settings.guarantee),
                              2 ** (self.settings.weight_bits - 1) - 1, not self.settings.per_channel, quick)

    def fitted(self, node):
        """The node with the real weights that its integers stand for; keeps the integers."""
        source, how = node.inputs[0], self.quantizations[node.inputs[0]]
        values, wanted = layer_samples(node, self.found[source], self.sums(node, self.exact[source]), SAMPLES)
        made = self.solved(node, integer_operands(values, how), wanted, how)
        empty = ~made.integers.any(1) & (made.bias == 0)
        scales = np.where(empty & self.settings.per_channel, 1, made.scale / float(how.scale)).astype(np.float32)
        integers = made.integers.reshape(node.weights.shape).astype(np.int8)
        bias = made.bias.astype(np.int32) if node.bias is not None or made.bias.any() else None
        self.layers[node.name] = Integers(integers, bias, scales if self.settings.per_channel else scales[:1])
        real = integers * scales.reshape((-1,) + (1,) * (integers.ndim - 1))
        return replace(node, weights=real, bias=(made.bias * made.scale).astype(np.float32))

    # Activations

    def settle(self, root):
        """Chooses the quantization of a group of tensors as soon as the first has values, and rounds these."""
        how = self.chosen(root)
        self.quantizations.update({name: how for name in self.groups[root]})
        self.found[root] = in_batches(lambda part: how.rounded(part).astype(np.float32), self.found[root])

    def chosen(self, root):
        if not self.weighted_readers(root):
            return self.quantization(root, self.exact[root], UNREAD_BITS)
        tried = [candidate for power in (POWERS if self.can_be_equalized(root) else POWERS[:1])
                 for candidate in self.candidates(root, power)]
        if not tried:
            self.refuse(root)
        best = min(tried, key=lambda one: one.error)
        if not self.settings.method and not best.how.zero:
            near = [one for one in tried if one.power == best.power
                    and abs(one.how.high.bit_length() - best.how.high.bit_length()) <= 1]
            factors = IMAGE_FACTORS if root == self.graph.input else SCALE_FACTORS
            best = min([best] + [one.scaled(factor) for one in near for factor in factors], key=lambda one: one.error)
        if best.power:
            self.equalize(root, best.power)
        return best.how

    def widths(self):
        return [self.settings.activation_bits] if self.settings.activation_bits else BITS

    def refuse(self, root):
        how = self.quantization(root, self.exact[root], min(self.widths()))
        raise ModelError(f"node '{self.weighted_readers(root)[0].name}': an accumulator of {self.settings.guarantee} "
                         f"bits holds no product of a weight with activations of {how.low}..{how.high}")

    def weighted_readers(self, root):
        return [node for node in self.graph.nodes if node.op in WEIGHTED and node.inputs[0] in self.groups[root]]

    def has_other_readers(self, root):
        return any(node.op not in WEIGHTED + PASSING and name in self.groups[root]
                   for node in self.graph.nodes for name in node.inputs)

    def quantization(self, root, values, bits):
        magnitudes = Magnitudes()
        magnitudes.extend(values)
        magnitudes.count(values)
        settings = replace(self.settings, activation_bits=bits, method=self.settings.method or "mse")
        return group_quantization(self.graph, self.groups[root], magnitudes, self.bounds, settings)

    def candidates(self, root, power):
        """One for each width of activations that leaves room for a weight."""
        exact, found, readers = self.exact[root], self.found[root], self.weighted_readers(root)
        if power:
            factors = channel_factors(exact, power)
            exact, found = multiplied(exact, factors), multiplied(found, factors)
            readers = [divided(reader, factors) for reader in readers]
        exact_members, found_members = self.members(root, exact), self.members(root, found)
        samples = [(node, *layer_samples(node, found_members[node.inputs[0]],
                                         self.sums(node, exact_members[node.inputs[0]]), SEARCH_SAMPLES))
                   for node in readers]
        counts_itself = self.has_other_readers(root)

        def measure(how):
            error = sum(self.reader_error(*sample, how) for sample in samples)
            return error + (rounding.relative(how.rounded(found) - exact, exact) if counts_itself else 0)

        usable = [how for how in (self.quantization(root, exact, bits) for bits in self.widths())
                  if rounding.Budget.of(how, self.settings.guarantee).holds_a_weight]
        return [Candidate(power, how, measure, measure(how)) for how in usable]

    def members(self, root, values):
        """{tensor of a group: its values} from those of the first one."""
        made = {root: values}
        for node in self.graph.nodes:
            if node.op in PASSING and node.inputs[0] in made:
                shape = self.graph.shapes[node.output]
                made[node.output] = in_batches(lambda part: output_of(node, [part], shape), made[node.inputs[0]])
        return made

    def reader_error(self, node, values, wanted, how):
        """Relative squared error of a layer's outputs, for samples that its integers were not chosen by."""
        x = integer_operands(values, how)
        fitting = np.arange(len(wanted)) % KEPT_ASIDE != 0
        made = self.solved(node, x[:, fitting], wanted[fitting], how, quick=True)
        found, wanted = (np.clip(sums, node.low, node.high) for sums in (made.sums(x[:, ~fitting]), wanted[~fitting]))
        return rounding.relative(found - wanted, wanted)

    def can_be_equalized(self, root):
        """Whether a layer makes the group, layers alone read it, and its limits are none but 0."""
        made_by = {node.output: node for node in self.graph.nodes}
        makers = [made_by[name] for name in self.groups[root] if name in made_by]
        return (self.settings.per_channel and root in made_by and made_by[root].op in WEIGHTED
                and not self.has_other_readers(root) and self.graph.output not in self.groups[root]
                and all(node.low in (0, -math.inf) and node.high == math.inf for node in makers))

    def equalize(self, root, power):
        factors = channel_factors(self.exact[root], power)
        layer = self.layers[next(node.name for node in self.graph.nodes if node.output == root)]
        layer.scales = (layer.scales * factors).astype(np.float32)
        for values in (self.exact, self.found):
            values[root] = multiplied(values[root], factors)
        readers = self.weighted_readers(root)
        self.graph.nodes = [divided(node, factors) if node in readers else node for node in self.graph.nodes]
