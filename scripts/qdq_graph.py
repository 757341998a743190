# SPDX-License-Identifier: Apache-2.0
"""Quantizes a float_graph.Graph and writes it as an ONNX graph with QuantizeLinear and DequantizeLinear (QDQ)."""

import math
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import quantization_scales as scales_of
from float_graph import PASSING, WEIGHTED
from guaranteed_rounding import worst_case_bits

OPERATOR_SET = 13
OUTPUT_BITS = 8  # no multiplier reads the graph's output
LARGEST_BIAS = 2 ** 30


@dataclass
class Settings:
    weight_bits: int = 8
    activation_bits: int = 8  # None: of 2 to 8 what costs least, for a guarantee only; likewise the method
    method: str = "percentile"
    percentile: float = 99.99
    weight_method: str = "max"
    per_channel: bool = False
    signed_activations: bool = False
    accumulator_bits: int = None
    guarantee: int = None


@dataclass
class Quantization:
    """real = scale * (integer - zero), the integer within low..high of the type."""

    scale: np.float32
    zero: int
    dtype: type
    low: int
    high: int

    @property
    def is_narrow(self):
        limits = np.iinfo(self.dtype)
        return self.low > limits.min or self.high < limits.max

    def declared(self):
        """The same with the range of the narrowest integer of 2 bits or more that has the values."""
        signed = self.dtype == np.int8
        largest = max(self.high, -self.low - 1)
        levels = 2 ** max(largest.bit_length(), 2 - signed) - 1
        return replace(self, low=-levels - 1 if signed else 0, high=levels)

    def coarser(self, factor):
        """With a larger scale for the same range of real values; a zero point stays, since images define it."""
        if self.zero or factor <= 1:
            return self
        return Quantization(np.float32(self.scale * factor), 0, self.dtype, -math.ceil(-self.low / factor),
                            math.ceil(self.high / factor))

    def rounded(self, values):
        """The real values that the integers stand for."""
        integers = np.clip(np.rint(values / self.scale), self.low - self.zero, self.high - self.zero)
        return integers * self.scale


def sharing(graph):
    """{tensor: the first of those it shares its quantization with}: what pooling and flattening connects."""
    first = {name: name for name in graph.shapes}

    def root(name):
        while first[name] != name:
            name = first[name]
        return name

    for node in graph.nodes:
        if node.op in PASSING:
            for name in node.inputs:
                first[root(node.output)] = root(name)
    return {name: root(name) for name in graph.shapes}


def nonnegative_tensors(graph, input_low):
    """Tensors that cannot hold a value below zero, by their node or their inputs."""
    found = {graph.input} if input_low >= 0 else set()
    for node in graph.nodes:
        inherits = node.op not in WEIGHTED and all(name in found for name in node.inputs)
        if node.low >= 0 or inherits:
            found.add(node.output)
    return found


def groups_of(graph):
    """Lists of the tensors that share a quantization."""
    groups = {}
    for name, first in sharing(graph).items():
        groups.setdefault(first, []).append(name)
    return list(groups.values())


def groups_by_first(graph):
    """{the tensor of a group that no pool or the like makes: the whole group}"""
    order = [graph.input] + [node.output for node in graph.nodes]
    groups = [sorted(members, key=order.index) for members in groups_of(graph)]
    return {members[0]: members for members in groups}


def group_quantization(graph, members, magnitudes, input_range, settings):
    """Quantization that the tensors `members` share; `magnitudes` of all of them together."""
    nonnegative = nonnegative_tensors(graph, input_range[0])
    signed = settings.signed_activations or any(name not in nonnegative for name in members)
    is_output = graph.output in members
    bits = OUTPUT_BITS if is_output else settings.activation_bits
    computed = any(node.output in members and node.op not in PASSING for node in graph.nodes)
    if graph.input in members and signed and not computed and not settings.signed_activations:
        return asymmetric(input_range, bits)
    levels = 2 ** (bits - signed) - 1
    method = "max" if is_output or graph.input in members else settings.method
    largest = magnitudes.threshold(method, settings.percentile, levels)
    if graph.input in members:
        largest = max(largest, *(abs(bound) for bound in input_range))
    return symmetric(largest or 1.0, levels, signed)


