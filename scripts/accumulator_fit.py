# SPDX-License-Identifier: Apache-2.0
"""Coarser scales with which a network's partial sums fit a narrow accumulator.

A partial sum in integers is the real one divided by the scales of activations and weights. Where it would need more
bits than there are, both scales grow; how much of the growth the activations take, the sample images decide.
"""

from dataclasses import replace

import numpy as np

from float_execution import run, windows
from quantization_scales import rounded_weights

IMAGES = 100
OUTPUTS_THAT_FIT = 0.995
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the missing factor, as an exponent, that the activations take


def taps_and_weights(node, x):
    """For each output channel its operands [taps, outputs] and weights [taps], in the order rows, columns, channels."""
    if node.op == "Gemm":
        for weights in node.weights:
            yield x.T, weights
        return
    seen = windows(x, node.weights.shape[2:], node.attributes).transpose(4, 5, 1, 0, 2, 3)
    channels = node.weights.shape[1]
    per_group = len(node.weights) // node.attributes.get("group", 1)
    for index, weights in enumerate(node.weights):
        first = index // per_group * channels
        taps = seen[:, :, first:first + channels].reshape(weights.size, -1)
        yield taps, weights.transpose(1, 2, 0).reshape(-1)


def largest_sums(node, x, per_channel):
    """The magnitude that the partial sums of all but few outputs stay below: one value, or one per output channel."""
    reached = []
    for index, (taps, weights) in enumerate(taps_and_weights(node, x)):
        start = 0 if node.bias is None else node.bias[index]
        sums = np.cumsum(taps * weights[:, None], 0) + start
        reached.append(np.abs(sums).max(0))
    return np.quantile(np.stack(reached), OUTPUTS_THAT_FIT, axis=1 if per_channel else None).reshape(-1)


def missing_factors(graph, sums, quantizations, scales, limit):
    """{tensor: by how much the integer sums of what reads it exceed the accumulator, at least 1}"""
    factors = {name: 1.0 for name in quantizations}
    for node in graph.nodes:
        if node.name in sums:
            ratio = sums[node.name] / (scales[node.name] * quantizations[node.inputs[0]].scale * limit)
            factors[node.inputs[0]] = max(factors[node.inputs[0]], float(ratio.max()))
    return factors


def coarsened(graph, sums, quantizations, scales, limit, share):
    """(quantizations, weight scales) of which the activations' part has grown by `share` of what is missing."""
    factors = missing_factors(graph, sums, quantizations, scales, limit)
    members = {}
    for name, how in quantizations.items():
        members.setdefault(id(how), []).append(name)
    result = {}
    for names in members.values():
        how = quantizations[names[0]].coarser(max(factors[name] for name in names) ** share)
        result.update({name: how for name in names})
    least = {node.name: sums[node.name] / (result[node.inputs[0]].scale * limit)
             for node in graph.nodes if node.name in sums}
    return result, {name: np.maximum(scales[name], least[name]).astype(np.float32) for name in scales}


def output_error(graph, images, expected, quantizations, scales, weight_bits):
    """Mean squared error of the graph's output when everything is rounded to its scale."""
    nodes = [replace(node, weights=rounded_weights(node.weights, scales[node.name], weight_bits))
             if node.name in scales else node for node in graph.nodes]
    found = run(replace(graph, nodes=nodes), images, lambda name, values: quantizations[name].rounded(values))
    return float(((found[graph.output] - expected) ** 2).mean())


def fit(graph, images, quantizations, scales, settings):
    """(quantizations, {node: weight scales}) for accumulators of settings.accumulator_bits."""
    images, limit = images[:IMAGES], 2 ** (settings.accumulator_bits - 1) - 1
    values = run(graph, images)
    sums = {node.name: largest_sums(node, values[node.inputs[0]], settings.per_channel)
            for node in graph.nodes if node.name in scales}
    tried = [coarsened(graph, sums, quantizations, scales, limit, share) for share in SHARES]
    errors = [output_error(graph, images, values[graph.output], *found, settings.weight_bits) for found in tried]
    return tried[int(np.argmin(errors))]
