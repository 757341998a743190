# SPDX-License-Identifier: Apache-2.0
"""Reads a float CNN from an ONNX file into the few kinds of node that scripts/quantize knows.

On the way constants are computed, BatchNormalization and arithmetic with constants are folded into the convolution or
fully connected layer before them (or stay in front of the first layer), Relu and Clip become limits of the node that
they follow, and what only orders values anew leaves no trace but in the weights.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import onnx

from constant_folding import ERRORS, attributes_of, constant_value, fold
from feature_view import View
from float_graph import UNKNOWN, WEIGHTED, Graph, Node
from float_layers import LayerSteps
from float_merges import MergeSteps
from float_model import MOST_EXTENT, MOST_MAP_VALUES, FloatModel
from float_problems import KEEPS_SHAPE, Problems, label
from float_shapes import ShapeSteps

NO_PADDING = (0, 0, 0, 0)


class NodeProblem(Exception):
    """Why a node cannot be quantized; without text if a node before it is the reason."""


@dataclass(frozen=True)
class Value:
    """What a tensor of the file is: one of the Graph, looked at through a view, surrounded by zeros."""

    tensor: str = None  # None behind a node that could not be read
    view: View = None
    name: str = ""  # in the file
    padding: tuple = NO_PADDING  # top, left, bottom, right
    is_scores: bool = False  # of classes, which nothing but the output may read
    moved_by: onnx.NodeProto = None  # the last node that ordered its values anew


class Reader(LayerSteps, MergeSteps, ShapeSteps):
    """Walks the nodes of a file in their order and builds the Graph."""

    def __init__(self, model):
        self.model, self.constants, self.notes, self.problems = model, model.constants, model.notes, Problems()
        self.nodes, self.producers, self.names, self.front, self.checks = [], {}, set(), [], []
        view = model.view
        self.shapes = {model.input: view.shape[:1] if len(view.dimensions) == 2 else view.shape}
        self.values = {model.input: Value(model.input, view, model.input)}
        self.aliases = {model.input: [model.input]}  # of a tensor: its names in the file
        self.steps = {
            "Add": self.read_add, "ArgMax": self.read_classes, "AveragePool": self.read_averagepool,
            "BatchNormalization": self.read_batchnormalization, "Cast": self.read_cast, "Clip": self.read_clip,
            "Constant": self.read_constant, "Conv": self.read_conv, "Div": self.read_arithmetic,
            "Flatten": self.read_flatten, "Gemm": self.read_gemm, "GlobalAveragePool": self.read_globalaveragepool,
            "GlobalMaxPool": self.read_globalmaxpool, "LogSoftmax": self.read_classes, "MatMul": self.read_matmul,
            "MaxPool": self.read_maxpool, "Mul": self.read_arithmetic, "Pad": self.read_pad,
            "ReduceMean": self.read_reducemean, "Relu": self.read_relu, "Reshape": self.read_reshape,
            "Shape": self.read_shape, "Sigmoid": self.read_classes, "Softmax": self.read_classes,
            "Squeeze": self.read_squeeze, "Sub": self.read_arithmetic, "Transpose": self.read_transpose,
            "Unsqueeze": self.read_unsqueeze}

    def fail(self, node, text):
        raise NodeProblem(f"{label(node)} {text}")

    @staticmethod
    def skip():
        """Says nothing of a node, since one before it is the reason."""
        raise NodeProblem

    def read(self):
        for node in self.model.nodes:
            self.visit(node)
        for check in self.checks:  # that need what comes behind a node
            self.attempt(check)
        self.problems.raise_any(self.model.path, list(self.steps))
        return self.graph()

    def attempt(self, step):
        """Whether it went well."""
        try:
            step()
            return True
        except NodeProblem as problem:
            if str(problem):
                self.problems.add(str(problem))
            return False

    def visit(self, node):
        if not self.attempt(lambda: self.take(node)):
            self.mark_broken(node)

    def take(self, node):
        if self.is_of_constants(node):
            return
        step = self.steps.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if step is None:
            self.problems.add_unsupported(node)
        if step is None or any(name in self.values and self.values[name].tensor is None for name in node.input):
            self.skip()
        if any(node.output[1:]):
            self.fail(node, f"has {len(node.output)} outputs, only one is supported")
        try:
            step(node)
        except ERRORS as error:  # of a file that no checker knows the operators of
            self.fail(node, f"cannot be read ({error})")

    def is_of_constants(self, node):
        """Whether the node is computed here and now."""
        if not node.input or not all(name in self.constants or not name for name in node.input):
            return False
        try:
            value = fold(node, [self.constants.get(name) for name in node.input])
        except ValueError as error:
            self.fail(node, str(error))
        if value is not None:
            self.constants[node.output[0]] = value
        return value is not None

    def read_constant(self, node):
        self.constants[node.output[0]] = constant_value(node)

    def mark_broken(self, node):
        source = self.values.get(node.input[0]) if node.input else None
        if source is not None and source.tensor is not None and node.op_type in KEEPS_SHAPE:
            tensor = node.output[0]
            self.producers[tensor] = Node(UNKNOWN, tensor, [source.tensor], tensor)
            self.shapes[tensor], self.aliases[tensor] = self.shapes[source.tensor], [tensor]
            self.values[tensor] = replace(source, tensor=tensor, name=tensor)
            return
        self.values.update({name: Value() for name in node.output})

    def graph(self):
        model = self.model
        value = self.values.get(model.output)
        if value is None:
            model.fail(f"the graph output '{model.output}' is not computed from the graph input")
        if not any(node.op in WEIGHTED for node in self.nodes):
            model.fail("there is no Conv, Gemm or MatMul to quantize")
        if not self.attempt(lambda: self.end(value)):
            self.problems.raise_any(model.path, list(self.steps))
        return Graph(model.name, model.input, self.output, self.nodes, self.shapes, self.front)

    def end(self, value):
        """The output gets its name in the file back, and a vector of classes is one."""
        last = value.moved_by or next(node for node in self.model.nodes if value.name in node.output)
        self.refuse_padding(last, value)
        view, tensor = value.view, value.tensor
        if len(view.dimensions) == 2 and view.is_vector() and view.extents()[1] == view.features:
            if not view.is_in_order():
                self.fail(last, f"makes a vector of {view.text()} for the graph output, expected N x CHW")
            tensor = self.as_vector(last, value)
        elif not view.is_map() and view.features > max(view.extents()[1:], default=1):
            self.notes.append(f"The output is written as N x channels x height x width, not {view.text()}.")
        self.output = value.name
        if tensor != value.name:
            if value.name in self.shapes:
                self.rename(value.name, value.name + " before")
            self.rename(tensor, value.name)

    def rename(self, tensor, name):
        self.shapes[name] = self.shapes.pop(tensor)
        for node in self.nodes:
            node.inputs = [name if read == tensor else read for read in node.inputs]
            node.output = name if node.output == tensor else node.output

    # Values

    def pass_value(self, node, value, moves=False):
        name = node.output[0]
        value = replace(value, name=value.name if value.is_scores else name, moved_by=node if moves else value.moved_by)
        self.values[name] = value
        self.aliases[value.tensor].append(name)

    def operand(self, node, index=0, may_be_scores=False):
        """The Value of an input that is computed."""
        name = node.input[index] if index < len(node.input) else ""
        if name not in self.values:
            self.fail(node, f"its input '{name}' is not computed from the graph input; weights belong on the right")
        value = self.values[name]
        if value.is_scores and not may_be_scores:
            self.fail(node, f"reads the classes '{name}', expected them at the end of the network")
        return value

    def constant(self, node, index, what):
        """A float constant among the inputs, or None if the input is left out."""
        name = node.input[index] if index < len(node.input) else ""
        if not name:
            return None
        if name not in self.constants:
            self.fail(node, f"has {what} '{name}' that are computed, only constants are supported")
        return np.asarray(self.constants[name], np.float32)

    def needed_constant(self, node, index, what):
        values = self.constant(node, index, what)
        if values is None:
            self.fail(node, f"has no {what}")
        return values

    def attributes(self, node, allowed, fixed=None):
        """Attributes as a dictionary; only those `allowed`, or those in `fixed` with the value given there."""
        fixed, found = fixed or {}, {}
        for name, value in attributes_of(node).items():
            value = value.decode() if isinstance(value, bytes) else value
            if name in fixed and value != fixed[name]:
                self.fail(node, f"has attribute {name} {value}, only {fixed[name]} is supported")
            if name not in fixed and name not in allowed:
                self.fail(node, f"has attribute {name}, supported are {', '.join([*allowed, *fixed])}")
            if name in allowed:
                found[name] = value
        return found

    def refuse_padding(self, node, value):
        if value.padding != NO_PADDING:
            self.fail(node, "reads a map that a Pad has enlarged, expected a convolution or a pool behind the Pad")

    def several_readers(self, tensor):
        """The nodes that read a tensor under one of its names, if there are more than one; else none."""
        for name in self.aliases[tensor]:
            if len(self.model.readers.get(name, ())) > 1:
                return self.model.readers[name]
        return []

    # Nodes

    def unique_name(self, base):
        name, suffix = base, 2
        while name.lower() in self.names:
            name, suffix = f"{base}_{suffix}", suffix + 1
        self.names.add(name.lower())
        return name

    def layer_name(self, node):
        """A unique name; for PyTorch's '/block1/first/first.0/Conv' it is that of the module, 'block1.first.0'."""
        name = node.name or node.output[0]
        if name.startswith("/"):
            parts = name[1:].split("/")
            if len(parts) > 1 and parts[-1].split("_")[0] == node.op_type:
                parts.pop()
            kept = [part for part, after in zip(parts, [*parts[1:], ""]) if not after.startswith(part + ".")]
            name = ".".join(kept)
        return self.unique_name(name)

    def add(self, node, op, inputs, shape, view, **rest):
        """A layer, whose output is that of the node."""
        if min(shape) < 1:
            self.fail(node, "has a window that is larger than its padded input")
        if max(shape[1:], default=1) > MOST_EXTENT or math.prod(shape) > MOST_MAP_VALUES:
            self.fail(node, f"its output is {' x '.join(map(str, shape))}, expected at most {MOST_EXTENT} rows and "
                            f"columns and {MOST_MAP_VALUES} values")
        made = self.add_node(Node(op, self.layer_name(node), inputs, node.output[0], **rest), shape)
        self.values[made.output] = Value(made.output, view, made.output)

    def add_node(self, made, shape):
        self.nodes.append(made)
        self.producers[made.output] = made
        self.shapes[made.output], self.aliases[made.output] = shape, [made.output]
        return made

    def moved(self, node, value, op, shape):
        """A tensor of the same values in the same order in another shape; it is made once."""
        tensor = f"{value.tensor} as {op}"
        if tensor not in self.shapes:
            name = self.layer_name(value.moved_by) if value.moved_by else self.unique_name(
                f"{node.name or node.output[0]}_{op.lower()}")
            self.add_node(Node(op, name, [value.tensor], tensor), shape)
        return tensor

    def as_vector(self, node, value):
        """The tensor of a value whose features are needed one after the other."""
        if len(self.shapes[value.tensor]) == 1:
            return value.tensor
        return self.moved(node, value, "Flatten", (value.view.features,))

    def as_map(self, node, value):
        if len(self.shapes[value.tensor]) == 3:
            return value.tensor
        return self.moved(node, value, "Reshape", value.view.shape)


def read_float_onnx(path, output=None):
    """(Graph, notes for the user) of a float ONNX file, up to one of its outputs; raises ModelError."""
    reader = Reader(FloatModel(path, output))
    return reader.read(), reader.notes
