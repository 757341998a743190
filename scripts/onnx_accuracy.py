# SPDX-License-Identifier: Apache-2.0
"""The accuracy of an ONNX file as ONNX Runtime computes it."""

import numpy as np

import fixture_tools as tools

BATCH = 1000


def percent(model, pixels, labels, work, mean=0.0, deviation=1.0):
    """Per cent of images whose largest output is their label's; real value = (pixel / 255 - mean) / deviation."""
    hits = 0
    for first in range(0, len(pixels), BATCH):
        part = pixels[first:first + BATCH].astype(np.float32) / np.float32(255)
        found = tools.run_onnxruntime(model, (part - np.float32(mean)) / np.float32(deviation), ["logits"], work)[0]
        hits += int((found["logits"].argmax(1) == labels[first:first + BATCH]).sum())
    return round(100.0 * hits / len(pixels), 2)
