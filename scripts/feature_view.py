# SPDX-License-Identifier: Apache-2.0
"""Which axes of a feature map the dimensions of a tensor stand for, however a file transposes and reshapes it.

The same idea as sim/network/onnx_layout.h: layers compute on channels x height x width; Transpose, Reshape and the like
change the view alone.
"""

from dataclasses import dataclass, replace

import numpy as np

AXES = "NCHW"


@dataclass(frozen=True)
class View:
    """`dimensions` has for each dimension of the tensor the axes that it joins, outermost first; those of extent 1 may
    be left out."""

    shape: tuple  # (channels, height, width)
    dimensions: tuple
    batch: int = 1

    @staticmethod
    def of_map(shape, batch=1):
        return View(tuple(shape), ("N", "C", "H", "W"), batch)

    @staticmethod
    def of_vector(features, batch=1):
        return View((features, 1, 1), ("N", "C"), batch)

    @property
    def features(self):
        return int(np.prod(self.shape, dtype=object))

    def extent(self, axis):
        return self.batch if axis == "N" else self.shape["CHW".index(axis)]

    def extents(self):
        return [int(np.prod([self.extent(axis) for axis in axes], dtype=object)) for axes in self.dimensions]

    def large(self, axes):
        """An axis of extent 1 is as good as none."""
        return "".join(axis for axis in axes if self.extent(axis) != 1)

    def has(self, dimensions):
        return [self.large(axes) for axes in self.dimensions] == [self.large(axes) for axes in dimensions]

    def is_map(self):
        return self.has(("N", "C", "H", "W")) or (self.shape[1] == 1 and self.has(("N", "C", "W")))

    def is_vector(self):
        """One dimension holds all features, and images lie along the first."""
        if self.batch != 1 and (self.dimensions[:1] != ("N",) or any("N" in axes for axes in self.dimensions[1:])):
            return False
        large = sum(self.large(axes.replace("N", "")) != "" for axes in self.dimensions)
        return large == 1 or (large == 0 and len(self.dimensions) >= 2)

    def order(self):
        """The axes that lie in memory, outermost first."""
        return self.large("".join(self.dimensions).replace("N", ""))

    def is_in_order(self):
        return list(self.order()) == sorted(self.order(), key=AXES.index)

    def features_in_order(self):
        """For each value in the order channels, rows, columns its place in the tensor."""
        order = self.order()
        places = np.arange(self.features).reshape([self.extent(axis) for axis in order])
        return places.transpose([order.index(axis) for axis in sorted(order, key=AXES.index)]).reshape(-1)

    def transposed(self, permutation):
        return replace(self, dimensions=tuple(self.dimensions[place] for place in permutation))

    def reshaped(self, target):
        """None if `target` divides the values of an axis or joins images."""
        left, dimensions = list(self.large("".join(self.dimensions))), []
        for rest in target:
            axes = ""
            while rest > 1:
                if not left or rest % self.extent(left[0]):
                    return None
                rest //= self.extent(left[0])
                axes += left.pop(0)
            if rest != 1:
                return None
            dimensions.append(axes)
        if left:
            return None
        if self.batch == 1 and dimensions and not dimensions[0]:
            dimensions[0] = "N"
        return replace(self, dimensions=tuple(dimensions))

    def squeezed(self, axes):
        """Without `axes`, or without every one of extent 1 behind the first if that is None; None if one is larger."""
        extents = self.extents()
        if axes is None:
            dropped = {place for place, extent in enumerate(extents) if place and extent == 1}
        else:
            dropped = {axis + len(extents) if axis < 0 else axis for axis in axes}
            if any(place not in range(len(extents)) or extents[place] != 1 for place in dropped):
                return None
        return replace(self, dimensions=tuple(part for i, part in enumerate(self.dimensions) if i not in dropped))

    def unsqueezed(self, axes):
        rank = len(self.dimensions) + len(axes)
        added = {axis + rank if axis < 0 else axis for axis in axes}
        if len(added) != len(axes) or not added <= set(range(rank)):
            return None
        left = iter(self.dimensions)
        return replace(self, dimensions=tuple("" if i in added else next(left) for i in range(rank)))

    def text(self):
        return " x ".join(axes or "1" for axes in self.dimensions) or "one value"


def input_view(extents, batch, first):
    """The view of a graph input of these extents without the batch. `first`: (operator, perm) of the first node behind
    it that cares for the order of its dimensions."""
    op, permutation = first
    has_window = op in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                        "BatchNormalization")
    if len(extents) == 1:
        return View.of_vector(extents[0], batch)
    if len(extents) == 2:
        if has_window:
            return View((extents[0], 1, extents[1]), ("N", "C", "W"), batch)
        if permutation == [0, 2, 1]:
            return View((extents[1], 1, extents[0]), ("N", "W", "C"), batch)
        return View((1, *extents), ("N", "H", "W"), batch)
    # Where no node tells (the map is flattened at once), square images with one or three values a pixel have them last.
    looks_so = extents[0] == extents[1] > 3 and extents[2] in (1, 3)
    channels_last = permutation == [0, 3, 1, 2] if has_window or op == "Transpose" else looks_so
    if not channels_last:
        return View.of_map(extents, batch)
    return View((extents[2], extents[0], extents[1]), ("N", "H", "W", "C"), batch)
