# SPDX-License-Identifier: Apache-2.0
"""Random graphs around an addition or an average, whose values tell ONNX Runtime's kernels apart.

Element types, readers, activations and what stands between an operator and its quantizer are drawn, so that every rule of
sim/network/onnx_kernels.h is met. Scales are powers of two, where ties are frequent and float32 is exact, or arbitrary.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

IMAGES = 4
F32 = np.float32
TYPES = (np.uint8, np.int8)


class KernelGraph:
    """The graph of a number; `text` says what was drawn."""

    def __init__(self, number):
        self.random = np.random.Generator(np.random.PCG64(number))
        self.name = f"graph{number}"
        self.nodes, self.constants, self.words, self.count = [], [], [], 0
        self.exact = self.chance(0.6)
        self.of_one_type = self.chance(0.6)
        self.dtype = self.random.choice(TYPES)
        self.shape = tuple(int(self.random.choice(e)) for e in ((1, 2, 3, 4), (2, 3, 4, 5, 6), (2, 4, 5, 6)))
        limits = np.iinfo(self.dtype)
        self.input = self.random.integers(limits.min, limits.max + 1, (IMAGES, *self.shape)).astype(self.dtype)
        self.scale = self.any_scale()
        self.zero = self.any_zero(self.dtype)
        self.input_scale, self.input_zero = self.scale, self.zero
        self.say("exact" if self.exact else "inexact", self.dtype.__name__, self.zero)
        image = self.pair("image", self.dtype, self.scale, self.zero)
        if self.chance(0.6):
            first, second = self.operands(image)
            out = self.node("Add", [first, second])
            out = self.behind(out, self.scale * F32(2.0))
            if self.chance(0.3):
                out = self.behind(self.average(out), self.scale)
        else:
            out = self.behind(self.average(image), self.scale)
        self.output = out

    def chance(self, probability):
        return self.random.random() < probability

    def say(self, *words):
        self.words += [str(word) for word in words]

    @property
    def text(self):
        return " ".join(self.words)

    def image(self):
        """What the graph's float input must be for its first quantizer to give self.input."""
        return (self.input.astype(np.int32) - self.input_zero).astype(F32) * self.input_scale

    # Parts

    def any_type(self):
        return self.dtype if self.of_one_type else self.random.choice(TYPES)

    def any_scale(self):
        return F32(2.0 ** self.random.integers(-6, 0)) if self.exact else F32(self.random.uniform(0.005, 0.3))

    def any_zero(self, dtype):
        limits = np.iinfo(dtype)
        ends = (limits.min, 0 if dtype == np.int8 else 128)
        return int(self.random.choice(ends) if self.chance(0.3) else self.random.integers(limits.min, limits.max + 1))

    def unique(self, kind):
        self.count += 1
        return f"{kind.lower()}{self.count}"

    def constant(self, value):
        name = self.unique("constant")
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, kind, inputs, **attributes):
        name = self.unique(kind)
        self.nodes.append(helper.make_node(kind, inputs, [name + "_out"], name, **attributes))
        return name + "_out"

    def pair(self, source, dtype, scale, zero):
        both = [self.constant(F32(scale)), self.constant(dtype(zero))]
        quantized = self.node("QuantizeLinear", [source] + both)
        return self.node("DequantizeLinear", [quantized] + both)

    def operands(self, image):
        kind = self.random.choice(["itself", "max", "conv", "constant"], p=[0.15, 0.3, 0.3, 0.25])
        if kind == "conv" and not self.exact:
            kind = "max"
        self.say("add", kind)
        if kind == "itself":
            other = image
        elif kind == "max":
            other = self.node("MaxPool", [image], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            if self.chance(0.5):
                other = self.pair(other, self.dtype, self.scale, self.zero)
                self.say("quantized")
        elif kind == "conv":
            channels = self.shape[0]
            weights = self.random.integers(-3, 4, (channels, channels, 1, 1)).astype(np.int8)
            both = [self.constant(F32(0.25)), self.constant(np.int8(0))]
            dequantized = self.node("DequantizeLinear", [self.constant(weights)] + both)
            sums = self.node("Conv", [image, dequantized], kernel_shape=[1, 1])
            dtype = self.any_type()
            zero = self.any_zero(dtype)
            self.say(dtype.__name__, zero)
            other = self.pair(sums, dtype, self.scale, zero)
        else:
            dtype = self.any_type()
            limits, zero = np.iinfo(dtype), self.any_zero(dtype)
            values = self.random.integers(limits.min, limits.max + 1, (self.shape[0], 1, 1)).astype(dtype)
            both = [self.constant(self.any_scale()), self.constant(dtype(zero))]
            other = self.node("DequantizeLinear", [self.constant(values)] + both)
            self.say(dtype.__name__, zero)
        return (image, other) if self.chance(0.5) else (other, image)

    def average(self, source):
        kind = self.random.choice(["window", "whole", "global", "mean"], p=[0.5, 0.2, 0.2, 0.1])
        self.say(kind)
        if kind == "global":
            return self.node("GlobalAveragePool", [source])
        if kind == "mean":
            return self.node("ReduceMean", [source], axes=[2, 3], keepdims=1)
        kernel = list(self.shape[1:]) if kind == "whole" else [2, 2]
        options = {}
        if kind == "window":
            kernel = [int(self.random.integers(1, 4)), int(self.random.integers(1, 4))]
            kernel = [min(k, e) for k, e in zip(kernel, self.shape[1:])]
            options["strides"] = [int(s) for s in self.random.integers(1, 3, 2)]
            if self.chance(0.3) and min(kernel) > 1:
                options["pads"] = [1, 0, 0, 1]
                options["count_include_pad"] = int(self.chance(0.5))
        return self.node("AveragePool", [source], kernel_shape=kernel, **options)

    def behind(self, source, scale):
        """What stands between an operator and its quantizer, and the pair itself."""
        dtype = self.any_type()
        zero = self.any_zero(dtype)
        low = np.iinfo(dtype).min
        activation = self.random.choice(["none", "relu", "clip"], p=[0.5, 0.3, 0.2])
        if activation == "relu":
            if self.chance(0.5):
                zero = low
            source = self.node("Relu", [source])
        elif activation == "clip":
            bounds = [float(F32(scale) * F32(b - zero)) for b in (low, np.iinfo(dtype).max)]
            if self.chance(0.5):
                bounds[1] -= 20 * float(scale)
            source = self.node("Clip", [source] + [self.constant(F32(b)) for b in bounds])
        moves = self.chance(0.2)
        if moves:
            source = self.node("MaxPool", [source], kernel_shape=[1, 1])
        self.say("behind", dtype.__name__, zero, activation, "moved" if moves else "")
        out = self.pair(source, dtype, scale, zero)
        self.scale, self.zero, self.dtype = F32(scale), zero, dtype
        if self.chance(0.25):  # a second reader of the pair
            out = self.node("Add", [out, out])
            dtype = self.any_type()
            zero = self.any_zero(dtype)
            self.say("doubled", dtype.__name__, zero)
            out = self.pair(out, dtype, self.scale * F32(2.0), zero)
            self.scale, self.zero, self.dtype = F32(self.scale * F32(2.0)), zero, dtype
        return out

    def model(self):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *self.shape])
        output = helper.make_tensor_value_info(self.output, TensorProto.FLOAT, ["N", "C", "H", "W"])
        graph = helper.make_graph(self.nodes, self.name, [image], [output], self.constants)
        model = helper.make_model(graph, producer_name="widthwise", opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        checker.check_model(model)
        return model

    def stored(self, real):
        """The last quantized tensor, from the graph's float output."""
        return (np.rint(real / self.scale) + self.zero).astype(np.int32).astype(self.dtype)
