# SPDX-License-Identifier: Apache-2.0
"""A small random quantized graph under construction, with the integers that each of its tensors should hold."""

import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper
import onnx

import fixture_tools as tools

IMAGES = 4
F32 = np.float32


class Case:
    """One graph under construction, and beside it the integers that each tensor should hold."""

    def __init__(self, name, shape, dtype=np.uint8, zero=0, scale=None, text=""):
        self.name, self.text, self.note = name, text, ""
        self.nodes, self.constants, self.counter = [], [], {}
        self.random = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
        self.shape, self.dtype, self.zero = shape, dtype, zero
        self.scale = F32(scale if scale is not None else self.random.uniform(0.01, 0.05))
        limits = np.iinfo(dtype)
        self.value = self.input = self.random.integers(limits.min, limits.max + 1, (IMAGES, *shape)).astype(dtype)
        self.quantized, self.tensor = None, None
        self.quantize("image", "image")

    # Building blocks

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def unique(self, kind):
        self.counter[kind] = self.counter.get(kind, 0) + 1
        return kind if self.counter[kind] == 1 else f"{kind}{self.counter[kind]}"

    def parameters(self, name, scale, zero):
        return [self.constant(name + "_scale", scale), self.constant(name + "_zero_point", zero)]

    def quantize(self, name, source):
        both = self.parameters(name, self.scale, self.dtype(self.zero))
        self.quantized, self.tensor = name + "_q", name + "_dq"
        self.nodes.append(helper.make_node("QuantizeLinear", [source] + both, [self.quantized], name + "_quantize"))
        self.nodes.append(helper.make_node("DequantizeLinear", [self.quantized] + both, [self.tensor],
                                           name + "_dequantize"))

    def dequantized(self, name, values, scale, axis=0, zero=0):
        zero = np.full(np.shape(scale), zero, values.dtype)
        source = self.constant(name + "_q", values)
        options = {"axis": axis} if np.ndim(scale) else {}
        self.nodes.append(helper.make_node("DequantizeLinear", [source] + self.parameters(name, scale, zero), [name],
                                           name + "_dequantize", **options))
        return name

    def centred(self):
        return self.value.astype(np.int64) - self.zero

    def random_weights(self, shape, channels, per_channel):
        weights = self.random.integers(-127, 128, shape).astype(np.int8)
        scale = self.random.uniform(0.002, 0.02, channels if per_channel else None)
        return weights, np.asarray(scale, F32)

    def random_bias(self, bias, sums, weight_scale):
        if not bias:
            return None, None
        values = np.rint(self.random.normal(0, sums.std() / 2, sums.shape[1])).astype(np.int32)
        return values, np.asarray(self.scale * weight_scale, F32)

    def finish(self, name, source, sums, weight_scale, dtype, zero, scale=None, positive=False):
        """Quantizes exact sums to a fresh scale, by default so chosen that a few outputs saturate."""
        dtype, zero = dtype or self.dtype, self.zero if zero is None else zero
        real = sums * (F32(self.scale) * weight_scale).reshape((1, -1) + (1,) * (sums.ndim - 2))
        limits = np.iinfo(dtype)
        if scale is None:
            above, below = real.max() / (limits.max - zero), 0
            if zero > limits.min and not positive:
                below = -real.min() / (zero - limits.min)
            scale = 0.9 * max(above, below)
        out_scale = F32(scale)
        self.value = tools.requantise(sums, self.scale, weight_scale, out_scale, zero, dtype)
        self.scale, self.dtype, self.zero = out_scale, dtype, zero
        self.quantize(name, source)

    # Operators

    def conv(self, channels, kernel, strides=(1, 1), pads=(0, 0, 0, 0), per_channel=False, bias=False, dtype=None,
             zero=None, activation=None, clip_fraction=1.0, groups=1, dilations=(1, 1)):
        name = self.unique("conv")
        per_group = self.value.shape[1] // groups
        weights, weight_scale = self.random_weights((channels, per_group, *kernel), channels, per_channel)
        sums = np.concatenate([tools.convolve(x, w, strides, pads, dilations) for x, w in
                               zip(np.split(self.centred(), groups, 1), np.split(weights, groups, 0))], 1)
        inputs = [self.tensor, self.dequantized(name + "_weight", weights, weight_scale)]
        values, bias_scale = self.random_bias(bias, sums, weight_scale)
        if bias:
            sums = sums + values.reshape(1, -1, 1, 1)
            inputs.append(self.dequantized(name + "_bias", values, bias_scale))
        self.nodes.append(helper.make_node("Conv", inputs, [name + "_sum"], name, kernel_shape=kernel,
                                           strides=strides, pads=pads, group=groups, dilations=dilations))
        source = name + "_sum"
        if activation == "relu":
            self.nodes.append(helper.make_node("Relu", [source], [name + "_relu"], name + "_relu"))
            self.finish(name, name + "_relu", sums, weight_scale, dtype, zero, positive=True)
            self.value = np.maximum(self.value, self.zero).astype(self.dtype)
        elif activation == "clip":
            real_top = 6.0
            scale_in = self.scale
            # weights rescaled so that sums reach beyond the clip's upper end
            top = float(np.percentile(sums * (F32(scale_in) * weight_scale), 90))
            weight_scale = F32(weight_scale * (real_top / top))
            self.constants = [c for c in self.constants if c.name not in (name + "_weight_scale", name + "_bias_scale")]
            self.constant(name + "_weight_scale", weight_scale)
            if bias:
                self.constant(name + "_bias_scale", F32(scale_in * weight_scale))
            both = [self.constant(name + "_low", F32(0)), self.constant(name + "_high", F32(real_top))]
            self.nodes.append(helper.make_node("Clip", [source] + both, [name + "_clip"], name + "_clip"))
            self.finish(name, name + "_clip", sums, weight_scale, dtype, zero,
                        scale=real_top / (np.iinfo(dtype or self.dtype).max - (zero or 0)) / clip_fraction)
            ends = [np.rint(F32(v) / self.scale) + self.zero for v in (0, real_top)]
            self.value = np.clip(self.value, *ends).astype(self.dtype)
        else:
            self.finish(name, source, sums, weight_scale, dtype, zero)
        return self

    def linear(self, kind, features, bias=False, trans_b=0, per_channel=False, dtype=None, zero=None):
        name = self.unique(kind.lower())
        size = self.value.shape[1]
        weights, weight_scale = self.random_weights((features, size), features, per_channel)
        sums = self.centred() @ weights.T.astype(np.int64)
        stored = weights if trans_b else weights.T
        inputs = [self.tensor, self.dequantized(name + "_weight", stored, weight_scale, 0 if trans_b else 1)]
        values, bias_scale = self.random_bias(bias, sums, weight_scale)
        if bias:
            sums = sums + values
            inputs.append(self.dequantized(name + "_bias", values, bias_scale))
        options = {"transB": trans_b} if kind == "Gemm" else {}
        self.nodes.append(helper.make_node(kind, inputs, [name + "_sum"], name, **options))
        self.finish(name, name + "_sum", sums, weight_scale, dtype, zero)
        return self

    def gemm(self, features, **options):
        return self.linear("Gemm", features, **options)

    def matmul(self, features, **options):
        return self.linear("MatMul", features, **options)

    def max_pool(self, kernel, strides, pads=(0, 0, 0, 0)):
        name = self.unique("maxpool")
        self.nodes.append(helper.make_node("MaxPool", [self.tensor], [name + "_max"], name, kernel_shape=kernel,
                                           strides=strides, pads=pads))
        self.value = tools.max_pool(self.value, kernel, strides, pads)
        self.quantize(name, name + "_max")
        return self

    def average_pool(self, kernel, strides, scale=None, zero=None):
        """As ONNX Runtime's QLinearAveragePool: float32 throughout, one rounding (half to even) after the zero point."""
        name = self.unique("averagepool")
        self.nodes.append(helper.make_node("AveragePool", [self.tensor], [name + "_mean"], name, kernel_shape=kernel,
                                           strides=strides))
        windows = np.lib.stride_tricks.sliding_window_view(self.centred(), kernel, (2, 3))
        windows = windows[:, :, ::strides[0], ::strides[1]]
        scale_in, self.scale = self.scale, F32(scale if scale is not None else self.scale)
        self.zero = self.zero if zero is None else zero
        total, limits = F32(0), np.iinfo(self.dtype)
        for r in range(kernel[0]):
            for s in range(kernel[1]):
                total = total + windows[..., r, s].astype(F32) * scale_in
        mean = total / F32(kernel[0] * kernel[1])
        self.value = np.clip(np.rint(mean / self.scale + F32(self.zero)), limits.min, limits.max).astype(self.dtype)
        ratio = 1.0 if self.scale == scale_in else float(scale_in) / float(self.scale)
        exact = np.rint(windows.sum((4, 5)) * ratio / (kernel[0] * kernel[1])) + self.zero
        exact = np.clip(exact, limits.min, limits.max).astype(self.dtype)
        self.note = f"{int((exact != self.value).sum())} outputs differ from round-half-even(exact mean) + zero point"
        self.quantize(name, name + "_mean")
        return self

    def global_average_pool(self, scale=None, zero=None):
        """As ONNX Runtime's QLinearGlobalAveragePool: the integer sum times a float32 scale, rounded half to even."""
        name = self.unique("globalaveragepool")
        self.nodes.append(helper.make_node("GlobalAveragePool", [self.tensor], [name + "_mean"], name))
        pixels = self.value.shape[2] * self.value.shape[3]
        sums = self.centred().sum((2, 3), keepdims=True)
        scale_in, self.scale = self.scale, F32(scale if scale is not None else self.scale)
        self.zero = self.zero if zero is None else zero
        limits = np.iinfo(self.dtype)
        factor = F32(scale_in / (self.scale * F32(pixels)))
        value = np.clip(sums.astype(F32) * factor, F32(limits.min - self.zero), F32(limits.max - self.zero))
        self.value = (np.rint(value).astype(np.int32) + self.zero).astype(self.dtype)
        self.quantize(name, name + "_mean")
        return self

    def branch(self):
        """What a later add() needs of the tensor reached."""
        return {"tensor": self.tensor, "value": self.value, "scale": self.scale, "zero": self.zero}

    def constant_branch(self, scale, zero, shape, dtype=None):
        """A dequantized constant as add() takes it, of random values; `shape` broadcasts to the tensor reached."""
        name, dtype = self.unique("constant"), dtype or self.dtype
        limits = np.iinfo(dtype)
        values = self.random.integers(limits.min, limits.max + 1, shape).astype(dtype)
        tensor = self.dequantized(name, values, F32(scale), zero=zero)
        return {"tensor": tensor, "value": values, "scale": F32(scale), "zero": zero}

    def add(self, other, zero=None, scale=None, first=False, relu=False):
        """As ONNX Runtime's QLinearAdd: two fused multiply-adds in float32, the zero points folded into the start."""
        name = self.unique("add")
        own = self.branch()
        a, b = (other, own) if first else (own, other)
        self.nodes.append(helper.make_node("Add", [a["tensor"], b["tensor"]], [name + "_sum"], name))
        # The kernel takes a first operand that is one value, or one over a run of the other's values, as its second.
        if a["value"].size == 1 or (a["value"].ndim > 1 and a["value"].shape[-1] < own["value"].shape[-1]):
            a, b = b, a
        self.zero = self.zero if zero is None else zero
        self.scale = F32(scale if scale is not None else 1.1 * max(a["scale"], b["scale"]))
        limits = np.iinfo(self.dtype)
        ratio_a, ratio_b = F32(a["scale"] / self.scale), F32(b["scale"] / self.scale)

        def fused(x, factor, start):
            return (np.asarray(x, np.float64) * np.float64(factor) + np.asarray(start, np.float64)).astype(F32)

        offset = F32(self.zero) - fused(a["zero"], ratio_a, ratio_b * F32(b["zero"]))

        real = fused(a["value"], ratio_a, fused(b["value"], ratio_b, np.full(self.value.shape, offset, F32)))
        source, low = name + "_sum", limits.min
        if relu:
            self.nodes.append(helper.make_node("Relu", [source], [name + "_relu"], name + "_relu"))
            source, low = name + "_relu", max(self.zero, limits.min)
        self.value = np.rint(np.clip(real, F32(low), F32(limits.max))).astype(np.int32).astype(self.dtype)
        self.quantize(name, source)
        return self

    def sums_of_integers(self, kind, channels, kernel=None, per_channel=False, bias=False):
        """ConvInteger or MatMulInteger, then Cast, Mul, Add of a float bias, Relu. Scales are powers of two, so that
        float32 is exact but for the one rounding."""
        name = self.unique(kind.lower())
        is_conv = kind == "ConvInteger"
        shape = (channels, self.value.shape[1], *kernel) if is_conv else (channels, self.value.shape[1])
        weights = self.random.integers(-127, 128, shape).astype(np.int8)
        exponents = self.random.integers(-9, -6, channels if per_channel else 1)
        weight_scale = np.exp2(exponents).astype(F32)
        sums = tools.convolve(self.centred(), weights) if is_conv else self.centred() @ weights.T.astype(np.int64)
        stored = self.constant(name + "_weight", weights if is_conv else weights.T)
        zero = self.constant(name + "_input_zero_point", self.dtype(self.zero))
        self.nodes.append(helper.make_node(kind, [self.quantized, stored, zero], [name + "_integers"], name))
        self.nodes.append(helper.make_node("Cast", [name + "_integers"], [name + "_cast"], name + "_cast",
                                           to=TensorProto.FLOAT))
        along = (1, -1, 1, 1) if is_conv else (1, -1)
        scale = (self.scale * weight_scale).reshape(along) if per_channel else F32(self.scale * weight_scale[0])
        self.nodes.append(helper.make_node("Mul", [name + "_cast", self.constant(name + "_scale_of_sums", scale)],
                                           [name + "_real"], name + "_scale"))
        source = name + "_real"
        if bias:
            values = np.rint(self.random.normal(0, sums.std() / 2, channels)).astype(np.int64)
            sums = sums + values.reshape(along)
            real = (values * self.scale * weight_scale).astype(F32)
            self.nodes.append(helper.make_node("Add", [source, self.constant(name + "_bias", real.reshape(along))],
                                               [name + "_biased"], name + "_add"))
            source = name + "_biased"
        self.nodes.append(helper.make_node("Relu", [source], [name + "_relu"], name + "_relu"))
        top = (sums * (self.scale * weight_scale).reshape(along)).max() / 255
        self.finish(name, name + "_relu", np.maximum(sums, 0), weight_scale if per_channel else weight_scale[0],
                    np.uint8, 0, scale=np.exp2(np.ceil(np.log2(top))))
        return self

    def requantize(self, scale, zero, dtype=None, relu=False):
        """As ONNX Runtime's DequantizeLinear and QuantizeLinear: the real value in float32, divided by the new scale."""
        name, source = self.unique("requantize"), self.tensor
        real = self.centred().astype(F32) * self.scale
        if relu:
            self.nodes.append(helper.make_node("Relu", [source], [name + "_relu"], name + "_relu"))
            source, real = name + "_relu", np.maximum(real, F32(0))
        self.scale, self.zero, self.dtype = F32(scale), zero, dtype or self.dtype
        limits = np.iinfo(self.dtype)
        self.value = np.clip(np.rint(real / self.scale) + zero, limits.min, limits.max).astype(self.dtype)
        self.quantize(name, source)
        return self

    def flatten(self):
        name = self.unique("flatten")
        self.nodes.append(helper.make_node("Flatten", [self.tensor], [name + "_flat"], name, axis=1))
        self.value = self.value.reshape(IMAGES, -1)
        self.quantize(name, name + "_flat")
        return self

    def reshape(self):
        name = self.unique("reshape")
        shape = self.constant(name + "_shape", np.array([0, -1], np.int64))
        self.nodes.append(helper.make_node("Reshape", [self.tensor, shape], [name + "_flat"], name))
        self.value = self.value.reshape(IMAGES, -1)
        self.quantize(name, name + "_flat")
        return self

    def to_integer_operators(self):
        """Rewrites the graph: QLinearConv and its like, the other operators on 8-bit tensors, no Q/DQ inside."""
        dequantize = {n.output[0]: n for n in self.nodes if n.op_type == "DequantizeLinear"}
        quantize = {n.input[0]: n for n in self.nodes if n.op_type == "QuantizeLinear"}
        nodes = [self.nodes[0]]
        for node in self.nodes:
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                continue
            sources = [dequantize[name].input if name in dequantize else [name] for name in node.input]
            result = quantize[node.output[0]]
            domain, attributes = "", node.attribute
            if node.op_type in ("Conv", "MatMul"):
                kind = "QLinear" + node.op_type
                inputs = [*sources[0], *sources[1], *result.input[1:], *(source[0] for source in sources[2:])]
            elif node.op_type == "Gemm":
                kind, domain = "QGemm", "com.microsoft"
                inputs = [*sources[0], *sources[1], *(source[0] for source in sources[2:]), *result.input[1:]]
            elif node.op_type in ("Add", "AveragePool", "GlobalAveragePool"):
                kind, domain = "QLinear" + node.op_type, "com.microsoft"
                inputs = [*(name for source in sources for name in source), *result.input[1:]]
            else:
                kind, inputs = node.op_type, [source[0] for source in sources]
            new = helper.make_node(kind, inputs, [result.output[0]], node.name, domain=domain)
            new.attribute.extend(attributes)
            nodes.append(new)
        self.nodes = nodes + [self.nodes[-1]]
        used = {name for node in self.nodes for name in node.input}
        self.constants = [c for c in self.constants if c.name in used]
        return self

    def model(self, keeps_pairs=False):
        """keeps_pairs: the first quantized tensor is an output too, so that ONNX Runtime does not drop its quantizer."""
        outputs = [helper.make_tensor_value_info(self.tensor, TensorProto.FLOAT,
                                                 ["N", *self.value.shape[1:]])]
        if keeps_pairs:
            types = {c.name: c.data_type for c in self.constants}
            outputs.append(helper.make_tensor_value_info("image_q", types["image_zero_point"], None))
        graph = helper.make_graph(self.nodes, self.name,
                                  [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *self.shape])],
                                  outputs, self.constants)
        operator_sets = [helper.make_opsetid("", 13)]
        microsofts = any(node.domain for node in self.nodes)
        if microsofts:
            operator_sets.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=operator_sets, ir_version=8,
                                  producer_name="widthwise", producer_version="1",
                                  doc_string="made by scripts/make_operator_goldens")
        if not keeps_pairs and not microsofts:  # whose operators the checker does not know
            onnx.checker.check_model(model, full_check=True)
        return model
