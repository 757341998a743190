# SPDX-License-Identifier: Apache-2.0
"""The networks of MLPerf Tiny, MobileNetV2 and ResNet-18, layer by layer, with random weights."""

from dataclasses import dataclass
from typing import Callable

from random_networks import Builder


def residual_block(net, x, name, channels, stride, same):
    """relu(second(relu(first(x))) + x), with a 1x1 convolution of x where the shapes differ."""
    inside = net.convolution(x, f"{name}.first", channels, 3, stride, same=same)
    inside = net.convolution(inside, f"{name}.second", channels, 3, same=same, relu=False)
    if stride > 1 or net.graph.shapes[x][0] != channels:
        x = net.convolution(x, f"{name}.shortcut", channels, 1, stride, relu=False)
    return net.addition(inside, x, name)


def separable(net, x, name, channels, stride=1):
    """A depthwise 3x3 convolution, then a pointwise one."""
    inputs = net.graph.shapes[x][0]
    x = net.convolution(x, f"{name}.depthwise", inputs, 3, stride, group=inputs, same=True)
    return net.convolution(x, f"{name}.pointwise", channels, 1)


def resnet8(net):
    x = net.convolution("image", "stem", 16, 3, same=True)
    for stack, channels in enumerate((16, 32, 64)):
        x = residual_block(net, x, f"stack{stack + 1}", channels, 2 if stack else 1, same=True)
    net.dense(net.average(x), "dense", 10)


def dscnn(net):
    x = net.convolution("image", "stem", 64, (10, 4), 2, same=True)
    for block in range(4):
        x = separable(net, x, f"block{block + 1}", 64)
    net.dense(net.average(x), "dense", 12)


def mobilenet025(net):
    x = net.convolution("image", "stem", 8, 3, 2, same=True)
    for block, channels in enumerate((16, 32, 32, 64, 64, *(128,) * 6, 256, 256)):
        x = separable(net, x, f"block{block + 1}", channels, 2 if block in (1, 3, 5, 11) else 1)
    net.dense(net.average(x), "dense", 2)


def autoencoder(net):
    x = "image"
    for layer, width in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128)):
        x = net.dense(x, f"dense{layer + 1}", width, relu=True)
    net.dense(x, "dense10", 640)


def mobilenetv2(net):
    six = {"high": 6.0}
    x, block = net.convolution("image", "stem", 32, 3, 2, **six), 0
    for expansion, channels, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for first in [True] + [False] * (blocks - 1):
            block, inside = block + 1, x
            wide = net.graph.shapes[x][0] * expansion
            if expansion > 1:
                inside = net.convolution(inside, f"block{block}.expand", wide, 1, **six)
            inside = net.convolution(inside, f"block{block}.depthwise", wide, 3, stride if first else 1, wide, **six)
            inside = net.convolution(inside, f"block{block}.project", channels, 1, relu=False)
            x = inside if first else net.addition(inside, x, f"block{block}", relu=False)
    net.dense(net.average(net.convolution(x, "head", 1280, 1, **six)), "dense", 1000)


def resnet18(net):
    x = net.max_pool(net.convolution("image", "stem", 64, 7, 2), "pool", 3, 2)
    for stack, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stack and not block else 1
            x = residual_block(net, x, f"stack{stack + 1}.block{block + 1}", channels, stride, same=False)
    net.dense(net.average(x), "dense", 1000)


@dataclass
class Benchmark:
    name: str
    task: str
    shape: tuple  # of the input, without the batch
    layers: Callable  # adds them to a Builder
    is_tiny: bool = True  # in the repository; the others are made when they are needed

    def built(self):
        net = Builder(self.name, self.shape)
        self.layers(net)
        return net


BENCHMARKS = {benchmark.name: benchmark for benchmark in (
    Benchmark("tiny-resnet8", "image classification", (3, 32, 32), resnet8),
    Benchmark("tiny-dscnn", "keyword spotting", (1, 49, 10), dscnn),
    Benchmark("tiny-mobilenet", "visual wake words", (3, 96, 96), mobilenet025),
    Benchmark("tiny-autoencoder", "anomaly detection", (640,), autoencoder),
    Benchmark("mobilenetv2", "image classification", (3, 224, 224), mobilenetv2, is_tiny=False),
    Benchmark("resnet18", "image classification", (3, 224, 224), resnet18, is_tiny=False))}
