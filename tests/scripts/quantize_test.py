#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/quantize: folding, scales, narrow ranges, the written graph, errors. Needs Debian's python3-onnx."""

import gzip
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
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import float_execution  # noqa: E402
import guaranteed_tuning as tuning  # noqa: E402
import qdq_graph  # noqa: E402
import quantization_scales as scales_of  # noqa: E402
from float_graph import ModelError, Node  # noqa: E402
from float_onnx import read_float_onnx  # noqa: E402
from qdq_execution import run_qdq  # noqa: E402
from quantize_script import SCRIPT  # noqa: E402


class Model:
    """Builds a float ONNX file node by node; random weights from a fixed seed."""

    def __init__(self, shape=(2, 8, 8)):
        self.random = np.random.default_rng(7)
        self.shape, self.nodes, self.constants = shape, [], []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, name, *shape):
        return self.constant(name, self.random.normal(0, 0.5, shape).astype(np.float32))

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name + "_y"], name, **attributes))
        return name + "_y"

    def conv(self, source, name, *shape, **attributes):
        return self.node("Conv", [source, self.weights(name + ".w", *shape)], name, **attributes)

    def batch_norm(self, source, name, channels):
        values = [self.random.uniform(0.5, 1.5, channels).astype(np.float32) for _ in range(4)]
        return self.node("BatchNormalization",
                         [source] + [self.constant(f"{name}.{i}", v) for i, v in enumerate(values)], name)

    def save(self, path, output):
        graph = helper.make_graph(
            self.nodes, "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *self.shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", "classes"])], self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
        return path


def everything(model):
    """A network of every operator that is supported; its output's name."""
    stem = model.node("Relu", [model.batch_norm(
        model.conv("x", "stem", 4, 2, 3, 3, pads=[0, 1, 2, 1]), "stem_bn", 4)], "stem_relu")
    pool = model.node("MaxPool", [stem], "pool", kernel_shape=[2, 2], strides=[2, 2])
    deep = model.conv(pool, "deep", 4, 1, 3, 3, group=4, dilations=[2, 2], pads=[2, 2, 2, 2])
    bounds = [model.constant("zero", np.float32(0)), model.constant("six", np.float32(6))]
    deep = model.node("Clip", [deep, *bounds], "six_clip")
    sum_ = model.node("Relu", [model.node("Add", [model.conv(deep, "point", 4, 4, 1, 1), pool], "sum")], "sum_relu")
    side = model.node("AveragePool", [pool], "side", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    joined = model.node("Add", [sum_, side], "joined")
    vector = model.node("Flatten", [model.node("GlobalAveragePool", [joined], "mean")], "flat")
    hidden = model.node("Relu", [model.node("Gemm", [vector, model.weights("h.w", 6, 4), model.weights("h.b", 6)],
                                            "hidden", transB=1)], "hidden_relu")
    return model.node("Add", [model.node("MatMul", [hidden, model.weights("o.w", 6, 3)], "out"),
                              model.weights("o.b", 3)], "out_bias")


def operand_ranges(model, constants):
    """{dequantized tensor: (least, greatest, zero point)} of its integers: a Clip's, also in front of pools, or all."""
    made, found = {output: node for node in model.graph.node for output in node.output}, {}
    passing = ("MaxPool", "Flatten", "QuantizeLinear", "DequantizeLinear")
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] in constants:
            continue
        scale, zero = (constants[name] for name in node.input[1:])
        limits = np.iinfo(zero.dtype)
        ends, source = (limits.min, limits.max), made[node.input[0]]
        while source is not None and source.op_type in passing:
            source = made.get(source.input[0])
        if source is not None and source.op_type == "Clip":
            ends = [np.clip(np.rint(constants[name] / scale) + zero, *ends) for name in source.input[1:]]
        found[node.output[0]] = *(int(end) for end in ends), int(zero)
    return found


