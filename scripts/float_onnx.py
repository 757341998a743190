# SPDX-License-Identifier: Apache-2.0
"""Reads a float CNN from an ONNX file into the few kinds of node that scripts/quantize knows.

On the way constants are resolved, BatchNormalization and added constants are folded into the convolution or fully
connected layer before them, and Relu and Clip become limits of the node that they follow.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper

SUPPORTED = ["Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "Flatten", "Gemm",
             "GlobalAveragePool", "MatMul", "MaxPool", "Relu", "Reshape"]
DROPPED = ["Constant", "Dropout", "Identity"]
PASSING = ("MaxPool", "Flatten", "Concat")  # their outputs hold values of their inputs
WEIGHTED = ("Conv", "Gemm")
WINDOW_ATTRIBUTES = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"]
EXTENTS = {"dilations": (2, 1), "kernel_shape": (2, 1), "pads": (4, 0), "strides": (2, 1)}  # how many, the least value


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
class Graph:
    name: str
    input: str
    output: str
    nodes: list
    shapes: dict  # of every tensor, without the batch: (channels, height, width) or (features,)


def label(proto):
    return f"node '{proto.name or proto.output[0]}' ({proto.op_type})"


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


class Reader:
    """Walks the nodes of a file in their order, which ONNX sorts, and builds the Graph."""

    def __init__(self, path):
        self.path = path
        self.constants, self.same_as, self.readers = {}, {}, {}
        self.nodes, self.producers, self.shapes, self.names, self.notes = [], {}, {}, set(), []
        try:
            self.proto = self.checked(onnx.load(str(path))).graph
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror or error}") from error
        except Exception as error:  # protobuf's and onnx's own errors have no common class
            raise ModelError(f"{path}: not a valid ONNX model, or one that is cut short ({error})") from error

    @staticmethod
    def checked(model):
        """The model, if it is well formed; operator sets newer than the installed onnx are taken as they come."""
        if all(entry.version <= onnx.defs.onnx_opset_version() for entry in model.opset_import if not entry.domain):
            model.ir_version = min(model.ir_version, onnx.IR_VERSION)
            onnx.checker.check_model(model)
        if not all(isinstance(node.name, str) for node in model.graph.node):
            raise ValueError("a name is not text")
        return model

    def fail(self, proto, text):
        raise ModelError(f"{self.path}: {label(proto)} {text}")

    def read(self):
        self.constants = {c.name: self.array(c) for c in self.proto.initializer}
        source = self.graph_input()
        self.drop_nodes_without_effect()
        kept = [node for node in self.proto.node if self.has_effect(node)]
        output = self.graph_output(kept)
        for node in kept:
            for name in {self.resolved(name) for name in node.input if node.op_type != "Shape"}:
                self.readers.setdefault(name, []).append(node)
        if output in self.readers:
            raise ModelError(f"{self.path}: graph output '{output}' is read by {label(self.readers[output][0])} too")
        for node in kept:
            self.read_node(node)
        if not any(node.op in WEIGHTED for node in self.nodes):
            raise ModelError(f"{self.path}: there is no Conv, Gemm or MatMul to quantize")
        if output not in self.shapes:
            raise ModelError(f"{self.path}: no node computes the graph output '{output}'")
        return Graph(self.proto.name or "network", source, output, self.nodes, self.shapes)

    def array(self, tensor):
        try:
            return numpy_helper.to_array(tensor)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{self.path}: constant '{tensor.name}' cannot be read ({error})") from error

    def graph_input(self):
        inputs = [entry for entry in self.proto.input if entry.name not in self.constants]
        if len(inputs) != 1:
            raise ModelError(f"{self.path}: has {len(inputs)} graph inputs, expected one (images)")
        tensor = inputs[0].type.tensor_type
        shape = tuple(dim.dim_value for dim in tensor.shape.dim[1:])
        if tensor.elem_type != onnx.TensorProto.FLOAT or len(shape) not in (1, 3) or min(shape) < 1:
            raise ModelError(f"{self.path}: graph input '{inputs[0].name}' is not a FLOAT tensor of "
                             "N x channels x height x width (or N x features) of fixed size but for N")
        self.shapes[inputs[0].name] = shape
        return inputs[0].name

    def has_effect(self, node):
        if node.op_type != "Pad":
            return node.op_type not in DROPPED
        pads = self.constants.get(self.resolved(node.input[1]), [1]) if len(node.input) > 1 else [1]
        return any(pads)

    def drop_nodes_without_effect(self):
        for node in self.proto.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = self.constant_value(node)
            elif not self.has_effect(node):
                source = self.resolved(node.input[0])
                if source in self.constants:
                    self.constants[node.output[0]] = self.constants[source]
                self.same_as[node.output[0]] = source

    def constant_value(self, node):
        attribute = node.attribute[0]
        if attribute.name == "value":
            return self.array(attribute.t)
        kind = np.float32 if attribute.name.startswith("value_float") else np.int64
        return np.array(onnx.helper.get_attribute_value(attribute), kind)

    def graph_output(self, kept):
        """The output's name; a Softmax there is left out, since it does not change the order of the classes."""
        if len(self.proto.output) != 1:
            raise ModelError(f"{self.path}: has {len(self.proto.output)} graph outputs, expected one")
        name = self.resolved(self.proto.output[0].name)
        last = next((node for node in kept if node.output[0] == name), None)
        if last is not None and last.op_type in ("Softmax", "LogSoftmax"):
            kept.remove(last)
            self.notes.append(f"{label(last)} at the end is left out: it does not change the order of the classes")
            name = self.resolved(last.input[0])
        return name

    def resolved(self, name):
        return self.same_as.get(name, name)

    def attributes(self, node, allowed, fixed=None):
        """Attributes as a dictionary; only those `allowed`, or those in `fixed` with the value given there."""
        fixed = fixed or {}
        found = {}
        for attribute in node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            value = value.decode() if isinstance(value, bytes) else value
            if attribute.name in fixed and value != fixed[attribute.name]:
                self.fail(node, f"has attribute {attribute.name} {value}, only {fixed[attribute.name]} is supported")
            if attribute.name not in fixed and attribute.name not in allowed:
                self.fail(node, f"has attribute {attribute.name}, supported are {', '.join([*allowed, *fixed])}")
            count, least = EXTENTS.get(attribute.name, (0, 0))
            if count and (len(value) != count or min(value) < least):
                self.fail(node, f"has attribute {attribute.name} {list(value)}, expected {count} of at least {least}")
            if attribute.name in allowed:
                found[attribute.name] = value
        return found

    def constant(self, node, index, what):
        """A float constant among the inputs, or None if the input is left out."""
        name = self.resolved(node.input[index]) if index < len(node.input) else ""
        if not name:
            return None
        if name not in self.constants:
            self.fail(node, f"has {what} '{name}' that are computed, only constants are supported")
        return np.asarray(self.constants[name], np.float32)

    def activation(self, node, index=0):
        """An input that is computed."""
        name = self.resolved(node.input[index])
        if name not in self.shapes:
            self.fail(node, f"reads '{name}', which is not computed by nodes before it")
        return name

    def image(self, node):
        name = self.activation(node)
        if len(self.shapes[name]) != 3:
            self.fail(node, "reads a tensor that is not N x channels x height x width")
        return name

    def read_node(self, node):
        reader = getattr(self, "read_" + node.op_type.lower(), None)
        if node.domain not in ("", "ai.onnx") or reader is None:
            self.fail(node, f"is not supported, supported are {', '.join(SUPPORTED)}, and ReduceMean over the image")
        reader(node)

    def layer_name(self, node):
        """A unique name; for PyTorch's '/block1/first/first.0/Conv' it is that of the module, 'block1.first.0'."""
        name = base = node.name or node.output[0]
        if name.startswith("/"):
            parts = name[1:].split("/")
            if len(parts) > 1 and parts[-1].split("_")[0] == node.op_type:
                parts.pop()
            kept = [part for part, after in zip(parts, [*parts[1:], ""]) if not after.startswith(part + ".")]
            name = base = ".".join(kept)
        suffix = 2
        while name.lower() in self.names:
            name, suffix = f"{base}_{suffix}", suffix + 1
        self.names.add(name.lower())
        return name

    def add(self, node, op, inputs, shape, **rest):
        if min(shape) < 1:
            self.fail(node, "has a window that is larger than its padded input")
        made = Node(op, self.layer_name(node), inputs, node.output[0], **rest)
        self.nodes.append(made)
        self.producers[made.output] = made
        self.shapes[made.output] = shape

    def read_conv(self, node):
        source, weights = self.image(node), self.constant(node, 1, "weights")
        attributes = self.attributes(node, [*WINDOW_ATTRIBUTES, "group"])
        shape, group = self.shapes[source], attributes.get("group", 1)
        if weights.ndim != 4 or weights.shape[1] * group != shape[0] or weights.shape[0] % group:
            self.fail(node, f"has weights of {weights.shape} in {group} groups for an input of {shape}")
        attributes["kernel_shape"] = list(weights.shape[2:])
        extent = window_shape(attributes, shape, weights.shape[2:])
        self.add(node, "Conv", [source], (weights.shape[0], *extent), attributes=attributes, weights=weights,
                 bias=self.constant(node, 2, "biases"))

    def read_gemm(self, node):
        attributes = self.attributes(node, ["alpha", "beta", "transB"], {"transA": 0})
        weights, bias = self.constant(node, 1, "weights"), self.constant(node, 2, "biases")
        weights = weights * np.float32(attributes.get("alpha", 1))
        bias = None if bias is None else bias * np.float32(attributes.get("beta", 1))
        self.add_fully_connected(node, weights if attributes.get("transB", 0) else weights.T, bias)

    def read_matmul(self, node):
        self.add_fully_connected(node, self.constant(node, 1, "weights").T, None)

    def add_fully_connected(self, node, weights, bias):
        source = self.activation(node)
        if weights.ndim != 2 or self.shapes[source] != (weights.shape[1],):
            self.fail(node, f"has weights of {weights.shape} (out, in) for an input of {self.shapes[source]}; "
                            "a Flatten before it makes vectors of images")
        if bias is not None:
            bias = np.broadcast_to(bias.reshape(-1), (weights.shape[0],)).copy()
        self.add(node, "Gemm", [source], (weights.shape[0],), weights=np.ascontiguousarray(weights), bias=bias)

    def before(self, node, name):
        """The node that computes a tensor which nothing else reads."""
        before = self.producers.get(name)
        if before is None:
            self.fail(node, "follows the graph input, expected a node that it can be merged into")
        readers = self.readers[name]
        if len(readers) > 1:
            self.fail(node, f"cannot be merged into '{before.name}' ({before.op}), whose output has "
                            f"{len(readers)} readers: {', '.join(label(reader) for reader in readers)}")
        return before

    def weighted_before(self, node, index=0):
        before = self.before(node, self.activation(node, index))
        if before.op not in WEIGHTED or before.activation:
            after = f"'{before.activation}'" if before.activation else f"'{before.name}' ({before.op})"
            self.fail(node, f"cannot be folded: it follows {after}, only directly after Conv, Gemm or MatMul it can")
        return before

    def rename(self, made, node):
        """The folded node's output becomes that of the node it was folded into."""
        self.shapes[node.output[0]] = self.shapes.pop(made.output)
        del self.producers[made.output]
        made.output = node.output[0]
        self.producers[made.output] = made

    def read_batchnormalization(self, node):
        attributes = self.attributes(node, ["epsilon", "momentum"], {"training_mode": 0, "spatial": 1})
        into = self.weighted_before(node)
        gamma, beta, mean, variance = (self.constant(node, index, "parameters").astype(np.float64)
                                       for index in range(1, 5))
        factor = gamma / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        bias = np.zeros(len(into.weights)) if into.bias is None else into.bias
        into.weights = (into.weights * factor.reshape((-1,) + (1,) * (into.weights.ndim - 1))).astype(np.float32)
        into.bias = ((bias - mean) * factor + beta).astype(np.float32)
        self.rename(into, node)

    def read_add(self, node):
        self.attributes(node, [])
        constants = [index for index in (0, 1) if self.resolved(node.input[index]) in self.constants]
        if constants:
            return self.fold_bias(node, constants[0])
        inputs = [self.activation(node, index) for index in (0, 1)]
        shapes = [self.shapes[name] for name in inputs]
        if shapes[0] != shapes[1]:
            self.fail(node, f"adds {shapes[0]} and {shapes[1]}, only equal shapes are supported")
        return self.add(node, "Add", inputs, shapes[0])

    def fold_bias(self, node, index):
        into, values = self.weighted_before(node, 1 - index), self.constant(node, index, "operands")
        channels, rank = len(into.weights), len(self.shapes[into.output]) + 1
        per_channel = values.size in (1, channels) and (1,) * (rank - values.ndim) + values.shape in (
            (1,) * rank, (1, channels) + (1,) * (rank - 2))
        if not per_channel:
            self.fail(node, f"adds a constant of {values.shape}, only one value per output channel is supported")
        into.bias = (np.zeros(channels, np.float32) if into.bias is None else into.bias) + values.reshape(-1)
        self.rename(into, node)

    def read_relu(self, node):
        self.attributes(node, [])
        self.limit(node, self.activation(node), 0.0, math.inf)
        self.pass_through(node)

    def read_clip(self, node):
        attributes = self.attributes(node, ["min", "max"])
        bounds = [self.constant(node, index, "bounds") for index in (1, 2)]
        low = attributes.get("min", -math.inf) if bounds[0] is None else float(bounds[0].reshape(-1)[0])
        high = attributes.get("max", math.inf) if bounds[1] is None else float(bounds[1].reshape(-1)[0])
        if not low <= 0 <= high or low == high:
            self.fail(node, f"limits values to {low}..{high}, only ranges around 0 are supported")
        self.limit(node, self.activation(node), low, high)
        self.pass_through(node)

    def pass_through(self, node):
        """The output of a Relu or Clip that was merged is that of the node before it."""
        self.rename(self.producers[self.activation(node)], node)

    def limit(self, node, name, low, high):
        """Limits what a tensor holds; before pooling, flattening and concatenation, which limits commute with."""
        before = self.before(node, name)
        if before.op in PASSING:
            for source in before.inputs:
                self.limit(node, source, low, high)
            return
        before.low, before.high = (min(max(bound, low), high) for bound in (before.low, before.high))
        before.activation = node.name or node.output[0]

    def read_pool(self, node, op, allowed, fixed):
        source = self.image(node)
        attributes = self.attributes(node, [*allowed, "auto_pad", "kernel_shape", "pads", "strides"], fixed)
        shape = self.shapes[source]
        if "kernel_shape" not in attributes:
            self.fail(node, "has no attribute kernel_shape")
        extent = window_shape(attributes, shape, attributes["kernel_shape"])
        self.add(node, op, [source], (shape[0], *extent), attributes=attributes)

    def read_maxpool(self, node):
        self.read_pool(node, "MaxPool", [], {"ceil_mode": 0, "storage_order": 0, "dilations": [1, 1]})

    def read_averagepool(self, node):
        self.read_pool(node, "AveragePool", ["count_include_pad"], {"ceil_mode": 0})

    def read_globalaveragepool(self, node):
        self.attributes(node, [])
        source = self.image(node)
        self.add(node, "GlobalAveragePool", [source], (self.shapes[source][0], 1, 1))

    def read_reducemean(self, node):
        """The mean over rows and columns, as PyTorch writes x.mean((2, 3))."""
        source = self.image(node)
        attributes = self.attributes(node, ["axes", "keepdims"], {"noop_with_empty_axes": 0})
        axes = attributes.get("axes", []) if len(node.input) < 2 else self.shape_value(node, 1)
        if sorted(int(axis) % 4 for axis in axes) != [2, 3]:
            self.fail(node, "is only supported over rows and columns (axes 2 and 3)")
        channels = self.shapes[source][0]
        if attributes.get("keepdims", 1):
            return self.add(node, "GlobalAveragePool", [source], (channels, 1, 1))
        mean = node.output[0] + "_mean"
        self.nodes.append(Node("GlobalAveragePool", self.layer_name(node), [source], mean))
        self.shapes[mean], self.producers[mean], self.readers[mean] = (channels, 1, 1), self.nodes[-1], [node]
        return self.add(node, "Flatten", [mean], (channels,))

    def read_flatten(self, node):
        source = self.activation(node)
        axis = self.attributes(node, ["axis"]).get("axis", 1)
        if axis not in (1, -len(self.shapes[source])):
            self.fail(node, f"has attribute axis {axis}, only 1 is supported")
        self.add_flatten(node, source)

    def read_reshape(self, node):
        source = self.activation(node)
        self.attributes(node, [], {"allowzero": 0})
        name = self.resolved(node.input[1])
        if name not in self.constants:
            self.fail(node, f"has a computed shape '{name}', only constants are supported (torch.flatten gives one)")
        target, features = [int(extent) for extent in self.constants[name]], math.prod(self.shapes[source])
        if len(target) != 2 or target[1] not in (features, -1) or target == [-1, -1]:
            self.fail(node, f"reshapes to {target}, only [N, {features}] (one vector per image) is supported")
        self.add_flatten(node, source)

    def add_flatten(self, node, source):
        self.add(node, "Flatten", [source], (math.prod(self.shapes[source]),))

    def read_shape(self, node):
        """PyTorch's x.view(x.size(0), -1) computes with shapes; the batch is 0, which Reshape takes for 'as it is'."""
        self.attributes(node, [])
        self.constants[node.output[0]] = np.array([0, *self.shapes[self.activation(node)]], np.int64)

    def read_gather(self, node):
        axis = self.attributes(node, ["axis"]).get("axis", 0)
        values, indices = (self.shape_value(node, index) for index in (0, 1))
        self.constants[node.output[0]] = np.take(values, indices, axis)

    def read_unsqueeze(self, node):
        axes = self.attributes(node, ["axes"]).get("axes") or self.shape_value(node, 1)
        self.constants[node.output[0]] = np.expand_dims(self.shape_value(node, 0), tuple(int(axis) for axis in axes))

    def shape_value(self, node, index):
        name = self.resolved(node.input[index])
        if name not in self.constants:
            self.fail(node, f"computes with '{name}'; only the shape of a Reshape may be computed")
        return self.constants[name]

    def read_concat(self, node):
        axis = self.attributes(node, ["axis"])["axis"]
        if all(self.resolved(name) in self.constants for name in node.input):
            parts = [self.shape_value(node, index) for index in range(len(node.input))]
            self.constants[node.output[0]] = np.concatenate(parts, axis)
            return
        inputs = [self.activation(node, index) for index in range(len(node.input))]
        shapes = [self.shapes[name] for name in inputs]
        if axis not in (1, -len(shapes[0])) or len({shape[1:] for shape in shapes}) > 1:
            self.fail(node, f"joins {shapes} along axis {axis}, only channels of equal images are supported")
        self.add(node, "Concat", inputs, (sum(shape[0] for shape in shapes), *shapes[0][1:]))


def read_float_onnx(path):
    """(Graph, notes for the user) of a float ONNX file; raises ModelError."""
    reader = Reader(path)
    return reader.read(), reader.notes
