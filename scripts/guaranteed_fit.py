# SPDX-License-Identifier: Apache-2.0
"""Quantizes a network layer by layer so that no input can drive a sum out of an accumulator of N bits.

Each layer's integers are chosen with the activations that the layers before it, quantized already, give for the sample
images, and with what the float network makes of these images (the path-following of GPFQ: Lybrand and Saab 2021, "A
Greedy Algorithm for Quantizing Neural Networks"). Wide activations leave few weights: how many bits they get, and what
the largest of them stands for, is decided by the error of the layers that read them, on samples kept aside.
"""

from dataclasses import replace

import numpy as np

import guaranteed_rounding as rounding
from float_execution import behind_front, operands, output_of, value_of
from float_graph import PASSING, WEIGHTED, ModelError
from qdq_graph import Integers, activation_quantizations, groups_of

BITS = range(2, 9)
SCALE_FACTORS = (0.5, 0.65, 0.8, 1.25)  # of the activations' scale with the least squared error
IMAGE_FACTORS = (0.65, 0.8)  # of the scale with which the brightest pixel is the largest integer
SAMPLES = 30000
SEARCH_SAMPLES = 4000
KEPT_ASIDE = 4  # every fourth sample
BATCH = 50


def in_batches(function, *arrays):
    """The function of arrays of images, a few images at a time."""
    parts = [function(*(array[first:first + BATCH] for array in arrays)) for first in range(0, len(arrays[0]), BATCH)]
    return np.concatenate(parts)


def sums_of(node, x):
    """The float layer's sums, before its limits."""
    return in_batches(lambda part: output_of(replace(node, activation=""), [part]), x)


