# SPDX-License-Identifier: Apache-2.0
"""Loads a float ONNX file: its input, the output that is asked for, and the nodes that lead from one to the other."""

import onnx
from onnx import numpy_helper

from constant_folding import attributes_of
from feature_view import input_view
from float_graph import ModelError

MOST_EXTENT = 65535  # kMaxExtent and kMaxMapValues of sim/network/onnx_limits.h
MOST_MAP_VALUES = 2 ** 24
INDIFFERENT = ("Cast", "Sub", "Div", "Mul", "Add", "Clip", "Pad", "Relu")


class FloatModel:
    """`nodes` are those that the output needs, `constants` arrays by name, `readers` what computes with a tensor."""

    def __init__(self, path, output=None):
        self.path, self.notes = path, []
        try:
            model = self.checked(onnx.load(str(path)))
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror or error}") from error
        except Exception as error:  # protobuf's and onnx's own errors have no common class
            raise ModelError(f"{path}: not a valid ONNX model, or one that is cut short ({error})") from error
        self.proto = model.graph
        self.operator_set = max([entry.version for entry in model.opset_import if not entry.domain], default=1)
        self.name = self.proto.name or "network"
        self.constants = {constant.name: self.array(constant) for constant in self.proto.initializer}
        self.output = self.chosen_output(output)
        self.drop_identities()
        self.nodes = self.needed_nodes()
        self.readers = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input if node.op_type not in ("Shape", "Size") else ()):
                self.readers.setdefault(name, []).append(node)
        self.input, self.view = self.graph_input()

    @staticmethod
    def checked(model):
        """The model, if it is well formed; operator sets newer than the installed onnx are taken as they come."""
        if all(entry.version <= onnx.defs.onnx_opset_version() for entry in model.opset_import if not entry.domain):
            model.ir_version = min(model.ir_version, onnx.IR_VERSION)
            for output in model.graph.output:  # whose shape nobody needs, and some files leave out
                output.type.tensor_type.shape.SetInParent()
            onnx.checker.check_model(model)
        graph = model.graph
        names = [entry.name for entry in (*graph.initializer, *graph.input, *graph.output)]
        for node in graph.node:
            names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        if not all(isinstance(name, str) for name in names):
            raise ValueError("a name is not text")
        return model

    def fail(self, text):
        raise ModelError(f"{self.path}: {text}")

    def array(self, tensor):
        try:
            return numpy_helper.to_array(tensor)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{self.path}: constant '{tensor.name}' cannot be read ({error})") from error

    def chosen_output(self, wanted):
        names = [output.name for output in self.proto.output]
        if not names:
            self.fail("has no graph output, expected one (classes)")
        if wanted is None and len(names) > 1:
            self.fail(f"has {len(names)} graph outputs ({', '.join(names)}), expected one, or the name of the one that "
                      "labels belong to (--output)")
        if wanted is not None and wanted not in names:
            self.fail(f"has no graph output '{wanted}', expected one of {', '.join(names)}")
        chosen = wanted if wanted is not None else names[0]
        self.notes += [f"The output '{name}' of the file is not computed." for name in names if name != chosen]
        return chosen

    def passes(self, node):
        """Whether the first output is the first input."""
        if node.domain not in ("", "ai.onnx") or node.op_type not in ("Identity", "Dropout"):
            return False
        if not node.input or not node.output:
            return False
        attributes, training = attributes_of(node), node.input[2] if len(node.input) > 2 else ""
        if node.op_type == "Dropout" and (training or attributes.get("is_test") == 0):
            return training in self.constants and not self.constants[training].any()
        return True

    def drop_identities(self):
        same_as = {}
        for node in self.proto.node:
            for i, name in enumerate(node.input):
                node.input[i] = same_as.get(name, name)
            if self.passes(node):
                same_as[node.output[0]] = node.input[0]
        self.output = same_as.get(self.output, self.output)

    def needed_nodes(self):
        """In their order, which ONNX sorts."""
        needed, kept = {self.output}, []
        for node in reversed(self.proto.node):
            if needed.intersection(name for name in node.output if name):
                kept.append(node)
                needed.update(node.input)
        return kept[::-1]

    def graph_input(self):
        """(name, View) of the images."""
        inputs = [entry for entry in self.proto.input if entry.name not in self.constants]
        used = [entry for entry in inputs if entry.name in self.readers or entry.name == self.output]
        if len(used) != 1:
            self.fail(f"has {len(used)} graph inputs that its output depends on, expected one (images)")
        tensor, name = used[0].type.tensor_type, used[0].name
        extents = [dim.dim_value for dim in tensor.shape.dim]
        if tensor.elem_type in (onnx.TensorProto.UINT8, onnx.TensorProto.INT8):
            self.fail(f"graph input '{name}' takes bytes, expected FLOAT: leave out its Cast, and give --scale 1")
        if tensor.elem_type != onnx.TensorProto.FLOAT or not 2 <= len(extents) <= 4 or min(extents[1:]) < 1:
            self.fail(f"graph input '{name}' is not a FLOAT tensor of N x channels x height x width (or N x height x "
                      "width x channels, N x height x width, N x features) of fixed size but for N")
        view = input_view(extents[1:], max(extents[0], 1), self.first_that_orders(name))
        if max(view.shape[1:]) > MOST_EXTENT or view.features > MOST_MAP_VALUES:
            self.fail(f"graph input '{name}' of {view.shape} has more than {MOST_EXTENT} rows or columns or more than "
                      f"{MOST_MAP_VALUES} values")
        self.batch_is_open = extents[0] < 1
        return name, view

    def first_that_orders(self, name):
        """(operator, perm) of the first node behind the input that cares for the order of its dimensions."""
        wanted, seen = [name], set()
        while wanted:
            name = wanted.pop()
            if name in seen:
                continue
            seen.add(name)
            for node in self.readers.get(name, ()):
                if node.op_type not in INDIFFERENT:
                    return node.op_type, attributes_of(node).get("perm") if node.op_type == "Transpose" else None
                wanted += node.output[:1]
        return None, None
