#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/quantize takes the forms that exporters write, and widthwise reads what it makes of them, or refuses.

Each form is quantized, run by widthwise in ONNX Runtime's arithmetic, and compared with the written graph's definition
and with the float network. Needs Debian's python3-onnx.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]
import numpy as np  # noqa: E402
import onnx  # noqa: E402

import fixture_tools as tools  # noqa: E402
import float_forms  # noqa: E402
import float_layers  # noqa: E402
import float_model  # noqa: E402
import float_problems  # noqa: E402
import float_reference  # noqa: E402
from float_graph import ModelError  # noqa: E402
from qdq_execution import run_qdq  # noqa: E402
from quantize_script import SCRIPT  # noqa: E402

WIDTHWISE = None
IMAGES = 8
CONFIGURATION = """name: form
network: q.onnx
images: images.idx.gz
preprocessing: {{fit: none, scale: {scale}, mean: {mean}}}
array: {{rows: 8, columns: 8}}
accumulator: {{bits: 32, overflow: wrap}}
requantization: {{mode: float32, rounding: half_even}}
"""


class FormsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def quantized(self, form, images):
        """(the written model, preprocessing)"""
        onnx.save(form.model(), self.path / "m.onnx")
        options = SCRIPT.parse([str(self.path / "m.onnx"), "--images", "-", "--out", "-", *form.options])
        content, _, self.notes = SCRIPT.quantize(options.model, images, options)
        (self.path / "q.onnx").write_bytes(content)
        return onnx.load_from_string(content), {"scale": options.scale or 1 / 255, "mean": options.mean[0]}

    def images(self, form):
        """(as the float file takes them, as widthwise does)"""
        shape = form.shape[1:]
        images = np.random.default_rng(3).integers(0, 256, (IMAGES, *shape)).astype(np.uint8)
        if "channels_last" in form.name:
            return images, np.moveaxis(images, 3, 1)
        as_maps = {"unsqueezed_image": (1, 8, 9), "image_of_a_vector": (2, 6, 6), "one_dimension": (3, 1, 20)}
        as_maps["matmul_of_three_dimensions"] = (1, 1, 24)
        return images, images.reshape(IMAGES, *as_maps.get(form.name, shape))

    def widthwise(self, images, preprocessing):
        """Integers of the last layer."""
        tools.write_idx(self.path / "images.idx.gz", images)
        (self.path / "c.yaml").write_text(CONFIGURATION.format(**preprocessing))
        run = subprocess.run([WIDTHWISE, "run", "c.yaml", "--engine", "fast", "--images", f"0:{IMAGES}",
                              "--dump-layers", "d", "--out", "r"], cwd=self.path, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        last = json.loads((self.path / "d" / "layers.json").read_text())["operators"][-1]
        found = np.load(self.path / "d" / last["file"]).astype(int)
        shutil.rmtree(self.path / "d")
        shutil.rmtree(self.path / "r")
        return found

    def test_each_form_runs_as_the_float_network_does(self):
        for form in float_forms.accepted():
            with self.subTest(form.name):
                self.check(form)

    def check(self, form):
        images, maps = self.images(form)
        model, how = self.quantized(form, maps)
        real, written = (values.astype(np.float32) * np.float32(how["scale"]) - np.float32(how["mean"])
                         for values in (images, maps))
        wanted = form.options[form.options.index("--output") + 1] if "--output" in form.options else None
        expected = float_reference.run(form.model(), real, wanted or (form.outputs or [form.at])[0])
        written = run_qdq(model, written)
        self.assertLess(np.abs(written.reshape(expected.shape) - expected).max(), 0.08 * np.abs(expected).max())
        constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
        output_scale = constants[model.graph.node[-1].input[1]]
        found = self.widthwise(maps, how)
        difference = np.abs(found.reshape(expected.shape) - np.rint(written / output_scale).reshape(expected.shape))
        self.assertLessEqual(difference.max(), 1)
        self.assertLess(difference.mean(), 0.02)

    def test_what_cannot_run_is_refused_with_every_obstacle(self):
        for form, parts in float_forms.refused():
            with self.subTest(form.name):
                with self.assertRaises(ModelError) as caught:
                    self.quantized(form, np.zeros((2, *form.shape[1:]), np.uint8))
                for part in parts:
                    self.assertIn(part, str(caught.exception))

    def test_sentences_and_limits_are_those_of_the_simulator(self):
        source = (ROOT / "sim/network/onnx_problems.cpp").read_text()
        theirs = dict(re.findall(r'\{"(\w+)", "([^"]+)"\}', source))
        self.assertGreater(len(theirs), 10)
        for op, advice in float_problems.ADVICE.items():
            if advice != float_problems.QUANTIZED:
                self.assertIn(advice, theirs.values())
                self.assertEqual(advice, theirs.get(op, advice))
        limits = (ROOT / "sim/network/onnx_limits.h").read_text()
        for line in ("kMaxExtent = 65535;", "kMaxMapValues = std::int64_t{1} << 24;",
                     "kMaxTaps = std::int64_t{1} << 20;"):
            self.assertIn(line, limits)
        self.assertEqual((float_model.MOST_EXTENT, float_model.MOST_MAP_VALUES, float_layers.MOST_TAPS),
                         (65535, 2 ** 24, 2 ** 20))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--widthwise", required=True, help="the built tool")
    given, rest = parser.parse_known_args()
    WIDTHWISE = str(Path(given.widthwise).resolve())
    unittest.main(argv=[sys.argv[0], *rest])
