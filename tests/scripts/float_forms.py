# SPDX-License-Identifier: Apache-2.0
"""Small float graphs in the forms that exporters write: what scripts/quantize takes, and what it refuses."""

import numpy as np

from exporter_forms import F32, Form


class FloatForm(Form):
    """`options` are those of scripts/quantize that the form needs."""

    def __init__(self, name, shape=(2, 8, 8), options=(), **rest):
        super().__init__(name, "", shape, **rest)
        self.options = list(options)

    def real(self, *shape):
        return self.constant(self.random.normal(0, 0.4, shape).astype(F32))

    def integers_of(self, *values):
        return self.constant(np.array(values, np.int64))

    def conv(self, channels, outputs, kernel=3, **attributes):
        return self.node("Conv", self.real(outputs, channels, kernel, kernel), **attributes)

    def relu(self):
        return self.node("Relu")

    def gemm(self, inputs, outputs=5):
        return self.node("Gemm", self.real(outputs, inputs), self.real(outputs), transB=1)

    def reshape(self, *target, **attributes):
        return self.node("Reshape", self.integers_of(*target), **attributes)


def stem(name, **rest):
    """A convolution with Relu: 4 x 6 x 6."""
    return FloatForm(name, **rest).conv(2, 4).relu()


def scalar(form, value):
    return form.constant(F32(value))


def orders():
    """Reshape, Transpose and the like."""
    yield stem("reshape_allowzero", opset=18).reshape(-1, 144, allowzero=1).gemm(144)
    yield stem("reshape_of_a_traced_batch").reshape(8, 144).gemm(144)
    yield stem("reshape_of_a_fixed_batch", batch=8).reshape(8, -1).gemm(144)
    form = stem("shape_arithmetic")
    shape = form.free("Shape", form.at)
    part = lambda i: form.free("Slice", shape, form.integers_of(i), form.integers_of(i + 1))
    rest = form.free("Mul", form.free("Mul", part(1), part(2)), part(3))
    yield form.node("Reshape", form.free("Concat", part(0), rest, axis=0)).gemm(144)
    form = stem("shape_gather_divide")
    width = form.free("Gather", form.free("Shape", form.at), form.constant(np.int64(3)))
    count = form.free("Cast", form.free("Div", form.free("Mul", width, form.constant(np.int64(96))),
                                        form.constant(np.int64(4))), to=7)
    target = form.free("Concat", form.integers_of(-1), form.free("Unsqueeze", count, form.integers_of(0)), axis=0)
    yield form.node("Reshape", form.free("Identity", target)).gemm(144)
    form = stem("squeeze").node("GlobalAveragePool")
    yield form.node("Squeeze", form.integers_of(2, 3)).gemm(4)
    yield stem("squeeze_everything").node("GlobalAveragePool").node("Squeeze").gemm(4)
    form = FloatForm("unsqueezed_image", (8, 9))
    yield form.node("Unsqueeze", form.integers_of(1)).conv(1, 3).relu().node("Flatten").gemm(126)
    yield FloatForm("image_of_a_vector", (72,)).reshape(-1, 2, 6, 6).conv(2, 4).relu().node("Flatten").gemm(64)
    form = stem("map_of_a_vector").node("Flatten").gemm(144, 6).relu()
    form.node("Unsqueeze", form.integers_of(2, 3)).conv(6, 4, 1).relu()
    yield form.node("Flatten").gemm(4)
    form = FloatForm("channels_last", (8, 8, 3)).node("Transpose", perm=[0, 3, 1, 2]).conv(3, 4)
    form.node("Transpose", perm=[0, 2, 3, 1]).relu().node("Transpose", perm=[0, 3, 1, 2])
    form.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).node("Transpose", perm=[0, 2, 3, 1]).reshape(-1, 36)
    yield form.node("MatMul", form.real(36, 5)).node("Add", form.real(5))
    form = FloatForm("channels_last_flattened_image", (6, 6, 3)).reshape(-1, 108)
    yield form.node("MatMul", form.real(108, 5))
    form = FloatForm("channels_last_mean", (8, 8, 3)).node("Transpose", perm=[0, 3, 1, 2]).conv(3, 4).relu()
    form.node("Transpose", perm=[0, 2, 3, 1]).node("ReduceMean", axes=[1, 2], keepdims=0)
    yield form.node("MatMul", form.real(4, 5))
    form = FloatForm("channels_last_pad", (8, 8, 3))
    form.node("Pad", form.integers_of(0, 1, 0, 0, 0, 0, 2, 0)).node("Transpose", perm=[0, 3, 1, 2])
    yield form.conv(3, 4, strides=[2, 2]).relu().node("Flatten").gemm(64)
    form = FloatForm("one_dimension", (3, 20))
    form.node("Conv", form.real(4, 3, 3), pads=[1, 0], strides=[2]).relu()
    form.node("MaxPool", kernel_shape=[2], strides=[2]).node("Conv", form.real(4, 4, 3), dilations=[1])
    yield form.relu().node("Flatten").gemm(12)
    form = FloatForm("matmul_of_three_dimensions", (1, 24))
    yield form.node("MatMul", form.real(1, 24, 8)).relu().node("MatMul", form.real(8, 5))


