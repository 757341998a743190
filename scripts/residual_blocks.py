# SPDX-License-Identifier: Apache-2.0
"""The residual blocks of the networks for Fashion-MNIST, in PyTorch."""

from collections import OrderedDict

from torch import nn
from torch.nn import functional


def convolution(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Sequential(OrderedDict(
        conv=nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        norm=nn.BatchNorm2d(outputs)))


class Separable(nn.Module):
    """A depthwise 3x3 convolution, then a pointwise one."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.depthwise = convolution(inputs, inputs, 3, stride, inputs)
        self.pointwise = convolution(inputs, outputs, 1)

    def forward(self, x):
        return self.pointwise(functional.relu(self.depthwise(x)))


class Block(nn.Module):
    """relu(second(relu(first(x))) + shortcut(x))"""

    def __init__(self, inputs, outputs, stride, separable=False):
        super().__init__()
        make = Separable if separable else (lambda i, o, s=1: convolution(i, o, 3, s))
        self.first = make(inputs, outputs, stride)
        self.second = make(outputs, outputs)
        plain = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if plain else convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        return functional.relu(self.second(functional.relu(self.first(x))) + self.shortcut(x))
