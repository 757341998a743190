# SPDX-License-Identifier: Apache-2.0
"""Quantizes a trained network with scripts/quantize; writes the JSON files that say how a model came about."""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import fixture_tools as tools


def quantize(source, images, target, options):
    """Runs scripts/quantize."""
    command = Path(__file__).with_name("quantize")
    subprocess.run([command, source, "--images", images, "--out", target, "--force", *options], check=True)


def constants(path):
    return {c.name: numpy_helper.to_array(c) for c in onnx.load(path).graph.initializer}


def number(value):
    """The shortest text that gives the same float32."""
    return float(str(np.float32(value)))


def scales(path):
    """{constant: its scale} of a model that scripts/quantize wrote; the largest where there is one per channel."""
    return {name: number(value.max()) for name, value in constants(path).items() 
            if name.endswith("_scale") and not name.endswith("_bias_scale")}


def write_record(path, model, script, content):
    """The record at `path` of a model whose bytes are `model`."""
    record = {"model": path.with_suffix(".onnx").name, "sha256": hashlib.sha256(model).hexdigest(),
              "made_by": f"scripts/{script}", **content}
    path.write_text(json.dumps(record, indent=2) + "\n")


def write(model, script, training, quantization, accuracy, data_md5):
    """The record beside `model`, a QDQ file of a network that was trained with PyTorch."""
    import torch
    write_record(model.with_suffix(".json"), model.read_bytes(), script, {
        "training": training,
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "onnx": onnx.__version__,
                     "onnxruntime": tools.RUNTIME_PACKAGE.split("@")[1]},
        "quantization": {**quantization, "scales": scales(model)},
        "accuracy_percent": {"test_images": 10000, "arithmetic": "ONNX Runtime", **accuracy},
        "data_md5": data_md5,
    })
    print(f"wrote {tools.shown(model)} ({model.stat().st_size} bytes) and {model.stem}.json")
