#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/make_networks: the shipped bytes come out again, and records belong to their models."""

import hashlib
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import numpy as np  # noqa: E402

import fixture_tools as tools  # noqa: E402
import random_networks  # noqa: E402
from benchmark_networks import BENCHMARKS  # noqa: E402

MODELS = ROOT / "models"


class MakeNetworks(unittest.TestCase):
    def test_the_shipped_bytes_come_out_again(self):
        names = ["tiny-dscnn", "tiny-autoencoder"]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "scripts" / "make_networks", "--out", folder, "--images", "20", *names], check=True,
                           stdout=subprocess.DEVNULL)
            for name in names:
                made = Path(folder) / f"{name}.onnx"
                self.assertEqual(made.read_bytes(), (MODELS / made.name).read_bytes())
                record = json.loads(made.with_suffix(".json").read_text())
                shipped = json.loads((MODELS / f"{name}.json").read_text())
                self.assertEqual({**record, "versions": None}, {**shipped, "versions": None})
                images = tools.read_idx(ROOT / "traces" / "tiny" / f"{name}-images.gz")
                np.testing.assert_array_equal(tools.read_idx(Path(folder) / f"{name}-images.gz")[:len(images)], images)

    def test_every_record_belongs_to_its_model(self):
        for path in MODELS.glob("*.json"):
            record = json.loads(path.read_text())
            with self.subTest(path.name):
                self.assertEqual(record["model"], path.with_suffix(".onnx").name)
                model = path.with_suffix(".onnx")
                is_made_on_demand = path.stem in BENCHMARKS and not BENCHMARKS[path.stem].is_tiny
                self.assertEqual(model.exists(), not is_made_on_demand)
                if model.exists():
                    self.assertEqual(record["sha256"], hashlib.sha256(model.read_bytes()).hexdigest())

    def test_an_unknown_network_is_refused(self):
        done = subprocess.run([ROOT / "scripts" / "make_networks", "resnet9"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such network: resnet9", done.stderr)


class Builder(unittest.TestCase):
    def setUp(self):
        self.net = random_networks.Builder("net", (3, 12, 9))

    def test_channels_are_centred_and_of_the_same_size(self):
        self.net.convolution("image", "plain", 5, 3, relu=False)
        integers, how = self.net.integers["plain"], self.net.quantizations["plain"]
        rows = np.moveaxis(integers * how.scale, 1, 0).reshape(5, -1)
        np.testing.assert_allclose(rows.mean(1), 0, atol=0.02)
        np.testing.assert_allclose(np.abs(rows).mean(1), 1, atol=0.02)
        self.assertEqual(np.abs(integers).max(), 127)

    def test_same_pads_as_tensorflow_does(self):
        self.net.convolution("image", "same", 4, (10, 4), 2, same=True)
        self.assertEqual(self.net.graph.nodes[-1].attributes["pads"], [4, 1, 4, 2])
        self.assertEqual(self.net.graph.shapes["same"], (4, 6, 5))

    def test_activations_live(self):
        x = "image"
        for depth in range(12):
            x = self.net.convolution(x, f"layer{depth}", 8, 3)
        share = (self.net.integers[x] > 0).mean((0, 2, 3))
        self.assertTrue(((share > 0.2) & (share < 0.8)).all(), share)


class Images(unittest.TestCase):
    def test_the_first_do_not_depend_on_the_number(self):
        few, many = (random_networks.images(count, (2, 20, 33)) for count in (2, 5))
        np.testing.assert_array_equal(few, many[:2])
        self.assertGreater(few.std(), 40)


if __name__ == "__main__":
    unittest.main()