def windows():
    """Pads, pools, means."""
    pads = (0, 0, 1, 0, 0, 0, 1, 2)
    form = FloatForm("pad_conv")
    yield form.node("Pad", form.integers_of(*pads)).conv(2, 4, pads=[0, 1, 0, 0]).relu().node("Flatten").gemm(288)
    form = FloatForm("pad_conv_same")
    form.node("Pad", form.integers_of(*pads)).conv(2, 4, auto_pad="SAME_UPPER", strides=[2, 2]).relu()
    yield form.node("Flatten").gemm(100)
    form = stem("pad_axes", opset=18)
    form.node("Pad", form.integers_of(1, 2), "", form.integers_of(-1)).conv(4, 3).relu()
    yield form.node("Flatten").gemm(84)
    form = stem("pad_maxpool")
    yield form.node("Pad", form.integers_of(*pads)).node("MaxPool", kernel_shape=[3, 3], strides=[2, 2]).node(
        "Flatten").gemm(36)
    form = FloatForm("pad_maxpool_relu").conv(2, 4)
    form.node("Pad", form.integers_of(*pads)).node("MaxPool", kernel_shape=[3, 3], strides=[2, 2]).relu()
    yield form.node("Flatten").gemm(36)
    form = stem("pad_averagepool")
    form.node("Pad", form.integers_of(*pads)).node("AveragePool", kernel_shape=[2, 3], strides=[1, 2])
    yield form.node("Flatten").gemm(84)
    form = stem("maxpool_ceil").node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 0, 0], ceil_mode=1)
    yield form.node("Flatten").gemm(36)
    form = stem("averagepool_ceil").node("AveragePool", kernel_shape=[3, 2], strides=[2, 4], ceil_mode=1)
    yield form.node("Flatten").gemm(24)
    yield stem("ceil_without_effect").node("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1).node(
        "Flatten").gemm(36)
    yield stem("global_maxpool").node("GlobalMaxPool").node("Flatten").gemm(4)
    yield stem("reducemean").node("ReduceMean", axes=[-1, -2]).node("Flatten").gemm(4)
    form = stem("reducemean_axes_input", opset=18)
    yield form.node("ReduceMean", form.integers_of(2, 3), keepdims=0).gemm(4)


