# SPDX-License-Identifier: Apache-2.0
"""Small quantized graphs in the forms that exporters write, beyond those that lie in tests/goldens/exporters already."""

import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32 = np.float32
TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8,
         np.dtype(np.int8): TensorProto.INT8}


class Form:
    """One graph under construction; `at` is the tensor that the next node reads."""

    def __init__(self, name, text, shape, dtype=np.float32, opset=13, batch="N"):
        self.name, self.text, self.opset, self.dtype = name, text, opset, np.dtype(dtype)
        self.shape, self.at, self.outputs = (batch, *shape), "image", []
        self.random = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value, name=None):
        self.count += 1
        name = name or f"constant{self.count}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, kind, *inputs, **attributes):
        """Reads `at` and the further inputs."""
        self.at = self.free(kind, self.at, *inputs, **attributes)
        return self

    def free(self, kind, *inputs, domain="", **attributes):
        self.count += 1
        output = f"{kind.lower()}{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], f"{output}_node", domain=domain, **attributes))
        return output

    def quantize(self, scale, zero=0, dtype=np.uint8):
        self.node("QuantizeLinear", self.constant(F32(scale)), self.constant(dtype(zero)))
        return self

    def dequantize(self, scale, zero=0, dtype=np.uint8):
        self.node("DequantizeLinear", self.constant(F32(scale)), self.constant(dtype(zero)))
        return self

    def qdq(self, scale, zero=0, dtype=np.uint8):
        return self.quantize(scale, zero, dtype).dequantize(scale, zero, dtype)

    def integers(self, shape, low=-127, high=127, dtype=np.int8):
        return self.random.integers(low, high + 1, shape).astype(dtype)

    def weights(self, shape, scale=0.01, zero=None, **attributes):
        values = self.integers(shape)
        points = [] if zero is None else [self.constant(np.int8(zero))]
        return self.free("DequantizeLinear", self.constant(values), self.constant(F32(scale)), *points, **attributes)

    def conv(self, channels, outputs, kernel=3, scale=0.01, **attributes):
        return self.node("Conv", self.weights((outputs, channels, kernel, kernel), scale), **attributes)

    def gemm(self, inputs, outputs, scale=0.01, **attributes):
        return self.node("Gemm", self.weights((outputs, inputs), scale), transB=1, **attributes)

    def output(self, name=None):
        self.outputs.append(name or self.at)
        return self

    def model(self):
        kinds = {"argmax": TensorProto.INT64}
        outputs = [helper.make_tensor_value_info(name, kinds.get(name.rstrip("0123456789"), TensorProto.FLOAT), None)
                   for name in self.outputs or [self.at]]
        graph = helper.make_graph(self.nodes, self.name, [helper.make_tensor_value_info(
            "image", TYPES[self.dtype], list(self.shape))], outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8,
                                 producer_name="widthwise")


def start(name, text, shape=(2, 8, 8), **options):
    return Form(name, text, shape, **options).qdq(1 / 255)


def middle(name, text, zero=0, dtype=np.uint8, **options):
    """A convolution and its quantizer before the form."""
    form = start(name, text, **options).conv(2, 4)
    form = form.node("Relu") if zero == 0 and dtype == np.uint8 else form
    return form.qdq(0.02, zero, dtype)


def ends(kind, text, **attributes):
    form = middle(f"{kind.lower()}_end", text).node("Flatten").gemm(144, 10).qdq(0.1, 128)
    return form.node(kind, **attributes)


