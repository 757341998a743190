# SPDX-License-Identifier: Apache-2.0
"""What the scripts that train networks on Fashion-MNIST share: the images, the training loop, the command line."""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import fixture_tools as tools
import model_records as records
import onnx_accuracy
import torch_export

PACKAGE = "dataset-fashion-mnist"
MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
BATCH = 128
WEIGHT_DECAY = 1e-3
WARM_UP = 0.2  # share of the steps in which the learning rate rises
SHIFT = 2  # pixels, either way


def package_files():
    """{name without .gz: path} of the data files of Debian's package."""
    if shutil.which("dpkg-query"):
        listing = subprocess.run(["dpkg-query", "-L", PACKAGE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 text=True)
        found = {Path(line).stem: Path(line) for line in listing.stdout.splitlines() if line.endswith("-ubyte.gz")}
        if set(found) == set(MD5):
            return found
    sys.exit(f"Fashion-MNIST is not there: install Debian's package {PACKAGE}")


def fashion(name):
    """One of Fashion-MNIST's four files as an array, MD5 checked."""
    content = gzip.decompress(package_files()[name].read_bytes())
    found = hashlib.md5(content).hexdigest()
    if found != MD5[name]:
        sys.exit(f"{name}: MD5 is {found}, expected {MD5[name]}")
    return tools.parse_idx(content)


def images(name, pad=0):
    """Images as uint8 [N, 1, H, W] with `pad` pixels of zero on each side."""
    return np.pad(fashion(name), ((0, 0), (pad, pad), (pad, pad)))[:, None]


def augment(x):
    """Every image of a batch mirrored or not and shifted by up to SHIFT pixels."""
    n, _, height, width = x.shape
    padded = functional.pad(x, (SHIFT, SHIFT, SHIFT, SHIFT))[:, 0]
    mirrored = (torch.rand(n) < 0.5)[:, None]
    columns = torch.arange(width)
    columns = torch.where(mirrored, columns.flip(0), columns) + torch.randint(0, 2 * SHIFT + 1, (n, 1))
    rows = torch.arange(height) + torch.randint(0, 2 * SHIFT + 1, (n, 1))
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]][:, None]


def train(net, pixels, labels, epochs, peak_rate):
    """Trains `net` in place on pixels [N, 1, H, W] / 255: AdamW, one cycle of the learning rate, mirror and shift."""
    inputs, targets = torch.from_numpy(pixels).float() / 255, torch.from_numpy(labels.astype(np.int64))
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak_rate, weight_decay=WEIGHT_DECAY)
    steps = len(inputs) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak_rate, total_steps=epochs * steps, pct_start=WARM_UP)
    start = time.time()
    net.train()
    for epoch in range(epochs):
        order, total = torch.randperm(len(inputs)), 0.0
        for step in range(steps):
            chosen = order[step * BATCH:(step + 1) * BATCH]
            optimiser.zero_grad()
            loss = functional.cross_entropy(net(augment(inputs[chosen])), targets[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}/{epochs}  loss {total / steps:.4f}  {time.time() - start:.0f} s", flush=True)
    net.eval()


def trained(net, name, args, pixels, labels, peak_rate):
    """`net` with its weights: those of the last run with --reuse, else trained and kept in build/."""
    saved = tools.ROOT / "build" / name / f"float-seed{args.seed}-epochs{args.epochs}.pt"
    if args.reuse:
        net.load_state_dict(torch.load(saved))
        return net
    torch.manual_seed(args.seed)
    train(net, pixels, labels, args.epochs, peak_rate)
    saved.parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), saved)
    return net


def make(network, name, description, script, epochs, peak_rate, pad, options):
    """The command line of a training script: trains `network()`, quantizes it, measures it, writes model and record.

    pad: pixels of zero on each side. options: those of scripts/quantize.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--out", type=Path, default=tools.ROOT / "models", help=f"folder for {name}.onnx and .json")
    parser.add_argument("--reuse", action="store_true", help="quantize the float weights of the last run in build/")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    pixels, net = images("train-images-idx3-ubyte", pad), network()
    net = trained(net, name, args, pixels, fashion("train-labels-idx1-ubyte"), peak_rate)
    work, model = tools.ROOT / "build" / name, args.out / f"{name}.onnx"
    torch_export.write(net, work / "float.onnx", pixels.shape[1:], name, f"{name}, float; made by scripts/{script}")
    records.quantize(work / "float.onnx", package_files()["train-images-idx3-ubyte"], model, options)

    tests, labels = images("t10k-images-idx3-ubyte", pad), fashion("t10k-labels-idx1-ubyte")
    accuracy = {what: onnx_accuracy.percent(path, tests, labels, work)
                for what, path in (("float", work / "float.onnx"), ("int8", model))}
    print(f"float {accuracy['float']:.2f} %, int8 {accuracy['int8']:.2f} %")
    training = {"seed": args.seed, "epochs": args.epochs, "batch": BATCH, "images": len(pixels), "threads": 1,
                "parameters": sum(values.numel() for values in net.parameters()),
                "optimiser": {"name": "AdamW", "weight_decay": WEIGHT_DECAY, "schedule": "OneCycleLR (cosine)",
                              "peak_rate": peak_rate, "warm_up": WARM_UP},
                "loss": "cross entropy", "augmentation": {"mirror": True, "shift_pixels": SHIFT},
                "input": f"28x28 padded with {pad} zeros on each side, pixel / 255",
                "selection": "none: the weights after the last epoch"}
    quantization = {"method": " ".join(["scripts/quantize", *options]), "calibration": "the first 1000 training images"}
    records.write(model, script, training, quantization, accuracy, MD5)
