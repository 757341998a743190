# SPDX-License-Identifier: Apache-2.0
"""What float_onnx makes of nodes that are layers."""

from dataclasses import replace

import numpy as np

from constant_folding import axes_of
from feature_view import View
from float_graph import UNKNOWN, WEIGHTED, rounded_up_pads, window_pads, window_shape
from float_model import MOST_EXTENT

WINDOW_ATTRIBUTES = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"]
# How many there are per axis, the least value.
EXTENTS = {"dilations": (1, 1), "kernel_shape": (1, 1), "pads": (2, 0), "strides": (1, 1)}
MOST_TAPS = 2 ** 20  # kMaxTaps of sim/network/onnx_limits.h


class LayerSteps:
    """Part of float_onnx.Reader."""

    def image(self, node):
        value = self.operand(node)
        if not value.view.is_map():
            self.fail(node, f"reads {value.view.text()}, expected N x channels x height x width")
        return value, self.as_map(node, value)

    def window_attributes(self, node, value, allowed, fixed=None):
        """Attributes for two spatial axes; a map of one has a height of 1."""
        found = self.attributes(node, allowed, fixed)
        axes = 1 if len(value.view.dimensions) == 3 else 2
        for name, (count, least) in EXTENTS.items():
            values = found.get(name)
            if values is None:
                continue
            if len(values) != count * axes or min(values) < least:
                self.fail(node, f"has attribute {name} {list(values)}, expected {count * axes} of at least {least}")
            if axes == 1:
                found[name] = [least, values[0]] if count == 1 else [0, values[0], 0, values[1]]
        return found

    def window(self, node, value, tensor, attributes, kernel):
        """(attributes, (height, width) of the output); a Pad before it and ceil_mode become pads."""
        top, left, bottom, right = value.padding
        channels, height, width = self.shapes[tensor]
        padded = (channels, height + top + bottom, width + left + right)
        rounds_up = attributes.pop("ceil_mode", 0)
        own = (rounded_up_pads if rounds_up else window_pads)(attributes, padded, kernel)
        pads = tuple(a + b for a, b in zip(own, value.padding))
        if max(height + pads[0] + pads[2], width + pads[1] + pads[3]) > MOST_EXTENT:
            self.fail(node, f"pads {list(pads)} make its input larger than {MOST_EXTENT} pixels each way")
        if pads != window_pads(attributes, self.shapes[tensor], kernel):
            attributes = {name: found for name, found in attributes.items() if name != "auto_pad"}
            attributes["pads"] = list(pads)
        extent = window_shape(attributes, self.shapes[tensor], kernel)
        return attributes, extent

    @staticmethod
    def windowed(value, shape):
        """The view of a map that a window makes."""
        view = View.of_map(shape, value.view.batch)
        return replace(view, dimensions=("N", "C", "W")) if len(value.view.dimensions) == 3 else view

    def read_conv(self, node):
        (value, source), weights = self.image(node), self.needed_constant(node, 1, "weights")
        attributes = self.window_attributes(node, value, [*WINDOW_ATTRIBUTES, "group"])
        shape, group = self.shapes[source], attributes.get("group", 1)
        if weights.ndim == 3 and len(value.view.dimensions) == 3:
            weights = weights[:, :, None]
        if weights.ndim != 4 or group < 1 or weights.shape[1] * group != shape[0] or weights.shape[0] % group:
            self.fail(node, f"has weights of {weights.shape} in {group} groups for an input of {shape}")
        self.check_taps(node, weights)
        kernel = list(weights.shape[2:])
        if attributes.setdefault("kernel_shape", kernel) != kernel:
            self.fail(node, f"has attribute kernel_shape {attributes['kernel_shape']} for weights of {weights.shape}")
        attributes, extent = self.window(node, value, source, attributes, kernel)
        made = (weights.shape[0], *extent)
        self.add(node, "Conv", [source], made, self.windowed(value, made), attributes=attributes, weights=weights,
                 bias=self.bias(node, weights))

    def check_taps(self, node, weights):
        if weights[0].size > MOST_TAPS:
            self.fail(node, f"adds up {weights[0].size} products for each output, expected at most {MOST_TAPS}")

    def bias(self, node, weights):
        bias = self.constant(node, 2, "biases")
        if bias is not None and bias.shape != (len(weights),):
            self.fail(node, f"has biases of {bias.shape} for {len(weights)} output channels")
        return bias

    def pool(self, node, op, allowed, fixed):
        value, source = self.image(node)
        names = [*allowed, "auto_pad", "ceil_mode", "kernel_shape", "pads", "strides"]
        attributes = self.window_attributes(node, value, names, fixed)
        if any(extent != 1 for extent in attributes.pop("dilations", [])):
            self.fail(node, "has attribute dilations, only 1 is supported")
        if "kernel_shape" not in attributes:
            self.fail(node, "has no attribute kernel_shape")
        self.add_pool(node, op, value, source, attributes)

    def add_pool(self, node, op, value, source, attributes):
        kernel = attributes["kernel_shape"]
        rounds_up, counts = attributes.get("ceil_mode", 0), attributes.get("count_include_pad", 0)
        attributes, extent = self.window(node, value, source, dict(attributes), kernel)
        pads = window_pads(attributes, self.shapes[source], kernel)
        own = [all_ - outside for all_, outside in zip(pads, value.padding)]
        if op == "AveragePool" and rounds_up and counts and any(own):
            self.fail(node, "attributes ceil_mode and count_include_pad together are not supported with padding")
        if op == "AveragePool" and any(value.padding):
            if any(own) and not counts:
                self.fail(node, "averages without its padding over a map that is padded before, expected one of them")
            attributes["count_include_pad"] = 1
        if max(pads[0], pads[2]) >= kernel[0] or max(pads[1], pads[3]) >= kernel[1]:
            self.fail(node, f"pads {list(pads)} are as large as the kernel {kernel}, expected smaller ones")
        if op == "MaxPool" and any(value.padding):
            self.checks.append(lambda: self.check_zero_is_least(node, source))
        shape = (self.shapes[source][0], *extent)
        self.add(node, op, [source], shape, self.windowed(value, shape), attributes=attributes)

    def check_zero_is_least(self, node, tensor):
        """A MaxPool leaves its padding out, which is the same as zeros among values that are none below it."""
        made = self.producers.get(tensor)
        if made is not None and (made.op == UNKNOWN or made.low >= 0):
            return
        if made is not None and made.op not in WEIGHTED:
            for source in made.inputs:
                self.check_zero_is_least(node, source)
            return
        self.fail(node, "reads a map padded with 0, which can be larger than its values, expected padding of its own")

    def read_maxpool(self, node):
        self.pool(node, "MaxPool", ["dilations"], {"storage_order": 0})

    def read_averagepool(self, node):
        self.pool(node, "AveragePool", ["count_include_pad", "dilations"], {})

    def read_globalmaxpool(self, node):
        self.attributes(node, [])
        value, source = self.image(node)
        self.refuse_padding(node, value)
        self.add_pool(node, "MaxPool", value, source, {"kernel_shape": list(self.shapes[source][1:])})

    def read_globalaveragepool(self, node):
        self.attributes(node, [])
        value, source = self.image(node)
        self.refuse_padding(node, value)
        shape = (self.shapes[source][0], 1, 1)
        self.add(node, "GlobalAveragePool", [source], shape, self.windowed(value, shape))

    def read_reducemean(self, node):
        """The mean over rows and columns, as PyTorch writes x.mean((2, 3))."""
        value = self.operand(node)
        self.refuse_padding(node, value)
        attributes = self.attributes(node, ["axes", "keepdims", "noop_with_empty_axes"])
        axes = axes_of(node, [None, *(self.list_constant(node, i) for i in range(1, len(node.input)))]) or []
        view, kept = value.view, []
        reduced = {self.place(node, axis, view) for axis in axes}
        for place, dimension in enumerate(view.dimensions):
            if any((axis in "HW") != (place in reduced) for axis in view.large(dimension)):
                self.fail(node, f"averages {view.text()} over the axes {list(axes)}, expected height and width")
            if place not in reduced:
                kept.append(dimension)
            elif attributes.get("keepdims", 1):
                kept.append("")
        shape = (view.shape[0], 1, 1)
        made = View(shape, tuple(kept), view.batch)
        self.add(node, "GlobalAveragePool", [self.as_map(node, value)], shape, made)
        if len(kept) == 2:
            self.values[node.output[0]] = replace(self.values[node.output[0]], moved_by=node)

    # Fully connected layers

    def read_gemm(self, node):
        attributes = self.attributes(node, ["alpha", "beta", "transB"], {"transA": 0})
        weights, bias = self.needed_constant(node, 1, "weights"), self.constant(node, 2, "biases")
        weights = weights * np.float32(attributes.get("alpha", 1))
        bias = None if bias is None else bias * np.float32(attributes.get("beta", 1))
        self.add_fully_connected(node, weights if attributes.get("transB", 0) else weights.T, bias)

    def read_matmul(self, node):
        self.attributes(node, [])
        self.operand(node)
        weights = self.needed_constant(node, 1, "weights")
        while weights.ndim > 2 and weights.shape[0] == 1:
            weights = weights[0]
        self.add_fully_connected(node, weights.T, None)

    def add_fully_connected(self, node, weights, bias):
        value = self.operand(node)
        self.refuse_padding(node, value)
        view = value.view
        if not view.is_vector() or view.extents()[-1] != view.features:
            what = "N x C x H x W" if view.is_map() else view.text()
            self.fail(node, f"its input is {what}, expected N x features (a Flatten or Reshape before it)")
        if weights.ndim != 2 or weights.shape[1] != view.features:
            self.fail(node, f"has weights of {weights.shape} (out, in) for an input of {view.features} features")
        self.check_taps(node, weights)
        if bias is not None:
            if bias.size not in (1, len(weights)):
                self.fail(node, f"has biases of {bias.shape} for {len(weights)} outputs")
            bias = np.broadcast_to(bias.reshape(-1), (len(weights),)).copy()
        if not view.is_in_order():
            weights = weights[:, view.features_in_order()]
        made = View.of_vector(len(weights), view.batch)
        made = replace(made, dimensions=("N", *[""] * (len(view.dimensions) - 2), "C"))
        self.add(node, "Gemm", [self.as_vector(node, value)], (len(weights),), made,
                 weights=np.ascontiguousarray(weights), bias=bias)

    def read_add(self, node):
        self.attributes(node, [])
        if any(name in self.constants for name in node.input):
            return self.read_arithmetic(node)
        values = [self.operand(node, index) for index in (0, 1)]
        for value in values:
            self.refuse_padding(node, value)
        a, b = (value.view for value in values)
        shapes = [tuple(view.extents()) for view in (a, b)]
        if shapes[0] != shapes[1] or a.shape != b.shape:
            self.fail(node, f"adds {list(shapes[0])} and {list(shapes[1])}, only equal shapes are supported")
        if not (a.has(b.dimensions) or (a.is_map() and b.is_map())):
            self.fail(node, f"adds {a.text()} and {b.text()}, expected maps in one order")
        inputs = [value.tensor for value in values]
        if len({len(self.shapes[name]) for name in inputs}) > 1:
            inputs = [self.as_map(node, value) for value in values]
        return self.add(node, "Add", inputs, self.shapes[inputs[0]], a)