def activation_quantizations(graph, magnitudes, input_range, settings):
    """{tensor: Quantization}; `magnitudes` of every tensor, `input_range` (least, greatest) behind the front."""
    result = {}
    for members in groups_of(graph):
        total = magnitudes[members[0]]
        for name in members[1:]:
            total = total.joined(magnitudes[name])
        quantization = group_quantization(graph, members, total, input_range, settings)
        result.update({name: quantization for name in members})
    return result


def initial_weight_scales(graph, settings):
    """{node: float32 scales of its weights}"""
    return {node.name: scales_of.weight_scales(node.weights, settings.weight_bits, settings.weight_method,
                                               settings.per_channel)
            for node in graph.nodes if node.op in WEIGHTED}


def symmetric(largest, levels, signed):
    return Quantization(np.float32(largest) / np.float32(levels), 0, np.int8 if signed else np.uint8,
                        -levels - 1 if signed else 0, levels)


def asymmetric(bounds, bits):
    """Unsigned with a zero point, for images whose mean was subtracted."""
    levels = 2 ** bits - 1
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    scale = np.float32(high - low) / np.float32(levels)
    return Quantization(scale, int(np.clip(np.rint(-low / scale), 0, levels)), np.uint8, 0, levels)


@dataclass
class Integers:
    """What is written of a layer with weights: int8 weights, int32 bias or None, float32 scales of the weights."""

    weights: np.ndarray
    bias: np.ndarray
    scales: np.ndarray


@dataclass
class Report:
    """What is said of a written layer with weights."""

    name: str
    op: str
    integers: Integers
    input: Quantization
    output: Quantization

    def l1_bits(self):
        return worst_case_bits(self.integers.weights, self.integers.bias, self.input)


def rounded_layer(node, how, scales, bits):
    """Each weight and bias at its nearest integer; `how` of the operands."""
    products = node.weights[0].size * (2 ** (bits - 1) - 1) * (how.high - how.low)
    scales = scales_of.raised_for_bias(scales, node.bias, how.scale, min(products, LARGEST_BIAS))
    bias = None
    if node.bias is not None:
        bias = np.rint(node.bias.astype(np.float64) / bias_scales(scales, how)).astype(np.int32)
    return Integers(scales_of.quantized_weights(node.weights, scales, bits), bias, scales)


def bias_scales(scales, how):
    return (scales * how.scale).astype(np.float32)


def rounded_layers(graph, quantizations, weight_scales, bits):
    """{node: Integers}"""
    return {node.name: rounded_layer(node, quantizations[node.inputs[0]], weight_scales[node.name], bits)
            for node in graph.nodes if node.op in WEIGHTED}