def folded():
    """What leaves no trace, merges into a layer or stays in front of the first."""
    form = FloatForm("noise").conv(2, 4).node("Identity").node("Dropout").node("Cast", to=1).relu()
    form.free("Sigmoid", form.at)
    weights = form.free("Transpose", form.free("Identity", form.real(5, 144)), perm=[1, 0])
    yield form.node("Flatten").node("MatMul", form.free("Mul", weights, scalar(form, 0.5)))
    form = stem("two_outputs").node("GlobalAveragePool")
    side = form.at
    form.node("Flatten").gemm(4).output()
    form.options = ["--output", form.at]
    yield form.output(form.free("Tanh", side))
    form = FloatForm("scaled_layers").conv(2, 4)
    form.node("Mul", form.real(1, 4, 1, 1)).node("Sub", form.real(4, 1, 1)).node("Div", scalar(form, 2)).relu()
    yield form.node("Flatten").gemm(144)
    form = stem("gemm_alpha_beta").node("Flatten")
    yield form.node("Gemm", form.real(5, 144), form.real(5), transB=1, alpha=0.5, beta=2.0)
    channel = np.array([0.485, 0.456, 0.406], F32).reshape(1, 3, 1, 1)
    form = FloatForm("normalised", (3, 8, 8))
    form.node("Sub", form.constant(channel)).node("Div", form.constant(channel / 2)).conv(3, 4).relu()
    yield form.node("Flatten").gemm(144)
    form = FloatForm("normalised_narrow", (3, 8, 8), options=["--activation-bits", "6", "--scale", "1"])
    form.node("Mul", scalar(form, 1 / 127.5)).node("Add", scalar(form, -1)).conv(3, 4).relu()
    yield form.node("Flatten").gemm(144)
    form = FloatForm("normalised_channels_last", (8, 8, 3))
    form.node("Sub", form.constant(channel.reshape(3))).node("Transpose", perm=[0, 3, 1, 2]).conv(3, 4).relu()
    yield form.node("Flatten").gemm(144)
    form = FloatForm("normalised_vector", (20,))
    yield form.node("Sub", form.real(20)).gemm(20, 8).relu().gemm(8)
    form = FloatForm("batch_normalization_in_front")
    positive = [form.constant(form.random.uniform(0.5, 1.5, 2).astype(F32)) for _ in range(4)]
    yield form.node("BatchNormalization", *positive).conv(2, 4).relu().node("Flatten").gemm(144)
    form = FloatForm("relu_beside_another_reader").conv(2, 4)
    before = form.at
    form.relu().conv(4, 4, 1)
    yield form.node("Add", before).relu().node("Flatten").gemm(144)
    form = FloatForm("limited_images", options=["--mean", "0.5"])
    yield form.node("Clip", scalar(form, -0.25), scalar(form, 0.3)).conv(2, 4).relu().node("Flatten").gemm(144)
    yield stem("narrow_accumulators", options=["--accumulator-bits", "12"]).node("Flatten").gemm(144)
    form = stem("addition_of_vectors").node("Flatten").gemm(144, 6).relu()
    before = form.at
    yield form.gemm(6, 6).node("Add", before).relu().gemm(6)


def ends():
    for kind, attributes in (("Softmax", {"axis": 1}), ("LogSoftmax", {"axis": -1}), ("Sigmoid", {}),
                             ("ArgMax", {"axis": 1, "keepdims": 0})):
        yield stem(kind.lower() + "_end").node("Flatten").gemm(144).node(kind, **attributes)
    form = stem("softmax_cast_end", opset=11).node("Flatten").gemm(144).node("Softmax")
    yield form.node("Cast", to=1).node("Identity")
    form = stem("mean_end").conv(4, 5)
    yield form.node("ReduceMean", axes=[2, 3], keepdims=0)
    yield stem("flattened_end").conv(4, 5, 6).node("Flatten").node("Softmax", axis=1)


def accepted():
    for group in (orders, windows, folded, ends):
        yield from group()


