# SPDX-License-Identifier: Apache-2.0
"""Computes nodes whose inputs are all constants: shapes, weights on their way to a layer."""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

MOST_VALUES = 2 ** 28  # of a constant that is computed
TYPES = {TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64, TensorProto.FLOAT16: np.float16,
         TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8, TensorProto.INT32: np.int32,
         TensorProto.INT64: np.int64, TensorProto.BOOL: np.bool_}
ERRORS = (ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError)


def attributes_of(node):
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def integers(values):
    return [int(value) for value in np.asarray(values).reshape(-1)]


def axes_of(node, inputs):
    """The axes that a node names by an attribute or, in later operator sets, by its second input; None for none."""
    axes = attributes_of(node).get("axes")
    if axes is None and len(inputs) > 1 and inputs[1] is not None:
        axes = inputs[1]
    return None if axes is None else integers(axes)


def reshaped_extents(source, target, allow_zero):
    """The extents that Reshape makes: 0 stands for the input's unless `allow_zero`, -1 for what is left."""
    extents = [source[i] if extent == 0 and not allow_zero and i < len(source) else extent
               for i, extent in enumerate(target)]
    known, elements = math.prod(extent for extent in extents if extent != -1), math.prod(source)
    if extents.count(-1) == 1 and known > 0 and elements % known == 0:
        extents[extents.index(-1)] = elements // known
    if min(extents, default=1) < 0 or math.prod(extents) != elements:
        raise ValueError(f"reshapes {list(source)} to {list(target)}")
    return extents


def pieces(rank, axes, starts, ends, steps):
    index = [slice(None)] * rank
    for axis, start, end, step in zip(axes, starts, ends, steps):
        index[axis] = slice(start, end, step)
    return tuple(index)


def slice_(node, inputs):
    attributes = attributes_of(node)
    given = [attributes.get(name) for name in ("starts", "ends", "axes", "steps")]
    for i, value in enumerate(inputs[1:]):
        given[i] = value if value is not None else given[i]
    starts, ends = integers(given[0]), integers(given[1])
    axes = range(len(starts)) if given[2] is None else integers(given[2])
    steps = [1] * len(starts) if given[3] is None else integers(given[3])
    return inputs[0][pieces(inputs[0].ndim, axes, starts, ends, steps)]


def divide(a, b):
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise ZeroDivisionError("divides by 0")
    return (np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b)).astype(a.dtype)


def shape(node, inputs):
    attributes = attributes_of(node)
    return np.array(np.shape(inputs[0])[attributes.get("start", 0):attributes.get("end")], np.int64)


def squeeze(node, inputs):
    axes = axes_of(node, inputs)
    return np.squeeze(inputs[0], None if axes is None else tuple(axes))


def constant_of_shape(node, inputs):
    value = attributes_of(node).get("value")
    value = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    return np.full(integers(inputs[0]), value.reshape(-1)[0], value.dtype)


def flatten(node, inputs):
    axis = attributes_of(node).get("axis", 1)
    extents = inputs[0].shape
    axis += inputs[0].ndim if axis < 0 else 0
    return inputs[0].reshape(math.prod(extents[:axis]), math.prod(extents[axis:]))


def elementwise(function):
    return lambda node, inputs: function(*inputs)


def reshape(node, inputs):
    allow_zero = attributes_of(node).get("allowzero", 0)
    return inputs[0].reshape(reshaped_extents(inputs[0].shape, integers(inputs[1]), allow_zero))


FUNCTIONS = {
    "Add": elementwise(np.add), "Sub": elementwise(np.subtract), "Mul": elementwise(np.multiply),
    "Div": elementwise(divide), "Neg": elementwise(np.negative), "Sqrt": elementwise(np.sqrt),
    "Reciprocal": elementwise(np.reciprocal), "Equal": elementwise(np.equal), "Where": elementwise(np.where),
    "Identity": elementwise(np.asarray),
    "Cast": lambda node, inputs: inputs[0].astype(TYPES[attributes_of(node)["to"]]),
    "Concat": lambda node, inputs: np.concatenate(inputs, attributes_of(node)["axis"]),
    "ConstantOfShape": constant_of_shape,
    "Expand": lambda node, inputs: np.broadcast_to(inputs[0], np.broadcast_shapes(inputs[0].shape,
                                                                                  tuple(integers(inputs[1])))),
    "Flatten": flatten,
    "Gather": lambda node, inputs: np.take(inputs[0], inputs[1], attributes_of(node).get("axis", 0)),
    "ReduceProd": lambda node, inputs: np.prod(
        inputs[0], None if axes_of(node, inputs) is None else tuple(axes_of(node, inputs)), inputs[0].dtype,
        keepdims=bool(attributes_of(node).get("keepdims", 1))),
    "Reshape": reshape,
    "Shape": shape,
    "Size": lambda node, inputs: np.array(inputs[0].size, np.int64),
    "Slice": slice_,
    "Squeeze": squeeze,
    "Transpose": lambda node, inputs: inputs[0].transpose(attributes_of(node).get("perm")),
    "Unsqueeze": lambda node, inputs: np.expand_dims(inputs[0], tuple(axes_of(node, inputs))),
}


def expected_values(node, inputs):
    """How many values a node makes at most."""
    if node.op_type in ("Expand", "ConstantOfShape"):
        return math.prod(integers(inputs[-1]))
    if node.op_type == "Concat":
        return sum(value.size for value in inputs)
    if node.op_type == "Gather":
        return inputs[0].size * inputs[1].size
    if node.op_type in ("Add", "Sub", "Mul", "Div", "Equal", "Where"):
        return math.prod(np.broadcast_shapes(*(value.shape for value in inputs)))
    return 0


def constant_value(node):
    """The value of a Constant node."""
    attribute = node.attribute[0]
    if attribute.name == "value":
        return numpy_helper.to_array(attribute.t)
    kind = np.float32 if attribute.name.startswith("value_float") else np.int64
    return np.array(helper.get_attribute_value(attribute), kind)


def fold(node, inputs):
    """The output of a node of constants (None for one that is left out), or None if it is none that is computed here.

    Raises ValueError with what is wrong, without the node's name.
    """
    function = FUNCTIONS.get(node.op_type)
    if function is None or node.domain not in ("", "ai.onnx"):
        return None
    try:
        if expected_values(node, inputs) > MOST_VALUES:
            raise ValueError(f"makes a constant of more than {MOST_VALUES} values")
        with np.errstate(all="ignore"):
            return np.asarray(function(node, inputs))
    except ERRORS as error:
        raise ValueError(f"cannot be computed from its constants ({error})") from error