def layer_samples(node, x, wanted, limit):
    """(operands [groups, samples, taps], wanted sums [samples, channels]) of at most about `limit` pixels."""
    if node.op == "Gemm":
        return x[None, :limit], wanted[:limit]
    random = np.random.default_rng(0)
    kernel, pixels = node.weights.shape[2:], wanted[0, 0].size
    share, taken, sums = min(1.0, limit / (len(x) * pixels)), [], []
    for first in range(0, len(x), BATCH):
        taps = operands(x[first:first + BATCH], kernel, node.attributes)[0]
        count = len(taps) * pixels
        chosen = np.sort(random.permutation(count)[:max(1, round(count * share))])
        taken.append(taps[chosen // pixels, :, :, chosen % pixels].transpose(1, 0, 2))
        part = wanted[first:first + BATCH].reshape(len(taps), -1, pixels)
        sums.append(part[chosen // pixels, :, chosen % pixels])
    return np.concatenate(taken, 1), np.concatenate(sums)


def integer_operands(values, how):
    """Integers less the zero point, as float32."""
    return np.clip(np.rint(values / how.scale), how.low - how.zero, how.high - how.zero).astype(np.float32)


class Fit:
    """One run over the graph. `images` float as the file takes them; `bounds` and `magnitudes` as for all settings."""

    def __init__(self, graph, images, magnitudes, bounds, settings):
        self.graph, self.settings = graph, settings
        widths = [settings.activation_bits] if settings.activation_bits else BITS
        self.ranges = {bits: activation_quantizations(
            graph, magnitudes, bounds, replace(settings, activation_bits=bits, method=settings.method or "mse"))
            for bits in {*widths, 8}}
        self.groups = {members[0]: members for members in self.rooted_groups()}
        self.exact = {graph.input: behind_front(graph, images)}
        self.found = {graph.input: self.exact[graph.input]}
        self.quantizations, self.layers = {}, {}
        self.limit = 2 ** ((settings.weight_bits or 8) - 1) - 1

    def rooted_groups(self):
        """Groups with the tensor first that no pool or the like makes."""
        order = [self.graph.input] + [node.output for node in self.graph.nodes]
        return [sorted(members, key=order.index) for members in groups_of(self.graph)]

    def run(self):
        """({tensor: Quantization}, {node: Integers})"""
        self.settle(self.graph.input)
        for node in self.graph.nodes:
            shape = self.graph.shapes[node.output]
            quantized = self.fitted(node) if node.op in WEIGHTED else node
            for values, by in ((self.exact, node), (self.found, quantized)):
                values[node.output] = in_batches(lambda *parts: output_of(by, parts, shape),
                                                 *(values[name] for name in node.inputs))
            if node.output in self.groups:
                self.settle(node.output)
            self.forget(node)
        return self.quantizations, self.layers

    def forget(self, done):
        """Drops tensors that no later node reads."""
        later = self.graph.nodes[self.graph.nodes.index(done) + 1:]
        needed = {name for node in later for name in node.inputs}
        for values in (self.exact, self.found):
            for name in [name for name in values if name not in needed]:
                del values[name]

    def settle(self, root):
        """Chooses the quantization of a group of tensors as soon as the first has values, and rounds these."""
        how = self.best_quantization(root)
        self.quantizations.update({name: how for name in self.groups[root]})
        self.found[root] = in_batches(lambda part: how.rounded(part).astype(np.float32), self.found[root])

    def members(self, root, values):
        """{tensor of a group: its values} from those of the first one."""
        made = {root: values}
        for node in self.graph.nodes:
            if node.op in PASSING and node.inputs[0] in made:
                shape = self.graph.shapes[node.output]
                made[node.output] = in_batches(lambda part: output_of(node, [part], shape), made[node.inputs[0]])
        return made

    def best_quantization(self, root):
        readers = [node for node in self.graph.nodes if node.op in WEIGHTED and node.inputs[0] in self.groups[root]]
        if not readers:
            return self.ranges[8][root]
        exact, found = self.members(root, self.exact[root]), self.members(root, self.found[root])
        samples = [(node, *layer_samples(node, found[node.inputs[0]], sums_of(node, exact[node.inputs[0]]),
                                         SEARCH_SAMPLES)) for node in readers]
        others = any(node.op not in WEIGHTED + PASSING and name in self.groups[root]
                     for node in self.graph.nodes for name in node.inputs)
        tried = {}

        def error(how):
            key = (float(how.scale), how.high)
            if key not in tried:
                total = sum(self.reader_error(*sample, how) for sample in samples)
                if others:
                    part = slice(None, None, max(1, self.exact[root].size // 10 ** 6))
                    want = self.exact[root].reshape(-1)[part]
                    total += relative_error(how.rounded(self.found[root].reshape(-1)[part]), want)
                tried[key] = total
            return tried[key]

        usable = [how for how in (ranges[root] for bits, ranges in sorted(self.ranges.items())
                                  if bits == self.settings.activation_bits or not self.settings.activation_bits)
                  if rounding.Budget.of(how, self.settings.guarantee).holds_a_weight]
        if not usable:
            how = self.ranges[self.settings.activation_bits or 2][root]
            raise ModelError(f"'{readers[0].name}': an accumulator of {self.settings.guarantee} bits holds no product of "
                             f"a weight with activations of {how.low}..{how.high}")
        best = min(usable, key=error)
        if self.settings.method or best.zero:
            return best
        near = [how for how in usable if abs(how.high.bit_length() - best.high.bit_length()) <= 1]
        factors = IMAGE_FACTORS if root == self.graph.input else SCALE_FACTORS
        near += [replace(how, scale=np.float32(how.scale * factor)) for how in near for factor in factors]
        return min(near, key=error)

    def reader_error(self, node, values, wanted, how):
        """Relative squared error of a layer's outputs, for samples that its integers were not chosen by."""
        x = integer_operands(values, how)
        fitting = np.arange(len(wanted)) % KEPT_ASIDE != 0
        made = self.solved(node, x[:, fitting], wanted[fitting], how, quick=True)
        clip = node.low, node.high
        return relative_error(np.clip(made.sums(x[:, ~fitting]), *clip), np.clip(wanted[~fitting], *clip))

    def solved(self, node, x, wanted, how, quick=False):
        omega = node.weights.reshape(len(node.weights), -1).astype(np.float64) * float(how.scale)
        return rounding.solve(x, wanted, omega, (node.low, node.high), rounding.Budget.of(how, self.settings.guarantee),
                              self.limit, not self.settings.per_channel, quick)

    def fitted(self, node):
        """The node with the real weights that its integers stand for; keeps the integers."""
        source, how = node.inputs[0], self.quantizations[node.inputs[0]]
        values, wanted = layer_samples(node, self.found[source], sums_of(node, self.exact[source]), SAMPLES)
        made = self.solved(node, integer_operands(values, how), wanted, how)
        scales = (made.scale / float(how.scale)).astype(np.float32)
        integers = made.integers.reshape(node.weights.shape).astype(np.int8)
        bias = made.bias.astype(np.int32) if node.bias is not None or made.bias.any() else None
        self.layers[node.name] = Integers(integers, bias, scales if self.settings.per_channel else scales[:1])
        real = (integers * scales.reshape((-1,) + (1,) * (integers.ndim - 1))).astype(np.float32)
        return replace(node, weights=real, bias=(made.bias * made.scale).astype(np.float32))


def relative_error(found, wanted):
    return float(((found - wanted) ** 2).mean() / (np.var(wanted) + 1e-12))
