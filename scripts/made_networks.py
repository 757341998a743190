# SPDX-License-Identifier: Apache-2.0
"""Networks of scripts/make_networks in build/networks, made when they are missing."""

import hashlib
import json
import sys

from built_tool import ROOT, run

FOLDER = ROOT / "build" / "networks"


def record_of(name):
    return json.loads((ROOT / "models" / f"{name}.json").read_text())


def made(name):
    """The files of the network and of its random images; the network is that of its record in models/."""
    model, images = FOLDER / f"{name}.onnx", FOLDER / f"{name}-images.gz"
    if not (model.is_file() and images.is_file()):
        run("scripts/make_networks", name, "--out", FOLDER)
    if hashlib.sha256(model.read_bytes()).hexdigest() != record_of(name)["sha256"]:
        sys.exit(f"{model} is not the network of models/{name}.json: remove build/networks")
    return model, images