def refused():
    """(form, parts of the sentence)."""
    form = stem("everything_at_once", opset=14).node("HardSwish").conv(4, 4)
    form.node("Clip", scalar(form, 1), scalar(form, 6)).node("Resize", "", form.constant(np.array([1, 1, 2, 2], F32)))
    yield form.node("Concat", form.at, axis=1).conv(8, 4).node("LeakyRelu"), [
        "cannot be quantized as it is", "(Concat): operator Concat is not supported: joining feature",
        "(HardSwish): operator HardSwish is not supported: only Relu and Clip are modelled as activations",
        "operator LeakyRelu", "operator Resize is not supported: resizing", "limits values to 1.0..6.0"]
    yield stem("softmax_in_the_middle").node("GlobalAveragePool").node("Softmax", axis=1).conv(4, 3, 1), [
        "(Conv) reads the classes 'softmax5', expected them at the end of the network"]
    yield stem("softmax_of_a_map").node("Softmax", axis=1), ["makes classes of N x C x H x W of [1, 4, 6, 6]"]
    form = stem("product_of_maps")
    yield form.node("Mul", form.at).node("Flatten").gemm(144), ["two feature maps", "not modelled yet"]
    form = stem("constant_added_behind_relu")
    yield form.node("Add", form.real(1, 4, 1, 1)), ["cannot be folded: it follows 'relu"]
    form = FloatForm("constant_map_added").conv(2, 4)
    yield form.node("Add", form.real(1, 1, 6, 6)), ["shape [1, 1, 6, 6], expected one value, or one per channel (4)"]
    form = FloatForm("constant_on_the_left")
    form.at = form.free("Sub", scalar(form, 1), form.at)
    yield form.conv(2, 4), ["has the constant on its left"]
    form = FloatForm("arithmetic_beside_a_layer")
    image = form.at
    form.node("Sub", scalar(form, 1)).conv(2, 2, 1)
    yield form.node("Add", image), ["beside or behind other nodes"]
    form = stem("pad_value")
    yield form.node("Pad", form.integers_of(0, 0, 1, 1, 0, 0, 1, 1), scalar(form, 1)).conv(4, 3), [
        "pads with 1.0, expected 0"]
    form = stem("pad_channels")
    yield form.node("Pad", form.integers_of(0, 1, 0, 0, 0, 0, 0, 0)).conv(5, 3), [
        "pads axis 1 of N x C x H x W, expected height and width alone"]
    form = stem("pad_reflect")
    yield form.node("Pad", form.integers_of(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect").conv(4, 3), ["mode reflect"]
    form = stem("pad_mean")
    form.node("Pad", form.integers_of(0, 0, 1, 1, 0, 0, 1, 1)).node("GlobalAveragePool")
    yield form, ["reads a map that a Pad has enlarged"]
    form = FloatForm("pad_below_zero").conv(2, 4)
    form.node("Pad", form.integers_of(0, 0, 1, 1, 0, 0, 1, 1)).node("MaxPool", kernel_shape=[2, 2])
    yield form.node("Flatten").gemm(196), ["(MaxPool) reads a map padded with 0"]
    yield stem("reshape_divides").reshape(-1, 2, 2, 36).conv(2, 2), [
        "(Reshape) reshapes N x C x H x W of [1, 4, 6, 6] to [1, 2, 2, 36], which divides the values of an axis"]
    yield stem("rows_and_columns_swapped").node("Transpose", perm=[0, 1, 3, 2]).conv(4, 3), [
        "reads N x C x W x H, expected N x channels"]
    yield stem("output_in_another_order").node("Transpose", perm=[0, 2, 3, 1]).reshape(-1, 144), ["a vector of N x HWC"]
    yield stem("mean_of_channels").node("ReduceMean", axes=[1]).conv(1, 3), ["averages N x C x H x W over the axes [1]"]
    yield stem("ceil_with_padding_counted").node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1,
                                                 count_include_pad=1), ["ceil_mode and count_include_pad together"]
    yield stem("huge_pads").conv(4, 3, pads=[0, 10 ** 12, 0, 0], strides=[1, 10 ** 11]), ["larger than 65535 pixels"]
    yield stem("pads_like_the_kernel").node("MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0]), [
        "as large as the kernel"]
    form = stem("matmul_of_a_map")
    yield form.node("MatMul", form.real(6, 5)), ["its input is N x C x H x W, expected N x features"]
    form = stem("cast_to_integers")
    yield form.node("Cast", to=7).node("Cast", to=1).conv(4, 3), ["casts to INT64, only FLOAT is supported"]
    yield stem("quantized_already").qdq(0.1).conv(4, 3), ["the network is quantized already"]
    form = stem("several_outputs").conv(4, 3).output()
    yield form.output(form.free("Relu", form.at)), ["has 2 graph outputs (conv5, relu6), expected one", "--output"]
    yield stem("absent_output", options=["--output", "other"]), ["has no graph output 'other', expected one of relu3"]