def forms():
    axes = np.array([2, 3], np.int64)
    form = middle("reducemean_axes_input", "ReduceMean with axes as an input, without keepdims (operator set 18)", opset=18)
    yield form.node("ReduceMean", form.constant(axes), keepdims=0).qdq(0.02).gemm(4, 10).qdq(0.02, 128)
    form = middle("squeeze_everything", "Squeeze without axes behind a global pool", batch=1).node("GlobalAveragePool")
    yield form.qdq(0.02).node("Squeeze", form.constant(axes)).gemm(4, 6).qdq(0.02, 128)
    yield ends("LogSoftmax", "LogSoftmax at the end", axis=-1)
    yield ends("ArgMax", "ArgMax at the end", axis=1, keepdims=0)
    yield ends("Sigmoid", "Sigmoid at the end")
    yield ends("Softmax", "Softmax at the end, quantized itself as ONNX Runtime's quantizer does", axis=1).qdq(1 / 255)
    pads = np.array([0, 0, 1, 0, 0, 0, 1, 2], np.int64)
    form = middle("pad_maxpool", "Pad in front of a MaxPool")
    yield form.node("Pad", form.constant(pads)).node("MaxPool", kernel_shape=[3, 3], strides=[2, 2]).qdq(0.02)
    form = middle("pad_averagepool", "Pad in front of an AveragePool")
    yield form.node("Pad", form.constant(pads)).node("AveragePool", kernel_shape=[2, 3], strides=[1, 2]).qdq(0.02)
    form = Form("pad_image", "Pad in front of the first quantizer, with the value that it turns into the zero point", (2, 8, 8))
    yield form.node("Pad", form.constant(pads)).qdq(1 / 255).conv(2, 4).qdq(0.05, 128)
    form = middle("maxpool_ceil_pads", "MaxPool with ceil_mode, which adds windows, and pads")
    yield form.node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 0, 0], ceil_mode=1).qdq(0.02)
    form = middle("averagepool_ceil", "AveragePool with ceil_mode, which adds windows")
    yield form.node("AveragePool", kernel_shape=[3, 2], strides=[2, 4], ceil_mode=1).qdq(0.02)
    form = middle("clip_between_pairs", "a lone Clip between pairs of one scale", 128)
    form.node("Clip", form.constant(F32(-0.31)), form.constant(F32(0.77))).qdq(0.02, 128)
    yield form.conv(4, 3).qdq(0.05, 128)
    yield middle("relu_without_quantizer", "a Relu behind DequantizeLinear that a Conv reads directly", -3, np.int8).node(
        "Relu").conv(4, 3).qdq(0.05, 128)
    form = middle("relu_with_other_reader", "a Relu between pairs whose input something else reads too", 5, np.int8)
    before = form.at
    form.node("Relu").qdq(0.02, 5, np.int8)
    yield form.node("Add", before).qdq(0.031, 0, np.int8)
    form = start("clip_integers_of_input", "a Clip on the input's integers, as Brevitas declares 4 bits")
    form = Form(form.name, form.text, (2, 8, 8)).quantize(1 / 15)
    form.node("Clip", form.constant(np.uint8(0)), form.constant(np.uint8(15))).dequantize(1 / 15)
    yield form.conv(2, 4).qdq(0.1, 128)
    form = middle("two_outputs", "a second output, of which the import leaves out what it needs alone")
    side = form.at
    form.node("Flatten").gemm(144, 10).qdq(0.1, 128).output()
    form.output(form.free("Relu", side))
    yield form
    form = Form("uint8_image", "a graph input of uint8", (2, 8, 8), np.uint8).dequantize(1 / 255, 7)
    yield form.conv(2, 4).qdq(0.05, 128)
    form = Form("normalised_image", "Sub and Div per channel before the first quantizer", (3, 8, 8))
    channel = np.array([0.485, 0.456, 0.406], F32).reshape(1, 3, 1, 1)
    form.node("Sub", form.constant(channel)).node("Div", form.constant(channel / 2))
    yield form.qdq(0.018, 113).conv(3, 4).qdq(0.15, 128)
    form = middle("bias_through_cast", "an int8 bias that a Cast makes int32")
    bias = form.free("Cast", form.constant(form.integers(4)), to=TensorProto.INT32)
    bias = form.free("DequantizeLinear", bias, form.constant(F32(0.02) * F32(0.01)))
    yield form.node("Conv", form.weights((4, 4, 3, 3)), bias).qdq(0.05, 128)
    form = Form("matmul_batch", "MatMul of three dimensions, the middle one 1", (1, 24)).qdq(1 / 255)
    yield form.node("MatMul", form.weights((1, 24, 10))).qdq(0.02, 128)
    form = start("float_weights_clipped", "float weights through Clip and QuantizeLinear")
    values = form.constant(form.random.normal(0, 0.5, (4, 2, 3, 3)).astype(F32))
    clipped = form.free("Clip", values, form.constant(F32(-0.6)), form.constant(F32(0.6)))
    scale, zero = form.constant(F32(0.005)), form.constant(np.int8(0))
    integers = form.free("QuantizeLinear", clipped, scale, zero)
    yield form.node("Conv", form.free("DequantizeLinear", integers, scale, zero)).qdq(0.02, 128)
    form = middle("linear_per_channel", "weights of a PyTorch Linear: a scale per output, then Transpose, then MatMul")
    scale = form.constant(form.random.uniform(0.005, 0.02, 10).astype(F32))
    both = (scale, form.constant(np.zeros(10, np.int8)))
    weights = form.free("DequantizeLinear", form.constant(form.integers((10, 144))), *both, axis=0)
    form.node("Flatten").node("MatMul", form.free("Transpose", weights, perm=[1, 0]))
    yield form.node("Add", form.constant(form.random.normal(0, 1, 10).astype(F32))).qdq(0.1, 128)
    form = Form("unsqueeze_image", "N x H x W and an Unsqueeze", (8, 9)).qdq(1 / 255)
    yield form.node("Unsqueeze", form.constant(np.array([1], np.int64))).conv(1, 3).qdq(0.02, 128)
    form = Form("nhwc_network", "channels last all the way, as tf2onnx writes it", (8, 8, 3)).qdq(1 / 255)
    form.node("Transpose", perm=[0, 3, 1, 2]).conv(3, 4).node("Relu").node("Transpose", perm=[0, 2, 3, 1]).qdq(0.02)
    form.node("Transpose", perm=[0, 3, 1, 2]).node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    form.node("Transpose", perm=[0, 2, 3, 1]).node("Reshape", form.constant(np.array([-1, 36], np.int64)))
    yield form.node("MatMul", form.weights((36, 10))).qdq(0.05, 128)
    form = Form("keras_dense", "a Keras network without convolutions: channels last, flattened", (6, 6, 1)).qdq(1 / 255)
    yield form.node("Reshape", form.constant(np.array([-1, 36], np.int64))).node("MatMul", form.weights((36, 10))).qdq(0.02, 128)
    form = Form("vector_image", "vectors that a Reshape makes images", (72,)).qdq(1 / 255)
    yield form.node("Reshape", form.constant(np.array([-1, 2, 6, 6], np.int64))).conv(2, 4).qdq(0.05, 128)
    form = start("conv_maxpool_relu", "MaxPool and then Relu between a Conv and its quantizer").conv(2, 4)
    yield form.node("MaxPool", kernel_shape=[2, 2]).node("Relu").qdq(0.02)
    form = middle("shape_of_batch", "a Reshape whose target is made of the batch and the rest of the shape")
    pick = form.free("Gather", form.free("Shape", form.at), form.constant(np.int64(0)))
    target = form.free("Concat", form.free("Unsqueeze", pick, form.constant(np.array([0], np.int64))),
                       form.constant(np.array([144], np.int64)), axis=0)
    yield form.node("Reshape", target).gemm(144, 5).qdq(0.1, 128)
    form = middle("flatten_by_products", "a Reshape whose target multiplies the extents of its input")
    shape = form.free("Shape", form.at)
    part = lambda i: form.free("Slice", shape, form.constant(np.array([i], np.int64)),
                               form.constant(np.array([i + 1], np.int64)))
    rest = form.free("Mul", form.free("Mul", part(1), part(2)), part(3))
    yield form.node("Reshape", form.free("Concat", part(0), rest, axis=0)).gemm(144, 5).qdq(0.1, 128)
    form = start("weights_zero_points", "uint8 weights with a zero point per channel")
    values = form.random.integers(60, 180, (4, 2, 3, 3)).astype(np.uint8)
    points = np.array([128, 100, 110, 140], np.uint8)
    weights = form.free("DequantizeLinear", form.constant(values), form.constant(np.full(4, 0.01, F32)),
                        form.constant(points), axis=0)
    yield form.node("Conv", weights).qdq(0.02, 128)
    form = middle("gemm_alpha_beta", "Gemm with alpha and beta").node("Flatten")
    bias = form.constant((form.integers(10).astype(F32) * F32(20 * 0.02 * 0.01 * 0.5 / 2)))
    yield form.node("Gemm", form.weights((10, 144)), bias, transB=1, alpha=0.5, beta=2.0).qdq(0.05, 128)
    form = middle("float_sums_per_channel", "no quantizer behind the last layer, a scale per class")
    scale = form.constant(form.random.uniform(0.002, 0.02, 10).astype(F32))
    weights = form.free("DequantizeLinear", form.constant(form.integers((10, 144))), scale,
                        form.constant(np.zeros(10, np.int8)), axis=0)
    yield form.node("Flatten").node("Gemm", weights, transB=1).node("Softmax", axis=-1)