def worst_sums(model):
    """{layer: (least, greatest)} that some input, added up in some order, can make of a sum. From the file alone."""
    constants = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    ranges, result = operand_ranges(model, constants), {}
    integers = {node.output[0]: constants[node.input[0]].astype(np.int64) for node in model.graph.node
                if node.op_type == "DequantizeLinear" and node.input[0] in constants}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            low, high, zero = ranges[node.input[0]]
            weights = integers[node.input[1]].reshape(len(integers[node.input[1]]), -1)
            start = (integers[node.input[2]] if len(node.input) > 2 else 0) - zero * weights.sum(1)
            ends = np.stack([weights * min(low, 0), weights * max(high, 0)])
            least, most = ends.min(0).sum(1), ends.max(0).sum(1)
            result[node.name] = (int(min(least.min(), (start + least).min())),
                                 int(max(most.max(), (start + most).max())))
    return result


class QuantizeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)
        self.images = np.random.default_rng(3).integers(0, 256, (40, 2, 8, 8)).astype(np.uint8)
        np.save(self.path / "images.npy", self.images)

    def quantize(self, model="m.onnx", *options, images="images.npy"):
        return subprocess.run([str(ROOT / "scripts" / "quantize"), str(self.path / model), "--images",
                               str(self.path / images), "--out", str(self.path / "q.onnx"), *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def quantized(self, *options):
        """The model that the script makes of m.onnx, in this process."""
        parsed = SCRIPT.parse([str(self.path / "m.onnx"), "--images", "-", "--out", "-", *options])
        return onnx.load_from_string(SCRIPT.quantize(parsed.model, self.images, parsed)[0])

    def constants(self, model):
        return {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}

    def read(self, model, output):
        return read_float_onnx(model.save(self.path / "m.onnx", output))[0]

    def assert_refused(self, model, output, *parts):
        with self.assertRaises(ModelError) as caught:
            self.read(model, output)
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def plain(self):
        """Conv, Relu, Flatten, Gemm."""
        model = Model()
        x = model.node("Relu", [model.conv("x", "c", 4, 2, 3, 3)], "r")
        vector = model.node("Flatten", [x], "f")
        logits = model.node("Gemm", [vector, model.weights("g.w", 144, 3)], "g")
        model.save(self.path / "m.onnx", logits)

    def test_written_network_computes_what_the_float_one_does(self):
        model = Model()
        graph = self.read(model, everything(model))
        image = self.images.astype(np.float32) / np.float32(255)
        expected = float_execution.run(graph, image)[graph.output]
        spread = expected.std()
        for options, tolerance in (("", 0.02), ("--per-channel --scales max", 0.02), ("--scales mse", 0.02),
                                   ("--signed-activations", 0.03), ("--weight-bits 6 --activation-bits 6", 0.1)):
            found = run_qdq(self.quantized(*options.split()), image)
            error = np.abs(found - expected).mean() / spread
            self.assertLess(error, tolerance, options)

    def test_batch_normalization_is_folded(self):
        model = Model()
        y = model.batch_norm(model.conv("x", "c", 4, 2, 3, 3), "bn", 4)
        graph = self.read(model, y)
        self.assertEqual([node.op for node in graph.nodes], ["Conv"])
        x = self.images.astype(np.float32)
        gamma, beta, mean, variance = (numpy_helper.to_array(c) for c in model.constants[1:])
        plain = float_execution.convolution(x, numpy_helper.to_array(model.constants[0]), {})
        plain = np.moveaxis(plain, 1, 3)
        expected = np.moveaxis((plain - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 3, 1)
        np.testing.assert_allclose(float_execution.run(graph, x)[graph.output], expected, rtol=1e-3, atol=1e-2)

    def test_batch_normalization_that_cannot_be_folded_is_refused(self):
        model = Model()
        y = model.batch_norm(model.node("Relu", [model.conv("x", "c", 4, 2, 3, 3)], "r"), "bn", 4)
        self.assert_refused(model, y, "node 'bn' (BatchNormalization)", "'r'", "directly after Conv")
        model = Model()
        y = model.conv("x", "c", 2, 2, 3, 3)
        y = model.node("Add", [model.batch_norm(y, "bn", 2), y], "a")
        self.assert_refused(model, y, "node 'bn' (BatchNormalization)", "2 readers", "node 'a' (Add)")

    def test_relu_moves_before_pooling(self):
        model = Model()
        y = model.node("MaxPool", [model.conv("x", "c", 4, 2, 3, 3)], "p", kernel_shape=[2, 2])
        graph = self.read(model, model.node("Relu", [y], "r"))
        self.assertEqual([(node.op, node.low) for node in graph.nodes], [("Conv", 0.0), ("MaxPool", -np.inf)])

    def test_arithmetic_in_front_stays_and_widens_the_range_of_images(self):
        model = Model()
        x = model.node("Sub", ["x", model.constant("m", np.array([[[0.5]], [[0.25]]], np.float32))], "sub")
        x = model.node("Mul", [x, model.constant("s", np.float32(4))], "mul")
        graph, notes = read_float_onnx(model.save(self.path / "m.onnx", model.conv(x, "c", 4, 2, 3, 3)))
        self.assertEqual([(step.op, step.values.tolist()) for step in graph.front],
                         [("Sub", [0.5, 0.25]), ("Mul", [4])])
        self.assertIn("node 'sub' (Sub) computes on images before they are quantized", notes[0])
        written = self.quantized()
        self.assertEqual([node.op_type for node in written.graph.node[:3]], ["Sub", "Mul", "QuantizeLinear"])
        found = self.constants(written)
        self.assertEqual(found["sub_values"].shape, (1, 2, 1, 1))
        self.assertAlmostEqual(float(found["x_scale"]), (3 + 2) / 255, delta=1e-6)  # -2..2 and -1..3
        self.assertEqual(found["x_zero_point"], 102)

    def test_coarser_images_declare_an_integer(self):
        for dtype, factor, declared in ((np.uint8, 2.2, (0, 127)), (np.uint8, 200, (0, 3)), (np.uint8, 1, (0, 255)),
                                        (np.int8, 3, (-64, 63)), (np.int8, 100, (-4, 3)), (np.int8, 1, (-128, 127))):
            limits = np.iinfo(dtype)
            how = qdq_graph.Quantization(np.float32(0.1), 0, dtype, limits.min, limits.max).coarser(factor).declared()
            self.assertEqual((how.low, how.high), declared)

    def test_outputs_that_are_left_out_are_named(self):
        model = Model()
        y = model.conv("x", "c", 3, 2, 8, 8)
        model.save(self.path / "m.onnx", y)
        loaded = onnx.load(self.path / "m.onnx")
        loaded.graph.node.append(helper.make_node("Tanh", [y], ["other"], "t"))
        loaded.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, None))
        onnx.save(loaded, self.path / "m.onnx")
        run = self.quantize("m.onnx", "--output", y)
        self.assertEqual(run.returncode, 0)
        self.assertEqual(run.stdout.splitlines()[0], "The output 'other' of the file is not computed.")
        run = self.quantize("m.onnx", "--force")
        self.assertEqual(run.returncode, 2)
        self.assertIn("has 2 graph outputs (c_y, other)", run.stderr)
        run = self.quantize("m.onnx", "--force", "--output", "other")
        self.assertIn("node 't' (Tanh): operator Tanh is not supported: only Relu and Clip", run.stderr)

    def test_softmax_at_the_end_is_left_out(self):
        model = Model()
        y = model.node("Flatten", [model.conv("x", "c", 3, 2, 8, 8)], "f")
        graph, notes = read_float_onnx(model.save(self.path / "m.onnx", model.node("Softmax", [y], "s", axis=1)))
        self.assertEqual(graph.output, "f_y")
        self.assertIn("node 's' (Softmax)", notes[0])

    def test_computed_shapes_and_empty_padding_leave_no_trace(self):
        model = Model()
        none = model.constant("none", np.zeros(8, np.int64))
        y = model.node("Pad", [model.conv("x", "c", 4, 2, 3, 3), none], "pad")
        first = model.constant("first", np.int64(0))
        batch = model.node("Gather", [model.node("Shape", [y], "shape"), first], "gather")
        batch = model.node("Unsqueeze", [batch, model.constant("axes", np.array([0]))], "unsqueeze")
        target = model.node("Concat", [batch, model.constant("rest", np.array([-1]))], "target", axis=0)
        graph = self.read(model, model.node("Reshape", [y, target], "view"))
        self.assertEqual([(node.op, graph.shapes[node.output]) for node in graph.nodes],
                         [("Conv", (4, 6, 6)), ("Flatten", (144,))])

    def test_percentile_mse_and_max(self):
        magnitudes = scales_of.Magnitudes()
        values = np.append(np.linspace(0.01, 1, 9999), 5).astype(np.float32)
        magnitudes.extend(values)
        magnitudes.count(values)
        self.assertEqual(magnitudes.threshold("max", 99, 255), 5)
        self.assertAlmostEqual(magnitudes.threshold("percentile", 50, 255), 0.505, delta=0.01)
        self.assertLess(magnitudes.threshold("mse", 99, 3), 1.5)

    def test_input_and_relu_outputs_are_unsigned_with_zero_point_0(self):
        self.plain()
        found = self.constants(self.quantized("--scales", "max"))
        self.assertEqual(found["x_scale"], np.float32(1) / np.float32(255))
        self.assertEqual((found["c_zero_point"].dtype, found["c_zero_point"]), (np.uint8, 0))
        self.assertEqual((found["g_zero_point"].dtype, found["g_zero_point"]), (np.int8, 0))
        graph = read_float_onnx(self.path / "m.onnx")[0]
        values = float_execution.run(graph, self.images / np.float32(255))[graph.nodes[0].output]
        self.assertAlmostEqual(float(found["c_scale"]), values.max() / 255, delta=1e-6)
        self.assertEqual(found["f_scale"], found["c_scale"])

    def test_signed_input_and_input_with_a_mean(self):
        self.plain()
        found = self.constants(self.quantized("--mean", "0.5", "--deviation", "0.5", "--signed-activations"))
        self.assertEqual((found["x_zero_point"].dtype, found["x_scale"]), (np.int8, np.float32(1) / np.float32(127)))
        self.assertEqual(found["c_zero_point"].dtype, np.int8)
        found = self.constants(self.quantized("--mean", "0.2", "--deviation", "0.5"))
        self.assertEqual((found["x_zero_point"].dtype, found["x_zero_point"]), (np.uint8, 51))

    def real_images(self, images, *options):
        """What the script makes of images for an input of 2 x 8 x 8, and its bounds."""
        parsed = SCRIPT.parse(["m.onnx", "--images", "-", "--out", "-", *options])
        return SCRIPT.preprocessed(images, (2, 8, 8), parsed)

    def test_mean_and_deviation_per_channel(self):
        real, bounds = self.real_images(self.images, "--mean", "0.5,0.25", "--deviation", "0.5,1/4")
        for channel, (mean, deviation) in enumerate(((0.5, 0.5), (0.25, 0.25))):
            np.testing.assert_allclose(real[:, channel], (self.images[:, channel] / 255 - mean) / deviation, rtol=1e-5,
                                       atol=1e-6)
        self.assertEqual(bounds, (-1, 3))
        self.assertEqual(real.dtype, np.float32)
        with self.assertRaisesRegex(ModelError, "--mean: 3 values for 2 channels"):
            self.real_images(self.images, "--mean", "1,2,3")

    def test_real_numbers_are_scaled_only_on_demand(self):
        values = self.images.astype(np.float64) / 7
        np.testing.assert_array_equal(self.real_images(values)[0], values.astype(np.float32))
        real, bounds = self.real_images(values, "--scale", "1/2", "--mean", "3", "--deviation", "4")
        np.testing.assert_allclose(real, (values / 2 - 3) / 4, rtol=1e-5, atol=1e-6)
        self.assertEqual(bounds, (real.min(), real.max()))
        for bad in (np.nan, 1e39):
            values[3, 1, 2, 2] = bad
            with self.assertRaisesRegex(ModelError, "not finite"):
                self.real_images(values)

    def test_layouts(self):
        last = np.moveaxis(self.images, 1, 3)
        expected = self.real_images(self.images)[0]
        for images, layout in ((last, "auto"), (last, "hwc"), (self.images, "auto"), (self.images, "chw")):
            np.testing.assert_array_equal(self.real_images(images, "--layout", layout)[0], expected)
        padded = self.real_images(last[:, 1:7, 2:5])[0]
        np.testing.assert_array_equal(padded[:, :, 1:7, 2:5], expected[:, :, 1:7, 2:5])
        for images, layout in ((last, "chw"), (self.images, "hwc")):
            with self.assertRaisesRegex(ModelError, "do not fit the network's input"):
                self.real_images(images, "--layout", layout)

    def test_files_of_images(self):
        real = self.images.astype(np.float32) / 3
        header = b"\0\0\x0d\4" + np.array(real.shape, ">u4").tobytes()
        (self.path / "real.idx").write_bytes(header + real.astype(">f4").tobytes())
        (self.path / "packed").write_bytes(gzip.compress((self.path / "images.npy").read_bytes()))
        np.save(self.path / "integers.npy", self.images.astype(np.int64))
        np.testing.assert_array_equal(SCRIPT.read_images(self.path / "real.idx"), real)
        np.testing.assert_array_equal(SCRIPT.read_images(self.path / "packed"), self.images)
        with self.assertRaisesRegex(ModelError, "holds int64 values"):
            SCRIPT.read_images(self.path / "integers.npy")

    def test_weights_per_tensor_and_per_channel(self):
        self.plain()
        per_tensor = self.constants(self.quantized("--weight-bits", "5"))
        self.assertEqual(per_tensor["c_weight_scale"].shape, ())
        self.assertEqual(np.abs(per_tensor["c_weight_q"]).max(), 15)
        model = self.quantized("--per-channel", "--weight-bits", "4")
        per_channel = self.constants(model)
        self.assertEqual(per_channel["c_weight_scale"].shape, (4,))
        self.assertTrue((np.abs(per_channel["c_weight_q"]).reshape(4, -1).max(1) == 7).all())
        node = next(node for node in model.graph.node if node.name == "c_weight_dequantize")
        self.assertEqual([(attribute.name, attribute.i) for attribute in node.attribute], [("axis", 0)])

    def test_narrow_activations_are_clipped(self):
        self.plain()
        model = self.quantized("--activation-bits", "5")
        found = self.constants(model)
        self.assertEqual([n.op_type for n in model.graph.node].count("Clip"), 2)
        self.assertEqual((found["x_low"], found["x_high"]), (0, 1))
        self.assertEqual(found["c_low"], 0)
        self.assertEqual(np.rint(found["c_high"] / found["c_scale"]), 31)
        self.assertEqual(found["x_scale"], np.float32(1) / np.float32(31))

    def test_scales_for_narrow_accumulators(self):
        self.plain()
        overflowing = []
        for options in ((), ("--accumulator-bits", "12")):
            found = self.constants(self.quantized(*options))
            pixels = np.rint(self.images / np.float32(255) / found["x_scale"])
            sums = float_execution.convolution(pixels, found["c_weight_q"].astype(np.float64), {})
            overflowing.append((np.abs(sums) > 2047).mean())
        self.assertGreater(overflowing[0], 0.5)
        self.assertLess(overflowing[1], 0.01)

    def test_no_input_leaves_a_guaranteed_width(self):
        model = Model()
        self.read(model, everything(model))
        for bits, options in ((9, ()), (10, ("--activation-bits", "4", "--mean", "0.3", "--deviation", "0.5")),
                              (13, ("--activation-bits", "5", "--signed-activations")),
                              (11, ("--activation-bits", "6", "--per-tensor", "--weight-bits", "4")),
                              (4, ("--activation-bits", "2", "--scales", "max"))):
            with self.subTest(bits=bits, options=options):
                parsed = SCRIPT.parse(["m.onnx", "--images", "-", "--out", "-", "--guarantee", str(bits), *options])
                content, report, _ = SCRIPT.quantize(self.path / "m.onnx", self.images, parsed)
                found = worst_sums(onnx.load_from_string(content))
                self.assertEqual(list(found), [layer.name for layer in report])
                for layer in report:
                    least, most = found[layer.name]
                    needed = 1 + max(most.bit_length(), (-least - 1).bit_length())
                    self.assertEqual(layer.l1_bits(), needed)
                    self.assertLessEqual(needed, bits)
                    self.assertGreater(most - least, 2 ** (bits - 2))  # by weights, not by their absence

    def test_a_guaranteed_width_costs_less_than_coarser_scales(self):
        model = Model()
        graph = self.read(model, everything(model))
        image = self.images / np.float32(255)
        expected = float_execution.run(graph, image)[graph.output]
        found, coarser = (run_qdq(self.quantized(*options), image)
                          for options in (("--guarantee", "9"), ("--accumulator-bits", "9", "--per-channel")))
        self.assertLess(np.abs(found - expected).mean(), 0.5 * np.abs(coarser - expected).mean())

    def test_gradients_of_tuning(self):
        random = np.random.default_rng(5)
        x = random.normal(size=(2, 4, 9, 8))
        forms = [("Conv", dict(group=2, pads=[0, 1, 2, 1], strides=[2, 1])),
                 ("Conv", dict(group=4, pads=[2, 2, 2, 2], dilations=[2, 2])),
                 ("MaxPool", dict(kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])),
                 ("AveragePool", dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
                 ("AveragePool", dict(kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)),
                 ("GlobalAveragePool", {}), ("Flatten", {})]

        def assert_gradient(function, at, gradient, upstream):
            way = random.normal(size=at.shape)
            numeric = (upstream * (function(at + 1e-6 * way) - function(at - 1e-6 * way))).sum() / 2e-6
            self.assertAlmostEqual(numeric, float((gradient * way).sum()), delta=1e-3)

        for op, attributes in forms:
            with self.subTest(op=op, attributes=attributes):
                node = Node(op, "n", ["x"], "y", attributes)
                if op != "Conv":
                    value, back = tuning.unweighted(node, [x], (288,))
                    upstream = random.normal(size=value.shape)
                    assert_gradient(lambda at: tuning.unweighted(node, [at], (288,))[0], x, back(upstream)[0], upstream)
                    continue
                weights = random.normal(size=(8, 4 // attributes["group"], 3, 3))
                value, back = tuning.multiplied(node, x, weights)
                upstream = random.normal(size=value.shape)
                of_x, of_weights = back(upstream, True)
                assert_gradient(lambda at: tuning.multiplied(node, at, weights)[0], x, of_x, upstream)
                assert_gradient(lambda at: tuning.multiplied(node, x, at)[0], weights, of_weights, upstream)
        found, wanted = random.normal(size=(2, 5, 4))
        assert_gradient(lambda at: tuning.loss(at, wanted, 0.5)[0], found, tuning.loss(found, wanted, 0.5)[1], np.ones(1))

    def test_tuning_mends_wrong_scales(self):
        model = Model()
        graph = self.read(model, everything(model))
        image, (errors, settings) = self.images / np.float32(255), ([], qdq_graph.Settings(guarantee=18))
        expected = float_execution.run(graph, image)[graph.output]
        quantizations = qdq_graph.activation_quantizations(graph, SCRIPT.calibrate(graph, image), (0, 1), settings)
        scales = {name: 1.1 * values for name, values in qdq_graph.initial_weight_scales(graph, settings).items()}
        layers = qdq_graph.rounded_layers(graph, quantizations, scales, 8)
        for layer in layers.values():
            layer.scales = (layer.scales / 1.1).astype(np.float32)
        for made in ((quantizations, layers), tuning.tuned(graph, graph, quantizations, layers, image, settings)):
            content, report = qdq_graph.Writer(graph, *made).write("")
            errors.append(((run_qdq(onnx.load_from_string(content), image) - expected) ** 2).mean())
        self.assertLess(errors[1], 0.5 * errors[0])
        self.assertLessEqual(max(layer.l1_bits() for layer in report), 18)

    def test_a_guarantee_gives_the_same_bytes(self):
        self.plain()
        contents = []
        for _ in range(2):
            run = self.quantize("m.onnx", "--force", "--guarantee", "10", "--activation-bits", "4")
            self.assertEqual(run.returncode, 0, run.stderr)
            contents.append((self.path / "q.onnx").read_bytes())
        self.assertEqual(contents[0], contents[1])
        self.assertIn("l1 bits", run.stdout)

    def test_refused_guarantees(self):
        self.plain()
        for options, text in ((("3",), "3 is not 4..32"), (("33",), "33 is not 4..32"), (("x",), "x is not 4..32"),
                              (("12", "--accumulator-bits", "12"), "not allowed with argument"),
                              (("12", "--weight-scales", "mse"), "leave out --weight-scales"),
                              (("8", "--activation-bits", "8"), "node 'c': an accumulator of 8 bits holds no product of "
                                                                "a weight with activations of 0..255")):
            run = self.quantize("m.onnx", "--guarantee", *options)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(text, run.stderr)
            self.assertNotIn("Traceback", run.stderr)
        self.assertFalse((self.path / "q.onnx").exists())

    def test_names_of_pytorch_modules(self):
        model = Model()
        y = model.node("Relu", [model.conv("x", "/block/first/first.0/Conv", 4, 2, 3, 3)], "/Relu")
        graph = self.read(model, model.node("MaxPool", [y], "/MaxPool_1", kernel_shape=[2, 2]))
        self.assertEqual([node.name for node in graph.nodes], ["block.first.0", "MaxPool_1"])

    def test_bias_of_a_vanished_channel_stays_within_its_products(self):
        weights, bias = np.full((2, 9), 1e-9, np.float32), np.array([1, 0], np.float32)
        scales = scales_of.raised_for_bias(scales_of.weight_scales(weights, 8, "max", True), bias, 0.01, 1000)
        self.assertAlmostEqual(bias[0] / (scales[0] * 0.01), 1000, delta=0.1)
        self.assertLess(scales[1], 1e-10)

    def test_same_input_gives_the_same_bytes(self):
        self.plain()
        contents = []
        for _ in range(2):
            self.assertEqual(self.quantize("m.onnx", "--force").returncode, 0)
            contents.append((self.path / "q.onnx").read_bytes())
        self.assertEqual(contents[0], contents[1])

    def test_mistakes_exit_with_2_and_leave_no_file(self):
        self.plain()
        (self.path / "cut.onnx").write_bytes((self.path / "m.onnx").read_bytes()[:100])
        (self.path / "short.idx").write_bytes(b"\0\0\x08")
        (self.path / "bad.gz").write_bytes((ROOT / "traces/mnist/t10k-labels-idx1-ubyte.gz").read_bytes()[:3000])
        np.save(self.path / "large.npy", np.zeros((2, 2, 9, 9), np.uint8))
        for run, text in ((self.quantize("absent.onnx"), "absent.onnx"), (self.quantize("cut.onnx"), "cut.onnx"),
                          (self.quantize(images="absent.gz"), "absent.gz"),
                          (self.quantize(images="short.idx"), "short.idx"), (self.quantize(images="bad.gz"), "bad.gz"),
                          (self.quantize(images="large.npy"), "(2, 9, 9)"),
                          (self.quantize("m.onnx", "--weight-bits", "9"), "9 is not 2..8"),
                          (self.quantize("m.onnx", "--mean", "0.1,x"), "--mean"),
                          (self.quantize("m.onnx", "--deviation", "1,0"), "0 is not above 0")):
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(text, run.stderr)
            self.assertNotIn("Traceback", run.stderr)
        self.assertEqual([p.name for p in self.path.iterdir() if "q.onnx" in p.name], [])

    def test_a_file_is_overwritten_only_when_forced(self):
        self.plain()
        (self.path / "q.onnx").write_text("mine")
        run = self.quantize()
        self.assertEqual((run.returncode, (self.path / "q.onnx").read_text()), (2, "mine"))
        self.assertIn("--force", run.stderr)
        self.assertEqual(self.quantize("m.onnx", "--force").returncode, 0)


if __name__ == "__main__":
    unittest.main()
