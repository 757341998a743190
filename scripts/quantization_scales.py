# SPDX-License-Identifier: Apache-2.0
"""Chooses the scales of weights and activations: by the largest magnitude, a percentile, or the least squared error."""

import numpy as np

BINS = 16384
METHODS = ("max", "percentile", "mse")
WEIGHT_METHODS = ("max", "mse")
ACTIVATION_STEPS = np.linspace(0.02, 1, 197)  # thresholds tried for the least error, as parts of the largest magnitude
WEIGHT_STEPS = np.linspace(0.3, 1, 141)


class Magnitudes:
    """How often a tensor holds which magnitude; zeros, which every scale represents, are left out."""

    def __init__(self):
        self.low, self.high = 0.0, 0.0
        self.counts = np.zeros(BINS, np.int64)

    @property
    def largest(self):
        return max(-self.low, self.high)

    def extend(self, values):
        """First pass: the range."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def count(self, values):
        """Second pass, when the range is known."""
        magnitudes = np.abs(values[values != 0])
        self.counts += np.histogram(magnitudes, BINS, (0, self.largest or 1.0))[0]

    def joined(self, other):
        """Of two tensors that shall share a scale."""
        both = Magnitudes()
        both.low, both.high = min(self.low, other.low), max(self.high, other.high)
        for part in (self, other):
            centres = (np.arange(BINS) + 0.5) * (part.largest / BINS)
            counts = np.histogram(centres, BINS, (0, both.largest or 1.0), weights=part.counts)[0]
            both.counts += counts.astype(np.int64)
        return both

    def threshold(self, method, percentile, levels):
        """The magnitude that becomes the largest of `levels` steps."""
        if method == "max" or not self.counts.any():
            return self.largest
        edges = np.arange(1, BINS + 1) * (self.largest / BINS)
        if method == "percentile":
            cumulated = np.cumsum(self.counts)
            return float(edges[np.searchsorted(cumulated, cumulated[-1] * percentile / 100)])
        centres = edges - self.largest / BINS / 2
        errors = []
        for step in ACTIVATION_STEPS:
            scale = step * self.largest / levels
            difference = centres - np.minimum(np.rint(centres / scale), levels) * scale
            errors.append(float((self.counts * difference ** 2).sum()))
        return float(ACTIVATION_STEPS[int(np.argmin(errors))] * self.largest)


def weight_scales(weights, bits, method, per_channel):
    """float32 scales of symmetric weights: one, or one per output channel (the first axis)."""
    levels = 2 ** (bits - 1) - 1
    rows = weights.reshape(len(weights) if per_channel else 1, -1)
    largest = np.abs(rows).max(1)
    threshold = largest
    if method == "mse":
        errors = []
        for step in WEIGHT_STEPS:
            scale = np.maximum(step * largest / levels, np.finfo(np.float32).tiny)[:, None]
            errors.append(((rows - np.clip(np.rint(rows / scale), -levels, levels) * scale) ** 2).sum(1))
        threshold = WEIGHT_STEPS[np.argmin(errors, 0)] * largest
    return np.where(threshold > 0, np.float32(threshold) / np.float32(levels), np.float32(1)).astype(np.float32)


def raised_for_bias(scales, bias, input_scale, largest_bias):
    """Scales no smaller than those with which every bias, as an integer, stays within `largest_bias` of its channel.

    A channel whose weights a BatchNormalization has all but removed would otherwise need a bias beyond any accumulator.
    """
    if bias is None:
        return scales
    least = np.abs(bias.astype(np.float64)) / (float(input_scale) * largest_bias)
    return np.maximum(scales, least if len(scales) > 1 else least.max()).astype(np.float32)


def quantized_weights(weights, scales, bits):
    levels = 2 ** (bits - 1) - 1
    scales = scales.reshape((-1,) + (1,) * (weights.ndim - 1))
    return np.clip(np.rint(weights / scales), -levels, levels).astype(np.int8)


def rounded_weights(weights, scales, bits):
    """The real values that the integers stand for."""
    return quantized_weights(weights, scales, bits) * scales.reshape((-1,) + (1,) * (weights.ndim - 1))
