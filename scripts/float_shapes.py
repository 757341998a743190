# SPDX-License-Identifier: Apache-2.0
"""What float_onnx makes of nodes that compute nothing: they order values anew, surround them, or end the network."""

import math
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from constant_folding import attributes_of, axes_of, integers, reshaped_extents
from feature_view import View
from float_problems import label


class ShapeSteps:
    """Part of float_onnx.Reader."""

    def list_constant(self, node, index):
        """A list of integers among the inputs, or None if it is left out."""
        name = node.input[index] if index < len(node.input) else ""
        if name and name not in self.constants:
            self.fail(node, f"its input '{name}' is computed from images, expected a constant")
        return integers(self.constants[name]) if name else None

    def place(self, node, axis, view):
        rank = len(view.dimensions)
        if not -rank <= axis < rank:
            self.fail(node, f"names axis {axis} of {rank}")
        return axis % rank

    def movable(self, node):
        value = self.operand(node, may_be_scores=True)
        self.refuse_padding(node, value)
        return value

    def with_view(self, node, value, view, text):
        if value.is_scores:
            view = value.view
        if view is None:
            self.fail(node, text)
        self.pass_value(node, replace(value, view=view), moves=not value.is_scores)

    def read_reshape(self, node):
        value = self.movable(node)
        allow_zero = self.attributes(node, ["allowzero"]).get("allowzero", 0)
        target = self.list_constant(node, 1)
        self.reshape_to(node, value, target, allow_zero)

    def reshape_to(self, node, value, target, allow_zero=0):
        view = value.view
        was_traced = self.model.batch_is_open and len(target) > 1 and target[0] > 1 and (
            math.prod(target[1:]) == view.features)  # with that many images
        try:
            extents = [1, *target[1:]] if was_traced else reshaped_extents(view.extents(), target, allow_zero)
        except ValueError as error:
            if value.is_scores:
                return self.with_view(node, value, view, "")
            self.fail(node, str(error))
        made = view.reshaped(extents)
        if made is None and not value.is_scores:
            made = self.images_of_vectors(value, extents)
        return self.with_view(
            node, value, made, f"reshapes {view.text()} of {view.extents()} to {extents}, which divides the values of "
                               f"an axis; expected [N, {view.features}] (one vector per image) or the like")

    def images_of_vectors(self, value, extents):
        """The view as maps of vectors that are the graph input, which is one of maps from the start then."""
        view, shape = value.view, tuple(extents[1:])
        varies = any(step.values.size > 1 for step in self.front)
        if not self.is_images(value) or self.several_readers(value.tensor) or not view.is_in_order() or varies:
            return None
        if len(shape) != 3 or extents[0] != view.batch or math.prod(shape) != view.features:
            return None
        self.shapes[value.tensor] = shape
        return View.of_map(shape, view.batch)

    def read_flatten(self, node):
        value = self.movable(node)
        axis, extents = self.attributes(node, ["axis"]).get("axis", 1), value.view.extents()
        axis = axis if axis == len(extents) else self.place(node, axis, value.view)
        self.reshape_to(node, value, [math.prod(extents[:axis]), math.prod(extents[axis:])], 1)

    def axes(self, node):
        self.attributes(node, ["axes"])
        return axes_of(node, [None, self.list_constant(node, 1)])

    def read_squeeze(self, node):
        value, axes = self.movable(node), self.axes(node)
        self.with_view(node, value, value.view.squeezed(axes),
                       f"squeezes {value.view.extents()} along {axes}, expected axes of 1")

    def read_unsqueeze(self, node):
        value, axes = self.movable(node), self.axes(node) or []
        self.with_view(node, value, value.view.unsqueezed(axes), f"inserts the axes {axes}")

    def read_transpose(self, node):
        value = self.operand(node, may_be_scores=True)  # a Pad before it stays
        rank = len(value.view.dimensions)
        order = self.attributes(node, ["perm"]).get("perm", list(range(rank))[::-1])
        if sorted(order) != list(range(rank)) and not value.is_scores:
            self.fail(node, f"attribute perm is {order}, expected each of the {rank} axes once")
        self.with_view(node, value, value.view if value.is_scores else value.view.transposed(order), "")

    def read_shape(self, node):
        """PyTorch's x.view(x.size(0), -1) computes with shapes."""
        value = self.movable(node)
        attributes = self.attributes(node, ["start", "end"])
        extents = value.view.extents()[attributes.get("start", 0):attributes.get("end")]
        self.constants[node.output[0]] = np.array(extents, np.int64)

    def read_cast(self, node):
        value = self.operand(node, may_be_scores=True)
        to = self.attributes(node, ["to", "saturate"]).get("to")
        if to != TensorProto.FLOAT and not value.is_scores:
            self.fail(node, f"casts to {TensorProto.DataType.Name(to)}, only FLOAT is supported")
        self.pass_value(node, value)

    def read_pad(self, node):
        value = self.operand(node)
        attributes = self.attributes(node, ["pads", "value"], {"mode": "constant"})
        view, filling = value.view, self.constant(node, 2, "values")
        pads = attributes.get("pads") if len(node.input) < 2 else self.list_constant(node, 1)
        axes = self.list_constant(node, 3)
        axes = list(range(len(view.dimensions))) if axes is None else axes
        if pads is None or len(pads) != 2 * len(axes):
            self.fail(node, f"has {len(pads or [])} pads, expected {2 * len(axes)}, two for each axis")
        padding = list(value.padding)
        for axis, before, after in zip(axes, pads, pads[len(axes):]):
            if not before and not after:
                continue
            dimension = view.dimensions[self.place(node, axis, view)]
            if before < 0 or after < 0:
                self.fail(node, f"pads by {before} and {after} pixels, expected 0 or more")
            if dimension not in ("H", "W"):
                self.fail(node, f"pads axis {axis} of {view.text()}, expected height and width alone")
            padding["HW".index(dimension)] += before
            padding["HW".index(dimension) + 2] += after
        with_zero = not (attributes.get("value", 0) if filling is None else filling.any())
        if tuple(padding) != value.padding and not with_zero:
            self.fail(node, f"pads with {attributes.get('value') if filling is None else filling.reshape(-1)[0]}, "
                            "expected 0")
        self.pass_value(node, replace(value, padding=tuple(padding)))

    def read_classes(self, node):
        """Softmax and the like at the end, which do not change the order of the classes."""
        value = self.operand(node, may_be_scores=True)
        if not value.is_scores:
            self.refuse_padding(node, value)
            view, extents = value.view, value.view.extents()
            attributes = attributes_of(node)
            default = 0 if node.op_type == "ArgMax" else -1 if self.model.operator_set >= 13 else 1
            axis = self.place(node, attributes.get("axis", default), view)
            over_axis = node.op_type == "Sigmoid" or extents[axis] == view.features
            if not view.is_vector() or not over_axis:
                self.fail(node, f"makes classes of {view.text()} of {extents}, expected one class for each image")
            self.notes.append(f"{label(node)} at the end is left out: it does not change which class is largest.")
        self.pass_value(node, replace(value, is_scores=True))
