# SPDX-License-Identifier: Apache-2.0
"""LeNet-5 as the training scripts share it: the float network, augmentation, the integer network, the QDQ graph."""

import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import fixture_tools as tools

THREADS = 2
BATCH = 128
PEAK_RATE = 4e-3
WEIGHT_DECAY = 1e-4
ROTATION = 12.0  # degrees, either way
SCALE = 0.12  # either way of 1, per axis
SHEAR = 0.12  # either way
SHIFT = 2.5  # pixels, either way
INPUT_SCALE = np.float32(1) / np.float32(255)
WEIGHT_LAYERS = ["c1", "c3", "c5", "f6", "out"]


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, bias=False)
        self.c3 = nn.Conv2d(6, 16, 5, bias=False)
        self.c5 = nn.Conv2d(16, 120, 5, bias=False)
        self.f6 = nn.Linear(120, 84, bias=False)
        self.out = nn.Linear(84, 10)

    def layers(self, x):
        """The float output of every layer with weights, after its ReLU."""
        c1 = functional.relu(self.c1(x))
        c3 = functional.relu(self.c3(functional.max_pool2d(c1, 2)))
        c5 = functional.relu(self.c5(functional.max_pool2d(c3, 2)))
        f6 = functional.relu(self.f6(c5.flatten(1)))
        return {"c1": c1, "c3": c3, "c5": c5, "f6": f6, "out": self.out(f6)}

    def forward(self, x):
        return self.layers(x)["out"]


def augment(x, strength=1.0):
    """A random affine map of every image of a batch: rotation, scale, shear, shift; strength 0 is none."""
    n = len(x)

    def spread(limit):
        return (torch.rand(n) * 2 - 1) * (limit * strength)

    angle, shear = spread(math.radians(ROTATION)), spread(SHEAR)
    sx, sy = 1 + spread(SCALE), 1 + spread(SCALE)
    pixel = 2 / x.shape[-1]
    rotation = torch.stack([torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)], 1)
    stretch = torch.stack([torch.stack([sx, shear], 1), torch.stack([torch.zeros(n), sy], 1)], 1)
    shift = torch.stack([spread(SHIFT * pixel), spread(SHIFT * pixel)], 1)[:, :, None]
    grid = functional.affine_grid(torch.cat([rotation @ stretch, shift], 2), x.shape, align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


def to_float(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255


def train(seed, epochs):
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(THREADS)
    pixels, labels = tools.padded_images("train-images-idx3-ubyte"), tools.mnist("train-labels-idx1-ubyte")
    images, targets = to_float(pixels), torch.from_numpy(labels.astype(np.int64))
    net = LeNet5()
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=epochs * steps, pct_start=0.2)
    start = time.time()
    for epoch in range(epochs):
        order, total = torch.randperm(len(images)), 0.0
        for step in range(steps):
            chosen = order[step * BATCH:(step + 1) * BATCH]
            optimiser.zero_grad()
            loss = functional.cross_entropy(net(augment(images[chosen])), targets[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}/{epochs}  loss {total / steps:.4f}  {time.time() - start:.0f} s", flush=True)
    return net


def run_integer(layers, pixels):
    """The quantized network in integers: {layer: its output}, requantized as ONNX Runtime does.

    A layer's "largest", where given, is that of its unsigned output, less than 255.
    """
    outputs, x = {}, pixels
    for name in WEIGHT_LAYERS:
        layer = layers[name]
        weights = layer["weights"]
        if weights.ndim == 2:
            weights = weights[:, :, None, None]
        sums = tools.convolve(x, weights)
        if layer["bias"] is not None:
            sums += layer["bias"].reshape(1, -1, 1, 1)
        x = outputs[name] = tools.requantise(sums, layer["input_scale"], layer["weight_scale"],
                                             layer["output_scale"], 0, layer["type"])
        if "largest" in layer:
            x = outputs[name] = np.minimum(x, layer["largest"])
        if name in ("c1", "c3"):
            pool = {"c1": "s2", "c3": "s4"}[name]
            x = outputs[pool] = tools.max_pool(x, (2, 2), (2, 2))
    return outputs


def build_onnx(layers, largest_input=255, made_by="scripts/train_lenet5", kind="8-bit QDQ"):
    """The quantized network as a QDQ graph. A largest input, or "largest" of a layer's output, becomes a Clip."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def scale_and_zero(name, scale, zero):
        return [constant(name + "_scale", np.float32(scale)), constant(name + "_zero_point", zero)]

    def quantize_dequantize(name, source, scale, dtype, result=None):
        parameters = scale_and_zero(name, scale, dtype(0))
        nodes.append(helper.make_node("QuantizeLinear", [source] + parameters, [name + "_q"], name + "_quantize"))
        result = result or name + "_dq"
        nodes.append(helper.make_node("DequantizeLinear", [name + "_q"] + parameters, [result], name + "_dequantize"))
        return result

    def parameter(name, values, scale):
        zero = np.zeros(np.shape(scale), values.dtype)[()]
        source, axis = constant(name + "_q", values), {"axis": 0} if np.ndim(scale) else {}
        nodes.append(helper.make_node("DequantizeLinear", [source] + scale_and_zero(name, scale, zero), [name],
                                      name + "_dequantize", **axis))
        return name

    def clip(name, source, largest, scale):
        limits = [constant(name + "_least", np.float32(0)),
                  constant(name + "_most", np.float32(largest) * np.float32(scale))]
        nodes.append(helper.make_node("Clip", [source] + limits, [name + "_clipped"], name + "_clip"))
        return name + "_clipped"

    input_scale = layers["c1"]["input_scale"]
    x = clip("image", "image", largest_input, input_scale) if largest_input < 255 else "image"
    x = quantize_dequantize("image", x, input_scale, np.uint8)
    for name in WEIGHT_LAYERS:
        layer = layers[name]
        inputs = [x, parameter(name + "_weight", layer["weights"], layer["weight_scale"])]
        if layer["bias"] is not None:
            inputs.append(parameter(name + "_bias", layer["bias"], layer["bias_scale"]))
        if layer["weights"].ndim == 4:
            nodes.append(helper.make_node("Conv", inputs, [name + "_sum"], name, kernel_shape=[5, 5],
                                          strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1))
        else:
            nodes.append(helper.make_node("Gemm", inputs, [name + "_sum"], name, transB=1))
        if name == "out":
            quantize_dequantize("out", "out_sum", layer["output_scale"], np.int8, "logits")
            continue
        nodes.append(helper.make_node("Relu", [name + "_sum"], [name + "_relu"], name + "_relu"))
        x = name + "_relu"
        if "largest" in layer:
            x = clip(name, x, layer["largest"], layer["output_scale"])
        x = quantize_dequantize(name, x, layer["output_scale"], np.uint8)
        if name in ("c1", "c3"):
            pool = {"c1": "s2", "c3": "s4"}[name]
            nodes.append(helper.make_node("MaxPool", [x], [pool + "_max"], pool, kernel_shape=[2, 2], strides=[2, 2]))
            x = quantize_dequantize(pool, pool + "_max", layer["output_scale"], np.uint8)
        elif name == "c5":
            nodes.append(helper.make_node("Flatten", [x], ["flatten_flat"], "flatten", axis=1))
            x = quantize_dequantize("flatten", "flatten_flat", layer["output_scale"], np.uint8)

    graph = helper.make_graph(
        nodes, "lenet5",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
                              producer_name="widthwise", producer_version="1",
                              doc_string=f"LeNet-5 on MNIST, {kind}; made by {made_by}")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