class Writer:
    """Builds the nodes and constants of the quantized graph. layers: the Integers of each node with weights."""

    def __init__(self, graph, quantizations, layers):
        self.graph, self.quantizations, self.layers = graph, quantizations, layers
        self.nodes, self.constants, self.names = [], [], {graph.input, graph.output}
        self.report = []

    def unique(self, name):
        result, suffix = name, 2
        while result in self.names:
            result, suffix = f"{name}_{suffix}", suffix + 1
        self.names.add(result)
        return result

    def constant(self, name, value):
        name = self.unique(name)
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def add(self, op, inputs, name, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name, **attributes))
        return output

    def quantize(self, name, source, tensor, result=None):
        """QuantizeLinear and DequantizeLinear of a tensor; the dequantized tensor's name."""
        how = self.quantizations[tensor]
        parameters = [self.constant(name + "_scale", how.scale),
                      self.constant(name + "_zero_point", np.array(how.zero, how.dtype))]
        integers = self.add("QuantizeLinear", [source, *parameters], name + "_quantize", self.unique(name + "_q"))
        return self.add("DequantizeLinear", [integers, *parameters], name + "_dequantize",
                        result or self.unique(name + "_dq"))

    def parameter(self, name, integers, scales):
        """An integer constant behind a DequantizeLinear; scales of one element are scalars."""
        attributes = {} if len(scales) == 1 else {"axis": 0}
        zeros = np.zeros(scales.shape, integers.dtype)
        inputs = [self.constant(name + "_q", integers),
                  self.constant(name + "_scale", scales[0] if len(scales) == 1 else scales),
                  self.constant(name + "_zero_point", zeros[0] if len(scales) == 1 else zeros)]
        return self.add("DequantizeLinear", inputs, name + "_dequantize", self.unique(name), **attributes)

    def weights_and_bias(self, node):
        made, how = self.layers[node.name], self.quantizations[node.inputs[0]]
        self.report.append(Report(node.name, node.op, made, how, self.quantizations[node.output]))
        names = [self.parameter(node.name + "_weight", made.weights, made.scales)]
        if made.bias is not None:
            names.append(self.parameter(node.name + "_bias", made.bias, bias_scales(made.scales, how)))
        return names

    def limits(self, node, source):
        """Relu or Clip after a node: what the float network had, and the range of integers narrower than 8 bits."""
        how = self.quantizations[node.output]
        low, high = node.low, node.high
        if how.is_narrow and node.op not in PASSING:
            low = max(low, float((how.low - how.zero) * how.scale))
            high = min(high, float((how.high - how.zero) * how.scale))
        if low == -math.inf and high == math.inf:
            return source
        if (low, high) == (0, math.inf):
            return self.add("Relu", [source], node.name + "_relu", self.unique(node.name + "_limited"))
        bounds = [self.constant(f"{node.name}_{what}", np.float32(bound)) if math.isfinite(bound) else ""
                  for what, bound in (("low", low), ("high", high))]
        bounds = bounds if bounds[1] else bounds[:1]
        return self.add("Clip", [source, *bounds], node.name + "_clip", self.unique(node.name + "_limited"))

    def images(self):
        """The graph input after the arithmetic that stays in front."""
        source = self.graph.input
        for step in self.graph.front:
            values = step.spread(self.graph.shapes[self.graph.input])
            source = self.add(step.op, [source, self.constant(step.name + "_values", values)], step.name,
                              self.unique(step.name + "_images"))
        return source

    def limited_input(self):
        """A Clip before the first QuantizeLinear declares integers narrower than 8 bits."""
        name, source = self.graph.input, self.images()
        how = self.quantizations[name].declared()
        if not how.is_narrow:
            return source
        bounds = [self.constant(f"{name}_{what}", np.float32((limit - how.zero) * how.scale))
                  for what, limit in (("low", how.low), ("high", how.high))]
        return self.add("Clip", [source, *bounds], name + "_clip", self.unique(name + "_limited"))

    def write_node(self, node, dequantized):
        inputs = [dequantized[name] for name in node.inputs]
        attributes = {"transB": 1} if node.op == "Gemm" else {"axis": 1} if node.op == "Flatten" else {}
        if node.op in WEIGHTED:
            inputs += self.weights_and_bias(node)
        if node.op == "Reshape":
            inputs.append(self.constant(node.name + "_shape", np.array([0, *self.graph.shapes[node.output]], np.int64)))
        source = inputs[0] if node.op == "Limit" else self.add(
            node.op, inputs, node.name, self.unique(node.name + "_sum"), **node.attributes, **attributes)
        result = self.graph.output if node.output == self.graph.output else None
        dequantized[node.output] = self.quantize(node.name, self.limits(node, source), node.output, result)

    def write(self, description):
        """(bytes of the model, Reports of its layers with weights)"""
        graph = self.graph
        dequantized = {graph.input: self.quantize(graph.input, self.limited_input(), graph.input)}
        for node in graph.nodes:
            self.write_node(node, dequantized)
        made = helper.make_graph(
            self.nodes, graph.name,
            [helper.make_tensor_value_info(graph.input, TensorProto.FLOAT, ["N", *graph.shapes[graph.input]])],
            [helper.make_tensor_value_info(graph.output, TensorProto.FLOAT, ["N", *graph.shapes[graph.output]])],
            self.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], ir_version=8,
                                  producer_name="widthwise", producer_version="1", doc_string=description)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True), self.report
